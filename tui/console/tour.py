"""The tour: lessons under a training that goes wrong on purpose, each of which ends when it was done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich.text import Text
from textual.screen import Screen
from textual.widgets import Static

from engine.events import Change, Severity
from engine.race.result import RaceStatus
from engine.session.commands import StartRace
from engine.session.snapshot import Snapshot
from tui.console.screens.findings import FindingsDialog


@dataclass(frozen=True, slots=True)
class Seen:
    """The console as a lesson judges it.

    Attributes:
        snapshot: the training.
        dialogs: the dialogs that are open.
    """

    snapshot: Snapshot
    dialogs: tuple[Screen[object], ...]


@dataclass(frozen=True, slots=True)
class Lesson:
    """One step of the tour.

    Attributes:
        says: what there is to see, and the key to press.
        is_done: whether the user has done it.
    """

    says: str
    is_done: Callable[[Seen], bool]


def _is_found(seen: Seen) -> bool:
    return any(each.until_update is None and each.severity is not Severity.NOTE for each in seen.snapshot.findings)


def _reads_a_finding(seen: Seen) -> bool:
    return any(isinstance(each, FindingsDialog) for each in seen.dialogs)


def _is_changed(seen: Seen) -> bool:
    return any(not each.undone for each in _changes(seen.snapshot))


def _is_undone(seen: Seen) -> bool:
    return any(each.undone for each in _changes(seen.snapshot))


def _is_racing(seen: Seen) -> bool:
    return bool(seen.snapshot.races)


def _is_decided(seen: Seen) -> bool:
    return any(each.status is RaceStatus.DONE for each in seen.snapshot.races)


def _never(_seen: Seen) -> bool:
    return False


def _changes(snapshot: Snapshot) -> Iterable[Change]:
    return (entry for entry in snapshot.log if isinstance(entry, Change))


LESSONS = (
    Lesson(
        "A network learns Shakespeare, and something is wrong on purpose. Watch its loss, and the line under the "
        "header: it will name the cause.",
        _is_found,
    ),
    Lesson("There it is. Press F to read why, and escape to come back.", _reads_a_finding),
    Lesson("Press t. It tries what the finding proposes, while the network trains on.", _is_changed),
    Lesson(
        "Watch the loss fall; ┊1 on the chart marks your change. Then press u: it takes you back to before the change.",
        _is_undone,
    ),
    Lesson(
        "Was it the change, or chance? Press F, then r, then enter: both values race from this state on the same text.",
        _is_racing,
    ),
    Lesson("9 shows the race, and 9 again all panes. Its verdict comes soon.", _is_decided),
    Lesson(
        "The verdict says which value is better, and how sure that is. ? shows all keys, and q leaves. "
        "`charrnn-tui notes.txt` trains on a text of yours.",
        _never,
    ),
)

TOUR_RACE = StartRace((), instead=True, chars=24_000, seeds=4)
"""A race whose verdict comes soon, also on a slow machine."""


class Guide(Static):
    """Shows the lesson that is to be done now, above the footer."""

    def __init__(self) -> None:
        super().__init__(id="guide")
        self._place = 0

    def on_mount(self) -> None:
        """Show the first lesson."""
        self._tell()

    def follow(self, seen: Seen) -> None:
        """Go on to the next lesson once this one is done."""
        if LESSONS[self._place].is_done(seen):
            self._place += 1
            self._tell()

    def _tell(self) -> None:
        place = Text.assemble((f"{self._place + 1}/{len(LESSONS)} ", "bold"), LESSONS[self._place].says)
        self.update(place)
