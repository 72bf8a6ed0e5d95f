"""Where a page says how many of something there are, there are that many."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.diagnosis.causes import CAUSES
from engine.questions.question import QUESTIONS
from tests.sick_runs.recipes import HEALTHY, RECIPES

ROOT = Path(__file__).parents[1]

TRAININGS, HEALTHY_ONES = len(RECIPES), sum(recipe.cause == HEALTHY for recipe in RECIPES)

IN_WORDS = {8: "eight", 15: "fifteen"}


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("README.md", f"one cause out of {IN_WORDS.get(len(CAUSES))}"),
        ("README.md", f"the {IN_WORDS.get(len(QUESTIONS))} questions"),
        ("docs/findings.md", f"at random: {IN_WORDS.get(len(CAUSES))} causes, each from blatant to barely there"),
        ("docs/findings.md", f"one cause out of {IN_WORDS.get(len(CAUSES))}"),
        ("docs/questions.md", f"The {IN_WORDS.get(len(QUESTIONS))} questions"),
        ("docs/diagnosis.md", f"one cause out of {IN_WORDS.get(len(CAUSES))}"),
        ("docs/diagnosis.md", f"trains {TRAININGS} recipes, {HEALTHY_ONES} of them healthy"),
        ("docs/diagnosis.md", f"{TRAININGS - HEALTHY_ONES} sick trainings and {HEALTHY_ONES} healthy ones"),
        ("docs/architecture.md", f"the {IN_WORDS.get(len(QUESTIONS))} questions"),
        ("docs/answers.md", f"The {IN_WORDS.get(len(QUESTIONS))} questions"),
        ("docs/make_answers.py", f"The {IN_WORDS.get(len(QUESTIONS))} questions"),
        ("engine/questions/__init__.py", f"The {IN_WORDS.get(len(QUESTIONS))} questions"),
        ("tui/command_line/options.py", f"the {IN_WORDS.get(len(QUESTIONS))} questions"),
    ],
)
def test_a_page_has_the_right_number(page: str, says: str) -> None:
    assert says in " ".join((ROOT / page).read_text().split())
