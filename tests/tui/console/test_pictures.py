"""Pictures of the console at a few sizes and in its themes; `pytest --snapshot-update` takes them anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.network.drawn import Drawn
from engine.session.snapshot import Continuation, Status
from tests.tui.conftest import FakeEngine, trained
from tests.tui.still import Still, settle, standstill

Compare = Callable[..., bool]


@pytest.fixture(autouse=True)
def _still() -> Iterator[None]:
    with standstill():
        yield


def picture(snap_compare: Compare, folder: Path, size: tuple[int, int], *keys: str, **changes: Any) -> bool:
    app = Still(FakeEngine(trained(**changes)), folder)
    alike = snap_compare(app, terminal_size=size, run_before=partial(settle, keys=keys))
    assert app._exception is None, "the console broke, so its picture shows nothing"
    return alike


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_training(snap_compare: Compare, tmp_path: Path, size: tuple[int, int]) -> None:
    assert picture(snap_compare, tmp_path, size)


def test_light(snap_compare: Compare, tmp_path: Path) -> None:
    assert picture(snap_compare, tmp_path, (120, 40), "y")


def test_too_small(snap_compare: Compare, tmp_path: Path) -> None:
    assert picture(snap_compare, tmp_path, (60, 20))


def test_not_finite(snap_compare: Compare, tmp_path: Path) -> None:
    message = "update 401 was skipped: the loss is nan; at update 390 the gradient norm rose from 0.52 to 1.3e+04"
    assert picture(snap_compare, tmp_path, (120, 40), status=Status.BROKEN, message=message)


def test_help(snap_compare: Compare, tmp_path: Path) -> None:
    assert picture(snap_compare, tmp_path, (120, 40), "question_mark")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize("key", ["5", "6", "7", "8", "9"])
def test_view(snap_compare: Compare, tmp_path: Path, key: str, size: tuple[int, int]) -> None:
    assert picture(snap_compare, tmp_path, size, key)


@pytest.mark.parametrize("key", ["F", "i", "h", "r"])
def test_dialog(snap_compare: Compare, tmp_path: Path, key: str) -> None:
    assert picture(snap_compare, tmp_path, (80, 24), key)


def test_writing(snap_compare: Compare, tmp_path: Path) -> None:
    likeliest = (("e", 0.62), (" ", 0.21), ("\n", 0.09), ("a", 0.04), ("日", 0.004))
    text = "HENRY:\nWhat say you to the morning, good my lord?\nThe day is ours, and all the world is glad."
    drawn = tuple(Drawn(each, each, likeliest) for each in text)
    asked = Continuation("KING ", drawn, finished=True)
    assert picture(snap_compare, tmp_path, (80, 24), "g", "tab", *["right"] * 14, continuation=asked)


def test_edit(snap_compare: Compare, tmp_path: Path) -> None:
    assert picture(snap_compare, tmp_path, (80, 24), "e")
