"""Views, findings and the glossary through their keys, with an engine that only pretends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rich.text import Text
from textual.containers import VerticalScroll
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Button, Input, OptionList

from engine.events import Cause, Judged, Judgement, Severity, Trial
from engine.session import commands as c
from engine.session.snapshot import Status
from tests.conftest import turn
from tests.tui.conftest import FakeEngine, finding, trained
from tests.tui.console.test_console import Make, main, screen_text, shown, until
from tui.console.main_screen import ConsoleScreen
from tui.console.panes.cached_text import CachedText
from tui.console.panes.header import Header
from tui.console.panes.instruments import InstrumentsPane
from tui.console.panes.loss import LossPane
from tui.console.panes.matrices import MatricesPane
from tui.console.panes.pane import Pane
from tui.console.screens.findings import FindingsDialog
from tui.console.screens.glossary import GlossaryDialog

VIEWS = (
    ("5", "by-lag", ("Beyond 64 characters less than 1 % arrives", "bptt 64", "half-life", "at update 390")),
    ("6", "matrices", ("rnn.hh0", "upd/w", "24 times more", "acts like a rate of", "forget 30 %")),
    ("7", "reading", ("▾", "hardest at", "seen 1.520", "rarest", "missed", "invented: thoure")),
    ("8", "instruments", ("control samples", "not yet: S measures", "Together they take")),
)


# In the middle size, one view follows another below.
@pytest.mark.parametrize(
    "size", [(80, 24), *(pytest.param(size, marks=pytest.mark.soak) for size in ((120, 40), (400, 100)))]
)
@pytest.mark.parametrize(("key", "view", "words"), VIEWS)
async def test_a_view_is_shown_alone_by_its_key(
    engine: FakeEngine, console: Make, key: str, view: str, words: tuple[str, ...], size: tuple[int, int]
) -> None:
    app = console(engine)
    async with shown(app, size) as pilot:
        pane = main(app).query_one(f"#{view}", Pane)
        # In a large terminal, some of the views stand in the third column from the start.
        before = pane.display
        assert before is (size == (400, 100) and view in ("by-lag", "reading"))
        assert before is (pane.TITLE in screen_text(app))
        await pilot.press(key)
        await until(pilot, lambda: all(word in screen_text(app) for word in words))
        assert main(app).maximized is pane
        await until(pilot, lambda: app.focused is pane)
        assert "KING HENRY" not in screen_text(app)
        assert "▶ training" in screen_text(app)
        await pilot.press(key)
        await until(pilot, lambda: "KING HENRY" in screen_text(app))
        assert pane.display is before


async def test_a_view_is_laid_out_again_where_a_layout_was_lost(
    engine: FakeEngine, console: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("8")
        await until(pilot, lambda: "control samples" in screen_text(app))
        many = Text("\n".join(f"line {number} of many" for number in range(30)))
        # The console draws its panes now and then; so this one has the same to show.
        monkeypatch.setattr(InstrumentsPane, "text", lambda *_: many)
        text = main(app).query_one(InstrumentsPane).query_one(CachedText)
        with monkeypatch.context() as losing:
            losing.setattr(Screen, "_on_layout", nothing)
            text.draw(Text("one line"))
            text.draw(many)
            await pilot.pause()
            assert "line 29 of many" not in screen_text(app)
        text.draw(many)
        await until(pilot, lambda: "line 29 of many" in screen_text(app))


async def nothing(_screen: Screen[object], _message: Message) -> None:
    """Stands for what deals with a message."""


async def test_one_view_follows_another_and_escape_leaves(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        for key, view, words in (*VIEWS, *reversed(VIEWS)):
            if main(app).maximized is not main(app).query_one(f"#{view}"):
                await pilot.press(key)
            await until(pilot, lambda words=words: words[0] in screen_text(app))  # type: ignore[misc]
        await pilot.press("escape")
        await until(pilot, lambda: "KING HENRY" in screen_text(app))
        await pilot.press("7", "4")
        await until(pilot, lambda: "KING HENRY" in screen_text(app) and "hardest" not in screen_text(app))


async def test_a_view_follows_the_training_and_the_size(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("8")
        await until(pilot, lambda: "4 ms" in screen_text(app))
        probes = trained().probes
        engine.play(probes={**probes, "gates": (replace(probes["gates"][-1], update=398, seconds=2.0),)})
        main(app).refresh_all()
        await until(pilot, lambda: "398" in screen_text(app) and "2 s" in screen_text(app))
        await pilot.resize_terminal(70, 20)
        await until(pilot, lambda: "80×24 needed" in screen_text(app))
        assert "control samples" not in screen_text(app)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "control samples" in screen_text(app))


async def test_a_view_that_is_longer_than_the_screen_scrolls(console: Make) -> None:
    names = ("embedding", *(f"rnn.{kind}{layer}" for layer in range(16) for kind in ("ih", "hh")), "head")
    recent = tuple(replace(point, norms=(0.1,) * 34) for point in trained().recent)
    app = console(FakeEngine(trained(matrix_names=names, recent=recent)))
    async with shown(app, (80, 24)) as pilot:
        await pilot.press("6")
        pane = main(app).query_one(MatricesPane)
        await until(pilot, lambda: app.focused is pane and pane.max_scroll_y > 10)
        await pilot.press("end")
        await until(pilot, lambda: "sort by another column" in screen_text(app))


async def test_the_matrices_are_sorted_by_keys(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("full_stop")
        assert "6 shows the weight matrices" in screen_text(app)
        await pilot.press("6")
        await until(pilot, lambda: "matrix▼" in screen_text(app))
        await pilot.press("full_stop")
        await until(pilot, lambda: "gradient▼" in screen_text(app))
        await pilot.press("comma", "comma")
        await until(pilot, lambda: "finite▼" in screen_text(app))


async def test_sharpness_is_measured_by_its_key(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("S")
        assert engine.commands == [c.Measure("sharpness")]


@pytest.mark.parametrize("ways", [("t",), ("enter", "enter"), ("tab", "tab", "enter")])
async def test_what_a_finding_proposes_is_tried(engine: FakeEngine, console: Make, ways: tuple[str, ...]) -> None:
    app = console(engine)
    async with shown(app, (80, 24)) as pilot:
        await pilot.press("F")
        await until(pilot, lambda: "try it (t): lr 0.004 → 0.0004" in screen_text(app))
        for words in ("▲ learning-rate-too-high", "● sparse-targets", "ended at update 180", "update ratio 0.024"):
            assert words in screen_text(app)
        await pilot.press(*ways)
        await until(pilot, lambda: engine.commands == [turn("lr", "0.0004")])
        await until(pilot, lambda: "u takes it back" in screen_text(app))
        assert app.screen is main(app)


async def test_what_is_tried_is_said_until_it_is_applied_and_then(console: Make) -> None:
    engine = FakeEngine(trained(), at_once=False)
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("F", "t")
        await until(pilot, lambda: "trying lr 0.004 → 0.0004; u takes it back" in screen_text(app))
        engine.deal("lr 0.004 → 0.0004")
        await until(pilot, lambda: "lr 0.004 → 0.0004 — on trial; u takes it back" in screen_text(app))


CANNOT_BE_TRIED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"trial": None}, "no knob tests this"),
    ({"trial": Trial("hidden", "512")}, "hidden cannot change while training: use --hidden 512 in another run"),
    ({"trial": Trial("lr", "0.004")}, "lr is 0.004 already"),
    ({"trial": Trial("no\x1bsuch", "1")}, "there is no knob no␛such"),
    ({"until_update": 380}, "it has ended; to test it: lr 0.0004"),
)
"""Changes to a finding, each with the reason why nothing is tried then."""


async def test_what_cannot_be_tried_is_said(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        for changes, words in CANNOT_BE_TRIED:
            engine.play(findings=(finding(**changes),))
            main(app).refresh_all()
            await pilot.press("F")
            await until(pilot, lambda words=words: words in screen_text(app))  # type: ignore[misc]
            assert app.screen.query_one("#try", Button).disabled
            await pilot.press("t")
            await pilot.pause()
            assert isinstance(app.screen, FindingsDialog)
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is main(app))
            assert engine.commands == []


async def test_a_trial_that_the_engine_could_not_read_is_refused(console: Make) -> None:
    engine = FakeEngine(trained(findings=(finding(trial=Trial("lr", "a lot")),)))
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("F", "t")
        await until(pilot, lambda: "expected" in screen_text(app))
        assert engine.commands == []


async def test_nothing_is_tried_once_the_engine_has_stopped(console: Make) -> None:
    engine = FakeEngine(trained())
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("F")
        engine.play(status=Status.FAILED)
        await pilot.press("t")
        await until(pilot, lambda: "the training has stopped" in screen_text(app))
        assert engine.commands == []


async def test_each_finding_is_told_when_it_is_chosen(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("F")
        assert app.screen.query_one("#findings", OptionList).has_focus
        await until(pilot, lambda: "Cohen, Kaur" in screen_text(app))
        await pilot.press("down")
        await until(pilot, lambda: "Williams & Peng 1990" in screen_text(app))
        assert "no knob tests this" in screen_text(app)
        await pilot.press("F")
        await until(pilot, lambda: app.screen is main(app))


async def test_without_findings_that_is_said(console: Make) -> None:
    known = (
        Judgement(Cause.NON_FINITE, Judged.ABSENT),
        Judgement(Cause.PLATEAU, Judged.NOT_YET, "2 more control samples"),
        Judgement(Cause.OVERFITTING, Judged.CANNOT, "nothing is held out"),
    )
    app = console(FakeEngine(trained(findings=(), judgements=known)))
    async with shown(app) as pilot:
        assert "F opens" not in screen_text(app)
        assert "finding" not in screen_text(app)
        await pilot.press("F")
        assert "nothing wrong so far in 400 updates; 1 of 3 causes cannot be judged yet" in screen_text(app)
        assert isinstance(app.screen, ConsoleScreen)
        await pilot.press("8")
        await until(pilot, lambda: "judged, and absent: non-finite" in screen_text(app))
        assert "not judged yet; missing: plateau (2 more control samples)" in screen_text(app)
        assert "cannot be judged here: overfitting (nothing is held out)" in screen_text(app)


async def test_findings_with_hostile_text_are_shown_safely(console: Make) -> None:
    hostile = finding(
        says="[bold]\x1b[2J is \x9b [/] bad\u202e.",
        evidence={"[x]\x1b": 1e300, "seen": -1e300},
        severity=Severity.PROBLEM,
    )
    app = console(FakeEngine(trained(findings=(hostile,))))
    async with shown(app, (120, 40)) as pilot:
        await pilot.press("j")
        await until(pilot, lambda: "[bold]␛[2J" in screen_text(app))
        await pilot.press("F")
        await until(pilot, lambda: "[/] bad" in screen_text(app))
        text = screen_text(app)
        assert "[x]␛ ∞" in text
        assert not set(text) & {"\x1b", "\x9b", "\u202e"}


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((80, 24), "▲ The learning rate is too high: t tries a tenth of it · F why"),
        ((120, 40), "▲ The learning rate is too high since update 320: t tries a tenth of it · F why"),
    ],
)
async def test_the_header_says_that_a_finding_is_open(
    engine: FakeEngine, console: Make, size: tuple[int, int], words: str
) -> None:
    app = console(engine)
    async with shown(app, size) as pilot:
        assert words in screen_text(app)
        rows = main(app).query_one(Header).size.height
        engine.play(findings=())
        main(app).refresh_all()
        await until(pilot, lambda: words not in screen_text(app))
        assert main(app).query_one(Header).size.height == rows
        engine.play(
            findings=(finding(Cause.STUCK_AT_LETTER_FREQUENCIES), finding(Cause.PLATEAU, severity=Severity.PROBLEM))
        )
        main(app).refresh_all()
        await until(pilot, lambda: "■ The loss has stopped falling" in screen_text(app))
        assert "F why, and 1 more" in screen_text(app)
        await pilot.press("s")
        assert "Save" in screen_text(app).split("╭")[0]


async def test_findings_are_marked_on_the_chart(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app) as pilot:
        await until(pilot, lambda: "╎" in screen_text(app))
        top = next(line for line in screen_text(app).split("\n") if "4┤" in line)
        assert "▲" in top
        assert "change ●▲ finding" in screen_text(app)
        await pilot.press("z", "plus")
        await until(pilot, lambda: "change ▲ finding" in screen_text(app) or "● finding" not in screen_text(app))
        engine.play(findings=())
        main(app).query_one(LossPane)._due = 0.0
        await until(pilot, lambda: "╎" not in screen_text(app))


async def test_the_glossary_begins_with_the_view_that_is_shown(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app, (80, 24)) as pilot:
        await pilot.press("5", "i")
        assert isinstance(app.screen, GlossaryDialog)
        await until(pilot, lambda: "by lag  The gradient with respect to" in screen_text(app))
        await pilot.press(*"vocab")
        await until(pilot, lambda: "no number has such words" in screen_text(app))
        app.screen.query_one("#glossary-search", Input).value = "half-life"
        await until(pilot, lambda: "Characters over which the gradient halves" in screen_text(app))
        app.screen.query_one("#glossary-search", Input).value = ""
        text = app.screen.query_one("#glossary-text", VerticalScroll)
        await until(pilot, lambda: text.max_scroll_y > 50)
        await pilot.press("pagedown", "down", "up")
        await until(pilot, lambda: text.scroll_y == 10)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is main(app))
        await pilot.press("5", "1", "i")
        await until(pilot, lambda: "loss  How surprised" in screen_text(app))


async def test_panes_say_what_they_show(engine: FakeEngine, console: Make) -> None:
    app = console(engine)
    async with shown(app):
        for pane in main(app).query(Pane):
            assert "i explains the numbers" in str(pane.tooltip)
