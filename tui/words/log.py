"""Entries of a run's log, one line each."""

from __future__ import annotations

from pathlib import Path

from engine.events import Change, LogEntry, Note, Saved


def describe(entry: LogEntry) -> str:
    """One line for an entry of a run's log."""
    match entry:
        case Change(knob=knob, old=old, new=new):
            return f"{knob} {old} → {new}{' (undone)' if entry.undone else ''}"
        case Saved(kind=kind, path=path):
            return f"checkpoint ({kind}) {Path(path).name}"
        case Note(kind=kind, text=text):
            return f"{kind}: {text}"
