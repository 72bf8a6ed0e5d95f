"""The beginning and the end of findings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from engine.diagnosis.data import data_shift, sparse_targets, unexplained
from engine.diagnosis.generalisation import overfitting
from engine.diagnosis.judgements import judgements
from engine.diagnosis.numerics import non_finite, numerical_instability
from engine.diagnosis.progress import noisy_updates, plateau, stuck_at_letter_frequencies
from engine.diagnosis.rate import clip_too_tight, learning_rate_too_high, learning_rate_too_low
from engine.diagnosis.record import Record
from engine.diagnosis.signs import REGIME, Signs, read_signs
from engine.diagnosis.symptom import Rule, Symptom
from engine.diagnosis.through_time import bptt_too_short, exploding_gradient, vanishing_gradient
from engine.diagnosis.units import saturated_units
from engine.events import Cause, Finding, Judgement, Note, NoteKind, Point, Probe, Severity, Stored, Suspicion
from engine.numbers import counted
from engine.settings import Settings

RULES: Mapping[Cause, Rule] = {
    Cause.NON_FINITE: non_finite,
    Cause.SATURATED_UNITS: saturated_units,
    Cause.EXPLODING_GRADIENT: exploding_gradient,
    Cause.NUMERICAL_INSTABILITY: numerical_instability,
    Cause.DATA_SHIFT: data_shift,
    Cause.LEARNING_RATE_TOO_HIGH: learning_rate_too_high,
    Cause.CLIP_TOO_TIGHT: clip_too_tight,
    Cause.LEARNING_RATE_TOO_LOW: learning_rate_too_low,
    Cause.OVERFITTING: overfitting,
    Cause.VANISHING_GRADIENT: vanishing_gradient,
    Cause.BPTT_TOO_SHORT: bptt_too_short,
    Cause.SPARSE_TARGETS: sparse_targets,
    Cause.NOISY_UPDATES: noisy_updates,
    Cause.STUCK_AT_LETTER_FREQUENCIES: stuck_at_letter_frequencies,
    Cause.PLATEAU: plateau,
}
"""The rule of each cause. A cause explains those after it: where several are seen, only the first counts."""

COMPATIBLE = frozenset({Cause.CLIP_TOO_TIGHT, Cause.SPARSE_TARGETS, Cause.DATA_SHIFT, Cause.OVERFITTING})
"""Causes that no other cause explains."""

LOOKED_AT = frozenset({"control", "update_ratio"})
"""The instruments after whose readings there is a look: they are read often, and tell the most."""

REPEATED = frozenset({"control", "agreement", "gates", "gradient_by_lag", "numerics"})
"""The instruments whose readings count from the second on."""

LOOK_SPACING = 0.03
"""The share by which the updates have grown from one look after a point to the next. Points are many, and a look takes
time."""

LOOKS_TO_BEGIN = 3
"""The looks in a row, at different updates, that must see a symptom before a finding begins. A single reading may be
off by chance."""

SHARE_TO_BEGIN = 0.04
"""The share of all updates so far over which they must see it. Early in a run looks follow each other quickly."""

SHARE_TO_END = 0.15
"""The share of all updates so far over which a symptom must be absent before its finding ends."""

SAMPLES_TO_END = 3
"""The readings that must be taken without the symptom before its finding ends. Early in a run the share is few updates,
and a symptom may be absent by chance."""

SHARE_TO_END_AFTER_CHANGE = 0.3
"""The same as a share of the updates since the last change of a knob, where that came after the finding. Measurements
before the change tell nothing, and the updates since are few."""


@dataclass(slots=True)
class _Seen:
    """The updates of the first and last look that saw a symptom, the looks, and whether each was by points."""

    first: int
    last: int
    looks: int
    by_points: bool = False


class Diagnosis:
    """Diagnoses a run from its events, in their order, with a look after certain readings and after some points.

    Args:
        settings: the settings at the run's start.
        rules: the rule of each cause that is looked for.
        witness: the instrument whose readings must lack a symptom before its finding ends.

    Attributes:
        findings: the findings in the order in which they were found.
        suspicions: what points to a cause and does not suffice yet.
        awaited: the instruments on whose next reading a suspicion depends.
        judgements: what is known of the causes that are neither open findings nor suspected, by the order of the rules.
    """

    def __init__(self, settings: Settings, rules: Mapping[Cause, Rule] = RULES, witness: str = "control") -> None:
        self.findings: list[Finding] = []
        self.suspicions: tuple[Suspicion, ...] = ()
        self.awaited: frozenset[str] = frozenset()
        self.judgements: tuple[Judgement, ...] = ()
        self._looked = 0
        self._rules, self._witness = rules, witness
        self._record = Record(settings)
        self._seen: dict[Cause, _Seen] = {}
        self._open: dict[Cause, int] = {}

    @property
    def settings(self) -> Settings:
        """The settings with every knob's current value."""
        return self._record.settings

    def set(self, settings: Settings) -> None:
        """The settings are others than was known."""
        self._record.begin_with(settings)

    def take(self, event: Stored) -> list[Finding]:
        """Take an event; return the findings that began, ended or became graver."""
        if isinstance(event, Note) and event.kind is NoteKind.UNDO:
            self._go_back(event.update)
            return []
        self._record.add(event)
        if (isinstance(event, Probe) and event.instrument in LOOKED_AT) or (
            isinstance(event, Note) and self._record.broken is event
        ):
            return self._look()
        if isinstance(event, Point) and event.update > self._looked * (1 + LOOK_SPACING):
            return self._look(by_points=True)
        return []

    def _go_back(self, update: int) -> None:
        """Forget everything after an update."""
        self._record.go_back(update)
        self._looked = min(self._looked, update)
        self.suspicions, self.awaited, self.judgements = (), frozenset(), ()
        self.findings = [
            replace(found, until_update=None) if (found.until_update or 0) > update else found
            for found in self.findings
            if found.found_update <= update
        ]
        self._open = {found.cause: place for place, found in enumerate(self.findings) if found.until_update is None}
        self._seen = {
            cause: _Seen(self.findings[place].since_update, update, LOOKS_TO_BEGIN)
            for cause, place in self._open.items()
        }

    def _look(self, *, by_points: bool = False) -> list[Finding]:
        """Look for symptoms. After a point, only those that points alone show count as seen once more."""
        now = self._looked = self._record.update
        signs = read_signs(self._record)
        there = self._symptoms(signs)
        symptoms = {
            cause: symptom
            for cause, symptom in there.items()
            # Of a finding that is open, less has to be known than of one that begins.
            if (not symptom.waits_for or cause in self._open) and (symptom.by_points or not by_points)
        }
        changed = []
        for cause, symptom in sorted(symptoms.items(), key=lambda each: -each[1].severity.rank):
            seen = self._seen.setdefault(cause, _Seen(now, now, 1, by_points))
            seen.looks += now > seen.last
            seen.last = now
            seen.by_points &= by_points
            held = seen.looks >= LOOKS_TO_BEGIN and now - seen.first >= SHARE_TO_BEGIN * now
            if cause in self._open:
                changed += self._update(cause, symptom)
            elif held or symptom.certain:
                changed.append(self._begin(symptom))
        for cause in [cause for cause in self._seen if cause not in symptoms]:
            if by_points and not self._seen[cause].by_points:
                continue
            if cause not in self._open:
                del self._seen[cause]
            elif not by_points and self._is_over(cause):
                changed.append(self._end(cause))
        self._suspect(signs, there)
        known = frozenset(self._open) | {each.cause for each in self.suspicions}
        self.judgements = tuple(judgements(signs, self._record, known))
        return changed

    def _suspect(self, signs: Signs, there: Mapping[Cause, Symptom]) -> None:
        """Set the suspicions, and the instruments whose next reading is awaited.

        A single reading may be off by chance, and is enough to suspect.
        """
        read_once = {name for name, probes in self._record.probes.items() if name in REPEATED and len(probes) == 1}
        hasty = self._symptoms(read_signs(self._record, least=1)) if read_once else {}
        suspected = {
            cause: there.get(cause) or hasty[cause] for cause in self._rules if cause in there or cause in hasty
        }
        self.suspicions = tuple(self._suspicions(suspected))
        awaited = {name for each in self.suspicions for name in suspected[each.cause].awaits}
        if hasty.keys() - there.keys():
            awaited |= read_once
        if unexplained(signs, self._record) or self._was_treated(signs, there):
            awaited.add("control")
        self.awaited = frozenset(awaited)

    def _was_treated(self, signs: Signs, there: Mapping[Cause, Symptom]) -> bool:
        """Whether a knob was turned since an open finding was found, and too few samples tell what that has done.

        Where its symptom was still seen at first and is gone now, those since then are too few.
        """
        for cause, place in self._open.items():
            if signs.turned > self.findings[place].found_update:
                since = signs.turned if cause in there else max(signs.turned, self._seen[cause].last)
                if self._samples_since(since) < SAMPLES_TO_END:
                    return True
        return False

    def _samples_since(self, update: int) -> int:
        """The number of readings of the witness after an update."""
        return sum(probe.update > update for probe in self._record.probes.get(self._witness, ()))

    def _suspicions(self, symptoms: Mapping[Cause, Symptom]) -> Iterator[Suspicion]:
        """The suspicions of grave causes, in the order of the rules."""
        for cause, symptom in symptoms.items():
            if cause in self._open or symptom.severity is Severity.NOTE:
                continue
            # A look after a point does not count what only readings show.
            seen = self._seen.get(cause, _Seen(self._looked, self._looked, 0))
            if symptom.waits_for:
                yield Suspicion(cause, symptom.waits_for)
            elif seen.looks < LOOKS_TO_BEGIN:
                yield Suspicion(cause, counted(LOOKS_TO_BEGIN - seen.looks, "more look"))
            else:
                yield Suspicion(cause, f"update {math.ceil(seen.first / (1 - SHARE_TO_BEGIN)):,}")

    def _is_over(self, cause: Cause) -> bool:
        """Whether the symptom of an open finding has been absent for long enough."""
        now, found = self._record.update, self.findings[self._open[cause]].found_update
        turned = max((change.update for change in self._record.changes if change.knob in REGIME), default=0)
        since = max(self._seen[cause].last, turned)
        if self._samples_since(since) < SAMPLES_TO_END:
            return False
        absent = now - since
        return absent >= (SHARE_TO_END_AFTER_CHANGE * (now - turned) if turned > found else SHARE_TO_END * now)

    def _symptoms(self, signs: Signs) -> dict[Cause, Symptom]:
        """The symptoms seen now, without those that another symptom or an open finding explains."""
        found: dict[Cause, Symptom] = {}
        explained = False
        for cause, rule in self._rules.items():
            symptom = rule(signs, self._record)
            if symptom is not None and not (explained and cause not in COMPATIBLE):
                found[cause] = symptom
            grave = symptom is not None and symptom.severity != Severity.NOTE and not symptom.waits_for
            explained |= grave or (cause in self._open and self.findings[self._open[cause]].severity != Severity.NOTE)
        return found

    def _begin(self, symptom: Symptom) -> Finding:
        record = self._record
        since = min(symptom.since, record.update)  # In the warm-up the time that most rules look at has not begun.
        finding = Finding(
            symptom.cause,
            symptom.severity,
            since,
            None,
            symptom.evidence,
            symptom.says,
            symptom.trial,
            record.chars_at(since),
            record.update,
        )
        self._open[symptom.cause] = len(self.findings)
        self.findings.append(finding)
        return finding

    def _update(self, cause: Cause, symptom: Symptom) -> list[Finding]:
        """Update a finding's numbers; return it in a list where it has become graver."""
        place = self._open[cause]
        before = self.findings[place]
        severity = max(before.severity, symptom.severity, key=lambda each: each.rank)
        self.findings[place] = replace(
            before, severity=severity, evidence=symptom.evidence, says=symptom.says, trial=symptom.trial
        )
        return [self.findings[place]] if severity != before.severity else []

    def _end(self, cause: Cause) -> Finding:
        place, seen = self._open.pop(cause), self._seen.pop(cause)
        self.findings[place] = replace(self.findings[place], until_update=seen.last)
        return self.findings[place]


def diagnose(settings: Settings, events: Iterable[Stored]) -> list[Finding]:
    """The findings of a whole run, from its settings at the start and its events in their order."""
    return diagnosed(settings, events).findings


def diagnosed(settings: Settings, events: Iterable[Stored]) -> Diagnosis:
    """The diagnosis of a whole run at its end, likewise."""
    diagnosis = Diagnosis(settings)
    for event in events:
        diagnosis.take(event)
    return diagnosis
