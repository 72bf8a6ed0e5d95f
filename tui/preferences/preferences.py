"""The settings of the user's file and of the project's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UserError
from tui.preferences.settings_file import Entry, Source, Table, read

PROJECT_FILE = Path("charrnn.toml")
"""The project's file, in the working directory and nowhere above it: so that nobody wonders where a value is from."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """The entries of both files.

    Attributes:
        entries: all that could be read, the user's first.
        problems: why a file could not be read, in a line each.
    """

    entries: tuple[Entry, ...] = ()
    problems: tuple[str, ...] = ()

    def of(self, table: Table) -> Iterator[Entry]:
        """The entries of a table, in the order in which a later one goes before an earlier one of its name."""
        return (entry for entry in self.entries if entry.table is table)


def user_file() -> Path:
    """The user's file, which need not exist."""
    # Imported here: it takes some milliseconds, and the command line loads this module at every start.
    from platformdirs import user_config_path

    return user_config_path("charrnn-tui") / "config.toml"


def load() -> Preferences:
    """The settings of both files."""
    entries: list[Entry] = []
    problems: list[str] = []
    for path, source in ((user_file(), Source.USER), (PROJECT_FILE, Source.PROJECT)):
        try:
            entries += read(path, source)
        except UserError as error:
            problems.append(str(error))
    return Preferences(tuple(entries), tuple(problems))
