"""`charrnn-tui config`: every setting that stays, its value, and where that comes from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TypeVar

import click
from rich.table import Table as Grid
from rich.text import Text

from engine.budget import BUDGETS
from engine.errors import UserError
from engine.settings import PRESETS, Settings, setting
from tui.command_line.defaults import Defaults, known_options, text
from tui.command_line.output import one_line, standard_output
from tui.console import choices
from tui.console.keys import KEYS, key_named
from tui.console.layout import Layout
from tui.preferences import notifications
from tui.preferences.preferences import PROJECT_FILE, Preferences, user_file
from tui.preferences.settings_file import Entry, Source, Table, written
from tui.terminal import complain
from tui.words.json_lines import line

NONE = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """A setting, its value and its source.

    Attributes:
        table: the table of a settings file that has it.
        setting: its name.
        value: its value, as the user would write it; empty for none.
        source: where the value comes from.
        place: the file and line, or the variable; empty for a default.
    """

    table: Table
    setting: str
    value: str
    source: Source
    place: str = ""


def show(defaults: Defaults, train: click.Command, *, as_json: bool) -> int:
    """Print every setting; return 2 where something is wrong with a settings file, which is said, and else 0."""
    rows = [*_training(defaults, train), *_console(defaults.preferences), *_notify(defaults.preferences)]
    rows += _keys(defaults.preferences)
    if as_json:
        for row in rows:
            print(line({"event": "setting", **asdict(row)}))
    else:
        _print(rows)
    found = problems(defaults)
    for problem in found:
        complain(problem)
    return 2 if found else 0


def problems(defaults: Defaults) -> tuple[str, ...]:
    """All that is wrong with the settings files, in a line each."""
    checks: Mapping[Table, Callable[[Entry], object]] = {
        Table.CONSOLE: choices.check,
        Table.KEYS: choices.check_keys,
        Table.NOTIFY: notifications.check,
    }
    found = list(defaults.problems)
    for entry in defaults.preferences.entries:
        if entry.table in checks:
            found += _problem(checks[entry.table], entry)
    # Which keys clash is known once each is one.
    return tuple(found or _problem(choices.read_keymap, defaults.preferences))


Checked = TypeVar("Checked")


def _problem(check: Callable[[Checked], object], checked: Checked) -> list[str]:
    """Why a check fails; nothing where it does not."""
    try:
        check(checked)
    except UserError as error:
        return [str(error)]
    return []


def _training(defaults: Defaults, train: click.Command) -> Iterator[Row]:
    preset = defaults.entries.get("preset")
    of_preset = PRESETS[preset.value] if preset is not None else {}
    for name, option in known_options(train).items():
        if (entry := defaults.entries.get(name)) is not None:
            yield _row(entry, text(entry))
        elif preset is not None and name in of_preset:
            yield _row(preset, setting(name).kind.write(of_preset[name]), name)
        elif name in BUDGETS or name == "checkpoint_every":
            yield Row(Table.TRAIN, name, "", Source.DEFAULT)
        else:
            value = str(option.default) if name in ("preset", "lab") else Settings().write(name)
            yield Row(Table.TRAIN, name, value, Source.DEFAULT)


def _console(preferences: Preferences) -> Iterator[Row]:
    entries = _last(preferences, Table.CONSOLE)
    variable = os.environ.get(choices.THEME_VARIABLE, "")
    if choices.is_theme(variable):
        yield Row(Table.CONSOLE, choices.THEME, variable, Source.ENVIRONMENT, choices.THEME_VARIABLE)
    else:
        yield _of(entries, Table.CONSOLE, choices.THEME, "textual-dark")
    yield _of(entries, Table.CONSOLE, choices.LAYOUT, Layout.TRAINING)


def _notify(preferences: Preferences) -> Iterator[Row]:
    entries = _last(preferences, Table.NOTIFY)
    yield _of(entries, Table.NOTIFY, notifications.BELL, "false")
    for name in notifications.COMMANDS:
        yield _of(entries, Table.NOTIFY, name, "")


def _keys(preferences: Preferences) -> Iterator[Row]:
    entries = _last(preferences, Table.KEYS)
    for key in KEYS:
        yield _of(entries, Table.KEYS, key.id, key.keys)


def _last(preferences: Preferences, table: Table) -> dict[str, Entry]:
    return {entry.name: entry for entry in preferences.of(table)}


def _of(entries: Mapping[str, Entry], table: Table, name: str, default: str) -> Row:
    if (entry := entries.get(name)) is None:
        return Row(table, name, default, Source.DEFAULT)
    return _row(entry, _value(entry))


def _value(entry: Entry) -> str:
    """The value of a setting; of keys, by Textual's names."""
    if entry.table is Table.KEYS:
        keys = entry.value if isinstance(entry.value, list) else [entry.value]
        return ",".join(key_named(each) or each if isinstance(each, str) else written(each) for each in keys)
    return entry.value if isinstance(entry.value, str) else written(entry.value)


def _row(entry: Entry, value: str, name: str = "") -> Row:
    return Row(entry.table, name or entry.name, value, entry.source, entry.place)


def _print(rows: Iterable[Row]) -> None:
    console = standard_output()
    console.print(one_line(f"your file: {_described(str(user_file()), user_file().is_file())}"))
    project = PROJECT_FILE.absolute()
    console.print(one_line(f"the project's: {_described(str(project), project.is_file())}"))
    grid = Grid("setting", "value", "from", box=None, header_style="dim", pad_edge=False)
    table = None
    for row in rows:
        if row.table is not table:
            table = row.table
            grid.add_row()
            grid.add_row(Text(f"[{table}]", style="bold"))
        where = f"{row.source}: {row.place}" if row.place else str(row.source)
        style = "dim" if row.source is Source.DEFAULT else ""
        grid.add_row(one_line(row.setting), one_line(row.value or NONE), one_line(where, style))
    console.print(grid)


def _described(path: str, there: bool) -> str:
    return path if there else f"{path} (there is none)"
