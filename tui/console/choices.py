"""The user's choices for the console: `[console]` and `[keys]` of the settings files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import UserError
from tui.console import themes
from tui.console.keys import KEYS, key_named, rekeyed
from tui.console.layout import Layout
from tui.preferences.keeping import keep
from tui.preferences.preferences import Preferences
from tui.preferences.settings_file import Entry, Table, nearest, written

THEME, LAYOUT = "theme", "layout"

THEME_VARIABLE = "TEXTUAL_THEME"
"""The environment's theme, which Textual reads. It goes before those of the settings files."""

TYPED = (
    "a key that a terminal sends and no dialog needs, or a list of some: "
    "a character, space, enter, backspace, delete, insert, f1 to f12, or ctrl+ and a letter but i, m and q"
)


@dataclass(frozen=True, slots=True)
class Choices:
    """How a user wants the console.

    Attributes:
        theme: the name of the theme; None for Textual's own, or the environment's.
        layout: the layout to begin with.
        keymap: by the id of an action its keys, with commas between, as Textual takes them.
    """

    theme: str | None = None
    layout: Layout = Layout.TRAINING
    keymap: Mapping[str, str] = field(default_factory=dict)


NO_CHOICES = Choices()


def read_choices(preferences: Preferences) -> Choices:
    """The choices in the settings files; raises UserError where one is wrong."""
    found = {entry.name: check(entry) for entry in preferences.of(Table.CONSOLE)}
    if is_theme(os.environ.get(THEME_VARIABLE, "")):
        found.pop(THEME, None)
    return Choices(found.get(THEME), found.get(LAYOUT, Layout.TRAINING), read_keymap(preferences))


def is_theme(name: str) -> bool:
    """Whether there is a theme of this name."""
    return name in themes.NAMES


def check(entry: Entry) -> Any:
    """The value of a setting in `[console]`; raises UserError where there is no such setting, or no such value."""
    allowed: Mapping[str, tuple[str, ...]] = {THEME: themes.NAMES, LAYOUT: tuple(Layout)}
    if (choices := allowed.get(entry.name)) is None:
        raise entry.unknown(allowed)
    if entry.value not in choices:
        raise entry.wrong(f"one of {', '.join(choices)}")
    return entry.value if entry.name == THEME else Layout(entry.value)


def read_keymap(preferences: Preferences) -> dict[str, str]:
    """By the id of an action the keys that it is to have; raises UserError where one is wrong."""
    entries = {entry.name: entry for entry in preferences.of(Table.KEYS)}
    keymap = {name: check_keys(entry) for name, entry in entries.items()}
    used: dict[str, str] = {}
    for action in rekeyed(KEYS, keymap):
        for key in action.keys.split(","):
            if (other := used.get(key)) is not None:
                mine, theirs = (action.id, other) if action.id in entries else (other, action.id)
                raise UserError(f"{entries[mine].place}: {mine} has the key of {theirs}; give one of them another key")
            used[key] = action.id
    return keymap


def check_keys(entry: Entry) -> str:
    """The keys of an action, as Textual takes them; raises UserError where there is no such action, or no such key."""
    if entry.name not in (ids := [key.id for key in KEYS]):
        raise UserError(f"{entry.place}: there is no action {entry.name}{nearest(entry.name, ids)}")
    asked = entry.value if isinstance(entry.value, list) else [entry.value]
    keys = [key_named(each) if isinstance(each, str) else None for each in asked]
    if not keys or None in keys:
        wrong = next((each for each, key in zip(asked, keys, strict=True) if key is None), entry.value)
        raise UserError(f"{entry.place}: {entry.name} is {written(wrong)}; it must be {TYPED}")
    return ",".join(dict.fromkeys(filter(None, keys)))


def keep_theme(name: str) -> None:
    """Have the next console begin with a theme; raises UserError where the user's file cannot be written."""
    keep(Table.CONSOLE, THEME, name)


def keep_layout(layout: Layout) -> None:
    """Have the next console begin with a layout; raises UserError where the user's file cannot be written."""
    keep(Table.CONSOLE, LAYOUT, layout.value)
