"""Everything that a lab stores of one run, read once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from engine.events import (
    Change,
    Finding,
    Hypothesis,
    Judgement,
    Note,
    NoteKind,
    Point,
    Probe,
    Sample,
    Saved,
    Stored,
    Validation,
)
from engine.lab import Run
from engine.race.plan import Origin
from engine.settings import Settings
from tui.export.race_data import RaceData

Kind = TypeVar("Kind", Point, Validation, Change, Saved, Note, Sample)


@dataclass(frozen=True)
class RunData:
    """One run.

    Attributes:
        run: its row in the lab.
        settings: the settings at its start.
        events: its events in their order; of what was undone, only the changes.
        findings: its findings in the order in which they were found.
        judgements: what is known of all other causes.
        hypotheses: the hypotheses that were written down in it, oldest first.
        races: the races that test one of these.
        origin: where it begins, if it is part of a race that begins from another run; that run's past is not its own.
    """

    run: Run
    settings: Settings
    events: Sequence[Stored]
    findings: Sequence[Finding]
    judgements: Sequence[Judgement]
    hypotheses: Sequence[Hypothesis]
    races: Sequence[RaceData] = ()
    origin: Origin | None = None

    @cached_property
    def points(self) -> list[Point]:
        """The points, oldest first, as in all the other lists."""
        return self._all(Point)

    @cached_property
    def validations(self) -> list[Validation]:
        """The validation losses."""
        return self._all(Validation)

    @cached_property
    def changes(self) -> list[Change]:
        """The changes, including those that were undone."""
        return self._all(Change)

    @cached_property
    def checkpoints(self) -> list[Saved]:
        """The checkpoints; a later file may have replaced an earlier one."""
        return self._all(Saved)

    @cached_property
    def notes(self) -> list[Note]:
        """The notes on everything else that happened."""
        return self._all(Note)

    @cached_property
    def samples(self) -> list[Sample]:
        """The samples that the network wrote."""
        return self._all(Sample)

    @cached_property
    def probes(self) -> dict[str, list[Probe]]:
        """The readings of each instrument, by its name."""
        found: dict[str, list[Probe]] = {}
        for event in self.events:
            if isinstance(event, Probe):
                found.setdefault(event.instrument, []).append(event)
        return found

    @property
    def marked(self) -> list[tuple[int, Change]]:
        """The changes that are not undone, with their places among all of them, from 1 on."""
        return [(place, change) for place, change in enumerate(self.changes, 1) if not change.undone]

    def course(self, knob: str) -> list[tuple[int, str]]:
        """The values of a knob as the user would type them, each with the characters from which it held."""
        course = [(0, self.settings.write(knob))]
        for _, change in self.marked:
            if change.knob == knob and change.new != course[-1][1]:
                course.append((change.chars, change.new))
        return course

    @property
    def begin(self) -> int:
        """The characters that were trained on before the run began."""
        return self.origin.chars if self.origin else 0

    @property
    def speed(self) -> float | None:
        """Characters per second; None where it took no time."""
        return (self.run.chars - self.begin) / self.run.seconds if self.run.seconds > 0 else None

    def elapsed(self) -> Iterator[float]:
        """For each event, the seconds of training in all processes, up to the last point before it."""
        before = now = 0.0
        for event in self.events:
            if isinstance(event, Note) and event.kind is NoteKind.RESUME:
                before, now = before + now, 0.0
            elif isinstance(event, Point):
                if event.seconds < now:
                    before += now
                now = event.seconds
            yield before + now

    def _all(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]
