"""A training of ours without a console, which another process attaches to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from charrnn.journal import COMMANDS, FOLDER, send

from engine.events import Event, Point
from engine.lab import Lab
from engine.session import commands as c
from engine.session import sample_writer
from engine.session.job import Job, NewRun
from engine.session.journalled import Journalled
from engine.session.snapshot import Status
from tests.conftest import small, words
from tests.engine.session.test_attached import Running as Shown
from tests.engine.session.test_session import Running
from tests.waiting import until


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return tmp_path / "lab"


@contextmanager
def trained(text: Path, lab: Path, told: list[Event]) -> Iterator[Running]:
    """A session that trains and keeps a journal, as `charrnn-tui train` has it."""
    running = Running(Job(NewRun(str(text), small()), lab))
    journal = Journalled(lab, told.append)
    running.session._listener = journal
    journal.session = running.session
    with journal:
        running.thread.start()
        try:
            yield running
        finally:
            running.quit()


def journal_of(lab: Path) -> Path:
    until(lambda: any((lab / FOLDER).glob(f"*/{COMMANDS}")))
    return next((lab / FOLDER).glob("*"))


def test_a_console_sees_it_and_commands_it_and_the_journal_goes_with_it(tmp_path: Path, lab: Path) -> None:
    told: list[Event] = []
    with trained(words(tmp_path), lab, told) as running:
        folder = journal_of(lab)
        shown = Shown(lab, lambda: folder)
        now = shown.until(lambda now: now.update > 20)
        assert (now.run, now.watched, now.network) == ("words-1", False, "lstm 1×12")
        assert now.settings == running.session.snapshot().settings
        assert not shown.ask(c.Pause()).failed
        shown.until(lambda now: now.status is Status.PAUSED)
        assert running.session.snapshot().status is Status.PAUSED
        assert shown.ask(c.Turn("lr", 0.5)).text == "lr 0.004 → 0.5"
        assert running.session.snapshot().settings.lr == 0.5
        shown.until(lambda now: now.settings.lr == 0.5)
        assert shown.ask(c.Undo()).text.startswith("back at update ")
        shown.until(lambda now: now.settings.lr == 0.004)
        refused = shown.ask(c.Fork())
        assert refused.failed
        assert "resume" in refused.text
        assert shown.ask(c.Continue()).text == "training"
        shown.quit()
    assert not folder.exists()
    assert any(isinstance(each, Point) for each in told)
    with Lab.open_existing(lab) as opened:
        assert [run.name for run in opened.runs.standalone()] == ["words-1"]


def test_a_console_has_samples_written_and_texts_continued(
    tmp_path: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_writer, "LENGTH", 20)
    with trained(words(tmp_path), lab, []):
        folder = journal_of(lab)
        shown = Shown(lab, lambda: folder)
        shown.until(lambda now: "── at update" in now.sample)
        assert shown.now.continuation is None
        assert not shown.ask(c.WriteSample("the ")).failed
        found = shown.until(lambda now: now.continuation is not None and now.continuation.finished).continuation
        assert found is not None
        assert found.prime == "the "
        assert f"the {''.join(each.text for each in found.drawn)}" in shown.now.sample
        refused = shown.ask(c.WriteSample("É"))
        assert (refused.failed, refused.text) == (True, "the text that was trained on has no É")
        shown.quit()


def test_a_console_that_is_attached_survives_the_end_of_the_training(tmp_path: Path, lab: Path) -> None:
    with trained(words(tmp_path), lab, []) as running:
        folder = journal_of(lab)
        shown = Shown(lab, lambda: folder)
        shown.until(lambda now: now.update > 20)
        running.until(lambda now: now.update > 20)
    until(lambda: not folder.exists())
    shown.until(lambda now: now.status is Status.ENDED)
    assert shown.quit() is not None
    assert shown.error is None


def test_a_pause_ends_with_the_console_that_asked_for_it(tmp_path: Path, lab: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with trained(words(tmp_path), lab, []) as running:
        folder = journal_of(lab)
        running.until(lambda now: now.update > 5)
        send(folder, "pause", ticket="a", process=ended.pid)
        paused = running.until(lambda now: now.status is Status.PAUSED)
        running.until(lambda now: now.status is Status.TRAINING and now.update > paused.update)


@pytest.mark.parametrize(
    "command",
    [
        {"command": "fly"},
        {"command": "turn", "knob": "lr", "value": "fast"},
        {"command": "turn"},
        {"command": "pause", "process": "x"},
    ],
)
def test_what_cannot_be_done_harms_nothing(tmp_path: Path, lab: Path, command: dict[str, str]) -> None:
    with trained(words(tmp_path), lab, []) as running:
        folder = journal_of(lab)
        send(folder, **command, ticket="a")
        before = running.until(lambda now: now.update > 5).update
        running.until(lambda now: now.update > before + 50)
        assert running.session.snapshot().status is Status.TRAINING


def test_journals_of_sessions_that_were_killed_are_removed(tmp_path: Path, lab: Path) -> None:
    with trained(words(tmp_path), lab, []) as running:
        kept = journal_of(lab)
        left = kept.with_name("left")
        left.mkdir()
        (left / "records.jsonl").write_bytes((kept / "records.jsonl").read_bytes())
        running.until(lambda now: now.update > 5)
    with trained(words(tmp_path), lab, []) as running:
        running.until(lambda now: now.update > 5)
        until(lambda: not left.exists())
