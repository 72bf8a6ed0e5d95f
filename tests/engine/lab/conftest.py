"""An empty lab's folder, and what is put into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.events import Point
from engine.lab import Lab, Run
from tests.conftest import new_run

HOSTILE = "\x1b[31m[bold]\x00\u202e\udcff'; drop table runs; --"


def create(lab: Lab, name: str | None = None, text: str = "notes.txt") -> Run:
    """A run of two matrices."""
    settings = {"hidden": 12, "clip": None}
    return new_run(lab, name=name, text=text, settings=settings, matrix_names=("embedding", "head"))


def point(update: int, loss: float = 1.0) -> Point:
    return Point(update, update * 10, update / 2, loss, 0.5, 0.7, 0.25, (0.1, 0.2), 1e-3, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lab"
