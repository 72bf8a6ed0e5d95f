"""What instruments say of a state, as a pure function that any process can compute."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.compute import choose
from engine.corpus import Corpus
from engine.diagnosis.signs import WINDOWS
from engine.instruments.agreement import agreement
from engine.instruments.gradient_by_lag import gradient_by_lag
from engine.instruments.numerics import numerics
from engine.trainer import State, Trainer


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen of a network; nan where it could not be told.

    Attributes:
        growth: the gradient some characters back, as a multiple of that at once, where it is largest within the window.
        lag: how many characters back that is.
        error: of the gradient in the training's number type, as a share of that in float64.
        agreement: the share of one update's gradient that the gradients of others agree with.
    """

    growth: float
    lag: int
    error: float
    agreement: float


def look(corpus: Corpus, state: State) -> Look:
    """Measure a state; reads and writes nothing but its arguments."""
    subject = Trainer.restored(corpus, state, choose(state.settings)).subject()
    by_lag = gradient_by_lag(subject).relative[: WINDOWS * state.settings.bptt.high + 1]
    lag = max(range(1, len(by_lag)), key=by_lag.__getitem__, default=0)
    growth = by_lag[lag] if lag else math.nan
    return Look(growth, lag, numerics(subject).gradient_error, agreement(subject).share)
