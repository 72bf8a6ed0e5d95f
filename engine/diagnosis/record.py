"""The measurements of a run so far, in the form that the rules read."""

from __future__ import annotations

import math
from typing import TypeVar

from engine.events import Change, Note, NoteKind, Number, Point, Probe, Reading, Stored
from engine.settings import Settings, knobs

MOST_KEPT = 256
"""The most points, and the most readings of one instrument, that are kept: a look takes no longer in a longer run."""

LEAST_REGIONS = 3
"""The fewest places of the text whose losses make a mean. One place may be a hard passage."""

READ_EARLY = 0.5
"""The first share of the training so far: a place that was read in it counts as read before."""

Kept = TypeVar("Kept")


class Record:
    """Collects the events of a run, in their order.

    Attributes:
        settings: the settings with every knob's current value.
        points: at most `MOST_KEPT` points, oldest first.
        probes: at most `MOST_KEPT` readings by instrument, oldest first.
        changes: the changes that are not undone, oldest first.
        highest: the point with the largest gradient norm so far.
        broken: the note about the last update where that was not finite, else None.
        update: the update of the last event.
        chars: the characters read by the last event.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = self._start = settings
        self.points: list[Point] = []
        self.probes: dict[str, list[Probe]] = {}
        self.changes: list[Change] = []
        self.highest: Point | None = None
        self.broken: Note | None = None
        self.update = 0
        self.chars = 0

    def begin_with(self, settings: Settings) -> None:
        """The settings are others than was known, at the run's start as well."""
        self.settings = self._start = settings

    def add(self, event: Stored) -> None:
        """Add an event; raises ValueError where a change has a value that its knob cannot take."""
        match event:
            case Point():
                self.points.append(event)
                self.highest = max(filter(None, (self.highest, event)), key=lambda point: point.grad_norm_max)
                _thin(self.points)
                self.broken = None
            case Probe():
                probes = self.probes.setdefault(event.instrument, [])
                probes.append(event)
                _thin(probes)
            case Change(undone=False):
                self.changes.append(event)
                self._turn(event)
            case Note() if event.kind is NoteKind.NOT_FINITE:
                self.broken = event
            case _:
                return
        self.update, self.chars = max(self.update, event.update), max(self.chars, event.chars)

    def go_back(self, update: int) -> None:
        """Forget all events after an update."""
        self.points = [point for point in self.points if point.update <= update]
        self.highest = max(self.points, key=lambda point: point.grad_norm_max, default=None)
        self.probes = {
            name: [probe for probe in probes if probe.update <= update] for name, probes in self.probes.items()
        }
        self.changes = [change for change in self.changes if change.update <= update]
        self.settings = self._start
        for change in self.changes:
            self._turn(change)
        self.broken = None
        self.update = update
        self.chars = self.points[-1].chars if self.points else 0

    def _turn(self, change: Change) -> None:
        if change.knob in {knob.name for knob in knobs()}:
            self.settings = self.settings.with_text(change.knob, change.new)

    def reading(self, instrument: str) -> Reading:
        """An instrument's last reading; empty where there is none."""
        probes = self.probes.get(instrument)
        return probes[-1].values if probes else {}

    def series(self, instrument: str, field: str, since: int = 0) -> list[tuple[int, float]]:
        """The updates and numbers of one field in an instrument's readings, from the update `since` on."""
        found: list[tuple[int, float]] = []
        for probe in self.probes.get(instrument, ()):
            value = probe.values.get(field)
            if probe.update >= since and isinstance(value, int | float):
                found.append((probe.update, float(value)))
        return found

    def passes(self, chars: int | None = None) -> float:
        """The passes through the training split by now, or after so many characters; nan if its length is unknown."""
        length = self.reading("text_facts").get("characters")
        read = self.chars if chars is None else chars
        return read / length if isinstance(length, int | float) and length else math.nan

    def seen(self) -> list[tuple[int, float]]:
        """The loss at places of the training split that were read in the first half of the training so far.

        Every reading uses the same places, so that new text does not look like a change of the network. Where there
        are fewer than `LEAST_REGIONS` such places, all places are used.

        Returns:
            The update and the mean loss, in nats per character, of each reading.
        """
        early = self._read_early()
        if len(early) < LEAST_REGIONS:
            return self.series("control", "seen")
        found = []
        for update, losses in self.lists("control", "by_region"):
            there = [losses[lane] for lane in early if lane < len(losses)]
            finite = [loss for loss in there if loss is not None]
            if finite:
                found.append((update, sum(finite) / len(finite)))
        return found

    def seen_by_place(self) -> list[list[tuple[int, float]]]:
        """The same for each such place alone, without the readings from before it was read."""
        found: list[list[tuple[int, float]]] = []
        readings = self.probes.get("control", ())
        for lane, depth in self._read_early().items():
            since = next((at for at, probe in enumerate(readings) if depth < self.passes(probe.chars)), len(readings))
            course = ((probe.update, probe.values.get("by_region")) for probe in readings[since:])
            found.append(
                [
                    (update, loss)
                    for update, losses in course
                    if isinstance(losses, tuple) and lane < len(losses) and isinstance(loss := losses[lane], float)
                ]
            )
        return found

    def _read_early(self) -> dict[int, float]:
        """The lanes of the control samples that were read in the first half of the training so far.

        Returns:
            By the lane's number, how far it lies into the part of the text that its stream reads, as a share.
        """
        regions, streams = self.lists("control", "regions", most=1), self.settings.streams
        share = READ_EARLY * self.passes()
        depths = {
            lane: place * streams % 1 for _, places in regions for lane, place in enumerate(places) if place is not None
        }
        return {lane: depth for lane, depth in depths.items() if depth < share}

    def lists(
        self, instrument: str, field: str, since: int = 0, most: int = MOST_KEPT
    ) -> list[tuple[int, tuple[Number, ...]]]:
        """The same for a field that is a list of numbers, of which None is an unknown one; at most the `most` last."""
        found: list[tuple[int, tuple[Number, ...]]] = []
        for probe in self.probes.get(instrument, ())[-most:]:
            value = probe.values.get(field)
            if probe.update >= since and isinstance(value, tuple):
                numbers = tuple(each for each in value if not isinstance(each, str))
                found.append((probe.update, numbers))
        return found

    def chars_at(self, update: int) -> int:
        """The characters read at an update, from the first point at or after it."""
        return next((point.chars for point in self.points if point.update >= update), self.chars)


def _thin(kept: list[Kept]) -> None:
    """Drop every second one of the older half, where there are too many."""
    if len(kept) > MOST_KEPT:
        half = len(kept) // 2
        kept[:half] = kept[:half:2]
