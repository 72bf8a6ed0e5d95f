"""An autopsy is judged again with another threshold, and made again where that would replay something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.autopsy import conductor, remedies
from engine.autopsy.judgement import Seen
from engine.autopsy.remedies import UNCHANGED, Remedy
from engine.autopsy.replay import Look, Replay
from engine.budget import Budget
from engine.errors import UserError
from engine.events import Point
from engine.network.compute import choose
from engine.text.corpus import read_corpus
from engine.training.state import State
from engine.training.trainer import Trainer
from tests.conftest import small
from tests.sick_runs import autopsy_thresholds
from tests.sick_runs.autopsy_thresholds import effects_on
from tests.sick_runs.climbs import ALL_CLIMBS
from tests.sick_runs.constants import AUTOPSY, constants
from tests.sick_runs.thresholds import HALF, TWICE, Effect

CLIMB, SHOWN, END = 1_000, 1_300, 2_000
BEFORE, AFTER = 2.0, 4.0

TOO_HIGH = next(number for number, each in enumerate(ALL_CLIMBS) if each.cause == "learning-rate-too-high")


@pytest.fixture
def state(text: Path) -> State:
    settings = small()
    return Trainer(read_corpus(text, text.name, 1024), settings, choose(settings)).state()


def replay(state: State, remedy: Remedy, after: float) -> Replay:
    made = Replay(remedy, state, [END], [], Budget())
    for chars in range(100, END + 1, 100):
        loss = BEFORE if chars <= CLIMB else after
        made.points.append(Point(chars // 100, chars, 0.0, loss, 0.5, 0.6, 0.1, (), 4e-3, 1))
    return made


@pytest.fixture
def autopsies(state: State, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """Each autopsy that is made: of a climb of which a smaller rate removes four fifths."""
    made: list[Path] = []
    curves = {"as it was": AFTER, "no learning": BEFORE, "rate ÷ 3": 2.4}
    kinds = (UNCHANGED.kind, remedies.FROZEN, remedies.RATE)
    replays = [
        replay(state, Remedy(kind, label), after) for kind, (label, after) in zip(kinds, curves.items(), strict=True)
    ]

    def look_at(folder: Path) -> tuple[Seen, bool]:
        made.append(folder)
        look = Look(0.5, 12, 1e-6, 0.1)
        seen = Seen(10, CLIMB, SHOWN, BEFORE, AFTER - BEFORE, 5.0, False, tuple(replays), (), look)
        vars(conductor)["needs_stronger"](seen)
        return seen, False

    monkeypatch.setattr(autopsy_thresholds, "train_or_find", lambda *_: tmp_path)
    monkeypatch.setattr(autopsy_thresholds, "look_at", look_at)
    return made


@pytest.mark.parametrize(
    ("threshold", "half", "twice", "made"),
    [
        # Two fifths would be enough; more than all is not to be had, and stronger remedies would be tried.
        ("judgement.REMOVES", Effect.NONE, Effect.LOST, 2),
        ("judgement.MOST_NAMED", Effect.NONE, Effect.NONE, 1),
        ("conductor.REPLAY_POINTS", Effect.NONE, Effect.NONE, 3),
    ],
)
def test_an_autopsy_is_made_again_where_it_has_to_be(
    threshold: str, half: Effect, twice: Effect, made: int, autopsies: list[Path], tmp_path: Path
) -> None:
    chosen = [constant for constant in constants(AUTOPSY) if str(constant) == threshold]
    effects = effects_on(TOO_HIGH, 0, tmp_path, chosen)
    assert effects == {(threshold, HALF): half, (threshold, TWICE): twice}
    assert len(autopsies) == made


def test_what_has_not_climbed_is_no_cause(
    autopsies: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def look_at(_folder: Path) -> tuple[Seen, bool]:
        raise UserError("the loss has not climbed")

    monkeypatch.setattr(autopsy_thresholds, "look_at", look_at)
    chosen = [constant for constant in constants(AUTOPSY) if str(constant) == "judgement.REMOVES"]
    assert set(effects_on(TOO_HIGH, 0, tmp_path, chosen).values()) == {Effect.NONE}
    assert autopsies == []
