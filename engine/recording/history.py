"""The measurements of a run so far, for a screen: the whole run thinned, and the last part in full."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from statistics import median

from engine.events import AUTOPSY, Change, LogEntry, Point, Probe, Validation
from engine.recording.thinning import Thinner

RECENT = 600
"""The number of the last points that are kept in full."""

PROBES = 200
"""The number of each instrument's last readings that are kept."""

PACE = 20
"""The number of points over which the speed is measured: about four seconds."""

SURGE = 10.0
"""The ratio of a gradient norm to its usual size from which on a training counts as breaking."""


class History:
    """Points, validations and log of one run.

    Attributes:
        recent: the last points, as they were measured.
        validations: the validation losses, oldest first.
        log: the run's log, oldest first; a change that was undone is marked as such.
        probes: each instrument's readings, by its name, oldest first.
    """

    def __init__(
        self,
        points: list[Point],
        validations: list[Validation],
        log: list[LogEntry],
        probes: Iterable[Probe] = (),
    ) -> None:
        self._points = points
        self._thinner = Thinner()
        self._thinner.restart(points[-1].chars if points else 0)
        self.recent: deque[Point] = deque(points[-RECENT:], maxlen=RECENT)
        self._pace: deque[tuple[float, int]] = deque(maxlen=PACE)
        self.validations = validations
        self.log = log
        self.probes: dict[str, tuple[Probe, ...]] = {}
        for probe in probes:
            self.add_probe(probe)

    def add(self, point: Point) -> Point | None:
        """Add a point; return the thinned point that it completes, which should be stored, or None."""
        self.recent.append(point)
        self._pace.append((point.seconds, point.chars))
        return self._keep(self._thinner.add(point))

    def add_probe(self, probe: Probe) -> None:
        """Add an instrument's reading."""
        before = self.probes.get(probe.instrument, ())
        # A new mapping, since a snapshot may hold the old one.
        self.probes = {**self.probes, probe.instrument: (*before[1 - PROBES :], probe)}

    def flush(self) -> Point | None:
        """Return the incomplete thinned point as it is; None where there is none."""
        return self._keep(self._thinner.flush())

    def points(self) -> tuple[Point, ...]:
        """The whole run as thinned points, and the last point as it was measured."""
        last = (self.recent[-1],) if self.recent and self.recent[-1] not in self._points[-1:] else ()
        return (*self._points, *last)

    @property
    def best(self) -> float | None:
        """The lowest loss over the whole validation split, in nats per character; None before the first one."""
        return min((each.loss for each in self.validations if each.error is None), default=None)

    def go_back(self, update: int, changes: int) -> None:
        """Forget all measurements after an update; mark changes after it, or numbered above `changes`, as undone."""
        self._points = [point for point in self._points if point.update <= update]
        self._thinner.restart(self._points[-1].chars if self._points else 0)
        self.recent = deque((point for point in self.recent if point.update <= update), maxlen=RECENT)
        self._pace.clear()
        self.probes = {
            name: kept
            for name, probes in self.probes.items()
            if (kept := tuple(probe for probe in probes if probe.update <= update or name == AUTOPSY))
        }
        self.validations = [validation for validation in self.validations if validation.update <= update]
        self.log = [
            replace(entry, undone=True)
            if isinstance(entry, Change) and (entry.update > update or entry.number > changes)
            else entry
            for entry in self.log
        ]

    def surge(self) -> tuple[Point, float] | None:
        """The point since which the gradient norm is far above its usual size, and that size; None where it is not."""
        if len(self.recent) < 2:
            return None
        usual = median(point.grad_norm for point in self.recent)
        began = None
        for point in reversed(self.recent):
            if point.grad_norm_max < SURGE * usual:
                break
            began = point
        return None if began is None else (began, usual)

    def speed(self) -> float:
        """Characters per second over the last points of training in this process; 0 with fewer than two."""
        if len(self._pace) < 2:
            return 0.0
        (begin, first), (end, last) = self._pace[0], self._pace[-1]
        return (last - first) / (end - begin) if end > begin else 0.0

    def _keep(self, point: Point | None) -> Point | None:
        if point is not None:
            self._points.append(point)
        return point
