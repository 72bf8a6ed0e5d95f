"""Everything that a lab keeps of one run, read once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TypeVar

from engine.diagnosis.diagnosis import diagnose
from engine.errors import UserError
from engine.events import Change, Finding, Hypothesis, Note, Point, Probe, Sample, Saved, Stored, Validation
from engine.lab import Lab, Run
from engine.settings import Settings, setting

RESUME = "resume"
"""The kind of the note with which each further process of a run begins."""

TYPES: Mapping[object, type | tuple[type, ...]] = {"int": int, "float": (int, float), "str": str, "bool": bool}

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
    """

    run: Run
    settings: Settings
    events: Sequence[Stored]
    findings: Sequence[Finding]
    hypotheses: Sequence[Hypothesis]

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
        turned = [(change.chars, change.new) for _, change in self.marked if change.knob == knob]
        return [(0, self.settings.write(knob)), *turned]

    def elapsed(self) -> Iterator[float]:
        """For each event the seconds of training up to it, over all processes: those of the last point before it."""
        before = now = 0.0
        for event in self.events:
            if isinstance(event, Note) and event.kind == RESUME:
                before, now = before + now, 0.0
            elif isinstance(event, Point):
                if event.seconds < now:
                    before += now
                now = event.seconds
            yield before + now

    def _all(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]


def read(lab: Lab, key: str) -> RunData:
    """A run by its name or number; raises UserError where there is none, or where its rows are not what was stored."""
    run = lab.run(key)
    events = lab.events(run)
    hypotheses = [each for each in lab.hypotheses() if each.run == run.name]
    if not all(map(_is_whole, (run, *events, *hypotheses))) or not _fit(run.matrix_names, events):
        raise UserError(f"the lab {lab.folder} is damaged: what it holds of run {run.name} cannot be what was stored")
    settings = Settings.from_plain(run.settings)
    return RunData(run, settings, events, diagnose(settings, events), hypotheses)


def _is_whole(row: Run | Stored | Hypothesis) -> bool:
    """Whether every number is one and every word too, which SQLite does not see to, and every value one of its knob."""
    right = all(isinstance(getattr(row, each.name), TYPES.get(each.type, object)) for each in fields(row))
    return right and (not isinstance(row, Change) or _can_be(row))


def _can_be(change: Change) -> bool:
    """Whether both values are ones of the knob."""
    try:
        kind = setting(change.knob).kind
        kind.read(change.old)
        kind.read(change.new)
    except (UserError, ValueError):
        return False
    return True


def _fit(matrix_names: Sequence[str], events: Iterable[Stored]) -> bool:
    """Whether each point has a norm for each matrix."""
    return all(len(event.norms) == len(matrix_names) for event in events if isinstance(event, Point))
