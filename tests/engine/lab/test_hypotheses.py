"""Hypotheses: written down, concluded, and read again."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from engine.errors import UserError
from engine.events import HypothesisStatus, Idea
from engine.lab import Lab
from engine.lab.database import FILE
from tests.engine.lab.conftest import HOSTILE


def test_hypotheses(folder: Path) -> None:
    with Lab.open(folder) as lab:
        first = lab.hypotheses.add(Idea(f"clip helps {HOSTILE}", ""), "notes-1", 12)
        second = lab.hypotheses.add(Idea("lr too high", "loss falls again at lr ÷ 3"), "notes-1", 40)
        assert (first.number, first.status, second.number) == (1, "open", 2)
        assert lab.hypotheses.conclude(2, HypothesisStatus.CONFIRMED, "it did").conclusion == "it did"
        with pytest.raises(UserError):
            lab.hypotheses.conclude(3, HypothesisStatus.OPEN, "")
        for claim in ("", "  \n", "x" * 501):
            with pytest.raises(UserError):
                lab.hypotheses.add(Idea(claim), "notes-1", 1)
    with Lab.open_existing(folder) as lab:
        assert [each.status for each in lab.hypotheses.all()] == [HypothesisStatus.OPEN, HypothesisStatus.CONFIRMED]
        assert "\x00" in lab.hypotheses.all()[0].claim


def test_a_status_is_one_of_the_few_that_there_are(folder: Path) -> None:
    with Lab.open(folder) as lab:
        lab.hypotheses.add(Idea("clip helps"), "notes-1", 12)
        assert type(lab.hypotheses.all()[0].status) is HypothesisStatus
    file = sqlite3.connect(folder / FILE)
    with file:
        file.execute("update hypotheses set status = 'perhaps'")
    file.close()
    with (
        Lab.open_existing(folder) as lab,
        pytest.raises(UserError, match=r"lab\.sqlite is damaged: hypotheses\.status cannot be read; put a copy"),
    ):
        lab.hypotheses.all()
