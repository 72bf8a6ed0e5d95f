"""Processes on this machine that die, fail, are stopped, or lose their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from engine.errors import UserError
from engine.lab import Lab
from engine.race import slice as slices
from engine.race.opening import NewRace, ResumedRace
from engine.race.race import Racing
from engine.race.slice import Trained
from engine.race.store import Races
from engine.workers.place import Place
from engine.workers.places import place
from engine.workers.processes import Processes
from tests.conftest import small
from tests.engine.race.conftest import Inline, inline, opened, plan, run
from tests.engine.race.test_race import outcome
from tests.engine.workers import tasks


class Disturbed(Executor):
    """An executor that has another one carry out a different task from the one submitted."""

    def __init__(self, inner: Executor, instead: Callable[..., Trained], folder: Path) -> None:
        self._inner, self._instead, self._folder = inner, instead, folder
        self.asked = 0

    def submit(self, _fn: Callable[..., Any], /, *args: Any, **_kwargs: Any) -> Future[Any]:
        self.asked += 1
        return self._inner.submit(self._instead, self._folder, *args)

    def kill(self) -> None:
        self._inner.kill()  # type: ignore[attr-defined]


class Here:
    """A place with processes that run a disturbed task.

    Attributes:
        made: every executor that was opened.
        place: for a race.
    """

    def __init__(self, instead: Callable[..., Trained], folder: Path, workers: int = 2) -> None:
        self._instead, self._folder, self._workers = instead, folder, workers
        self.made: list[Disturbed] = []
        self.place = Place("here", workers, self._open, lambda corpus: corpus)

    def _open(self) -> Executor:
        self.made.append(Disturbed(Processes(self._workers), self._instead, self._folder))
        return self.made[-1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder in which workers leave their process ids."""
    found = tmp_path / "workers"
    found.mkdir()
    return found


def test_a_place_is_known_by_its_name() -> None:
    assert place("here", 3).size == 3
    assert place("here").size >= 1
    with pytest.raises(UserError, match=r"^--on moon: expected here, ray or ray://HOST:PORT$"):
        place("moon")


def test_a_worker_that_is_killed_while_it_computes_changes_nothing(
    text: Path, lab: Path, tmp_path: Path, folder: Path
) -> None:
    with opened(NewRace(plan(), str(text)), lab) as found:
        undisturbed = run(found)
    here = Here(tasks.killed_first, folder)
    killer = Thread(target=lambda: os.kill(tasks.victim(folder), signal.SIGKILL))
    killer.start()
    with opened(NewRace(plan(), str(text)), tmp_path / "other") as found:
        disturbed = run(found, here.place)
    killer.join()
    assert tasks.gone(tasks.victim(folder))
    assert len(here.made) == 2
    assert outcome(disturbed) == outcome(undisturbed)


def test_workers_that_are_always_killed_end_it_in_one_line_and_it_can_go_on(
    text: Path, lab: Path, folder: Path
) -> None:
    here = Here(tasks.killed_always, folder, workers=1)
    with (
        opened(NewRace(plan(), str(text)), lab) as found,
        pytest.raises(UserError, match=r"^race R1 was given up: workers died 4 times on lr 0.001, seed 1; finished"),
    ):
        run(found, here.place)
    assert len(here.made) == 4
    with opened(ResumedRace("R1"), lab) as found:
        assert found.race.status == "failed"
        assert run(found).open == frozenset()


def test_it_stops_in_the_middle_of_a_slice_and_leaves_no_worker(text: Path, lab: Path, folder: Path) -> None:
    here = Here(tasks.never_done, folder)
    with opened(NewRace(plan(), str(text)), lab) as found:
        racing = Racing(found.lab, found.race, found.corpus, found.origin, here.place, lambda _stands: None)

        def stop() -> None:
            tasks.victim(folder)
            racing.stop()

        stopper = Thread(target=stop)
        stopper.start()
        assert racing.run().open
        stopper.join()
        assert Races(found.lab).get("R1").status == "stopped"
    assert all(tasks.gone(int(each.name)) for each in folder.iterdir())
    with opened(ResumedRace("R1"), lab) as found:
        assert run(found).open == frozenset()


class Broken(Inline):
    """An executor that is broken before it is given any task."""

    def submit(self, _fn: Callable[..., Any], /, *_args: Any, **_kwargs: Any) -> Future[Any]:
        raise BrokenExecutor("no worker could load")


def _broken(*_: object) -> Any:
    raise BrokenExecutor("no worker could load")


@pytest.mark.parametrize(
    "where",
    [inline(Broken), inline(_broken), Place("inline", 2, Inline, _broken)],
    ids=["submit", "open", "share"],
)
def test_an_executor_that_is_broken_from_the_start_is_not_tried_for_ever(text: Path, lab: Path, where: Place) -> None:
    with (
        opened(NewRace(plan(), str(text)), lab) as found,
        pytest.raises(UserError, match="workers died 4 times; finished work is kept"),
    ):
        run(found, where)
    with Lab.open_existing(lab) as kept:
        assert Races(kept).get("R1").status == "failed"


def test_a_place_that_is_gone_for_good_ends_it_and_what_was_finished_is_kept(text: Path, lab: Path) -> None:
    class Lost(Inline):
        """Computes four slices."""

        def __init__(self) -> None:
            self.left = 4

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            self.left -= 1
            if self.left < 0:
                raise BrokenExecutor("the cluster was lost")
            return super().submit(fn, *args, **kwargs)

    def open_once() -> Executor:
        if once:
            return once.pop()
        raise UserError("there is no Ray cluster at head:6379")

    once = [Lost()]
    with opened(NewRace(plan(), str(text)), lab) as found:
        with pytest.raises(UserError, match="there is no Ray cluster at head:6379"):
            run(found, inline(open_once, size=1))
        race = Races(found.lab).get("R1")
        assert (race.status, race.says) == ("failed", "there is no Ray cluster at head:6379")
        assert found.lab.events.points(found.lab.runs.of_race(1)[0])
    with opened(ResumedRace("R1"), lab) as found:
        assert run(found).open == frozenset()


def test_a_loss_now_and_then_does_not_end_a_long_race(text: Path, lab: Path) -> None:
    class NowAndThen(Inline):
        """Loses every second slice once."""

        lost: set[int] = set()

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            task = args[1]
            made = task.state.counters.updates if task.state else 0
            if made in self.lost:
                return super().submit(fn, *args, **kwargs)
            self.lost.add(made)
            future: Future[Any] = Future()
            future.set_exception(BrokenExecutor("a worker died"))
            return future

    with opened(NewRace(plan(), str(text)), lab) as found:
        assert run(found, inline(NowAndThen, size=1)).open == frozenset()
    assert len(NowAndThen.lost) > 4


def test_what_was_finished_beside_a_loss_is_kept(text: Path, lab: Path) -> None:
    asked: list[tuple[Any, ...]] = []

    class Half(Inline):
        """Loses the first task that it is given, and computes the second."""

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            asked.append(args)
            if len(asked) != 1:
                return super().submit(fn, *args, **kwargs)
            future: Future[Any] = Future()
            future.set_exception(BrokenExecutor("a worker died"))
            return future

    with opened(NewRace(plan(), str(text)), lab) as found:
        run(found, inline(Half))
    fresh = [task.settings.lr for _, task in asked if task.state is None and task.settings.seed == 0]
    assert sorted(fresh) == [1e-3, 1e-3, 3e-2]


def test_what_the_user_can_mend_arrives_as_it_was_said(text: Path, lab: Path, folder: Path) -> None:
    with (
        opened(NewRace(plan(), str(text)), lab) as found,
        pytest.raises(UserError, match=r"^--device cuda: there is none here; available: cpu$"),
    ):
        run(found, Here(tasks.users_fault, folder, workers=1).place)
    with Lab.open_existing(lab) as kept:
        race = Races(kept).get("R1")
        assert (race.status, race.says) == ("failed", "--device cuda: there is none here; available: cpu")


@pytest.mark.parametrize(
    ("fault", "said"), [(tasks.our_fault, "ZeroDivisionError: a bug"), (tasks.hard_to_tell, "UnpicklableError: a bug")]
)
def test_a_bug_shows_where_it_is(text: Path, lab: Path, folder: Path, fault: Callable[..., Trained], said: str) -> None:
    with (
        opened(NewRace(plan(), str(text)), lab) as found,
        pytest.raises(RuntimeError, match=rf"(?s)tasks\.py.*{fault.__name__}.*{said}"),
    ):
        run(found, Here(fault, folder, workers=1).place)
    with Lab.open_existing(lab) as kept:
        race = Races(kept).get("R1")
        assert (race.status, race.says) == ("failed", "an error in this program: RuntimeError")


def test_a_worker_without_memory_is_said_in_one_line(text: Path, lab: Path, folder: Path) -> None:
    with (
        opened(NewRace(plan(), str(text)), lab) as found,
        pytest.raises(UserError, match=r"^the memory does not suffice for so many trainings at once: use few"),
    ):
        run(found, Here(tasks.out_of_memory, folder, workers=1).place)


@pytest.mark.skipif(sys.platform != "linux", reason="only there a limit holds for what is reserved")
def test_a_network_that_does_not_fit_into_the_memory_is_said_in_one_line(text: Path, lab: Path, folder: Path) -> None:
    large = plan(settings=small(threads=1, hidden=8192))
    with (
        opened(NewRace(large, str(text)), lab) as found,
        pytest.raises(UserError, match=r"^the memory does not suffice: a network of [\d,]+ parameters needs about"),
    ):
        run(found, Here(tasks.short_of_memory, folder, workers=1).place)


def test_no_memory_for_an_update_is_said_in_one_line(text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(slices, "_train_to", fail)
    with (
        opened(NewRace(plan(), str(text)), lab) as found,
        pytest.raises(UserError, match=r"^the memory does not suffice: a network of"),
    ):
        run(found)


PARENT = """
import sys
from pathlib import Path
from engine.workers.places import place
from tests.engine.workers import tasks
if __name__ == "__main__":
    where = place(sys.argv[1], 2)
    workers = where.open()
    futures = [workers.submit(tasks.never_done, Path(sys.argv[2])) for _ in range(2)]
    futures[0].result()
"""


def orphaned(name: str, folder: Path, tmp_path: Path) -> list[int]:
    """Workers whose parent is killed while they compute; their process ids."""
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(Path.cwd()), *sys.path]))}
    with subprocess.Popen([sys.executable, script, name, folder], env=environment) as parent:
        tasks.until(lambda: len(list(folder.iterdir())) == 2 or parent.poll())
        parent.send_signal(signal.SIGKILL)
    return [int(each.name) for each in folder.iterdir()]


def test_workers_whose_parent_is_killed_end(folder: Path, tmp_path: Path) -> None:
    workers = orphaned("here", folder, tmp_path)
    assert len(workers) == 2
    tasks.until(lambda: all(map(tasks.gone, workers)))


def test_killing_workers_does_not_wait_for_what_they_send(folder: Path) -> None:
    workers = Processes(2)
    futures = [workers.submit(tasks.sends_much, folder, 2**27) for _ in range(2)]
    tasks.victim(folder)
    workers.kill()
    assert all(future.done() for future in futures)
    with pytest.raises(BrokenExecutor):
        workers.submit(tasks.who)


def test_a_worker_that_dies_while_it_sends_is_noticed() -> None:
    workers = Processes(2)
    future = workers.submit(tasks.dies_while_it_sends)
    assert isinstance(future.exception(tasks.PATIENCE), BrokenExecutor)
    with pytest.raises(BrokenExecutor):
        workers.submit(tasks.who)
    workers.kill()


def test_ctrl_c_in_a_terminal_reaches_no_worker() -> None:
    with Processes(1) as workers:
        worker = workers.submit(tasks.who).result(tasks.PATIENCE)
        for process in (worker, psutil.Process(worker).ppid()):
            os.kill(process, signal.SIGINT)
        assert workers.submit(tasks.who).result(tasks.PATIENCE) == worker
    with Processes(1) as workers:
        assert workers.submit(tasks.who).result(tasks.PATIENCE) != worker


def test_shutting_down_waits_for_what_was_asked_for_and_what_was_not_begun_can_be_dropped(folder: Path) -> None:
    with Processes(1) as workers:
        futures = [workers.submit(tasks.who) for _ in range(3)]
    assert len({future.result() for future in futures}) == 1
    workers = Processes(1)
    begun = workers.submit(tasks.sends_much, folder, 10)
    tasks.victim(folder)
    waiting = [workers.submit(tasks.who) for _ in range(50)]
    assert waiting[-1].cancel()
    workers.shutdown(cancel_futures=True)
    assert begun.result() == bytes(10)
    assert all(future.done() for future in waiting)


def test_a_race_needs_no_executor_that_can_be_killed(text: Path, lab: Path) -> None:
    with opened(NewRace(plan(), str(text)), lab) as found:
        assert run(found, inline(lambda: ThreadPoolExecutor(1), size=1)).open == frozenset()
