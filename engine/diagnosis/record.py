"""What was measured in a run so far, as the rules want it."""

from __future__ import annotations

import math
from typing import TypeVar

from engine.events import Change, Note, Number, Point, Probe, Reading, Stored
from engine.settings import Settings, knobs

BROKEN = "not-finite"
"""The kind of the note that tells of an update that was not finite."""

MOST_KEPT = 256
"""The most points, and readings of one instrument, that are kept. A look must not take longer the longer a run is."""

LEAST_REGIONS = 3
"""The fewest places of the text whose losses make a mean. One place may be a hard passage."""

READ_EARLY = 0.5
"""The first share of the training in which a place was read that counts as read before."""

Kept = TypeVar("Kept")


class Record:
    """Takes what happens in a run, in its order.

    Attributes:
        settings: with every knob as it is by now.
        points: as the lab has them, oldest first.
        probes: by instrument, oldest first.
        changes: those that are not undone, oldest first.
        broken: what was not finite, where the last update was not.
        update: of the last event.
        chars: of the last event.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = self._start = settings
        self.points: list[Point] = []
        self.probes: dict[str, list[Probe]] = {}
        self.changes: list[Change] = []
        self.broken: Note | None = None
        self.update = 0
        self.chars = 0

    def add(self, event: Stored) -> None:
        """Take an event."""
        match event:
            case Point():
                self.points.append(event)
                _thin(self.points)
                self.broken = None
            case Probe():
                probes = self.probes.setdefault(event.instrument, [])
                probes.append(event)
                _thin(probes)
            case Change(undone=False):
                self.changes.append(event)
                self._turn(event)
            case Note() if event.kind == BROKEN:
                self.broken = event
            case _:
                return
        self.update, self.chars = max(self.update, event.update), max(self.chars, event.chars)

    def go_back(self, update: int) -> None:
        """Forget what happened behind an update."""
        self.points = [point for point in self.points if point.update <= update]
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
        """The updates and values of one field of an instrument's readings from an update on, where it is a number."""
        found: list[tuple[int, float]] = []
        for probe in self.probes.get(instrument, ()):
            value = probe.values.get(field)
            if probe.update >= since and isinstance(value, int | float):
                found.append((probe.update, float(value)))
        return found

    def passes(self) -> float:
        """How often the training split has been read; nan where its length is not known."""
        length = self.reading("text_facts").get("characters")
        return self.chars / length if isinstance(length, int | float) and length else math.nan

    def seen(self) -> list[tuple[int, float]]:
        """The loss at places of the training split that were read in the first half of the training so far.

        The same places at every reading, so that text which is met for the first time does not look like a change of
        the network. Where there are none, all places.
        """
        regions, streams = self.lists("control", "regions")[-1:], self.settings.streams
        share = READ_EARLY * self.passes()
        # A stream reads from its own beginning on: `region · streams` is how far into its part a place lies.
        chosen = [
            number
            for _, places in regions
            for number, place in enumerate(places)
            if place is not None and place * streams % 1 < share
        ]
        if len(chosen) < LEAST_REGIONS:
            return self.series("control", "seen")
        found = []
        for update, losses in self.lists("control", "by_region"):
            there = [losses[number] for number in chosen if number < len(losses)]
            finite = [loss for loss in there if loss is not None]
            if finite:
                found.append((update, sum(finite) / len(finite)))
        return found

    def lists(self, instrument: str, field: str, since: int = 0) -> list[tuple[int, tuple[Number, ...]]]:
        """The same of a field that is a list of numbers."""
        found: list[tuple[int, tuple[Number, ...]]] = []
        for probe in self.probes.get(instrument, ()):
            value = probe.values.get(field)
            if probe.update >= since and isinstance(value, tuple):
                numbers = tuple(each for each in value if not isinstance(each, str))
                found.append((probe.update, numbers))
        return found

    def chars_at(self, update: int) -> int:
        """Characters read at an update, from the point nearest behind it."""
        return next((point.chars for point in self.points if point.update >= update), self.chars)


def _thin(kept: list[Kept]) -> None:
    """Of too many, drop every second one of the older half."""
    if len(kept) > MOST_KEPT:
        half = len(kept) // 2
        kept[:half] = kept[:half:2]
