"""The targets of `charrnn-tui export`, one row each; their modules are imported when they are needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tui.export.folder import Piece
    from tui.export.race_data import RaceData
    from tui.export.run_data import RunData


class Pieces(Protocol):
    """A function that returns the files of an export."""

    def __call__(self, runs: Sequence[RunData], race: RaceData | None = None) -> list[Piece]:
        """The files of some runs and, if these are the runs of a race, of the race."""


@dataclass(frozen=True, slots=True)
class Target:
    """One form that an export can take.

    Attributes:
        name: the word on the command line.
        about: a phrase for the help of the command line.
        load: imports and returns the function that makes the files; raises UserError where a package is not installed.
    """

    name: str
    about: str
    load: Callable[[], Pieces]


def _csv() -> Pieces:
    from tui.export.csv import pieces

    return pieces


def _tensorboard() -> Pieces:
    from tui.export.tensorboard import pieces

    return pieces


def _report() -> Pieces:
    from tui.export.report import pieces

    return pieces


TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Target("csv", "every stored series as a table", _csv),
        Target(
            "tensorboard",
            "event files with scalars, texts and hyperparameters; needs the extra `tensorboard`",
            _tensorboard,
        ),
        Target("report", "a page of HTML that needs no network, and the same in Markdown with its pictures", _report),
    )
}
