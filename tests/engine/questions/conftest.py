"""All eight questions, asked of a small text with tiny networks, once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.questions.asking import Asked, Asking
from engine.questions.experiment.experiments import Scale
from engine.questions.question import QUESTIONS, Answer
from engine.settings import Value
from tests.conftest import words

TINY: dict[str, Value] = {"hidden": 8, "embedding": 4}
SMALL = Scale(seconds=1_000.0, most_chars=4_000, most_seeds=2, pilot=0.02)
"""So small that the clock never matters: the tests check the experiments, and not how much fits into a minute."""


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return words(tmp_path_factory.mktemp("text"))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("asked") / "lab"


@pytest.fixture(scope="session")
def answers(text: Path, folder: Path) -> dict[str, Answer]:
    asking = Asking(Asked(QUESTIONS, str(text), None, TINY, folder, SMALL), lambda _what: None)
    return {question.name: answer for question, answer in asking.answers()}
