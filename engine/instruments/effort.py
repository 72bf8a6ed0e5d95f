"""How much the instruments may read on this machine, so that each of them measures often from the start."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from engine.instruments.panel import Panel, read
from engine.instruments.timetable import allowed
from engine.training.subject import Subject

LEAST = 0.1
"""The least effort. With less, a reading would say more about the places that it takes than about the network."""

ROUND = 65_000
"""The entries that all instruments together read at full effort, when each measures once. A backward pass counts as two
more."""

ROUNDS, SECONDS = 10, 30.0
"""The number of times that each instrument is to measure within so many seconds of training."""

LANES = 8
"""The lanes that are read to time the network."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much instruments can read on this machine.

    Attributes:
        share: the share of their full samples, `LEAST` … 1.
        seconds: the seconds that it takes all of them to measure once with that share.
    """

    share: float = 1.0
    seconds: float = 0.0


def affordable(subject: Subject) -> Effort:
    """How much instruments can read on this machine, from the time that a few lanes of the training split take."""
    panel = Panel.over(subject.corpus.training, LANES)
    groups = np.zeros(subject.corpus.vocabulary.size, np.int64)
    begun = 0.0
    for _ in range(2):  # the first time is longer than those that follow
        begun = time.monotonic()
        read(subject, panel, groups)
    speed = panel.ids.size / max(1e-6, time.monotonic() - begun)
    share = min(1.0, max(LEAST, speed * allowed(SECONDS) / ROUNDS / ROUND))
    return Effort(share, share * ROUND / speed)
