"""A run's events as JSON, one object per line."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from engine.autopsy.outcome import Outcome, Report
from engine.events import (
    HUGE,
    Change,
    End,
    Event,
    Finding,
    Hypothesis,
    Note,
    Point,
    Probe,
    Sample,
    Saved,
    Start,
    Validation,
)

NAMES: Mapping[type[Event], str] = {
    Start: "start",
    Point: "point",
    Validation: "val",
    Change: "change",
    Saved: "checkpoint",
    Note: "note",
    Sample: "sample",
    Probe: "probe",
    Finding: "finding",
    End: "end",
}


def event_line(event: Event) -> str:
    """An event as one line of JSON, without the line end: `{"event": NAME, …}`."""
    values = finding_object(event) if isinstance(event, Finding) else asdict(event)
    # Of a run whose loop is not ours, a number may be unknown.
    known = {name: finite(value) if isinstance(value, float) else value for name, value in values.items()}
    return line({"event": NAMES[type(event)], **known})


def finding_object(finding: Finding) -> dict[str, Any]:
    """A finding as a JSON object."""
    return {
        "cause": finding.cause,
        "severity": finding.severity,
        "since_update": finding.since_update,
        "until_update": finding.until_update,
        "evidence": dict(finding.evidence),
        "says": finding.says,
        "try": None if finding.trial is None else asdict(finding.trial),
        **({} if finding.site is None else {**asdict(finding.site), "instead": finding.instead}),
    }


def report_line(run: str, report: Report) -> str:
    """An autopsy's report as one line of JSON."""
    return line(
        {
            "event": "autopsy",
            "run": run,
            "cause": report.cause,
            "symptom": report.symptom,
            "says": report.says,
            "start_update": report.start,
            "onset_update": report.onset,
            "onset_chars": report.climb,
            "before": finite(report.before),
            "after": finite(report.after),
            "try": None if report.trial is None else asdict(report.trial),
            "replays": [_replay(outcome) for outcome in report.outcomes],
        }
    )


def _replay(outcome: Outcome) -> dict[str, Any]:
    return {
        "kind": outcome.kind,
        "label": outcome.label,
        "removed": outcome.removed,
        "after": finite(outcome.after),
        "try": None if outcome.trial is None else asdict(outcome.trial),
        "chars": outcome.chars,
        "losses": [finite(loss) for loss in outcome.losses],
    }


def finite(value: float | None) -> float | None:
    """A number that JSON can hold: None for nan, and `HUGE` for infinity."""
    return None if value is None or math.isnan(value) else max(-HUGE, min(HUGE, value))


def line(value: Mapping[str, Any] | Hypothesis) -> str:
    """Any value as one line of JSON, in ASCII so that it is harmless in any terminal."""
    return json.dumps(asdict(value) if is_dataclass(value) else value, allow_nan=False)
