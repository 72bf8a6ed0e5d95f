"""A rung trained and cured: how sick it is, and what was said about it."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch

from engine.events import Cause
from tests.ladders.fault import Fault
from tests.ladders.rungs import LADDERS, Rung, Truth
from tests.ladders.shift import shift
from tests.ladders.slow_clock import as_slow_as
from tests.ladders.trials import helps
from tests.ladders.watched import Said, Watched, watch
from tests.ladders.way import Way

CHANGES, NEAR, AFTER = 0.15, 0.03, 0.12
"""The shift from which a text changes at a place, in nats per character; how well the place is known, and how much of
the text after it is looked at, as shares of the text."""

TRAINED = 0.9
"""The share of a text that is trained on, of which the place of a finding is a share."""

HEALTHY_SHARE = 0.25
"""The share of the drawn trainings that nothing is wrong with. Cured ones are healthy as well."""


@dataclass(frozen=True, slots=True)
class Row:
    """The result of a training.

    Attributes:
        name: the training in a few words.
        cause: the ladder that it belongs to; None where nothing is wrong with it.
        size: what makes the fault grave or slight, in a few words; empty where there is none.
        causes: the true causes, of which any is right as the first word.
        worth: how sick it is, in nats per character; nan where nothing is wrong with it.
        sick: what was said about it.
        cured: the same about the one with the cure; None where none was trained.
        helped: whether what the first word proposes makes the loss lower; None where that was not tried.
    """

    name: str
    cause: Cause | None
    size: str
    causes: tuple[Cause, ...]
    worth: float
    sick: Watched
    cured: Watched | None
    helped: bool | None = None

    @property
    def first(self) -> Cause | None:
        """The first word."""
        return self.sick.said[0].finding.cause if self.sick.said else None

    @property
    def right(self) -> bool:
        """Whether the first word is a true cause."""
        return self.first in self.causes

    @property
    def delay(self) -> float:
        """The seconds from the onset to the first word; infinite without one."""
        return self.sick.said[0].since_onset if self.sick.said else math.inf


@dataclass(frozen=True, slots=True)
class Speed:
    """How long a training is watched, and by which clock.

    Attributes:
        seconds: the seconds after the onset, as the clock counts them.
        share: the speed of the machine that the clock stands for, as a share of this one's.
        tries: whether what a first word proposes is tried.
    """

    seconds: float
    share: float
    tries: bool = False


def drawn(seed: int, number: int) -> Rung | Fault:
    """One training drawn from the whole space, where every ladder is as likely: a rung, or a healthy training."""
    random = Random(f"ladders {seed} {number}")
    way = Way.drawn(random)
    if random.random() < HEALTHY_SHARE:
        return way.healthy()
    return random.choice(LADDERS[random.choice(list(LADDERS))])(way)


def measure(seed: int, number: int, speed: Speed) -> Row:
    """Train what is drawn, and its cure where the truth needs one."""
    torch.set_num_threads(1)
    own, case = 1000 * seed + number, drawn(seed, number)
    if isinstance(case, Fault):
        return Row(case.name, None, "", case.causes, math.nan, _watched(case, own, speed)[0], None)
    sick, helped = _watched(case.sick, own, speed, tries=speed.tries)
    # To the same character: a machine that others use is not as fast the second time.
    cured = _watched(case.cured, own, speed, sick.chars)[0] if case.cured and sick.chars else None
    if cured and not case.healthy:
        cured.said.clear()
    match case.truth:
        case Truth.CURE:
            # The end of a table or a log has numbers of its own, so that the validation loss alone says too little.
            held_out, read = (cured.validation, cured.training) if cured else (0.0, 0.0)
            worth = min(sick.validation - held_out, sick.training - read)
        case Truth.SHIFT:
            text = case.sick.written(own)
            worth = shift(text[: case.sick.onset], text[case.sick.onset :])
        case Truth.GAP:
            worth = sick.held_out[-1] - min(sick.held_out) if sick.held_out else math.nan
    return Row(case.sick.name, case.cause, case.size, case.sick.causes, worth, sick, cured, helped)


def _watched(
    fault: Fault, seed: int, speed: Speed, chars: int | None = None, *, tries: bool = False
) -> tuple[Watched, bool | None]:
    helped = None
    with tempfile.TemporaryDirectory() as folder, as_slow_as(speed.share):
        watched = watch(fault, seed, speed.seconds, Path(folder), chars=chars, evaluated=True)
        if tries and watched.said:
            helped = helps(watched.said[0].finding, fault.chosen(seed), Path(folder) / "lab", watched.run)
    if Cause.DATA_SHIFT not in fault.causes:
        text = fault.written(seed)
        watched.said = [each for each in watched.said if not _is_true_shift(each, text)]
    return watched, helped


def _is_true_shift(said: Said, text: str) -> bool:
    """Whether it is a data shift at a place where the text changes indeed: no text is the same throughout."""
    place = said.finding.evidence.get("place")
    if said.finding.cause is not Cause.DATA_SHIFT or place is None:
        return False
    at, near = round(place * TRAINED * len(text)), round(NEAR * len(text))
    return shift(text[: at - near], text[at + near :][: round(AFTER * len(text))]) >= CHANGES
