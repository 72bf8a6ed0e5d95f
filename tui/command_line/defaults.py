"""The defaults that settings files give to the command line's options: `[train]`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from engine.budget import BUDGETS
from engine.errors import UserError
from engine.settings import PRESETS, Number, Settings, settings
from tui.command_line.options import Folder, ParamType, ValueType
from tui.preferences.preferences import Preferences, load
from tui.preferences.settings_file import Entry, Source, Table

HYPERPARAMETERS = frozenset(described.name for described in settings()) | {"preset"}

TASTE = frozenset({"temperature", "top_k", "top_p", "min_p"})
"""How samples are drawn."""

OF_ONE_RUN = frozenset({"text", "name", "as_json", "notify"})
"""Parameters of `train` that are no default of the next run, or have a table of their own."""

WANTED: Mapping[str, frozenset[str]] = {
    "console": HYPERPARAMETERS | BUDGETS.keys() | {"checkpoint_every"},
    "train": HYPERPARAMETERS | BUDGETS.keys() | {"checkpoint_every"},
    # A run that is continued has settings and ends of its own, which a file must not change unasked.
    "resume": frozenset({"checkpoint_every"}),
    "fork": frozenset({"checkpoint_every"}),
    # A race trains each variant for as long as it takes to tell them apart, and not as long as a run of one's own.
    "race": HYPERPARAMETERS,
    # A question chooses the settings of its experiment; the encoding is the text's.
    "ask": frozenset({"encoding"}),
    "sample": TASTE,
}
"""The settings that each command takes from a file, besides the lab, which every command takes."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """The settings files, as the command line uses them.

    Attributes:
        preferences: the entries of both files.
        problems: all that is wrong with the files themselves and with `[train]`, in a line each.
        entries: by name the entry of `[train]` that counts.
    """

    preferences: Preferences
    problems: tuple[str, ...]
    entries: Mapping[str, Entry]

    def by_command(self, commands: Mapping[str, click.Command]) -> dict[str, dict[str, str]]:
        """Click's `default_map`: for each command the values of its options, as the user would type them."""
        return {
            command: {
                name: text(self.entries[name])
                for name in (option.name or "" for option in described.params)
                if name in self.entries and (name == "lab" or name in WANTED.get(command, ()))
            }
            for command, described in commands.items()
        }


def read_defaults(train: click.Command) -> Defaults:
    """The defaults in the settings files; `train` is the command whose options they are."""
    preferences = load()
    known = known_options(train)
    problems, entries = list(preferences.problems), list[Entry]()
    for entry in preferences.of(Table.TRAIN):
        try:
            check(entry, known)
            entries.append(entry)
        except UserError as error:
            problems.append(str(error))
    return Defaults(preferences, tuple(problems), _merged(entries))


def known_options(train: click.Command) -> dict[str, click.Parameter]:
    """The options of `train` that `[train]` may have, by the names of their values."""
    return {option.name: option for option in train.params if option.name and option.name not in OF_ONE_RUN}


def check(entry: Entry, known: Mapping[str, click.Parameter]) -> None:
    """Raise UserError where `[train]` has no such setting, or where it cannot have this value."""
    if (option := known.get(entry.name)) is None:
        raise entry.unknown(sorted(known))
    kind = option.type
    types = str if isinstance(kind, Folder) else str | int | float
    if isinstance(entry.value, bool) or not isinstance(entry.value, types):
        raise entry.wrong(_expects(entry.name, kind))
    try:
        if "\0" in (typed := text(entry)):  # No command line could hold it.
            raise entry.wrong(_expects(entry.name, kind))
        kind.convert(typed, option, None)
    except (UserError, ValueError, RuntimeError) as error:  # the last where `~` has no folder
        raise entry.wrong(_expects(entry.name, kind)) from error


def text(entry: Entry) -> str:
    """A value as the user would type it; raises ValueError for a whole number of more digits than Python writes."""
    if entry.name == "lab":
        # No shell has done it, as it does on the command line.
        return str(Path(entry.value).expanduser()) if entry.value.startswith("~/") else entry.value
    return str(entry.value)


def _expects(name: str, kind: ParamType) -> str:
    """The allowed values of an option, with an example where that is a number that has a default."""
    if isinstance(kind, Folder):
        return "the name of a folder"
    assert isinstance(kind, ValueType), kind
    has_example = isinstance(kind.kind, Number) and name in HYPERPARAMETERS
    return f"{kind.kind.expects}, such as {Settings().write(name)}" if has_example else kind.kind.expects


def _merged(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The entries that count, by name. The project's file goes before the user's.

    A preset goes before the values that it sets where these are of a file before its own, and so does an end of the
    training before other ends.
    """
    found: dict[str, Entry] = {}
    for layer in _layers(entries):
        if "preset" in layer:
            found = {name: entry for name, entry in found.items() if name not in PRESETS[layer["preset"].value]}
        if layer.keys() & BUDGETS.keys():
            found = {name: entry for name, entry in found.items() if name not in BUDGETS}
        found |= layer
    return found


def _layers(entries: Iterable[Entry]) -> Iterator[dict[str, Entry]]:
    there = list(entries)
    for source in (Source.USER, Source.PROJECT):
        yield {entry.name: entry for entry in there if entry.source is source}
