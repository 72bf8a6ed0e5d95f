"""Common hypotheses: each is a race that can be run, and begins with the training as it is."""

from __future__ import annotations

import pytest

from engine.race.ideas import ideas
from engine.race.plan import Plan, axes, grid
from engine.race.result import Verdict
from engine.settings import PRESETS, Settings
from tests.conftest import small


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(**PRESETS["online"]),  # type: ignore[arg-type] # a preset's values are those of the fields
        Settings(**PRESETS["random-step"]),  # type: ignore[arg-type] # likewise
        small(clip=None, dropout=0.3, bptt="10-40", lr=1000.0),
        small(clip=1e-6, targets="last", bptt="10000", lr=1e-8, dtype="bfloat16"),
        small(clip=3.4e38, lr=3.4e38),
        small(clip=1.2e-38, lr=1.2e-38),
        small(bptt="2"),
    ],
)
def test_every_common_idea_can_be_raced(settings: Settings) -> None:
    found = list(ideas(settings))
    assert len({idea.claim for idea in found}) == len(found) >= 6
    for idea in found:
        raced = Plan(settings=settings, variants=grid(axes(idea.vary)))
        assert idea.expected in tuple(Verdict)
        (name,) = raced.varied()
        assert name == "dtype" or raced.chosen(0) == settings
