"""Where in the text the streams are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.instruments.subject import Subject

MOST = 64
"""Of more streams than this some are shown."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the streams are.

    Attributes:
        places: how much of the training split lies before each stream's next input, as a share 0 … 1, in the order of
            the streams; of `MOST` of them at most, evenly chosen.
    """

    places: tuple[float, ...]


def place(subject: Subject) -> Place:
    """Say where the streams are."""
    streams = len(subject.cursors)
    shown = np.arange(min(MOST, streams)) * streams // min(MOST, streams)
    return Place(tuple((subject.cursors[shown] / len(subject.corpus.training)).tolist()))
