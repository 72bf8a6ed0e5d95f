"""Gathers the measurements of updates into points."""

from __future__ import annotations

from statistics import fmean, median

from engine.clock import Every
from engine.events import Point
from engine.training.annealing import Doubles
from engine.training.clipping import effect
from engine.training.measurements import Measured

POINT_SECONDS = 0.2
"""The seconds between two points while training."""


class Collector:
    """Gathers the measurements of updates into points."""

    def __init__(self, optimizer: str) -> None:
        self._optimizer = optimizer
        self._measured: Measured | None = None
        self._due = Every(POINT_SECONDS)

    @property
    def due(self) -> bool:
        """Whether it is time for the next point."""
        return self._due.due()

    def add(self, measured: Measured) -> None:
        """Add the measurements of further updates to the current point."""
        if self._measured is None:
            self._measured = measured
        else:
            self._measured.add(measured)

    def point(self, update: int, chars: int, seconds: float, places: Doubles) -> Point | None:
        """The point over the updates since the last one; None where there were none.

        Args:
            update: the last update, counted from the run's start.
            chars: characters trained on since the run's start.
            seconds: seconds of training in this process.
            places: (streams,) the place of each stream, as a share of the training split.
        """
        self._due.reset()
        taken, self._measured = self._measured, None
        if taken is None or not taken.updates:
            return None
        worst = int(taken.by_stream.argmax())
        factors = [factor for factor in taken.factors if factor < 1]
        return Point(
            update=update,
            chars=chars,
            seconds=seconds,
            loss=taken.mean_loss,
            grad_norm=fmean(taken.whole_norms),
            grad_norm_max=max(taken.whole_norms),
            clipped=taken.clipped / taken.updates,
            norms=tuple((taken.norms / taken.updates).tolist()),
            lr=taken.rate,
            updates=taken.updates,
            loss_spread=taken.loss_spread,
            worst_loss=float(taken.by_stream[worst]) / taken.length,
            worst_place=float(places[worst]),
            clip_factor=median(factors) if factors else 1.0,
            rate_used=taken.rate * effect(taken.whole_norms, taken.factors, self._optimizer),
        )
