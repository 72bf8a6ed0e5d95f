"""The dialog in which the network continues a text: what is asked for, and what is seen under the cursor."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.events import Paste
from textual.widgets import Input

from engine.events import RunStatus
from engine.network.drawn import Drawn
from engine.session import commands as c
from engine.session.snapshot import Continuation, Status
from tests.conftest import turn
from tests.tui.conftest import FakeEngine
from tests.tui.console.test_console import Make, screen_text, shown, until
from tui.console.app import Console
from tui.console.choices import NO_CHOICES
from tui.console.screens.writing import WritingDialog, WrittenText, columns, pictured


def drawn(text: str) -> tuple[Drawn, ...]:
    return tuple(Drawn(each, each, ((each, 0.75), ("z", 0.004))) for each in text)


def shows(app: Console, words: str) -> bool:
    return words in screen_text(app)


async def test_a_text_is_typed_in_one_burst_and_continued(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app, (80, 24)) as pilot:
        await pilot.press("g", *"mM?", "enter")
        assert engine.commands == [c.WriteSample("mM?")]
        engine.play(continuation=Continuation("mM?", drawn("to\nbe"), finished=True))
        await until(pilot, lambda: "› t     75 %" in screen_text(app))
        assert isinstance(app.focused, WrittenText)
        assert "mM?to" in screen_text(app)
        assert "  z     <1 %" in screen_text(app)
        for keys, seen in (
            (("right", "right"), "› ↵     75 %"),
            (("down",), "› e     75 %"),  # the nearest place in that line
            (("up",), "› t     75 %"),
            (("end",), "› e     75 %"),
            (("home",), "› t     75 %"),
        ):
            await pilot.press(*keys)
            await until(pilot, partial(shows, app, seen))
        await pilot.press("m", "K", "n", "P")
        assert engine.commands[1:] == [turn("temperature", "0.7")]  # the others are as far as they go
        await pilot.press("enter")
        assert engine.commands[-1] == c.WriteSample("mM?")
        await pilot.press("escape", "g")
        assert "mM?to" in screen_text(app)


async def test_what_could_not_be_written_is_said(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        engine.play(continuation=Continuation("a", trouble="the network's outputs are not finite", finished=True))
        await pilot.press("g")
        assert isinstance(app.screen, WritingDialog)
        assert "are not finite" in " ".join(screen_text(app).split())


async def test_a_programs_own_network_is_refused_in_words(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        engine.play(watched=True)
        await pilot.press("g")
        assert engine.commands == [c.WriteSample()]
        assert not isinstance(app.screen, WritingDialog)


TEXTS = st.text(st.sampled_from("ab 日\n\té"), max_size=60)


@given(TEXTS, st.integers(2, 12))
def test_no_line_is_wider_than_the_room_and_no_character_is_lost(text: str, width: int) -> None:
    places = columns(text, width)
    assert len(places) == len(text)
    assert places == sorted(places)
    lines: dict[int, int] = {}
    for character, (line, column) in zip(text, places, strict=True):
        assert column == lines.get(line, 0)
        lines[line] = column + cell_len(pictured(character))
        assert character.isspace() or lines[line] <= width
    assert sorted(lines) == list(range(len(lines)))


def test_lines_are_broken_between_words() -> None:
    def broken(text: str, width: int) -> list[str]:
        lines: dict[int, str] = {}
        for character, (line, _) in zip(text, columns(text, width), strict=True):
            lines[line] = lines.get(line, "") + character
        return list(lines.values())

    assert broken("to be or not", 6) == ["to be ", "or not"]
    assert broken("to be or not", 5) == ["to be ", "or ", "not"]
    assert broken("indivisible word", 5) == ["indiv", "isibl", "e ", "word"]
    assert broken("to be\nor", 5) == ["to be\n", "or"]
    assert broken("a\nb", 5) == ["a\n", "b"]


async def test_what_is_not_known_here_is_said(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    engine.play(continuation=Continuation("a", (Drawn("b", "b", ()),), finished=True))
    async with shown(app) as pilot:
        await pilot.press("g")
        await until(pilot, partial(shows, app, "tab: into the text"))
        await pilot.press("tab")
        await until(pilot, partial(shows, app, "tab: the beginning"))
        assert "What else it might" in screen_text(app)
        await pilot.press("tab", "c")
        assert app.screen.query_one(Input).value == "ac"


async def test_of_a_long_paste_as_much_is_taken_as_there_is_room_for(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("g", "a")
        app.screen.query_one(Input).post_message(Paste("b" * 3_000))
        await until(pilot, lambda: len(app.screen.query_one(Input).value) == 1_000)


@pytest.mark.parametrize("key", ["g", "e", "question_mark", "h", "p"])
async def test_ctrl_c_leaves_from_any_dialog(engine: FakeEngine, console: Make, key: str) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press(key)
        assert len(app.screen_stack) == 2
        await pilot.press("ctrl+c")
        assert engine.commands == [c.Quit(RunStatus.QUIT)]


async def test_what_is_not_loaded_is_not_left_running(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    engine.play(status=Status.LOADING)
    async with shown(app) as pilot:
        await pilot.press("Q")
        await until(pilot, partial(shows, app, "nothing is loaded yet"))
        assert engine.commands == []


@pytest.mark.parametrize(
    ("keymap", "commands"), [({"pause": "ctrl+c"}, [c.Pause()]), ({"interrupt": "ctrl+x"}, []), ({}, None)]
)
async def test_ctrl_c_may_be_a_users_own_for_something_else(
    engine: FakeEngine, tmp_path: Path, keymap: dict[str, str], commands: list[c.Command] | None
) -> None:
    app = Console(engine, tmp_path, replace(NO_CHOICES, keymap=keymap))
    async with shown(app) as pilot:
        await pilot.press("ctrl+c")
        assert engine.commands == ([c.Quit(RunStatus.QUIT)] if commands is None else commands)
