"""Processes that outlive those whom they are lent to."""

from __future__ import annotations

import weakref
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.workers import pool as module
from engine.workers.pool import Pool
from engine.workers.workers import Workers
from tests.engine.race.conftest import Inline
from tests.engine.workers import tasks

TEXT: Any = "text"


def test_a_pool_survives_its_users_and_the_death_of_a_worker() -> None:
    pool = Pool(1)
    try:
        lent = pool.place.open()
        first = lent.submit(tasks.who).result(tasks.PATIENCE)
        lent.shutdown(wait=True, cancel_futures=True)
        lent = pool.place.open()
        assert lent.submit(tasks.who).result(tasks.PATIENCE) == first, (
            "whoever is done must not take the processes along"
        )
        with pytest.raises(BrokenExecutor):
            lent.submit(tasks.exits).result(tasks.PATIENCE)
        assert pool.place.open().submit(tasks.who).result(tasks.PATIENCE) != first
    finally:
        pool.close()


def test_a_task_that_kills_its_worker_of_a_pool_is_computed_again(tmp_path: Path) -> None:
    pool = Pool(1)
    try:
        with Workers[str, int](pool.place, TEXT) as workers:
            workers.submit("a", tasks.dies_first, tmp_path)
            found = tasks.until(lambda: dict(workers.finished()))
        assert tasks.gone(tasks.victim(tmp_path))
        assert found["a"] != tasks.victim(tmp_path)
    finally:
        pool.close()


def test_what_a_user_has_not_begun_is_taken_back(tmp_path: Path) -> None:
    pool = Pool(1)
    try:
        lent = pool.place.open()
        begun = lent.submit(tasks.sends_much, tmp_path, 10)
        tasks.victim(tmp_path)
        waiting = [lent.submit(tasks.who) for _ in range(50)]
        lent.shutdown(wait=True, cancel_futures=True)
        assert begun.result() == bytes(10)
        assert waiting[-1].cancelled()
    finally:
        pool.close()


class Quick(Inline):
    """Computes at once, in place of processes."""

    closed = False


def test_results_that_came_back_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Processes", lambda _workers: Quick())
    lent = Pool(1).place.open()
    result = weakref.ref(lent.submit(set[int]).result())
    assert result() is None
