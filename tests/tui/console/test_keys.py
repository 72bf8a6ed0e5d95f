"""Every action of the table of keys resolves: it parses, its method exists, and its arguments fit."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection
from typing import Any, get_type_hints

import pytest
from textual import events
from textual.actions import parse
from textual.widgets import Input

from engine.events import Finding, Trial
from engine.session.commands import Command, Continue, Pause
from engine.settings import knobs
from tests.conftest import turn
from tests.tui.conftest import FakeEngine, finding, trained
from tests.tui.console.test_console import main, screen_text, shown, until
from tui.console.app import Console
from tui.console.keys import KEYS, Group
from tui.console.main_screen import PANES, SINGLE_COMMANDS, ConsoleScreen

Make = Callable[[FakeEngine], Console]


def check(screen: ConsoleScreen, action: str) -> None:
    """Raises AssertionError where the key of an action would do nothing, or fail."""
    namespace, name, arguments = parse(action)
    assert namespace in ("", "app"), f"{action}: no namespace of ours"
    method = getattr(screen.app if namespace else screen, f"action_{name}", None)
    assert method is not None, f"{action}: there is no such action"
    try:
        bound = inspect.signature(method).bind(*arguments).arguments
    except TypeError as error:
        raise AssertionError(f"{action}: {error}") from error
    known = words(screen)
    hints = get_type_hints(method) if bound else {}
    for parameter, value in bound.items():
        kinds = (int, float) if hints[parameter] is float else hints[parameter]
        assert isinstance(value, kinds), f"{action}: {parameter} is {hints[parameter]}"
        if isinstance(value, str) or parameter in known:
            assert value in known[parameter], f"{action}: {parameter} is one of {', '.join(map(str, known[parameter]))}"


def words(screen: ConsoleScreen) -> dict[str, Collection[Any]]:
    """The allowed values of an action's parameters, by their names."""
    return {
        "knob": [knob.name for knob in knobs()],
        "direction": (-1, 1),
        "pane": PANES,
        "command": SINGLE_COMMANDS,
        "dialog": screen.dialogs,
    }


async def test_every_action_resolves(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app):
        for key in KEYS:
            check(main(app), key.action)


MISTAKES = {
    "stepp('bptt', 1)": "no such action",
    "step('bptt', 1": "no such action",
    "app.palette": "no such action",
    "focused.pause": "no namespace",
    "step('bptt')": "missing a required argument: 'direction'",
    "clip('off')": "too many positional arguments",
    "zoom('in')": "factor is",
    "step('bptd', 1)": "knob is one of",
    "step('bptt', 2)": "direction is one of",
    "maximise('los')": "pane is one of loss, gradient",
    "send('sav')": "command is one of",
    "open('finding')": "dialog is one of",
}
"""Why an action cannot be carried out."""


async def test_an_action_with_a_mistake_is_noticed(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app):
        for action, why in MISTAKES.items():
            with pytest.raises(AssertionError, match=re.escape(why)):
                check(main(app), action)


async def test_every_action_has_a_key(engine: FakeEngine, console: Make) -> None:
    actions = [parse(key.action) for key in KEYS]
    app = console(engine)
    async with shown(app):
        own = {name.removeprefix("action_") for name in vars(ConsoleScreen) if name.startswith("action_")}
        assert own == {name for namespace, name, _ in actions if not namespace}
        for action, there in (("send", SINGLE_COMMANDS), ("open", main(app).dialogs)):
            assert set(there) == {arguments[0] for _, name, arguments in actions if name == action}
        assert set(PANES) == {arguments[0] for _, name, arguments in actions if name == "maximise" and arguments}


def test_no_two_rows_share_an_id_or_a_key() -> None:
    ids = [key.id for key in KEYS]
    names = [name for key in KEYS for name in key.keys.split(",")]
    assert len(ids) == len(set(ids))
    assert len(names) == len(set(names))


def test_every_group_has_keys() -> None:
    assert {key.group for key in KEYS} == set(Group)


async def test_words_typed_in_one_burst_with_the_key_that_opens_a_dialog_reach_it(
    engine: FakeEngine, console: Make
) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        for key in ("h", *"a word"):
            app.post_message(events.Key("space" if key == " " else key, key))
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await until(pilot, lambda: isinstance(app.focused, Input) and app.focused.value == "a word")
        assert engine.commands == []


async def test_keys_go_to_the_field_that_a_tab_before_them_has_chosen(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        for key in ("h", *"one", "tab", *"two"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: isinstance(app.focused, Input) and app.focused.value == "two")
        assert app.screen.query_one("#claim", Input).value == "one"


async def test_a_key_whose_widget_is_gone_keeps_no_other_waiting(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        for key in ("h", "escape", "h", "escape", "space"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: engine.commands == [Pause()])
        assert len(app.screen_stack) == 1


async def test_the_help_finds_a_key_by_what_it_does_or_how_it_is_written(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("question_mark", *"undo")
        await until(pilot, lambda: "Back to the state before the last change" in screen_text(app))
        assert "Pause, or go on" not in screen_text(app)
        await pilot.press(*["backspace"] * 4, "L")
        await until(pilot, lambda: "A higher learning rate" in screen_text(app))
        assert "A lower learning rate" not in screen_text(app)
        await pilot.press("backspace", *"xylophone")
        await until(pilot, lambda: "no key does that" in screen_text(app))
        await pilot.press("escape")
        assert app.screen is main(app)


async def test_the_help_on_a_programs_own_loop_leaves_out_what_does_nothing_there(console: Make) -> None:
    app = console(FakeEngine(trained(watched=True)))
    async with shown(app, (120, 90)) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: "Pause, or go on" in screen_text(app))
        for nothing in ("Longer windows", "Samples drawn", "Continue in a new run", "how curved the loss is"):
            assert nothing not in screen_text(app)


async def test_t_tries_what_the_gravest_finding_proposes(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("t")
        assert engine.commands == [turn("lr", "0.0004")]
        await until(pilot, lambda: "u takes it back" in screen_text(app))


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ((), "no finding is open, and so there is nothing to try"),
        ((finding(trial=Trial("hidden", "512")),), "hidden cannot change while training"),
        ((finding(trial=None),), "no knob tests this"),
    ],
)
async def test_t_says_why_there_is_nothing_to_try(console: Make, found: tuple[Finding, ...], says: str) -> None:
    engine = FakeEngine(trained(findings=found))
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("t")
        await until(pilot, lambda: says in screen_text(app))
        assert engine.commands == []


@pytest.mark.parametrize("here", [True, False])
async def test_only_a_training_of_this_process_waits_until_fg(
    engine: FakeEngine, console: Make, here: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = console(engine)
    engine.is_here = here
    suspended: list[list[Command]] = []
    monkeypatch.setattr(app, "action_suspend_process", lambda: suspended.append(list(engine.commands)))
    async with shown(app) as pilot:
        await pilot.press("ctrl+z")
        await until(pilot, lambda: bool(suspended))
        await until(pilot, lambda: engine.commands == ([Pause(), Continue()] if here else []))
        assert suspended == [[Pause()] if here else []]
