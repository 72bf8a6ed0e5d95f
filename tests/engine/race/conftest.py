"""Races of tiny networks, computed in the test's process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.budget import Budget
from engine.race.opening import NewRace, OpenedRace, ResumedRace, open_race
from engine.race.plan import Plan, grid
from engine.race.race import Racing
from engine.race.statistics.standing import Standing
from engine.workers.place import Place
from tests.conftest import small


class Inline(Executor):
    """Computes at once, in the thread that submits."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future


def inline(open_: Callable[[], Executor] = Inline, size: int = 2) -> Place:
    return Place("inline", size, open_, lambda corpus: corpus)


def plan(*vary: str, **changes: Any) -> Plan:
    values: dict[str, Any] = {"settings": small(threads=1), "budget": Budget(chars=1_000), "seeds": 3}
    return Plan(variants=grid(vary or ("lr=1e-3,3e-2",)), **{**values, **changes})


@contextmanager
def opened(task: NewRace | ResumedRace, lab: Path) -> Iterator[OpenedRace]:
    with open_race(task, lab, lambda _what, _share: None) as found:
        yield found


def run(found: OpenedRace, place: Place | None = None, listener: Callable[[Standing], None] | None = None) -> Standing:
    return Racing(
        found.lab, found.race, found.corpus, found.origin, place or inline(), listener or (lambda _stands: None)
    ).run()


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return tmp_path / "lab"
