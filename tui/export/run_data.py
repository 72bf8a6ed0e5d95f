"""Everything that a lab keeps of one run, read once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from engine.events import Change, Finding, Hypothesis, Note, NoteKind, Point, Probe, Sample, Saved, Stored, Validation
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
        settings: as they were at its start.
        events: all that happened, in its order; of what was undone the changes alone.
        findings: in the order in which they were found.
        hypotheses: those that were written down in this run, oldest first.
        races: those that test one of them.
        origin: where it begins, for a part of a race that begins in another run; its own past is none.
    """

    run: Run
    settings: Settings
    events: Sequence[Stored]
    findings: Sequence[Finding]
    hypotheses: Sequence[Hypothesis]
    races: Sequence[RaceData] = ()
    origin: Origin | None = None

    @cached_property
    def points(self) -> list[Point]:
        """Oldest first, as all the other lists."""
        return self._all(Point)

    @cached_property
    def validations(self) -> list[Validation]:
        """The validation losses."""
        return self._all(Validation)

    @cached_property
    def changes(self) -> list[Change]:
        """Those too that were undone."""
        return self._all(Change)

    @cached_property
    def checkpoints(self) -> list[Saved]:
        """What was saved; a later file may have taken an earlier one's place."""
        return self._all(Saved)

    @cached_property
    def notes(self) -> list[Note]:
        """All else that was worth remembering."""
        return self._all(Note)

    @cached_property
    def samples(self) -> list[Sample]:
        """What the network wrote."""
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
        """From which character on a knob had which value, as the user would type it; the first is that of the start."""
        course = [(0, self.settings.write(knob))]
        for _, change in self.marked:
            if change.knob == knob and change.new != course[-1][1]:
                course.append((change.chars, change.new))
        return course

    @property
    def begin(self) -> int:
        """Characters that were trained on before it began."""
        return self.origin.chars if self.origin else 0

    @property
    def speed(self) -> float | None:
        """Characters a second; None where it took no time."""
        return (self.run.chars - self.begin) / self.run.seconds if self.run.seconds > 0 else None

    def elapsed(self) -> Iterator[float]:
        """For each event the seconds of training up to it, over all processes: those of the last point before it."""
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
