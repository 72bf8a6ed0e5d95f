"""The forecast of a running training: how far ahead it reaches, and when it is made anew."""

from __future__ import annotations

from dataclasses import dataclass

from engine.events import Change, LogEntry
from engine.recording.forecast import REACH, Forecast, forecast
from engine.recording.history import History

HORIZONS = (5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 36000, 86400)
"""Seconds of training that a forecast may reach ahead."""

FARTHEST = 2.0
"""A forecast reaches at most so many times as far ahead as the past that it rests on."""

GROWTH = 1.02
"""A forecast is made anew when there are so many times as many characters."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """A forecast, and when it comes true.

    Attributes:
        forecast: the expected course of the loss.
        seconds: the seconds of training until its end, at the present speed.
        is_end: whether that is the end of the budget.
    """

    forecast: Forecast
    seconds: float
    is_end: bool


class Forecaster:
    """Keeps the outlook of a training up to date."""

    def __init__(self) -> None:
        self._outlook: Outlook | None = None
        self._made = 0
        self._log: tuple[list[LogEntry], int] = ([], 0)

    def outlook(self, history: History, progress: float | None) -> Outlook | None:
        """The current outlook; None while too little is known, and while nothing is trained.

        Args:
            history: the measurements.
            progress: the share of the budget that is used, 0 … 1; None without a budget.
        """
        last = history.recent[-1].chars if history.recent else 0
        # A return to an earlier update makes a new list, and everything else makes this one longer.
        log, length = self._log
        if history.log is not log or len(log) != length or not self._made <= last <= self._made * GROWTH:
            self._made, self._log = last, (history.log, len(history.log))
            changes = (each.chars for each in history.log if isinstance(each, Change) and not each.undone)
            self._outlook = _ahead(history, last, max(changes, default=0), progress)
        return self._outlook


def _ahead(history: History, last: int, since: int, progress: float | None) -> Outlook | None:
    speed = history.speed()
    if speed <= 0:
        return None
    farthest = FARTHEST * (last - since) * (1 - 1 / REACH) / speed
    left = last * (1 - progress) / progress / speed if progress else None
    if left is not None and left <= farthest:
        seconds = left
    elif fitting := [each for each in HORIZONS if each <= farthest]:
        seconds = float(fitting[-1])
    else:
        return None
    recent = tuple(history.recent)
    # The recent points are finer: they are taken where they reach back far enough.
    fine = recent[0].chars <= since + (last - since) / REACH
    found = forecast(recent if fine else history.points(), last + seconds * speed, since)
    return None if found is None else Outlook(found, seconds, seconds == left)
