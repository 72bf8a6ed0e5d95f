"""The user's choices for the console: its theme, its layout, its keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UserError
from engine.session import commands as c
from engine.session.snapshot import Status
from tests.tui.conftest import FakeEngine, trained
from tests.tui.console.test_console import screen_text, shown, until
from tui.console.app import Console
from tui.console.choices import NO_CHOICES, Choices, keep_layout, keep_theme, read_choices
from tui.console.keys import KEYS, key_named
from tui.console.layout import Layout
from tui.console.themes import DARK, LIGHT, TERMINALS
from tui.preferences.preferences import PROJECT_FILE, Preferences, load, user_file
from tui.preferences.settings_file import Entry, Source, Table

Make = Callable[[FakeEngine], Console]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def entry(table: Table, name: str, value: Any, source: Source = Source.PROJECT) -> Entry:
    return Entry(table, name, value, source, "charrnn.toml:3")


def choices(*entries: Entry) -> Choices:
    return read_choices(Preferences(entries))


def test_without_a_file_nothing_is_chosen() -> None:
    assert read_choices(load()) == NO_CHOICES


def test_the_environment_goes_before_the_project_and_that_before_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    user_file().parent.mkdir(parents=True)
    user_file().write_text("[console]\ntheme = 'nord'\nlayout = 'reading'\n")
    assert read_choices(load()) == Choices("nord", Layout.READING)
    PROJECT_FILE.write_text(f"[console]\ntheme = '{DARK}'\n")
    assert read_choices(load()) == Choices(DARK, Layout.READING)
    monkeypatch.setenv("TEXTUAL_THEME", "dracula")
    assert read_choices(load()) == Choices(None, Layout.READING)


def test_keys_may_change_places() -> None:
    found = choices(entry(Table.KEYS, "pause", "p"), entry(Table.KEYS, "runs", [" ", "é", "ctrl+t", "?"]), *FREE)
    assert found.keymap == {"pause": "p", "runs": "space,é,ctrl+t,question_mark", "help": "f1"}


FREE = (entry(Table.KEYS, "help", "f1"),)


@pytest.mark.parametrize(
    ("table", "name", "value", "says"),
    [
        (Table.CONSOLE, "theme", "nrod", 'theme is "nrod"; it must be one of textual-dark, '),
        (Table.CONSOLE, "theme", ["nord"], "theme is a list; it must be one of"),
        (Table.CONSOLE, "layout", "wide", 'layout is "wide"; it must be one of training, diagnosis, reading'),
        (Table.CONSOLE, "themes", "nord", "there is no setting themes in [console]: did you mean theme?"),
        (Table.KEYS, "paus", "p", "there is no action paus: did you mean pause"),
        (Table.KEYS, "pause", "p", "pause has the key of runs; give one of them another key"),
        (Table.KEYS, "runs", ["P", "u"], "runs has the key of undo"),
        *(
            (Table.KEYS, "pause", value, "it must be a key that a terminal sends")
            for value in (
                3,
                "",
                [],
                [3],
                "pp",
                "ctrl+i",
                "ctrl+q",
                "ctrl+T",
                "shift+p",
                "tab",
                "escape",
                "\n",
                "\x1b",
                "a,z",
            )
        ),
    ],
)
def test_what_is_wrong_is_one_line(table: Table, name: str, value: object, says: str) -> None:
    with pytest.raises(UserError) as error:
        choices(entry(table, name, value))
    assert str(error.value).startswith("charrnn.toml:3: ")
    assert says in str(error.value)


@given(written=st.text(max_size=12) | st.sampled_from(["keycap_digit_one", "ctrl+", "+", "a+b", "_", "f13"]))
def test_any_text_is_a_key_or_none(written: str) -> None:
    assert "," not in (key_named(written) or "")


def test_every_key_that_there_is_may_be_written_as_it_is() -> None:
    assert all(key_named(name) == name for key in KEYS for name in key.keys.split(","))


async def test_a_key_of_the_users_does_the_work_and_is_named_everywhere(engine: FakeEngine, tmp_path: Path) -> None:
    app = Console(engine, tmp_path / "lab", Choices(keymap={"pause": "p,f5", "runs": "space", "try": "é"}))
    engine.play(status=Status.PAUSED, message="paused")
    async with shown(app) as pilot:
        await until(pilot, lambda: "paused: p goes on" in screen_text(app).lower())
        await pilot.press("p", "f5")
        assert engine.commands == [c.Continue(), c.Pause()]
        await until(pilot, lambda: "p Pause" in screen_text(app))
        await pilot.press("question_mark", *"pause")
        await until(pilot, lambda: "p  Pause, or go on." in screen_text(app))
        await pilot.press("escape", "ctrl+p", *"pause")
        await until(pilot, lambda: "Pause (p)" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await pilot.press("space")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        assert engine.commands == [c.Continue(), c.Pause()]


async def test_the_theme_of_the_key_is_kept(engine: FakeEngine, console: Make) -> None:
    async with shown(app := console(engine)) as pilot:
        await pilot.press("y")
        await until(pilot, lambda: read_choices(load()).theme == app.theme == "textual-light")
        await pilot.press("y")
        await until(pilot, lambda: read_choices(load()).theme == app.theme == DARK)


async def test_the_theme_of_the_palette_is_kept_and_the_next_console_has_it(
    engine: FakeEngine, console: Make, tmp_path: Path
) -> None:
    async with shown(app := console(engine)) as pilot:
        await pilot.press("ctrl+p", *LIGHT)
        await until(pilot, lambda: f"theme {LIGHT}" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == LIGHT)
    again = Console(FakeEngine(trained()), tmp_path / "lab", read_choices(load()))
    async with shown(again) as pilot:
        assert again.theme == LIGHT
        assert again.ansi_theme is TERMINALS[LIGHT]
        again.theme = "textual-light"
        await pilot.pause()
        assert again.ansi_theme is not TERMINALS[LIGHT]


async def test_a_theme_that_cannot_be_kept_is_said(
    engine: FakeEngine, console: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    async with shown(app := console(engine)) as pilot:
        await pilot.press("y")
        await until(pilot, lambda: "theme is not kept: " in screen_text(app))
        assert app.theme == "textual-light"


def test_a_layout_is_kept_beside_the_theme() -> None:
    keep_theme("nord")
    keep_layout(Layout.DIAGNOSIS)
    assert read_choices(load()) == Choices("nord", Layout.DIAGNOSIS)


def test_the_main_screen_has_the_keys_of_the_table(engine: FakeEngine, console: Make) -> None:
    assert console(engine).get_default_screen().keys == KEYS
