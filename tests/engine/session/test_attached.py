"""A session on another process' journal: what it shows, what it passes on, and what becomes of each command."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest
from charrnn.journal import COMMANDS, OUTPUT

from engine.errors import UserError
from engine.events import (
    Cause,
    Change,
    CheckpointKind,
    End,
    Event,
    Finding,
    HypothesisStatus,
    Idea,
    Note,
    NoteKind,
    Point,
    RunStatus,
    Saved,
    Start,
    Validation,
)
from engine.lab import Lab
from engine.lab.database import FILE
from engine.session import attached, beside
from engine.session import commands as c
from engine.session.attached import AttachedSession
from engine.session.commands import Command
from engine.session.snapshot import Reply, Snapshot, Status
from tests.conftest import turn
from tests.engine.recording.journals import (
    BEGIN,
    TARGETS,
    Journal,
    Record,
    change,
    point,
    probe,
    saved,
    settings,
    training,
    undo,
    validation,
)
from tests.waiting import until

# --- a session in a thread -------------------------------------------------------------------------------------------


class Running:
    """A session that runs.

    Attributes:
        session: the session.
        events: what it has told.
        end: what it returned.
        error: why it failed.
    """

    def __init__(self, lab: Path, find: Callable[[], Path | None]) -> None:
        self.events: list[Event] = []
        self.end: End | None = None
        self.error: BaseException | None = None
        self.session = AttachedSession(lab, find, "waiting for it", self.events.append)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.end = self.session.run()
        except BaseException as error:  # noqa: BLE001 -- the test looks at it
            self.error = error

    @property
    def now(self) -> Snapshot:
        return self.session.snapshot()

    def until(self, condition: Callable[[Snapshot], Any]) -> Snapshot:
        """Wait until a condition holds of a snapshot; returns the snapshot."""

        def holds() -> Snapshot | None:
            snapshot = self.now
            assert self._thread.is_alive() or condition(snapshot), self.error
            return snapshot if condition(snapshot) else None

        found = until(holds)
        assert found is not None
        return found

    def ask(self, command: Command) -> Reply:
        """Send a command, and wait for the reply."""
        ticket = self.session.send(command)
        snapshot = self.until(lambda snapshot: any(each.ticket == ticket for each in snapshot.replies))
        (reply,) = (each for each in snapshot.replies if each.ticket == ticket)
        return reply

    def join(self) -> None:
        """Wait until it has ended, by itself."""
        self._thread.join()

    def quit(self) -> End | None:
        """Leave it; returns what it returned."""
        self.session.send(c.Quit())
        self.join()
        return self.end


@pytest.fixture(autouse=True)
def _programs_end() -> Iterator[None]:
    yield
    Journal.end_all()


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return tmp_path / "lab"


Attach = Callable[[Journal], Running]


@pytest.fixture
def attach(lab: Path) -> Iterator[Attach]:
    """Attaches sessions to journals; they are left after the test."""
    sessions: list[Running] = []

    def begin(journal: Journal) -> Running:
        sessions.append(Running(lab, lambda: journal.folder))
        return sessions[-1]

    yield begin
    for each in sessions:
        each.quit()


def some(*records: Record) -> tuple[Record, ...]:
    """A training that has made an update, and more."""
    return (BEGIN, training(), settings(), point(1), *records)


def reaches(update: int) -> Callable[[Snapshot], bool]:
    return lambda now: now.update == update


def status(word: str) -> Record:
    return {"record": "status", "status": word}


# --- what is shown ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [Journal.end, Journal.die], ids=["ended", "killed"])
def test_the_status_is_that_of_the_program(lab: Path, attach: Attach, end: Callable[[Journal], None]) -> None:
    journal = Journal(lab)
    running = attach(journal)
    running.until(lambda now: now.message == "the program has made no update yet")
    journal.write(BEGIN)
    running.until(lambda now: now.message == "train has made no update yet")
    assert running.now.status is Status.LOADING
    journal.write(training(), point(1))
    running.until(lambda now: now.status is Status.TRAINING)
    journal.write(status("paused"))
    running.until(lambda now: now.status is Status.PAUSED)
    journal.write(status("training"))
    running.until(lambda now: now.status is Status.TRAINING)
    journal.write(status("paused"), point(2))
    end(journal)
    shown = running.until(lambda now: now.status is Status.ENDED)
    assert (shown.message, shown.update) == ("train has ended", 2)


def test_a_snapshot_has_everything_that_is_known(lab: Path, attach: Attach) -> None:
    journal = Journal(lab, *some(point(2, lr=0.05), validation(1.5), point(3), validation(1.25), probe(3), saved(3)))
    journal.write(change(3, 1, "0.1", "0.5"), point(4, loss=1.0, lr=0.5, clip=0.25), validation(1.75))
    (journal.folder / OUTPUT).write_text("epoch 1\n 10%\r100%\n")
    running = attach(journal)
    shown = running.until(lambda now: now.update == 4 and len(now.validations) == 3)
    assert (shown.watched, shown.run, shown.text) == (True, journal.folder.name, "train")
    assert (shown.network, shown.parameters, shown.compute) == ("lstm 1×8", 100, "cpu float32")
    assert shown.matrix_names == ("embedding", "head")
    assert (shown.chars, shown.seconds, shown.lr) == (4 * TARGETS, 0.04, 0.5)
    assert (shown.settings.optimizer, shown.settings.lr, shown.settings.weight_decay) == ("adam", 0.5, 0.01)
    assert shown.settings.clip == 0.25
    assert shown.knobs == ("clip", "lr", "weight_decay", "beta1", "beta2")
    assert shown.own == {"beta1": "0.9", "beta2": "0.999"}
    assert [each.update for each in shown.points] == [each.update for each in shown.recent] == [1, 2, 3, 4]
    assert [each.loss for each in shown.points] == [2.0, 1.5, 1 + 1 / 3, 1.0]
    assert shown.validations == (
        Validation(2, 2 * TARGETS, 1.5),
        Validation(3, 3 * TARGETS, 1.25),
        Validation(4, 4 * TARGETS, 1.75),
    )
    assert shown.best == 1.25
    assert [each.values for each in shown.probes["update_ratio"]] == [{"whole": 2e-3}]
    assert shown.log == (
        Saved(3, 3 * TARGETS, CheckpointKind.KEY, "/there/3.safetensors"),
        Change(3, 3 * TARGETS, 1, "lr", "0.1", "0.5"),
    )
    assert shown.sample == "epoch 1\n100%\n"
    assert (shown.findings, shown.hypotheses, shown.replies, shown.taken) == ((), (), (), 0)
    # What comes later is added.
    journal.write(point(5), {"record": "broken", "training": 1, "update": 5, "text": "the loss is nan"})
    (journal.folder / OUTPUT).write_text("epoch 1\n 10%\r100%\nepoch 2\n")
    shown = running.until(lambda now: now.findings and now.sample.endswith("epoch 2\n"))
    assert [each.cause for each in shown.findings] == [Cause.NON_FINITE]
    assert shown.log[-1] == Note(5, 5 * TARGETS, NoteKind.NOT_FINITE, "the loss is nan")


def test_what_happens_is_told(lab: Path, attach: Attach) -> None:
    broken: Record = {"record": "broken", "training": 1, "update": 1, "text": "the loss is nan"}
    running = attach(Journal(lab, *some(validation(1.5), broken)))
    running.until(lambda now: now.findings)
    told = [each for each in running.events if isinstance(each, Start | Point | Validation | Note | Finding)]
    assert [type(each) for each in told] == [Start, Point, Validation, Note, Finding]


def test_an_undo_takes_back_what_came_after_it(lab: Path, attach: Attach) -> None:
    journal = Journal(lab, *some(point(2), change(2, 1, "0.1", "0.5"), point(3, loss=9.0), validation(9.0), probe(3)))
    running = attach(journal)
    running.until(lambda now: now.update == 3)
    journal.write(undo(2, 0), change(2, 1, "0.1", "0.2"))
    shown = running.until(lambda now: len(now.log) == 3)
    assert [each.update for each in shown.points] == [1, 2]
    assert (shown.validations, shown.probes.get("update_ratio", ())) == ((), ())
    place = (2, 2 * TARGETS)
    assert shown.log == (
        Change(*place, 1, "lr", "0.1", "0.5", undone=True),
        Note(*place, NoteKind.UNDO, "back at update 2"),
        Change(*place, 1, "lr", "0.1", "0.2"),
    )
    journal.write(point(3, loss=1.0))
    shown = running.until(lambda now: len(now.points) == 3)
    assert (shown.points[-1].loss, shown.update) == (1.0, 3)


def test_after_an_undo_the_rate_can_be_turned_again(lab: Path, attach: Attach) -> None:
    """A program writes its settings where they are other than in its last record; so this is all that it writes."""
    journal = Journal(lab, *some(change(1, 1, "0.1", "0.5"), undo(1, 0), point(2), point(3)))
    shown = attach(journal).until(lambda now: now.update == 3)
    assert shown.knobs == ("clip", "lr", "weight_decay", "beta1", "beta2")
    assert shown.settings.lr == 0.1


def test_a_program_that_is_silent_is_said_to_do_something_else(
    lab: Path, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attached, "SILENT_SECONDS", -1.0)
    running = attach(Journal(lab, *some()))
    running.until(lambda now: now.message.endswith(" s: the program does something else"))
    assert running.now.status is Status.TRAINING


def spoiling(record: Record, name: str) -> object:
    """A record that ends the session, as a parameter of a test."""
    return pytest.param(record, id=name)


@pytest.mark.parametrize(
    "record",
    [
        spoiling({"record": "of a later version"}, "unknown"),
        spoiling({"record": "validation", "loss": None}, "no validation loss"),
        spoiling({"record": "settings", "training": 1, "groups": [{"lr": None}]}, "no rate"),
        spoiling({"record": "settings", "training": 1, "groups": []}, "no group"),
        spoiling({"record": "fact"}, "a fact of nothing"),
        spoiling({"record": "exception", "message": "x"}, "an exception of nothing"),
        spoiling(point(2, clip=0.0), "a bound of 0"),
        spoiling(settings(lr=1e39), "a rate beyond float32"),
        spoiling(change(1, 1, "0.1", "fast"), "a change to no number"),
    ],
)
def test_a_record_of_any_kind_does_not_end_the_session(lab: Path, attach: Attach, record: Record) -> None:
    """Another version of the watching side may have written it, or the program may have odd settings."""
    running = attach(Journal(lab, *some(record, point(3, clip=record.get("clip")))))
    running.until(lambda now: now.update == 3)
    assert running.error is None


def test_a_second_larger_network_is_shown(lab: Path, attach: Attach) -> None:
    """Its updates follow those before; the run's matrices stay."""
    journal = Journal(lab, *some(point(3000), point(3001), training(2, 900, matrices=["a", "b", "c"])))
    journal.write(*(point(each, number=2, norms=[0.1, 0.2, 0.3]) for each in (1, 2)))
    shown = attach(journal).until(lambda now: now.parameters == 900 and now.update == 3003)
    assert len(shown.matrix_names) == len(shown.recent[-1].norms) == 2


# --- what is asked for -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        (c.Pause(), {"command": "pause"}),
        (c.Continue(), {"command": "continue"}),
        (c.Step(), {"command": "step"}),
        (c.Undo(), {"command": "undo"}),
        (c.Save(), {"command": "save"}),
        (turn("lr", "3e-4"), {"command": "turn", "knob": "lr", "value": "0.0003"}),
        (turn("clip", "off"), {"command": "turn", "knob": "clip", "value": "off"}),
        (turn("weight_decay", "0"), {"command": "turn", "knob": "weight_decay", "value": "0"}),
        (c.Turn("beta1", 0.8), {"command": "turn", "knob": "beta1", "value": "0.8"}),
        (turn("bptt", "40"), {"command": "turn", "knob": "bptt", "value": "40"}),
    ],
)
@pytest.mark.parametrize("failed", [False, True])
def test_a_command_is_passed_on_and_its_reply_comes_back(
    lab: Path, attach: Attach, command: Command, asked: Record, failed: bool
) -> None:
    journal = Journal(lab, *some())
    running = attach(journal)
    ticket = running.session.send(command)
    (sent,) = until(journal.asked)
    assert sent == {**asked, "ticket": sent["ticket"], "process": os.getpid()}
    assert running.now.replies == ()
    journal.reply(sent["ticket"], "so be it", failed=failed)
    shown = running.until(lambda now: now.taken >= ticket)
    assert shown.replies == (Reply(ticket, "so be it", failed),)


def test_replies_come_in_any_order(lab: Path, attach: Attach) -> None:
    journal = Journal(lab, *some())
    running = attach(journal)
    tickets = [running.session.send(each) for each in (c.Pause(), c.Step(), c.Evaluate(), c.Save(), c.Fork())]
    until(lambda: len(journal.asked()) == 3)
    asked = journal.asked()
    assert [each["command"] for each in asked] == ["pause", "step", "save"]
    # Two were refused at once; none is dealt with as long as one before it is not.
    shown = running.until(lambda now: len(now.replies) == 2)
    assert [(each.ticket, each.failed) for each in shown.replies] == [(tickets[2], True), (tickets[4], True)]
    assert shown.taken == tickets[0] - 1
    journal.reply("0-1", "to another console")
    journal.reply(asked[2]["ticket"], "saved")
    shown = running.until(lambda now: len(now.replies) == 3)
    assert shown.taken == tickets[0] - 1
    journal.reply(asked[0]["ticket"], "paused")
    shown = running.until(lambda now: len(now.replies) == 4)
    assert shown.taken == tickets[0]
    journal.reply(asked[1]["ticket"], "one update")
    shown = running.until(lambda now: len(now.replies) == 5)
    assert shown.taken == tickets[-1]
    assert [each.text for each in shown.replies[2:]] == ["saved", "paused", "one update"]


REFUSED: dict[type[Command], tuple[Command, str]] = {
    c.CoolDown: (c.CoolDown(), "the schedule is the program's own: lower the rate instead"),
    c.Fork: (c.Fork(), "a program cannot be forked from outside"),
    c.Evaluate: (c.Evaluate(), "the validation loss is measured where the program does it"),
    c.WriteSample: (c.WriteSample("To be"), "what the program prints stands there"),
    c.Measure: (c.Measure("gates"), "this instrument looks into trainings of our own only"),
    c.StartRace: (
        c.StartRace(("lr=1,2",)),
        "a race trains networks of our own: `charrnn-tui race` with the same settings",
    ),
    c.StopRace: (c.StopRace(1), "no race runs"),
    c.Dissect: (c.Dissect(), "an autopsy replays trainings of our own only"),
    c.StopDissecting: (c.StopDissecting(), "no autopsy is running"),
    c.Turn: (c.Turn("dropout", 0.5), "dropout is the program's own, and cannot be changed from here"),
    c.Conclude: (c.Conclude(7, HypothesisStatus.REFUTED), "there is no hypothesis H7"),
    c.Hypothesise: (c.Hypothesise(Idea("  ")), "the claim is empty"),
}


def test_what_cannot_be_done_is_refused_with_its_reason(lab: Path, attach: Attach) -> None:
    journal = Journal(lab, *some())
    running = attach(journal)
    for command, reason in REFUSED.values():
        reply = running.ask(command)
        assert reply.failed, command
        assert reply.text.startswith(reason)
        assert running.now.taken == reply.ticket
    assert journal.asked() == []
    obeyed = {c.Pause, c.Continue, c.Step, c.Undo, c.Save, c.Quit}
    assert set(get_args(Command)) == REFUSED.keys() | obeyed


def test_hypotheses_are_those_of_the_lab(lab: Path, attach: Attach) -> None:
    with Lab.open(lab) as opened:
        opened.hypotheses.add(Idea("an old one"), "another", 3)
    running = attach(Journal(lab, *some(point(2))))
    shown = running.until(lambda now: now.hypotheses)
    assert [each.claim for each in shown.hypotheses] == ["an old one"]
    running.until(lambda now: now.update == 2)
    assert running.ask(c.Hypothesise(Idea("a new one"))) == Reply(1, "H2 written down")
    assert running.ask(c.Conclude(1, HypothesisStatus.CONFIRMED, "it is so")) == Reply(2, "H1 is confirmed")
    old, new = running.until(lambda now: len(now.hypotheses) == 2).hypotheses
    assert (old.status, old.conclusion) == (HypothesisStatus.CONFIRMED, "it is so")
    assert (new.claim, new.update, new.status) == ("a new one", 2, HypothesisStatus.OPEN)
    with Lab.open_existing(lab) as opened:
        assert opened.hypotheses.all() == [old, new]


def test_nothing_is_passed_on_to_a_program_that_has_ended(lab: Path, attach: Attach) -> None:
    journal = Journal(lab, *some())
    running = attach(journal)
    journal.end()
    running.until(lambda now: now.status is Status.ENDED)
    for command in (c.Pause(), turn("lr", "0.2")):
        reply = running.ask(command)
        assert (reply.failed, reply.text) == (True, "the program has ended")
    assert journal.asked() == []
    assert running.ask(c.Hypothesise(Idea("it was too short"))).text == "H1 written down"


def test_a_command_that_the_program_does_not_live_to_see_is_refused(lab: Path, attach: Attach) -> None:
    journal = Journal(lab, *some())
    running = attach(journal)
    ticket = running.session.send(c.Pause())
    until(journal.asked)
    journal.die()
    running.until(lambda now: now.status is Status.ENDED)
    running.ask(c.Evaluate())
    assert [each.failed for each in running.now.replies if each.ticket == ticket] == [True]
    assert running.now.taken == ticket + 1


def test_a_command_that_cannot_be_sent_is_dealt_with(lab: Path, attach: Attach) -> None:
    journal = Journal(lab, *some())
    running = attach(journal)
    running.until(lambda now: now.status is Status.TRAINING)
    (journal.folder / COMMANDS).unlink()
    reply = running.ask(c.Pause())
    assert reply.failed
    assert f"the journal {journal.folder} cannot be written: No such file" in reply.text
    assert running.now.taken == reply.ticket


def test_a_reply_to_an_earlier_console_of_the_same_number_is_none(lab: Path, attach: Attach) -> None:
    """As those in containers, which nearly all have the same number."""
    journal = Journal(lab, *some())
    journal.reply(f"{os.getpid()}-1", "to one that is gone")
    running = attach(journal)
    ticket = running.session.send(c.Pause())
    (sent,) = until(journal.asked)
    running.ask(c.Evaluate())
    assert running.now.taken < ticket
    journal.reply(sent["ticket"], "paused")
    running.until(lambda now: now.taken > ticket)
    assert [each.text for each in running.now.replies if each.ticket == ticket] == ["paused"]


# --- before there is a journal ---------------------------------------------------------------------------------------


def test_it_waits_for_a_journal(lab: Path) -> None:
    found: list[Path] = []
    running = Running(lab, lambda: found[0] if found else None)
    assert (running.now.status, running.now.message) == (Status.LOADING, "waiting for it")
    assert running.ask(c.Pause()) == Reply(1, "nothing is attached yet", failed=True)
    assert running.now.taken == 1
    journal = Journal(lab, *some())
    assert not (lab / FILE).exists()
    found.append(journal.folder)
    running.until(lambda now: now.status is Status.TRAINING)
    assert running.ask(c.Evaluate()).ticket == 2
    assert running.now.taken == 2
    end = running.quit()
    assert end is not None
    assert end.update == 1


def test_what_was_dealt_with_while_waiting_stays_so(lab: Path) -> None:
    found: list[Path] = []
    running = Running(lab, lambda: found[0] if found else None)
    running.ask(c.Pause())
    found.append(Journal(lab, *some()).folder)
    shown = running.until(lambda now: now.status is Status.TRAINING)
    running.quit()
    assert shown.taken == 1


def test_one_can_leave_while_it_waits(lab: Path) -> None:
    running = Running(lab, lambda: None)
    assert running.quit() is None
    assert running.error is None
    assert not lab.exists()


def test_a_program_that_will_have_no_journal_is_told(lab: Path) -> None:
    def find() -> Path | None:
        raise UserError("the program has ended without importing torch")

    running = Running(lab, find)
    running.join()
    assert isinstance(running.error, UserError)
    assert (running.now.status, running.now.message) == (
        Status.FAILED,
        "the program has ended without importing torch",
    )


# --- journals and labs that are lost ---------------------------------------------------------------------------------


def test_a_journal_that_vanishes_is_told(lab: Path, attach: Attach) -> None:
    journal = Journal(lab, *some())
    running = attach(journal)
    running.until(lambda now: now.status is Status.TRAINING)
    shutil.rmtree(journal.folder)
    running.join()
    says = f"the journal {journal.folder} cannot be read: No such file or directory"
    assert isinstance(running.error, UserError)
    assert (str(running.error), running.now.message, running.now.status) == (says, says, Status.FAILED)
    assert (running.now.update, running.now.text) == (1, "train")


def test_a_lab_that_cannot_be_written_is_told_and_everything_else_is_shown(lab: Path, attach: Attach) -> None:
    journal = Journal(lab, *some())
    (lab / FILE).write_bytes(b"dear diary, " * 500)
    running = attach(journal)
    shown = running.until(lambda now: now.update == 1)
    assert "not a SQLite database" in shown.message
    assert (shown.status, shown.hypotheses) == (Status.TRAINING, ())
    reply = running.ask(c.Hypothesise(Idea("it is so")))
    assert reply.failed
    assert "not a SQLite database" in reply.text
    ticket = running.session.send(c.Pause())
    (sent,) = until(journal.asked)
    journal.reply(sent["ticket"], "paused")
    running.until(lambda now: now.taken == ticket)
    journal.write(point(2))
    running.until(lambda now: now.update == 2)
    end = running.quit()
    assert end is not None
    assert end.update == 2
    assert (lab / FILE).read_bytes() == b"dear diary, " * 500


def test_a_lab_that_is_refused_for_a_while_has_everything_in_the_end(
    lab: Path, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attached, "COPY_SECONDS", 0.0)
    journal = Journal(lab, *some())
    running = attach(journal)
    running.until(lambda now: now.run == "train-1")

    def locked(*_: object, **__: object) -> bool:
        raise UserError("the lab is locked")

    with monkeypatch.context() as patched:
        patched.setattr("engine.lab.events.Events.copy", locked)
        journal.write(point(2), point(3))
        running.until(lambda now: now.message == "the lab is locked")
        assert running.now.update == 3
    running.until(lambda now: now.message == "")
    running.quit()
    with Lab.open_existing(lab) as opened:
        assert [each.update for each in opened.events.points(opened.runs.get("1"))] == [1, 2, 3]


# --- the end ---------------------------------------------------------------------------------------------------------


def test_whoever_leaves_knows_how_far_it_was_and_the_program_goes_on(lab: Path, attach: Attach) -> None:
    journal = Journal(lab, *some(validation(1.5), point(2)))
    running = attach(journal)
    running.until(lambda now: now.update == 2)
    ticket = running.session.send(c.Quit())
    running.join()
    assert running.end == End(RunStatus.QUIT, journal.folder.name, None, 2, 2 * TARGETS, 0.02, 1.5)
    assert journal.asked() == []
    assert ticket == 1
    with Lab.open_existing(lab) as opened:
        run = opened.runs.get("train-1")
        assert (run.status, run.update, run.val_loss) == (RunStatus.RUNNING, 2, 1.5)


@pytest.mark.parametrize(
    ("end", "found"), [(Journal.end, RunStatus.DONE), (Journal.die, RunStatus.INTERRUPTED)], ids=["ended", "killed"]
)
def test_what_a_program_wrote_last_is_in_the_lab(
    lab: Path, attach: Attach, end: Callable[[Journal], None], found: RunStatus
) -> None:
    journal = Journal(lab, *some(*(point(each) for each in range(3000, 3010))))
    running = attach(journal)
    running.until(lambda now: now.update == 3009)
    journal.write(point(3010), validation(1.25))
    end(journal)
    running.until(lambda now: now.status is Status.ENDED)
    with Lab.open_existing(lab) as opened:
        run = opened.runs.get("1")
        assert (run.status, run.update, run.val_loss) == (found, 3010, 1.25)
    # It can still be looked at.
    assert (running.now.update, running.now.best) == (3010, 1.25)
    assert running.quit() is not None
    with Lab.open_existing(lab) as opened:
        assert len(opened.runs.standalone()) == 1


def test_two_consoles_show_and_copy_the_same(lab: Path, attach: Attach, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attached, "COPY_SECONDS", 0.0)
    journal = Journal(lab, *some())
    sessions = [attach(journal), attach(journal)]
    for update in range(2, 12):
        journal.write(point(update), validation(1 / update))
        for each in sessions:
            each.until(reaches(update))
    journal.end()
    for each in sessions:
        each.until(lambda now: now.status is Status.ENDED and len(now.validations) == 10)
        each.quit()
    with Lab.open_existing(lab) as opened:
        (run,) = opened.runs.standalone()
        assert [each.update for each in opened.events.points(run)] == [*range(1, 12)]
        assert [each.loss for each in opened.events.validations(run)] == [1 / update for update in range(2, 12)]


# --- beside our own --------------------------------------------------------------------------------------------------


SAME = {"cell": "lstm", "layers": 1, "hidden": 8, "embedding": 4, "entries": 9}


def test_how_much_faster_ours_is_is_measured_once_and_told(
    lab: Path, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attached, "AFTER_SECONDS", 0.0)
    monkeypatch.setattr(beside, "MODULE", "tests.engine.session.measured")
    window = {"record": "sequence", "update": 30, "shift": 1, "sequences": 4}
    journal = Journal(lab, BEGIN, training(form=SAME), settings(), point(1, bptt=8, bptt_max=8), window)
    running = attach(journal)
    shown = running.until(lambda now: any("Measured" in each.text for each in now.log if isinstance(each, Note)))
    command, measured = (each.text for each in shown.log if isinstance(each, Note))
    assert "charrnn-tui train TEXT --hidden 8 --embedding 4 --streams 4 --bptt 8" in command
    assert "8.0 times as fast" in measured
    journal.write(point(2))
    assert len(running.until(reaches(2)).log) == 2


def test_leaving_ends_what_is_measured(lab: Path, attach: Attach, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attached, "AFTER_SECONDS", 0.0)
    began: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def forever(command: Sequence[str], **how: Any) -> subprocess.Popen[str]:
        began.append(popen([command[0], "-c", "import signal; signal.pause()"], **how))
        return began[-1]

    monkeypatch.setattr(subprocess, "Popen", forever)
    window = {"record": "sequence", "update": 30, "shift": 1, "sequences": 4}
    journal = Journal(lab, BEGIN, training(form=SAME), settings(), point(1, bptt=8, bptt_max=8), window)
    running = attach(journal)
    running.until(lambda _: began)
    running.quit()
    assert began[0].returncode == -signal.SIGKILL
