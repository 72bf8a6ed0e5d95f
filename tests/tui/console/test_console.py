"""The console through its keys, with an engine that only pretends."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text
from textual._compositor import Compositor
from textual.app import App
from textual.events import Key, Paste
from textual.pilot import Pilot
from textual.widgets import Button, Footer, Input, OptionList, RadioSet, SelectionList, Static

from engine.events import (
    Cause,
    Hypothesis,
    HypothesisStatus,
    Idea,
    Judged,
    Judgement,
    Note,
    NoteKind,
    Point,
    RunStatus,
    Suspicion,
    Validation,
)
from engine.lab import Lab
from engine.session import commands as c
from engine.session.snapshot import Status
from engine.settings import Settings
from tests.conftest import new_run, turn
from tests.tui.conftest import FakeEngine, point, trained
from tests.waiting import PATIENCE
from tui.console import app as app_module
from tui.console.app import Console
from tui.console.choices import Choices
from tui.console.keys import KEYS
from tui.console.layout import Layout
from tui.console.main_screen import ConsoleScreen
from tui.console.panes.cached_text import CachedText
from tui.console.panes.header import Header
from tui.console.panes.log import LogPane
from tui.console.panes.loss import LossPane
from tui.console.panes.pane import Pane
from tui.console.panes.sample import SamplePane
from tui.console.screens.help import HelpScreen
from tui.console.screens.hypotheses import ConcludeDialog, HypothesisDialog
from tui.console.screens.knobs import KnobDialog
from tui.console.screens.runs import CompareScreen, RunsDialog

Make = Callable[[FakeEngine], Console]
SIZE = (120, 40)


@asynccontextmanager
async def shown(app: Console, size: tuple[int, int] = SIZE) -> AsyncIterator[Pilot[int]]:
    try:
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: main(app).has_class("small") or main(app).query_one(Header).size.height > 1)
            await pilot.pause()
            yield pilot
            app.leave(RunStatus.QUIT)
    finally:
        # A test that fails leaves an engine's thread behind, for which the process would wait for ever.
        await asyncio.to_thread(app.join)


async def until(pilot: Pilot[int], condition: Callable[[], bool]) -> None:
    """Let the console live until a condition holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"the condition never held:\n{screen_text(pilot.app)}"
        await pilot.pause(0.005)


def screen_text(app: App[int]) -> str:
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


def main(app: Console) -> ConsoleScreen:
    found = app.screen_stack[0]
    assert isinstance(found, ConsoleScreen)
    return found


COMMANDS: dict[str, c.Command] = {
    "space": c.Pause(),
    "n": c.Step(),
    "b": turn("bptt", "40"),
    "B": turn("bptt", "100"),
    "c": turn("clip", "off"),
    "left_square_bracket": turn("clip", "0.7"),
    "right_square_bracket": turn("clip", "1.5"),
    "k": turn("clip_by", "value"),
    "l": turn("lr", "0.003"),
    "L": turn("lr", "0.005"),
    "D": turn("dropout", "0.05"),
    "W": turn("weight_decay", "0.001"),
    "m": turn("temperature", "0.7"),
    "M": turn("temperature", "0.9"),
    "a": turn("targets", "last"),
    "o": c.CoolDown(),
    "u": c.Undo(),
    "s": c.Save(),
    "Y": c.Fork(),
    "v": c.Evaluate(),
}
"""The command of each key in a training with the default settings."""


async def test_each_key_asks_for_its_command(engine: FakeEngine, console: Make) -> None:
    before = engine.snapshot()
    async with shown(console(engine)) as pilot:
        for key in COMMANDS:
            await pilot.press(key)
            engine.play(status=before.status, message=before.message, settings=before.settings)
        assert engine.commands == list(COMMANDS.values())


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_a_key_that_leaves(engine: FakeEngine, console: Make, key: str) -> None:
    async with shown(console(engine)) as pilot:
        await pilot.press(key)
        assert engine.commands == [c.Quit(RunStatus.QUIT)]


async def test_space_goes_on_after_a_pause(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("space")
        assert "‖ paused" in screen_text(app)
        assert "space goes on" in screen_text(app)
        await pilot.press("space")
        assert engine.commands == [c.Pause(), c.Continue()]


async def test_presses_add_up_while_the_engine_is_busy(console: Make) -> None:
    engine = FakeEngine(trained(), at_once=False)
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("b", "b", "B", "c", "c")
        assert engine.commands == [
            turn("bptt", "40"),
            turn("bptt", "20"),
            turn("bptt", "40"),
            turn("clip", "off"),
            turn("clip", "1"),
        ]


async def test_a_change_shows_as_requested_and_then_as_applied(console: Make) -> None:
    engine = FakeEngine(trained(), at_once=False)
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("b")
        assert "bptt 64 → 40 …" in screen_text(app)
        engine.deal("bptt 64 → 40")
        await until(pilot, lambda: "bptt 64 → 40 — applied" in screen_text(app))
        assert "bptt 40  targets" in screen_text(app)


async def test_a_refused_change_is_a_message(console: Make) -> None:
    engine = FakeEngine(trained(), at_once=False)
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("B")
        engine.deal("use --bptt [bold]10[/] or shorter", failed=True)
        await until(pilot, lambda: "use --bptt [bold]10[/] or shorter" in screen_text(app))
        assert "bptt 64  targets" in screen_text(app)


async def test_the_end_of_a_ladder_is_said(console: Make) -> None:
    engine = FakeEngine(trained(settings=trained().settings.with_text("dropout", "0")))
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("d")
        assert engine.commands == []
        assert "as far as the key goes" in screen_text(app)


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40), (200, 60), (400, 100)])
async def test_everything_is_there_at_every_size(engine: FakeEngine, console: Make, size: tuple[int, int]) -> None:
    app = console(engine)
    async with shown(app, size):
        text = screen_text(app)
        for words in ("shakespeare.txt", "training", "Loss", "Gradient", "Hypotheses", "Sample", "KING HENRY", "H2 ✓"):
            assert words in text
        for words in (
            "bptt 64",
            "clip 1 norm",
            "lr 0.004",
            "loss 1.5",
            "val 1.6200",
            "rnn.hh0",
            "12 % cut",
            "T 0.8",
        ):
            assert words in text


async def test_a_validation_loss_of_a_sample_is_shown_with_its_error(console: Make) -> None:
    measured = (Validation(200, 204_800, 1.71), Validation(390, 399_360, 1.6214, error=0.0123))
    engine = FakeEngine(trained(validations=measured, best=1.6301))
    app = console(engine)
    async with shown(app, (80, 24)) as pilot:
        assert "val 1.621 ±0.012  best 1.6301" in screen_text(app)
        # A best one that is out of date would contradict what stands beside it.
        engine.play(best=1.71)
        await until(pilot, lambda: "best" not in screen_text(app).split("╭")[0])


@pytest.mark.parametrize("size", [(10, 3), (79, 24), (80, 23), (1, 1)])
async def test_too_small_a_terminal_is_said(engine: FakeEngine, console: Make, size: tuple[int, int]) -> None:
    app = console(engine)
    async with shown(app, size) as pilot:
        assert main(app).has_class("small")
        if size[0] > 9:
            assert "80×24" in screen_text(app)
        await pilot.resize_terminal(*SIZE)
        await until(pilot, lambda: "KING HENRY" in screen_text(app))
        assert not main(app).has_class("small")


async def test_resizing_at_any_time(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        for size in ((80, 24), (10, 3), (300, 90), (81, 25), (1, 50), (120, 40)):
            await pilot.resize_terminal(*size)
        await until(pilot, lambda: "KING HENRY" in screen_text(app))


@pytest.mark.parametrize(("key", "pane"), [("1", "loss"), ("2", "gradient"), ("3", "log"), ("4", "sample")])
async def test_a_pane_is_maximised_and_restored(engine: FakeEngine, console: Make, key: str, pane: str) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        before = main(app).query_one(f"#{pane}", Pane).size
        await pilot.press(key)
        await pilot.pause()
        assert main(app).maximized is main(app).query_one(f"#{pane}")
        assert main(app).query_one(f"#{pane}", Pane).size.width > before.width
        await pilot.press(key)
        await pilot.pause()
        assert main(app).maximized is None
        assert main(app).query_one(f"#{pane}", Pane).size == before


async def test_the_focused_pane_is_maximised(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        main(app).query_one("#sample", Pane).focus()
        await pilot.press("f")
        assert main(app).maximized is main(app).query_one("#sample")


async def test_the_chart_is_looked_at_otherwise(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        pane = main(app).query_one(LossPane)
        await pilot.press("x")
        assert pane.view.log
        await pilot.press("z", "plus")
        assert pane.view.share == 0.125
        assert "last 12.5 %" in screen_text(app)
        await pilot.press("minus", "minus", "minus", "minus", "x")
        assert (pane.view.share, pane.view.log) == (1.0, False)


async def test_a_chart_that_fails_is_a_message_in_its_pane(
    engine: FakeEngine, console: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("bad [/alloc]")

    monkeypatch.setattr("tui.console.panes.loss.loss_chart", fail)
    app = console(engine)
    async with shown(app):
        assert "RuntimeError: bad [/alloc]" in screen_text(app)
        assert "KING HENRY" in screen_text(app)


async def test_numbers_that_are_not_finite_do_not_take_the_screen_down(console: Make) -> None:
    bad = replace(point(401), loss=float("nan"), grad_norm=float("inf"), norms=(float("nan"),) * 4)
    worse: Point = replace(point(402), loss=float("inf"), grad_norm=-1.0, norms=(0.0,) * 4)
    points = (*trained().points, bad, worse)
    app = console(FakeEngine(trained(points=points, recent=points)))
    async with shown(app) as pilot:
        await pilot.press("x")
        assert "KING HENRY" in screen_text(app)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.LOADING, "loading"),
        (Status.PAUSED, "space goes on"),
        (Status.BROKEN, "u goes back · F why · space goes on after a change"),
        (Status.FINISHED, "space trains on"),
    ],
)
async def test_each_state_says_what_can_be_done(console: Make, status: Status, words: str) -> None:
    app = console(FakeEngine(trained(status=status, message="what happened")))
    async with shown(app):
        assert "what happened" in screen_text(app).lower()
        assert words in screen_text(app)


async def test_arrows_turn_the_chosen_knob_and_the_list_stays(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("e", "down", "right", "right", "left")
        assert engine.commands == [turn("bptt", "100"), turn("bptt", "128"), turn("bptt", "100")]
        await until(pilot, lambda: "bptt          100           default 64" in screen_text(app))
        await pilot.press("down", "right")
        assert engine.commands[-1] == turn("targets", "last")
        await pilot.press("enter", "right", "escape")
        assert app.screen is main(app)
        assert len(engine.commands) == 4, "in the field, an arrow moves the cursor"


async def test_an_arrow_says_where_it_ends(console: Make) -> None:
    app = console(FakeEngine(trained(settings=Settings(dropout=0.0))))
    async with shown(app) as pilot:
        await pilot.press("e")
        names = list(trained().knobs)
        await pilot.press(*["down"] * names.index("dropout"), "left")
        await until(pilot, lambda: "as far as the arrow goes" in screen_text(app))


async def test_progress_and_what_is_being_done(console: Make) -> None:
    app = console(FakeEngine(trained(progress=0.5, busy=("validation", 0.25))))
    async with shown(app):
        assert "50 %" in screen_text(app)
        assert "validation" in screen_text(app)
        assert "25 %" in screen_text(app)


async def test_help_has_every_key(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app, (130, 90)) as pilot:
        await pilot.press("question_mark")
        assert [type(screen) for screen in app.screen_stack] == [ConsoleScreen, HelpScreen]
        text = screen_text(app)
        for key in KEYS:
            assert key.help.split(".")[0][:40] in text
        await pilot.press("escape")
        assert app.screen is main(app)


async def test_the_palette_finds_a_key(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("ctrl+p")
        await pilot.press(*"single")
        await until(pilot, lambda: "Single update" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: c.Step() in engine.commands)


async def test_any_knob_is_edited_exactly(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("e")
        dialog = app.screen
        assert isinstance(dialog, KnobDialog)
        await pilot.press("down", "enter")
        field = dialog.query_one("#knob-value", Input)
        assert field.has_focus
        for bad in ("0", "40-10", "banana", "", "[/]"):
            field.value = bad
            await pilot.press("enter")
            await pilot.pause()
            assert app.screen is dialog
            assert "expected a length" in str(dialog.query_one("#knob-error", Static).render())
        field.value = "10-40"
        await pilot.press("enter")
        await until(pilot, lambda: engine.commands == [turn("bptt", "10-40")])


async def test_a_programs_own_knobs_are_edited_too(engine: FakeEngine, console: Make) -> None:
    own = {"momentum": "0.9", "beta2": "0.999"}
    engine.play(watched=True, knobs=("lr", *own), own=own)
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("e", "down", "enter")
        field = app.screen.query_one("#knob-value", Input)
        assert field.value == "0.9"
        field.value = "1.5"
        await pilot.press("enter")
        await until(pilot, lambda: "expected a number" in str(app.screen.query_one("#knob-error", Static).render()))
        field.value = "0.5"
        await pilot.press("enter")
        await until(pilot, lambda: engine.commands == [c.Turn("momentum", 0.5)])


async def test_leaving_a_dialog_asks_for_nothing(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        for key in ("e", "h", "H", "p", "r"):
            await pilot.press(key)
            assert app.screen is not main(app)
            await pilot.press("escape")
            assert app.screen is main(app)
        assert engine.commands == []


async def test_a_hypothesis_is_written_down(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("h")
        dialog = app.screen
        assert isinstance(dialog, HypothesisDialog)
        await pilot.press("enter")
        assert "Say what you think" in str(dialog.query_one("#claim-error", Static).render())
        await pilot.press(*"clip helps", "enter")
        await pilot.press(*"less q", "enter")
        await pilot.press("enter")
        await until(pilot, lambda: engine.commands == [c.Hypothesise(Idea("clip helps", "less q"))])


async def test_a_hypothesis_is_concluded(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("H")
        dialog = app.screen
        assert isinstance(dialog, ConcludeDialog)
        options = dialog.query_one("#hypotheses", OptionList)
        options.highlighted = 1
        await pilot.pause()
        await pilot.press("enter", "down", "down", "enter")
        dialog.query_one("#conclusion", Input).focus()
        await pilot.press(*"no", "enter")
        await until(pilot, lambda: engine.commands == [c.Conclude(1, HypothesisStatus.REFUTED, "no")])


async def test_there_is_nothing_to_conclude(console: Make) -> None:
    app = console(FakeEngine(trained(hypotheses=())))
    async with shown(app) as pilot:
        await pilot.press("H")
        assert "no hypothesis yet" in screen_text(app)


def fill(folder: Path, *names: str) -> None:
    with Lab.open(folder) as lab:
        for place, name in enumerate(names):
            settings = {"hidden": 10 + place, "lr": 1.0}
            run = new_run(lab, name=name, text="[bold]notes\x1b.txt", settings=settings, matrix_names=("embedding",))
            lab.events.record(run, [replace(point(update), norms=(1.0,)) for update in range(1, 50)])


async def test_runs_are_laid_over_and_compared(engine: FakeEngine, console: Make, tmp_path: Path) -> None:
    fill(tmp_path / "lab", "alpha", "beta", "shakespeare-1")
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("p")
        dialog = app.screen
        assert isinstance(dialog, RunsDialog)
        found = dialog.query_one("#runs", SelectionList)
        await until(pilot, lambda: found.option_count == 3)
        await pilot.press("slash", *"alp")
        await until(pilot, lambda: found.option_count == 1)
        await pilot.press("enter", "space")
        await pilot.click("#compare")
        assert "choose two to 6 runs" in screen_text(app)
        await pilot.click("#lay-over")
        pane = main(app).query_one(LossPane)
        await until(pilot, lambda: [curve.name for curve in pane.overlays] == ["alpha"])

        await pilot.press("p")
        dialog = app.screen
        found = dialog.query_one("#runs", SelectionList)
        await until(pilot, lambda: found.option_count == 3)
        await pilot.press("down", "space", "down", "space")
        await pilot.click("#compare")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await until(pilot, lambda: "hidden 10" in screen_text(app))
        assert "lr" not in screen_text(app).split("beta")[1].split("alpha")[0]
        await pilot.press("x", "escape")
        await pilot.click("#clear")
        await until(pilot, lambda: pane.overlays == ())


async def test_a_lab_that_cannot_be_read_is_a_message(engine: FakeEngine, console: Make, tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "lab.sqlite").write_bytes(b"no database" * 100)
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("p")
        message = app.screen.query_one("#runs-message", Static)
        await until(pilot, lambda: "not a SQLite database" in str(message.render()))


async def test_themes_change(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        seen = []
        for _ in range(4):
            await pilot.press("y")
            seen.append(app.theme)
            assert "KING HENRY" in screen_text(app)
        assert len(set(seen)) == 4


HOSTILE = "\x1b]0;gone\x07\x1b[2J\x9b31m\u202e\u2066\u200f[bold]x[/][/\u2028\ufeff\x7f\udc80\r\x00"


async def test_hostile_text_reaches_the_terminal_as_glyphs(console: Make, tmp_path: Path) -> None:
    base = trained()
    hypotheses = tuple(replace(each, claim=HOSTILE, prediction=HOSTILE, conclusion=HOSTILE) for each in base.hypotheses)
    hostile: dict[str, Any] = dict.fromkeys(("run", "text", "message", "sample"), HOSTILE)
    log = (*base.log, Note(1, 1, NoteKind.TEXT, HOSTILE))
    engine = FakeEngine(replace(base, **hostile, hypotheses=hypotheses, log=log, busy=None, status=Status.PAUSED))
    app = console(engine)
    fill(tmp_path / "lab", "alpha")
    async with shown(app) as pilot:
        app.notify("anything", markup=False)
        for keys in ((), ("H",), ("escape", "p"), ("escape", "3")):
            await pilot.press(*keys)
            await pilot.pause()
            for character in screen_text(app):
                assert character == "\n" or character.isprintable(), repr(character)
        assert "␛]0;gone" in screen_text(app)


async def test_the_exit_code_after_a_quit_is_0(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)
    app.join()
    assert app.return_value == 0


async def test_a_signal_saves_and_ends_with_its_code(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with app.run_test(size=SIZE) as pilot:
        app.leave(RunStatus.SIGTERM)
        await until(pilot, lambda: not app.is_running)
    app.join()
    assert engine.commands == [c.Quit(RunStatus.SIGTERM)]
    assert app.return_value == 143


async def test_a_terminal_that_hangs_up_twice_ends_it_once(
    engine: FakeEngine, console: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(app_module, "SCREEN_SECONDS", 0.0)
    app = console(engine)
    async with app.run_test(size=SIZE) as pilot:
        for _ in range(2):
            app._on_signal(signal.SIGHUP, None)
        ends = [thread for thread in threading.enumerate() if thread.name == "end"]
        await until(pilot, lambda: not app.is_running)
    for each in ends:
        each.join()
    app.join()
    assert codes == [129]


async def test_a_failure_stays_on_the_screen_until_the_user_leaves(console: Make) -> None:
    app = console(FakeEngine(trained(status=Status.LOADING), failure="there is no text [x]"))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "there is no text [x]" in screen_text(app))
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)
    app.join()
    assert (app.return_value, app.failure) == (2, "there is no text [x]")


async def test_a_bug_in_the_engine_is_raised_once_the_terminal_is_back(engine: FakeEngine, console: Make) -> None:
    def explode() -> None:
        raise ZeroDivisionError("a bug")

    engine.run = explode  # type: ignore[method-assign]
    app = console(engine)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: not app.is_running)
    with pytest.raises(ZeroDivisionError):
        app.join()


async def test_what_is_only_suspected_is_watched_until_there_is_a_finding(console: Make) -> None:
    suspected = (Suspicion(Cause.BPTT_TOO_SHORT, "2 more looks"), Suspicion(Cause.PLATEAU, "update 900"))
    app = console(FakeEngine(trained(findings=(), suspicions=suspected)))
    async with shown(app):
        words = "Watching: perhaps the BPTT length is too short for this text. Known after 2 more looks."
        assert words in screen_text(app)
        assert "stopped falling" not in screen_text(app)
    found = console(FakeEngine(trained(suspicions=suspected)))
    async with shown(found):
        assert "Watching" not in screen_text(found)


async def test_the_header_grows_where_it_is_narrow(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app, (80, 24)) as pilot:
        assert main(app).query_one(Header).size.height == 4
        await pilot.resize_terminal(140, 40)
        await until(pilot, lambda: main(app).query_one(Header).size.height == 3)


async def test_a_long_name_and_a_high_number_leave_room_for_the_others(console: Make) -> None:
    app = console(FakeEngine(trained(text="非常に長い" * 20, update=12_345_678)))
    async with shown(app) as pilot:
        assert "lstm 1×256  424,524 params  shakespeare-1" in screen_text(app)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "update 12.3M" in screen_text(app))
        assert "best 1.6200" in screen_text(app)
        assert "shakespeare-1" in screen_text(app)


async def test_new_numbers_are_drawn_without_a_new_layout(console: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine(trained())
    app = console(engine)
    async with shown(app) as pilot:
        laid_out = []
        reflow = Compositor.reflow

        def see(*given: Any, **named: Any) -> Any:
            laid_out.append(1)
            return reflow(*given, **named)

        monkeypatch.setattr(Compositor, "reflow", see)
        before = screen_text(app)
        engine.play(update=401, chars=410_624, recent=tuple(point(update) for update in range(2, 402)))
        main(app).refresh_all()
        await until(pilot, lambda: "update 401 " in screen_text(app))
        assert screen_text(app) != before
        assert not laid_out
        engine.play(sample="another\nsample\nof\nmore\nlines")
        # A sample of more lines needs more room; its text can be seen before that.
        await until(pilot, lambda: bool(laid_out) and "lines" in screen_text(app))


async def test_words_of_another_style_are_drawn_anew(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app):
        drawing = main(app).query_one("#gradient-text", CachedText)
        drawn = []
        for style in ("red", "red", "green"):
            drawing.draw(Text("no update yet", style=style))
            drawn.append(drawing.visual)
        assert drawn[0] is drawn[1]
        assert drawn[1] is not drawn[2]


async def test_while_paused_what_a_key_did_is_said_and_then_why_it_is_paused(
    console: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine(trained(status=Status.PAUSED, message="one update made"), at_once=False)
    app = console(engine)
    async with shown(app) as pilot:
        assert "One update made: space goes on" in screen_text(app)
        await pilot.press("o")
        assert "cool-down requested" in screen_text(app)
        monkeypatch.setattr("tui.console.conversation.MESSAGE_SECONDS", 0.0)
        main(app).refresh_all()
        await pilot.pause()
        assert "cool-down requested" in screen_text(app), "it stands until the engine has dealt with it"
        monkeypatch.setattr("tui.console.conversation.MESSAGE_SECONDS", math.inf)
        engine.deal("cool-down off → 200 updates")
        await until(pilot, lambda: "cool-down off → 200 updates" in screen_text(app))
        assert "One update made" not in screen_text(app)
        monkeypatch.setattr("tui.console.conversation.MESSAGE_SECONDS", 0.0)
        await until(pilot, lambda: "One update made: space goes on" in screen_text(app))
        assert "cool-down off" not in screen_text(app)


LONG_SAMPLE = "\n".join(f"line {number}" for number in range(100))


async def test_the_sample_is_followed_whatever_stood_before_it(console: Make) -> None:
    engine = FakeEngine(trained(sample=LONG_SAMPLE))
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("e")
        engine.play(sample=LONG_SAMPLE + "\n1\n2\n3\n4\nwritten behind a dialog")
        await pilot.press("escape")
        await until(pilot, lambda: "written behind a dialog" in screen_text(app))
        for size in ((80, 24), (150, 50), (81, 25), SIZE):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: "written behind a dialog" in screen_text(app))
        await pilot.press("4")
        await until(pilot, lambda: "written behind a dialog" in screen_text(app))


async def test_a_sample_that_is_scrolled_up_stays_until_it_is_at_its_end(console: Make) -> None:
    engine = FakeEngine(trained(sample=LONG_SAMPLE))
    app = console(engine)
    async with shown(app) as pilot:
        pane = main(app).query_one(SamplePane)
        await until(pilot, lambda: "line 99" in screen_text(app))
        pane.focus()
        await pilot.press("home")
        await until(pilot, lambda: pane.scroll_y == 0 and "line 0 " in screen_text(app))
        engine.play(sample=LONG_SAMPLE + "\nmore")
        main(app).refresh_all()
        await pilot.pause()
        assert pane.scroll_y == 0
        await pilot.press("end")
        await until(pilot, lambda: "more" in screen_text(app))
        engine.play(sample=LONG_SAMPLE + "\nmore\nand on")
        await until(pilot, lambda: "and on" in screen_text(app))


async def test_the_header_stays_above_a_pane_alone(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("2", "b")
        await until(pilot, lambda: "Turn — applied" in screen_text(app))
        first, *rest = screen_text(app).split("\n")
        assert "▶ training" in first
        assert "Gradient" in rest[2]
        assert "Sample" not in screen_text(app)
        await pilot.resize_terminal(70, 20)
        await until(pilot, lambda: "80×24 needed" in screen_text(app))
        assert "Gradient" not in screen_text(app)


async def test_another_panes_number_shows_that_pane(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("1", "4")
        assert main(app).maximized is main(app).query_one("#sample")
        await until(pilot, lambda: "KING HENRY" in screen_text(app))
        await pilot.press("4")
        assert main(app).maximized is None


@pytest.mark.parametrize("ways", [("down", "tab"), ("down", "enter"), ("tab",)])
async def test_a_typed_value_takes_the_place_of_the_old_one(engine: FakeEngine, console: Make, ways: Any) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("e", *ways)
        dialog = app.screen
        field = dialog.query_one("#knob-value", Input)
        await until(pilot, lambda: field.has_focus)
        # A list that tells late, as it does when keys come faster than messages.
        dialog.query_one("#knobs", OptionList).highlighted = 3
        await until(pilot, lambda: field.value == "1")
        await pilot.press(*"0.1", "enter")
        await until(pilot, lambda: engine.commands == [turn("clip", "0.1")])


async def test_a_knobs_description_is_there_to_its_end(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app, (80, 24)) as pilot:
        await pilot.press("e", "down")
        await until(pilot, lambda: "10-40 or geom:11." in screen_text(app))
        await pilot.press("enter", *"40-1", "enter")
        await until(pilot, lambda: "(10-40) or a geometric mean (geom:11)" in screen_text(app))


async def test_a_narrow_terminal_shows_names_and_states_whole(console: Make) -> None:
    big: dict[str, Any] = {"text": "tinyshakespeare.txt", "run": "tinyshakespeare-12"}
    app = console(FakeEngine(trained(**big, update=123_456, chars=126_418_944)))
    async with shown(app, (80, 24)) as pilot:
        text = screen_text(app)
        for words in (*big.values(), "lstm 1×256", "best 1.6200", "126M chars"):
            assert words in text
        assert "…" not in text.split("╭")[0]
        assert "r Race" in text
        await pilot.press("z", "plus")
        await until(pilot, lambda: "last 12.5 %" in screen_text(app))
        assert "─ train ◆ val ┊ change" in screen_text(app)
        await pilot.press("j")
        await until(pilot, lambda: "saved best.safetensors" in screen_text(app))
        assert main(app).query_one(Footer).max_scroll_x == 0


async def test_what_is_cut_stands_apart_from_the_state(console: Make) -> None:
    app = console(FakeEngine(trained(run="r" * 300)))
    async with shown(app, (80, 24)):
        assert "r…  ▶ training" in screen_text(app)


async def test_a_gradients_line_is_one_line_after_the_terminal_has_shrunk(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        pane = main(app).query_one("#gradient", Pane)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: app.size == (80, 24))
        await pilot.pause()
        assert not pane.show_vertical_scrollbar
        lines = [line for line in screen_text(app).split("\n") if "rnn.hh0" in line]
        assert len(lines) == 1
        assert "▇" in lines[0]


async def test_the_share_of_clipped_updates_is_drawn(console: Make) -> None:
    points = tuple(replace(point(update), clipped=1.0 if update > 395 else 0.0) for update in range(1, 401))
    app = console(FakeEngine(trained(recent=points)))
    async with shown(app):
        assert "clip 1 norm · 25 % cut ▁▁▁" in screen_text(app)
        assert "▁█████ " in screen_text(app)


async def test_what_a_failed_engine_is_asked_is_refused(console: Make) -> None:
    app = console(FakeEngine(trained(status=Status.LOADING), failure="there is no text [x]"))
    async with shown(app) as pilot:
        await until(pilot, lambda: "there is no text [x]: q leaves" in screen_text(app))
        for key in ("b", "c", "e", "s", "h", "H", "n", "u"):
            main(app).conversation.say("")
            await pilot.press(key)
            await until(pilot, lambda: "the training has stopped; q leaves" in screen_text(app).split("╭")[0])
            assert app.screen is main(app)
        assert "→" not in screen_text(app).split("╭")[0]


async def test_what_was_asked_while_it_loaded_is_refused_when_that_fails(console: Make) -> None:
    engine = FakeEngine(trained(status=Status.LOADING, network=""), at_once=False)
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("b", "h")
        assert engine.commands == []
        await pilot.press(*"clip helps", "enter")
        engine.play(status=Status.FAILED, message="no text")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "hypothesis refused: the training has stopped" in screen_text(app))
        engine.play(status=Status.PAUSED)
        await pilot.press("s")
        engine.play(status=Status.FAILED)
        await until(pilot, lambda: "not done: the training has stopped" in screen_text(app))


def many(count: int, **changes: Any) -> tuple[Hypothesis, ...]:
    return tuple(
        replace(Hypothesis(number, f"claim {number}", "", HypothesisStatus.OPEN, "shakespeare-1", 1), **changes)
        for number in range(1, count + 1)
    )


async def test_hypotheses_leave_room_for_the_log(console: Make) -> None:
    app = console(FakeEngine(trained(hypotheses=many(50, claim="word " * 100, run="other-1"))))
    async with shown(app, (80, 24)) as pilot:
        await until(pilot, lambda: "+ 48 more" in screen_text(app))
        assert "H50 ? open  (other-1)  word" in screen_text(app)
        await pilot.press("j")
        await until(pilot, lambda: "saved best" in screen_text(app))
        await pilot.press("j")
        await pilot.press("3")
        await until(pilot, lambda: main(app).query_one(LogPane).max_scroll_y > 50)
        assert "more" not in screen_text(app)


async def test_a_hypothesis_of_this_run_needs_no_name(console: Make) -> None:
    app = console(FakeEngine(trained(hypotheses=many(1))))
    async with shown(app):
        assert "H1 ? open  claim 1" in screen_text(app)


async def test_lines_that_are_pasted_become_one(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("h")
        field = app.screen.query_one("#claim", Input)
        await until(pilot, lambda: field.has_focus)
        field.post_message(Paste("clip\r\nhelps\n\tmuch\x9b\n"))
        await until(pilot, lambda: field.value == "clip helps much\N{REPLACEMENT CHARACTER}")


async def test_every_dialog_says_its_keys(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app, (80, 24)) as pilot:
        for key in ("e", "h", "H", "p", "r", "R", "question_mark"):
            await pilot.press(key)
            hint = str(app.screen.query_one(".dialog").border_subtitle)
            assert "escape" in hint
            await until(pilot, lambda hint=hint: hint in screen_text(app))  # type: ignore[misc]
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is main(app))


async def test_what_is_marked_differs_by_its_shape(engine: FakeEngine, console: Make, tmp_path: Path) -> None:
    fill(tmp_path / "lab", "alpha", "beta")
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("p")
        found = app.screen.query_one("#runs", SelectionList)
        await until(pilot, lambda: found.option_count == 2)
        assert found.has_focus
        await pilot.press("down", "space")
        await until(pilot, lambda: "▐X▌ alpha" in screen_text(app))
        assert "▐ ▌ beta" in screen_text(app)
        await pilot.press("escape", "H")
        await until(pilot, lambda: "▐●▌ confirmed" in screen_text(app))
        assert "▐○▌ refuted" in screen_text(app)
        assert app.screen.query_one("#status", RadioSet).pressed_index == 1


async def test_an_empty_lab_offers_nothing_to_press(engine: FakeEngine, console: Make, tmp_path: Path) -> None:
    fill(tmp_path / "lab", "shakespeare-1")
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: "the lab has no other run" in screen_text(app))
        assert all(button.disabled for button in app.screen.query(Button))


async def test_two_runs_are_compared_with_units_and_left_with_q(
    engine: FakeEngine, console: Make, tmp_path: Path
) -> None:
    fill(tmp_path / "lab", "alpha", "beta")
    app = console(engine)
    async with shown(app, (80, 24)) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: app.screen.query_one("#runs", SelectionList).option_count == 2)
        await pilot.press("space", "down", "space", "tab", "tab", "enter")
        await until(pilot, lambda: "hidden 11" in screen_text(app))
        for words in ("nats/char", "characters trained on", "─1─ ◆ beta", "─2─ ◇ alpha", "hidden 10"):
            assert words in screen_text(app)
        await pilot.press("x")
        await until(pilot, lambda: "nats/char log" in screen_text(app))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, RunsDialog))


async def test_nothing_is_said_of_a_run_before_it_is_loaded(console: Make) -> None:
    app = console(FakeEngine(replace(trained(), status=Status.LOADING, network="", recent=(), validations=())))
    async with shown(app):
        header = screen_text(app).split("╭")[0]
        for words in ("bptt", "clip", "lr"):
            assert words not in header
        assert "T 0.8" not in screen_text(app)


async def test_the_palette_has_the_keys_and_nothing_else(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app, (120, 90)) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: "Pause (spc)" in screen_text(app))
        for words in ("Screenshot", "Show keys", "Change the current theme", "Quit the application"):
            assert words not in screen_text(app)
        await pilot.press(*"screenshot")
        await until(pilot, lambda: "No matches found" in screen_text(app))


async def test_a_huge_loss_leaves_room_for_the_rest(console: Make) -> None:
    huge = replace(point(401), loss=3e34)
    validation = replace(trained().validations[0], loss=3e34)
    app = console(FakeEngine(trained(recent=(huge,), validations=(validation,), best=9999.0)))
    async with shown(app) as pilot:
        assert "loss 3.00e+34  val 3.00e+34  best 9999.0000" in screen_text(app)
        assert "bptt 64" in screen_text(app)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "best 9999.0000" in screen_text(app).split("\n")[2])


async def test_textuals_own_key_saves_too(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("e", "ctrl+q")
        await until(pilot, lambda: not app.is_running)
    await asyncio.to_thread(app.join)
    assert (engine.commands, app.return_value) == ([c.Quit(RunStatus.QUIT)], 0)


async def test_keys_of_a_field_are_taken_in_the_order_they_were_typed(console: Make) -> None:
    engine = FakeEngine(trained())
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("h")
        claim = app.screen.query_one("#claim", Input)
        await until(pilot, lambda: app.focused is claim)
        for key, character in ((k, k if len(k) == 1 else None) for k in ("a", "b", "c", "backspace", "backspace", "d")):
            app.post_message(Key(key, character))
        await until(pilot, lambda: claim.value == "ad")


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40), (160, 50), (200, 60)])
@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("layout", Layout)
async def test_no_pane_is_more_than_a_quarter_blank(
    tmp_path: Path, size: tuple[int, int], begun: bool, layout: Layout
) -> None:
    sample = "── begun at update 1 ──\n" + "\n".join(f"{'word ' * 8}{each}" for each in range(60))
    new: dict[str, Any] = {} if begun else {"hypotheses": (), "log": (), "findings": ()}
    causes = list(Cause)[:15]
    known = [Judgement(each, Judged.ABSENT) for each in causes[:9]]
    known += [Judgement(each, Judged.NOT_YET, "2 more agreement readings, update 1,240") for each in causes[9:]]
    app = Console(FakeEngine(trained(sample=sample, judgements=tuple(known), **new)), tmp_path, Choices(layout=layout))
    async with shown(app, size) as pilot:
        await until(pilot, lambda: "─ train" in screen_text(app))
        await until(pilot, lambda: all(each.region for each in main(app).query(Pane) if each.display))
        lines = screen_text(app).split("\n")
        for pane in [each for each in main(app).query(Pane) if each.display]:
            name, region = pane.id, pane.region
            inside = [lines[row][region.x + 1 : region.right - 1] for row in range(region.y + 1, region.bottom - 1)]
            blank = sum(not line.strip() for line in inside)
            assert blank <= len(inside) / 4, f"{name}: {blank} of {len(inside)}"
