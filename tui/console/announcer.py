"""Notifies of new findings, verdicts and the end, as they come in the snapshots of a console."""

from __future__ import annotations

from engine.race.result import RaceStatus
from engine.session.snapshot import Snapshot, Status
from tui.preferences.notifications import Notifier, Occasion, verdict_in_words
from tui.words.standing import of_snapshot

ENDS = (Status.FINISHED, Status.BROKEN, Status.FAILED, Status.ENDED)
"""States in which a training does not go on by itself."""


class Announcer:
    """Notifies of all that was not there yet when the training was first seen."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._seen: Snapshot | None = None

    def notice(self, snapshot: Snapshot) -> None:
        """Take the latest snapshot."""
        if snapshot is self._seen or snapshot.status is Status.LOADING:
            return
        before, self._seen = self._seen, snapshot
        if before is None:
            return
        old = {(found.cause, found.since_update, found.site) for found in before.findings}
        for found in snapshot.findings:
            if found.until_update is None and (found.cause, found.since_update, found.site) not in old:
                self._notifier.finding(snapshot.run, found)
        decided = {race.number for race in before.races if race.status is RaceStatus.DONE}
        for race in snapshot.races:
            if race.own and race.status is RaceStatus.DONE and race.number not in decided:
                words = verdict_in_words(race.name, race.plan, race.results)
                self._notifier.tell(Occasion.VERDICT, race.name, words)
        if snapshot.status in ENDS and before.status not in ENDS:
            words = f"The end of {snapshot.run}: {of_snapshot(snapshot).sentence}"
            self._notifier.tell(Occasion.END, snapshot.run, words)
