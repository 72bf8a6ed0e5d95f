"""A report that was made outside of a session, kept in the lab."""

from __future__ import annotations

from pathlib import Path

from engine.autopsy.report import Report, probe_of
from engine.errors import UserError
from engine.events import AUTOPSY, Note
from engine.lab import Lab


def keep_report(folder: Path, name: str, report: Report, seconds: float) -> str:
    """Write a report down beside its run; returns why that was not possible, or nothing.

    A run that is being trained belongs to the process that trains it.
    """
    probe = probe_of(report, seconds)
    note = Note(report.onset, report.climb, AUTOPSY, f"{report.cause}: {report.says}")
    try:
        with Lab.open(folder) as lab:
            run = lab.run(name)
            with lab.hold(run):
                lab.record(run, [probe, note])
    except UserError as error:
        return str(error)
    return ""
