"""The records of a journal at its end."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from engine.diagnosis.watched import WatchedDiagnosis
from engine.events import Finding, Stored
from engine.recording.journal import WatchedRun


def findings(journal: Path) -> list[Finding]:
    """The findings of the program that has written a journal, in their order."""
    diagnosis = WatchedDiagnosis()
    for event in WatchedRun(journal).new():
        if isinstance(event, get_args(Stored)):
            diagnosis.take(event)
    return diagnosis.findings
