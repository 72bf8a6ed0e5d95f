"""Tasks on executors that lose them, break, or never come to an end."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import replace
from enum import Enum, auto
from typing import Any

import pytest

from engine.errors import UserError
from engine.workers import workers as module
from engine.workers.place import Place
from engine.workers.workers import MOST_LOSSES, POLL_SECONDS, Workers, WorkersDiedError

TEXT: Any = "text"
"""Stands for the corpus, which nobody looks into."""


class Fate(Enum):
    """The work of an executor on a task."""

    DONE = auto()
    LOST = auto()
    PENDING = auto()
    REFUSED = auto()


DONE, LOST, PENDING, REFUSED = Fate


class Scripted:
    """A place whose executors do with one task after the other what a script says, and compute what comes after it.

    Attributes:
        place: opens the executors, and shares a numbered copy of the text with each.
        log: what was done, in order.
        computed: the numbers that `square` was called with.
    """

    def __init__(self, *script: Fate, size: int = 3) -> None:
        self.place = Place("scripted", size, self._open, self._share)
        self.log: list[str] = []
        self.computed: list[int] = []
        self._script = iter(script)
        self._opened = 0

    def square(self, copy: str, number: int) -> tuple[str, int]:
        self.computed.append(number)
        return copy, number**2

    def carry_out(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Future[Any]:
        future: Future[Any] = Future()
        match next(self._script, DONE):
            case Fate.DONE:
                try:
                    future.set_result(function(*arguments))
                except ValueError as error:
                    future.set_exception(error)
            case Fate.LOST:
                future.set_exception(BrokenExecutor("a worker died"))
            case Fate.REFUSED:
                raise BrokenExecutor("a worker has died")
            case Fate.PENDING:
                pass  # its worker is not done yet
        return future

    def _open(self) -> Executor:
        self._opened += 1
        self.log.append(f"open {self._opened}")
        return KillableExecutor(self, self._opened)

    def _share(self, corpus: Any) -> str:
        self.log.append(f"share {self._opened}")
        return f"{corpus} {self._opened}"


class KillableExecutor(Executor):
    def __init__(self, scripted: Scripted, number: int) -> None:
        self._scripted, self._number = scripted, number

    def submit(self, function: Callable[..., Any], /, *args: Any, **_kwargs: Any) -> Future[Any]:
        return self._scripted.carry_out(function, args)

    def kill(self) -> None:
        self._scripted.log.append(f"kill {self._number}")


def squares(scripted: Scripted, workers: Workers[str, Any], keys: str) -> dict[str, Any]:
    """Have the squares of 1, 2, 3 … computed under letters, until each is there or the workers give up."""
    for number, key in enumerate(keys, 1):
        workers.submit(key, scripted.square, number)
    found: dict[str, Any] = {}
    while len(found) < len(keys):
        found.update(workers.finished())
    return found


def test_results_come_back_under_their_keys_and_every_task_is_given_the_text() -> None:
    scripted = Scripted()
    with Workers[str, Any](scripted.place, TEXT) as workers:
        assert squares(scripted, workers, "abc") == {"a": ("text 1", 1), "b": ("text 1", 4), "c": ("text 1", 9)}
        assert squares(scripted, workers, "a") == {"a": ("text 1", 1)}
    assert scripted.log == ["open 1", "share 1", "kill 1"]


def test_without_a_task_no_executor_is_opened() -> None:
    scripted = Scripted()
    with Workers[str, Any](scripted.place, TEXT) as workers:
        assert list(workers.finished()) == []
    assert scripted.log == []


def test_there_is_room_for_as_many_tasks_as_the_place_computes_at_once() -> None:
    scripted = Scripted(DONE, PENDING, size=2)
    with Workers[str, Any](scripted.place, TEXT) as workers:
        assert (workers.room, list(workers.under_way)) == (2, [])
        workers.submit("a", scripted.square, 1)
        workers.submit("b", scripted.square, 2)
        assert (workers.room, list(workers.under_way)) == (0, ["a", "b"])
        assert [key for key, _ in workers.finished()] == ["a"]
        assert (workers.room, list(workers.under_way)) == (1, ["b"])


def test_a_result_is_waited_for_no_longer_than_a_stop_may_go_unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    def wait(_futures: Collection[Any], seconds: float, _until: str) -> tuple[set[Any], set[Any]]:
        waited.append(seconds)
        return set(), set()

    monkeypatch.setattr(module, "wait", wait)
    scripted = Scripted(PENDING)
    with Workers[str, Any](scripted.place, TEXT) as workers:
        workers.submit("a", scripted.square, 1)
        assert list(workers.finished()) == []
    assert waited == [POLL_SECONDS]
    assert POLL_SECONDS <= 0.2
    assert scripted.log[-1] == "kill 1"


def test_a_task_that_was_lost_is_computed_by_another_executor_which_is_given_the_text_too() -> None:
    scripted = Scripted(LOST)
    with Workers[str, Any](scripted.place, TEXT) as workers:
        assert squares(scripted, workers, "a") == {"a": ("text 2", 1)}
    assert scripted.log == ["open 1", "share 1", "kill 1", "open 2", "share 2", "kill 2"]


def test_what_is_under_way_beside_a_loss_is_computed_again_and_what_came_back_is_not() -> None:
    scripted = Scripted(LOST, PENDING, DONE)
    with Workers[str, Any](scripted.place, TEXT) as workers:
        assert squares(scripted, workers, "abc") == {"a": ("text 2", 1), "b": ("text 2", 4), "c": ("text 1", 9)}
    assert scripted.computed == [3, 1, 2]


def test_what_was_handed_out_before_an_executor_refuses_is_handed_out_again() -> None:
    scripted = Scripted(PENDING, REFUSED)
    with Workers[str, Any](scripted.place, TEXT) as workers:
        assert squares(scripted, workers, "ab") == {"a": ("text 2", 1), "b": ("text 2", 4)}


def failing_once(real: Callable[..., Any]) -> Callable[..., Any]:
    failures = [BrokenExecutor("it went away")]

    def call(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(*arguments)

    return call


@pytest.mark.parametrize(
    ("part", "log"),
    [
        ("open", ["open 1", "share 1", "kill 1"]),
        ("share", ["open 1", "kill 1", "open 2", "share 2", "kill 2"]),
    ],
)
def test_an_executor_that_is_broken_from_the_start_is_replaced(part: str, log: list[str]) -> None:
    scripted = Scripted()
    failing: dict[str, Any] = {part: failing_once(getattr(scripted.place, part))}
    with Workers[str, Any](replace(scripted.place, **failing), TEXT) as workers:
        assert list(squares(scripted, workers, "ab")) == ["a", "b"]
    assert scripted.log == log


def given_up(scripted: Scripted, keys: str) -> WorkersDiedError:
    with (
        Workers[str, Any](scripted.place, TEXT) as workers,
        pytest.raises(WorkersDiedError, match=rf"^workers died {MOST_LOSSES} times$") as caught,
    ):
        squares(scripted, workers, keys)
    assert isinstance(caught.value.__cause__, BrokenExecutor)
    assert scripted.log[-1].startswith("kill")
    return caught.value


def test_a_task_that_is_lost_again_and_again_is_given_up_and_named() -> None:
    scripted = Scripted(*[LOST] * MOST_LOSSES)
    assert given_up(scripted, "a").key == "a"
    assert scripted.log.count("share 4") == 1
    assert "open 5" not in scripted.log


def test_a_task_that_takes_its_worker_along_is_named_and_not_those_beside_it() -> None:
    assert given_up(Scripted(*[LOST, PENDING, PENDING] * MOST_LOSSES), "abc").key == "a"
    assert given_up(Scripted(*[PENDING, PENDING, LOST] * MOST_LOSSES), "abc").key == "c"


def test_a_task_that_takes_its_worker_along_is_given_up_though_others_come_back() -> None:
    scripted = Scripted(*[LOST, DONE] * MOST_LOSSES)

    def good_ones(workers: Workers[str, Any]) -> None:
        for number in range(1, 10):
            workers.submit("good", scripted.square, number)
            assert [key for key, _ in workers.finished()] == ["good"]

    with Workers[str, Any](scripted.place, TEXT) as workers:
        workers.submit("bad", scripted.square, 0)
        with pytest.raises(WorkersDiedError) as caught:
            good_ones(workers)
    assert caught.value.key == "bad"
    assert scripted.computed == [1, 2, 3, 4]


def test_where_all_is_lost_again_and_again_no_task_is_named() -> None:
    assert given_up(Scripted(*[LOST, LOST] * MOST_LOSSES), "ab").key is None
    assert given_up(Scripted(*[LOST, PENDING, PENDING, LOST] * 2), "ab").key is None
    assert given_up(Scripted(*[REFUSED] * MOST_LOSSES), "ab").key is None


def test_a_loss_now_and_then_is_forgotten_with_the_next_result() -> None:
    scripted = Scripted(*[*[LOST] * (MOST_LOSSES - 1), DONE] * 5)
    with Workers[str, Any](scripted.place, TEXT) as workers:
        for _ in range(5):
            assert list(squares(scripted, workers, "a")) == ["a"]
    assert scripted.log.count("share 15") == 1


def wrong(_copy: str) -> None:
    raise ValueError("a bug")


def test_what_a_task_raises_comes_after_the_results_beside_it() -> None:
    scripted = Scripted()
    with Workers[str, Any](scripted.place, TEXT) as workers:
        workers.submit("wrong", wrong)
        workers.submit("a", scripted.square, 1)
        workers.submit("b", scripted.square, 2)
        results = workers.finished()
        assert [next(results), next(results)] == [("a", ("text 1", 1)), ("b", ("text 1", 4))]
        with pytest.raises(ValueError, match="a bug"):
            next(results)
    assert scripted.log == ["open 1", "share 1", "kill 1"]


def test_a_place_that_is_gone_for_good_says_so() -> None:
    def gone() -> Executor:
        raise UserError("there is no cluster")

    with Workers[str, Any](Place("gone", 1, gone, str), TEXT) as workers:
        workers.submit("a", wrong)
        with pytest.raises(UserError, match="there is no cluster"):
            list(workers.finished())


def test_whatever_ends_its_use_the_executor_is_killed() -> None:
    scripted = Scripted(PENDING, DONE)

    def interrupted() -> None:
        with Workers[str, Any](scripted.place, TEXT) as workers:
            workers.submit("a", scripted.square, 1)
            workers.submit("b", scripted.square, 2)
            for _ in workers.finished():
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert scripted.log[-1] == "kill 1"


def test_an_executor_that_cannot_be_killed_is_left_without_waiting() -> None:
    asked: list[tuple[bool, bool]] = []

    class Plain(Executor):
        def submit(self, function: Callable[..., Any], /, *args: Any, **_kwargs: Any) -> Future[Any]:
            return Scripted().carry_out(function, args)

        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            asked.append((wait, cancel_futures))

    with Workers[str, Any](Place("plain", 1, Plain, str), TEXT) as workers:
        assert squares(Scripted(), workers, "a")
    assert asked == [(False, True)]


def test_an_executor_that_is_found_broken_when_it_is_closed_is_closed() -> None:
    class Broken(KillableExecutor):
        def kill(self) -> None:
            super().kill()
            raise BrokenExecutor("its driver died")

    scripted = Scripted(DONE, LOST)
    place = Place("broken", 1, lambda: Broken(scripted, 1), str)
    with Workers[str, Any](place, TEXT) as workers:
        squares(scripted, workers, "a")
        squares(scripted, workers, "a")
    assert scripted.log == ["kill 1", "kill 1"]
