"""`charrnn-tui autopsy`, and the console's dialog."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from engine.autopsy.outcome import Outcome, Report, probe_of
from engine.events import Cause, Note, NoteKind, Point, Probe, Stored, Trial
from engine.lab import Lab
from engine.session import commands as c
from engine.session.job import NewRun
from tests.conftest import new_run, small, turn
from tests.sick_runs.sessions import train
from tests.tui.conftest import FakeEngine, probed, trained
from tests.tui.console.test_console import main, screen_text, shown, until
from tui.command_line.cli import _main
from tui.console.app import Console
from tui.console.screens.autopsy import AutopsyDialog
from tui.drawing.autopsies import lines

Make = Callable[[FakeEngine], Console]


def outcome(label: str, removed: float | None, after: float, trial: Trial | None = None) -> Outcome:
    losses = tuple(2.0 if place < 10 else after for place in range(20))
    return Outcome("rate", label, removed, after, losses, tuple(range(100, 2_100, 100)), trial)


def report(
    cause: Cause = Cause.LEARNING_RATE_TOO_HIGH, says: str = "The rate does it.", **changes: Trial | None
) -> Report:
    trial = changes.get("trial", Trial("lr", "0.001"))
    outcomes = (
        outcome("as it was", None, math.inf),
        outcome("rate ÷ 3", 0.96, 2.1, Trial("lr", "0.001")),
        outcome("clip at 0.5", 0.4, 2.9),
        outcome("carried state reset", 0.0, 3.6),
    )
    return Report(cause, says, "climb", 320, 350, 1_000, 2.0, 3.6, trial, outcomes)


def dissected(**changes: object) -> FakeEngine:
    found = probe_of(report(), 2.0)
    return FakeEngine(trained(probes={**probed(), "autopsy": (found,)}, **changes))


@pytest.mark.parametrize("width", [40, 60, 76, 100, 120, 300])
def test_lines_keep_to_their_width(width: int) -> None:
    hostile = report(says="It \x1b]0;x\x07 climbs. " * 12)
    for line in lines(hostile, width):
        assert cell_len(line.plain) <= max(width, 68)
        assert "\x1b" not in line.plain


def test_rows_show_how_much_each_change_removes() -> None:
    shown_lines = [line.plain for line in lines(report(), 100)]
    assert shown_lines[0].split() == ["only", "change", "removes", "loss", "▾", "climb"]
    assert shown_lines[1].startswith("as it was")
    assert "∞" in shown_lines[1]
    assert shown_lines[1].endswith("✗")
    assert [row.split("  ")[0] for row in shown_lines[2:5]] == ["rate ÷ 3", "clip at 0.5", "carried state reset"]
    assert "96%" in shown_lines[2]
    assert "cause: learning-rate-too-high" in shown_lines


def stored(folder: Path, *losses: float, parent: tuple[str, int] | None = None, broken: bool = False) -> str:
    with Lab.open(folder) as lab:
        made = new_run(lab)
        if parent is not None:
            made = new_run(lab, parent=parent)
        events: list[Stored] = [Probe(0, 0, "text_facts", 0.0, {"letter_entropy": 3.3, "distinct": 60})]
        for update, loss in enumerate(losses, start=1):
            events.append(Point(update, 100 * update, 0.1, loss, 0.5, 0.6, 0.0, (), 4e-3, 1))
        if broken:
            events.append(Note(len(losses), 100 * len(losses), NoteKind.NOT_FINITE, "the loss is nan"))
        lab.events.record(made, events)
        return made.name


CLIMBED = (2.0,) * 20 + (3.5,) * 20


@pytest.mark.parametrize(
    ("losses", "parent", "says"),
    [
        ((2.5,) * 10 + (2.0,) * 50, None, "has not climbed, and nothing broke: there is nothing to dissect"),
        (CLIMBED, None, "has no checkpoint that is whole"),
    ],
)
def test_what_cannot_be_dissected_is_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    losses: tuple[float, ...],
    parent: tuple[str, int] | None,
    says: str,
) -> None:
    name = stored(tmp_path / "lab", *losses, parent=parent)
    assert _main(["autopsy", name, "--lab", str(tmp_path / "lab")]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert says in err


def test_an_unknown_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored(tmp_path / "lab", 2.0)
    assert _main(["autopsy", "nobody", "--lab", str(tmp_path / "lab")]) == 2
    assert "has no run nobody" in capsys.readouterr().err
    assert _main(["autopsy", "nobody", "--lab", str(tmp_path / "none")]) == 2
    assert "there is no lab" in capsys.readouterr().err


def test_a_run_is_dissected_from_the_command_line(
    tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "lab"
    assert train(NewRun(str(text), small(lr=0.01)), folder, 900, {500: turn("lr", "3")}) == "words-1"
    assert _main(["autopsy", "words-1", "--lab", str(folder), "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["event"], found["run"], found["cause"]) == ("autopsy", "words-1", "learning-rate-too-high")
    assert found["try"]["knob"] == "lr"
    assert found["replays"][0]["kind"] == "as-it-was"
    assert all(len(each["losses"]) >= len(each["chars"]) for each in found["replays"])
    assert "not kept" not in err
    with Lab.open_existing(folder) as lab:
        events = lab.events.all(lab.runs.get("words-1"))
    assert [event.instrument for event in events if isinstance(event, Probe)].count("autopsy") == 1
    assert any(isinstance(event, Note) and event.kind == "autopsy" for event in events)
    text.write_text(text.read_text() + "more")
    assert _main(["autopsy", "words-1", "--lab", str(folder)]) == 2
    assert "is not the text that words-1 was trained on" in capsys.readouterr().err
    text.unlink()
    assert _main(["autopsy", "words-1", "--lab", str(folder)]) == 2
    assert "give its present path with --text" in capsys.readouterr().err


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_report_is_shown_and_its_change_tried(console: Make, size: tuple[int, int]) -> None:
    engine = dissected()
    app = console(engine)
    async with shown(app, size) as pilot:
        await pilot.press("A")
        await until(pilot, lambda: "try it (t): lr 0.004 → 0.001" in screen_text(app))
        for words in ("rate ÷ 3", "96%", "▾ climb"):
            assert words in screen_text(app)
        await pilot.press("t")
        await until(pilot, lambda: engine.commands == [turn("lr", "0.001")])
        assert app.screen is main(app)


async def test_an_autopsy_begins_by_its_key_shows_how_far_it_is_and_can_be_stopped(console: Make) -> None:
    engine = FakeEngine(trained())
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("A")
        await until(pilot, lambda: isinstance(app.screen, AutopsyDialog))
        assert engine.commands == [c.Dissect()]
        engine.play(busy=("autopsy", 0.4))
        await until(pilot, lambda: "40%" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is main(app))
        await pilot.press("A")
        await until(pilot, lambda: "40%" in screen_text(app))
        await pilot.press("x")
        await until(pilot, lambda: engine.commands == [c.Dissect(), c.StopDissecting()])


async def test_the_report_takes_the_place_of_the_progress_and_can_be_asked_for_again(console: Make) -> None:
    engine = FakeEngine(trained(busy=("autopsy", 0.9)))
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("A")
        await until(pilot, lambda: "90%" in screen_text(app))
        engine.play(busy=None, probes={**probed(), "autopsy": (probe_of(report(trial=None), 2.0),)})
        await until(pilot, lambda: "no knob removes it" in screen_text(app))
        await pilot.press("t")
        assert isinstance(app.screen, AutopsyDialog)
        await pilot.press("r")
        await until(pilot, lambda: engine.commands == [c.Dissect()])


async def test_where_nothing_climbed_that_is_said(console: Make) -> None:
    engine = FakeEngine(trained(), at_once=False)
    app = console(engine)
    async with shown(app) as pilot:
        await pilot.press("A")
        engine.deal("there is nothing to dissect", failed=True)
        await until(pilot, lambda: "there is nothing to dissect" in screen_text(app))
        assert app.screen is main(app)
