"""Passes all events of a run on to the history, the lab, the diagnosis and a listener."""

from __future__ import annotations

from collections.abc import Iterable

from engine.diagnosis.diagnosis import Diagnosis
from engine.errors import UserError
from engine.events import Change, Event, Listener, Note, Point, Probe, Sample, Saved, Stored, Validation
from engine.lab import Lab, Run
from engine.recording.history import History
from engine.settings import Settings

MOST_WAITING = 20_000
"""The most events that wait for a lab that cannot be written; beyond that the oldest are lost."""


class Recorder:
    """Takes events and passes them on; reads the earlier events of the run from the lab.

    A lab that cannot be written does not stop a training: the rows wait.

    Attributes:
        history: the measurements of the run so far.
        diagnosis: the findings of the run so far.
    """

    def __init__(self, lab: Lab, run: Run, listener: Listener | None) -> None:
        self._lab = lab
        self._run = run
        self._listener = listener
        self._waiting: list[Stored] = []
        past = lab.events.all(run)
        self.history = History(
            [event for event in past if isinstance(event, Point)],
            [event for event in past if isinstance(event, Validation)],
            [event for event in past if isinstance(event, Change | Saved | Note)],
            [event for event in past if isinstance(event, Probe)],
        )
        self.diagnosis = self._diagnosed(past)
        self.trouble = ""
        """The reason why the lab could not be written the last time; empty when it could."""

    def record(self, event: Stored) -> None:
        """Pass on and store an event; points go to the lab thinned."""
        self.tell(event)
        match event:
            case Point():
                stored = self.history.add(event)
                if stored is not None:
                    self._store(stored)
                return
            case Validation():
                self.history.validations.append(event)
            case Probe():
                self.history.add_probe(event)
            case Change() | Saved() | Note():
                self.history.log.append(event)
            case Sample():
                pass
        self._store(event)

    def tell(self, event: Event) -> None:
        """Pass an event on to the listener without storing it."""
        if self._listener is not None:
            self._listener(event)

    def flush(self, *, everything: bool = False) -> bool:
        """Write the waiting events into the lab; return whether that succeeded.

        Args:
            everything: whether to write the incomplete thinned point too.
        """
        if everything and (rest := self.history.flush()) is not None:
            self._store(rest)
        del self._waiting[:-MOST_WAITING]
        try:
            self._lab.events.record(self._run, self._waiting)
        except UserError as error:
            self.trouble = str(error)
            return False
        self._waiting.clear()
        self.trouble = ""
        return True

    def go_on_in(self, fork: Run) -> None:
        """Record into a fork from now on, which has this run's past in the lab; no event may be waiting."""
        self._run = fork

    def go_back(self, update: int, changes: int) -> None:
        """Forget everything after a state, in the lab and in the history."""
        self.flush(everything=True)
        self.history.go_back(update, changes)
        try:
            self._lab.events.mark_undone(self._run, update, changes)
            # A finding holds the numbers and the trial of its last update, so the diagnosis is made again.
            self.diagnosis = self._diagnosed(self._lab.events.all(self._run))
        except UserError as error:
            self.trouble = str(error)

    def _diagnosed(self, past: Iterable[Stored]) -> Diagnosis:
        diagnosis = Diagnosis(Settings.from_plain(self._run.settings))
        for event in past:
            diagnosis.take(event)
        return diagnosis

    def _store(self, event: Stored) -> None:
        """Queue an event for the lab, and show it to the diagnosis, which sees exactly what the lab keeps."""
        self._waiting.append(event)
        for finding in self.diagnosis.take(event):
            self.tell(finding)
