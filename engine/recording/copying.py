"""Copies what watched programs write into their journals to the lab, where it can be listed, compared and exported."""

from __future__ import annotations

from pathlib import Path

from charrnn.journal import FOLDER, RECORDS, is_held

from engine.errors import UserError
from engine.events import Finding, Note, NoteKind, Point, RunStatus, Start, Stored
from engine.lab import Lab, Run
from engine.lab.events import Copied
from engine.recording.journal import WatchedRun, watched_settings
from engine.recording.thinning import Thinner
from engine.settings import PlainValue


class Copy:
    """Copies the events of one watched run, as they come, with thinned points.

    Several processes may copy the same journal. What they store depends on the journal alone, and the lab says how much
    of it was copied, so that each event is stored once.

    Attributes:
        run: the run in the lab; None before the program's first update.
    """

    def __init__(self, watched: WatchedRun) -> None:
        self.run: Run | None = None
        self._watched = watched
        self._thinner = Thinner()
        self._waiting: list[Copied] = []
        self._described: dict[str, str] | None = None

    def take(self, event: object) -> None:
        """Take an event of the run, in their order."""
        place = self._watched.place
        match event:
            case Point():
                if (merged := self._thinner.add(event)) is not None:
                    self._waiting.append(Copied(place, merged))
            case Note(kind=NoteKind.UNDO):
                self._thinner.restart(event.chars)
                self._waiting.append(Copied(place, event, self._watched.changes_at(event.update)))
            case Start() | Finding():
                return
            case _ if isinstance(event, Stored):
                self._waiting.append(Copied(place, event))

    def write(self, lab: Lab, *, ended: bool) -> None:
        """Store what was taken; raises UserError where the lab cannot be written, and keeps it then.

        Args:
            lab: open for writing.
            ended: whether the program has, so that nothing will follow.
        """
        watched = self._watched
        if watched.start is None or watched.own is not None:
            return
        if self.run is None:
            self.run = _registered(lab, watched)
        if ended and (rest := self._thinner.flush()) is not None:
            self._waiting.append(Copied(watched.place + 1, rest))  # After all that the journal says.
        if self._waiting or ended:
            lab.events.copy(self.run, self._waiting, watched.place + ended)
            self._waiting = []
        if self._described != watched.settings or ended:
            self._described = dict(watched.settings)
            status = RunStatus.RUNNING
            if watched.ended:
                status = RunStatus.STOPPED if watched.failed else RunStatus.DONE
            lab.runs.describe(self.run, settings=_known(watched.settings), network=watched.start.network, status=status)


def copy_all(folder: Path) -> None:
    """Copy the news of every journal in a lab's folder; raises UserError where the lab cannot be written."""
    journals = [each.parent for each in sorted((folder / FOLDER).glob(f"*/{RECORDS}"))]
    if not journals:
        return
    copied: dict[str, int] = {}
    if Lab.is_in(folder):
        with Lab.open(folder) as lab:
            copied = lab.runs.watched()
    news = [each for each in journals if _has_news(each, copied.get(each.name, 0))]
    if not news:
        return
    with Lab.open(folder) as lab:
        for each in news:
            copy_journal(lab, each)


def _has_news(folder: Path, place: int) -> bool:
    """Whether a journal of which so much was copied has more, or its program has ended since.

    Of a program that had ended, more than all was copied.
    """
    size = (folder / RECORDS).stat().st_size
    return place < size or (place == size and not is_held(folder))


def copy_journal(lab: Lab, folder: Path) -> None:
    """Copy the news of one journal, likewise."""
    watched = WatchedRun(folder)
    copy = Copy(watched)
    try:
        for event in watched.new():
            copy.take(event)
    except OSError as error:
        raise UserError(f"the journal {folder} cannot be read: {error.strerror}") from error
    copy.write(lab, ended=watched.has_ended())


def _registered(lab: Lab, watched: WatchedRun) -> Run:
    """The run of a journal, which is created where there is none."""
    start = watched.start
    assert start is not None
    return lab.runs.create(
        name=None,
        text=start.text,
        digest="",
        settings=_known(watched.settings),
        compute=start.compute,
        network=start.network,
        parameters=start.parameters,
        matrix_names=start.matrix_names,
        journal=watched.name,
    )


def _known(settings: dict[str, str]) -> dict[str, PlainValue]:
    """The settings that are known of a program and that a run of ours has too."""
    every = watched_settings(settings).plain()
    return {name: every[name] for name in settings if name in every}
