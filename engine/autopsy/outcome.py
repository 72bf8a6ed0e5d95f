"""The report of an autopsy, and its form in the lab."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.diagnosis.causes import Description
from engine.errors import UserError
from engine.events import AUTOPSY, Cause, Note, NoteKind, Number, Probe, Reading, Stored, Trial, as_float, as_number

FURTHER_CAUSES: Mapping[Cause, Description] = {
    Cause.UNDETERMINED: Description(
        "No single change explains the climb. Several things may go wrong together, or something that was not changed.",
        "",
    ),
    Cause.WEIGHT_DECAY_TOO_STRONG: Description(
        "Each update shrinks every weight by a share, and learning does not make up for it.",
        "Loshchilov & Hutter 2019, Decoupled weight decay regularization",
    ),
    Cause.OPTIMISER_STATE: Description(
        "The optimiser's memory of earlier gradients does not fit the present ones, so that its steps go too far "
        "or in a wrong direction. With an empty memory they do not.",
        "Reddi, Kale & Kumar 2018, On the convergence of Adam and beyond",
    ),
    Cause.CARRIED_STATE: Description(
        "The hidden state that is carried from window to window holds values that the network cannot have produced, "
        "or has grown without bound. From an empty state the network predicts as before.",
        "",
    ),
    Cause.DAMAGED_WEIGHTS: Description(
        "The weights were already bad in the state from which everything was replayed: no change and no other text "
        "helps. Something other than learning changed them at once.",
        "",
    ),
}
"""The causes that only an autopsy can find."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One replay.

    Attributes:
        kind: the kind of the remedy, as in `remedies`.
        label: the remedy in a few words.
        removed: the share of the climb that it removes, 0 … 1; 0 where it makes the climb worse, and None for the
            unchanged replay.
        after: its loss where the climb has shown, in nats per character; infinite where numbers broke.
        losses: the losses of its points, likewise, oldest first; the last one is infinite where numbers broke.
        chars: characters since the run's start at its points, one fewer than losses where numbers broke.
        trial: the change that a user would make; None where there is no knob for it.
    """

    kind: str
    label: str
    removed: float | None
    after: float
    losses: tuple[float, ...]
    chars: tuple[int, ...]
    trial: Trial | None


@dataclass(frozen=True, slots=True)
class Report:
    """The report of an autopsy.

    Attributes:
        cause: the cause, which `diagnosis.causes.CAUSES` or `FURTHER_CAUSES` describes.
        says: the result in words.
        symptom: `climb` or `not-finite`.
        start: the update of the state from which everything was replayed.
        onset: the update at which the loss begins to climb, as far as the replay tells.
        climb: characters trained on by then.
        before: the loss before, in nats per character.
        after: the loss once the climb has shown; infinite where numbers broke.
        trial: the change that would remove it; None where no knob does.
        outcomes: the replays: first the unchanged one, then the others, by how much of the climb they remove.
    """

    cause: Cause
    says: str
    symptom: str
    start: int
    onset: int
    climb: int
    before: float
    after: float
    trial: Trial | None
    outcomes: tuple[Outcome, ...]


def probe_of(report: Report, seconds: float) -> Probe:
    """A report as the lab stores it, at the place of its onset; `seconds` is the time that the autopsy took."""
    values: dict[str, Number | str | tuple[Number, ...] | tuple[str, ...]] = {
        "cause": report.cause,
        "says": report.says,
        "symptom": report.symptom,
        "start": report.start,
        "before": as_number(report.before),
        "after": as_number(report.after),
        "try_knob": report.trial.knob if report.trial else "",
        "try_value": report.trial.value if report.trial else "",
        "kinds": tuple(each.kind for each in report.outcomes),
        "labels": tuple(each.label for each in report.outcomes),
        "removed": tuple(each.removed for each in report.outcomes),
        "losses_after": tuple(as_number(each.after) for each in report.outcomes),
        "knobs": tuple(each.trial.knob if each.trial else "" for each in report.outcomes),
        "knob_values": tuple(each.trial.value if each.trial else "" for each in report.outcomes),
    }
    for place, outcome in enumerate(report.outcomes):
        values[f"losses_{place}"] = tuple(as_number(loss) for loss in outcome.losses)
        values[f"chars_{place}"] = tuple(float(each) for each in outcome.chars)
    return Probe(report.onset, report.climb, AUTOPSY, seconds, values)


def report_of(probe: Probe) -> Report:
    """The report that `probe_of` turned into a probe; raises KeyError, TypeError or ValueError where it is damaged."""
    values = probe.values
    outcomes = tuple(
        Outcome(
            kind=kind,
            label=label,
            removed=None if removed is None else float(removed),
            after=_read(after),
            losses=tuple(_read(loss) for loss in _list(values, f"losses_{place}")),
            chars=tuple(int(each or 0) for each in _list(values, f"chars_{place}")),
            trial=_trial(knob, value),
        )
        for place, (kind, label, removed, after, knob, value) in enumerate(
            zip(
                _words(values, "kinds"),
                _words(values, "labels"),
                _list(values, "removed"),
                _list(values, "losses_after"),
                _words(values, "knobs"),
                _words(values, "knob_values"),
                strict=True,
            )
        )
    )
    return Report(
        cause=Cause(str(values["cause"])),
        says=str(values["says"]),
        symptom=str(values["symptom"]),
        start=int(_read(values["start"])),
        onset=probe.update,
        climb=probe.chars,
        before=_read(values["before"]),
        after=_read(values["after"]),
        trial=_trial(str(values["try_knob"]), str(values["try_value"])),
        outcomes=outcomes,
    )


def last_report(events: Iterable[Stored]) -> Report | None:
    """The last report among a run's events; None where there is none that can be read."""
    found = None
    for event in events:
        if isinstance(event, Probe) and event.instrument == AUTOPSY:
            try:
                found = report_of(event)
            except (KeyError, TypeError, ValueError):
                continue  # of another version
    return found


def _trial(knob: str, value: str) -> Trial | None:
    return Trial(knob, value) if knob else None


def _read(value: object) -> float:
    if value is not None and not isinstance(value, int | float):
        raise TypeError(f"expected a number, found {value!r}")
    return as_float(value)


def _list(values: Reading, name: str) -> tuple[Number, ...]:
    found = values[name]
    if not isinstance(found, tuple | list):
        raise TypeError(f"{name} is no list")
    return tuple(None if each is None else float(each) for each in found)


def _words(values: Reading, name: str) -> tuple[str, ...]:
    found = values[name]
    if not isinstance(found, tuple | list):
        raise TypeError(f"{name} is no list")
    return tuple(str(each) for each in found)


def keep_report(folder: Path, name: str, report: Report, seconds: float) -> str:
    """Store a report among its run's events; return why that was not possible, or an empty text.

    It is not possible while another process trains the run.
    """
    probe = probe_of(report, seconds)
    note = Note(report.onset, report.climb, NoteKind.AUTOPSY, f"{report.cause}: {report.says}")
    try:
        # SQLAlchemy takes long to load, and the console's screens need this file before it paints.
        from engine.lab import Lab

        with Lab.open(folder) as lab:
            run = lab.runs.get(name)
            with lab.runs.hold(run):
                lab.events.record(run, [probe, note])
    except UserError as error:
        return str(error)
    return ""
