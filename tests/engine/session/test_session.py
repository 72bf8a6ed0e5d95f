"""A session: commands in, snapshots and events out, and everything kept."""

from __future__ import annotations

import gc
import math
import resource
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import psutil
import pytest

from engine.budget import Budget
from engine.checkpoints import checkpoint
from engine.checkpoints.saver import BROKEN, UNDONE
from engine.errors import UserError
from engine.events import (
    Change,
    End,
    Event,
    HypothesisStatus,
    Idea,
    Note,
    Point,
    Probe,
    RunStatus,
    Sample,
    Saved,
    Start,
    Validation,
)
from engine.instruments.prober import Prober
from engine.instruments.timetable import Schedule
from engine.lab import Lab, database
from engine.lab.database import FILE
from engine.lab.events import Events
from engine.network import compute, model
from engine.network.compute import choose
from engine.race.plan import Plan, grid
from engine.race.store import Races
from engine.session import commands as c
from engine.session import loop, measuring, sample_writer
from engine.session.job import Job, NewRun, Resumption
from engine.session.session import Session
from engine.session.snapshot import Snapshot, Status
from engine.settings import Settings, Value
from engine.text.corpus import read_corpus
from engine.training.annealing import Course
from engine.training.measurements import Measurements
from engine.training.trainer import Trainer
from engine.windows import LengthLaw
from tests.conftest import small, turn
from tests.waiting import PATIENCE

Kind = TypeVar("Kind")


class Running:
    """A session in a thread, and ways to wait for what it does."""

    def __init__(self, job: Job) -> None:
        self.events: list[Event] = []
        self.end: End | None = None
        self.error: UserError | None = None
        self._published = threading.Condition()
        self.session = Session(job, self.events.append)
        publish = self.session._publish

        def announce(snapshot: Snapshot) -> None:
            publish(snapshot)
            with self._published:
                self._published.notify_all()

        self.session._publish = announce  # type: ignore[method-assign]
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.end = self.session.run()
        except UserError as error:
            self.error = error

    def until(self, condition: Callable[[Snapshot], bool]) -> Snapshot:
        with self._published:
            came = self._published.wait_for(lambda: condition(self.session.snapshot()), PATIENCE)
        assert came, self.session.snapshot()
        return self.session.snapshot()

    def ask(self, command: c.Command) -> Snapshot:
        ticket = self.session.send(command)
        return self.until(lambda snapshot: snapshot.taken >= ticket)

    def reply(self, command: c.Command) -> tuple[str, bool]:
        snapshot = self.ask(command)
        return snapshot.replies[-1].text, snapshot.replies[-1].failed

    def quit(self) -> End:
        self.session.send(c.Quit())
        self.thread.join(PATIENCE)
        assert self.end is not None, self.error
        return self.end

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]


@contextmanager
def running(job: Job) -> Iterator[Running]:
    session = Running(job)
    session.thread.start()
    try:
        yield session
    finally:
        session.session.send(c.Quit())
        session.thread.join(PATIENCE)


def job(text: Path, lab: Path, **changes: Any) -> Job:
    budget = {name: changes.pop(name, None) for name in ("updates", "chars", "seconds")}
    rest = {name: changes.pop(name) for name in ("interactive", "checkpoint_every") if name in changes}
    return Job(NewRun(str(text), small(**changes)), lab, Budget(**budget), **rest)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return tmp_path / "lab"


def test_a_budget_ends_a_run_with_everything_saved(text: Path, lab: Path) -> None:
    events: list[Event] = []
    end = Session(job(text, lab, updates=30), events.append).run()
    assert (end.reason, end.update, end.chars) == ("updates", 30, 30 * 3 * 7)
    assert isinstance(events[0], Start)
    assert events[-1] == end
    assert end.checkpoint is not None
    assert checkpoint.load(Path(end.checkpoint)).state.counters.updates == 30
    with Lab.open_existing(lab) as found:
        run = found.runs.get(end.run)
        assert (run.status, run.update, run.val_loss) == ("updates", 30, end.val_loss)
        assert sum(point.updates for point in found.events.points(run)) == 30
    points = [event for event in events if isinstance(event, Point)]
    assert points[-1].update == 30
    assert sum(point.updates for point in points) == 30


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"streams": 1, "dropout": 0.1}, "dropout is not in the compiled loops"),
        ({"streams": 1, "cell": "gru", "dtype": "bfloat16"}, "bfloat16 is not in the compiled loops"),
        ({"threads": 1000}, "1000 threads share"),
        ({"streams": 1}, ""),
        ({"dropout": 0.1}, ""),
    ],
)
def test_what_makes_a_training_slow_is_said_at_its_start(
    text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], says: str
) -> None:
    monkeypatch.setattr(compute, "use_threads", lambda _threads: None)
    events: list[Event] = []
    Session(job(text, lab, updates=1, **changes), events.append).run()
    notes = [event.text for event in events if isinstance(event, Note) and event.kind == "compute"]
    assert [note.startswith(says) for note in notes] == ([True] if says else [])


def test_the_collector_leaves_what_was_loaded_alone(text: Path, lab: Path) -> None:
    frozen = []

    def listen(event: Event) -> None:
        if isinstance(event, Start):
            frozen.append((gc.isenabled(), gc.get_freeze_count()))

    Session(Job(NewRun(str(text), small()), lab, Budget(updates=3)), listen).run()
    assert frozen == [(True, frozen[0][1])]
    assert frozen[0][1] > 100_000
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


@pytest.mark.parametrize(("budget", "value", "updates"), [("updates", 7, 7), ("chars", 22, 2), ("seconds", 1e-9, 0)])
def test_each_budget_ends_at_the_first_update_behind_it(
    text: Path, lab: Path, budget: str, value: float, updates: int
) -> None:
    end = Session(job(text, lab, **{budget: value})).run()
    assert (end.reason, end.update) == (budget, updates)


def test_a_resumed_run_ends_in_the_bits_of_a_straight_one(text: Path, lab: Path, tmp_path: Path) -> None:
    straight = Session(job(text, tmp_path / "other", updates=60, warmup=20)).run()
    first = Session(job(text, lab, updates=60, warmup=20, checkpoint_every=25)).run()
    assert first.checkpoint is not None
    with running(job(text, lab, updates=60, warmup=20)) as paused:
        paused.ask(c.Pause())
        halfway = paused.quit()
    again = Session(Job(Resumption(halfway.run), lab)).run()
    assert again.update == 60
    results = [checkpoint.load(Path(end.checkpoint or "")).state.tensors for end in (straight, again)]
    assert all((results[0][name] == tensor).all() for name, tensor in results[1].items())
    with Lab.open_existing(lab) as found:
        assert sum(point.updates for point in found.events.points(found.runs.get(halfway.run))) == 60


def test_a_longer_budget_goes_on_from_a_shorter_one_in_the_same_bits(text: Path, lab: Path, tmp_path: Path) -> None:
    straight = Session(job(text, tmp_path / "other", updates=40, warmup=100)).run()
    first = Session(job(text, lab, updates=17, warmup=100)).run()
    again = Session(Job(Resumption(first.run), lab, Budget(updates=40))).run()
    results = [checkpoint.load(Path(end.checkpoint or "")).state.tensors for end in (straight, again)]
    assert all((results[0][name] == tensor).all() for name, tensor in results[1].items())


def test_a_budget_that_is_behind_is_said_and_leaves_the_run_as_it_was(text: Path, lab: Path) -> None:
    first = Session(job(text, lab, updates=10)).run()
    with Lab.open_existing(lab) as found:
        run = found.runs.get(first.run)
        before = found.events.log(run), found.events.validations(run)
    for budget in (Budget(), Budget(updates=4)):
        with pytest.raises(UserError, match=r"words-1 is at 10 updates already.* name a larger --updates"):
            Session(Job(Resumption(first.run), lab, budget)).run()
    with pytest.raises(UserError, match=r"words-1 is at 210 chars already.* name a larger --chars"):
        Session(Job(Resumption(first.run), lab, Budget(updates=20, chars=100))).run()
    with Lab.open_existing(lab) as found:
        run = found.runs.get(first.run)
        assert (found.events.log(run), found.events.validations(run)) == before


def test_pause_step_and_go_on(text: Path, lab: Path) -> None:
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 3)
        paused = session.ask(c.Pause())
        assert paused.status is Status.PAUSED
        stepped = session.ask(c.Step())
        stepped = session.until(lambda snapshot: snapshot.status is Status.PAUSED and snapshot.update > paused.update)
        assert stepped.update == paused.update + 1
        session.ask(c.Continue())
        session.until(lambda snapshot: snapshot.update > stepped.update + 3)
        end = session.quit()
    assert end.reason == "quit"
    assert session.session.snapshot().status is Status.ENDED


@pytest.mark.parametrize(
    ("knob", "value", "shown"),
    [
        ("bptt", "3-5", "3-5"),
        ("targets", "last", "last"),
        ("clip", "off", "off"),
        ("clip_by", "value", "value"),
        ("lr", "1e-3", "0.001"),
        ("dropout", "0.25", "0.25"),
        ("weight_decay", "0.1", "0.1"),
        ("temperature", "0", "0"),
    ],
)
def test_every_knob_turns_while_training(text: Path, lab: Path, knob: str, value: str, shown: str) -> None:
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 2)
        snapshot = session.ask(turn(knob, value))
        assert snapshot.settings.write(knob) == shown
        changes = [entry for entry in snapshot.log if isinstance(entry, Change)]
        assert [(change.knob, change.old, change.new) for change in changes] == [(knob, small().write(knob), shown)]
        session.until(lambda later: later.update > snapshot.update + 2)
        session.quit()
    with Lab.open_existing(lab) as found:
        assert [entry for entry in found.events.log(found.runs.get("1")) if isinstance(entry, Change)] == changes


def test_an_unusual_value_of_a_knob_is_noted_beside_its_change(text: Path, lab: Path) -> None:
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 2)
        session.ask(c.Pause())
        session.ask(turn("weight_decay", "20"))
        session.ask(turn("weight_decay", "0.5"))
        snapshot = session.ask(turn("temperature", "50"))
        session.quit()
    told = [entry.text for entry in snapshot.log if isinstance(entry, Note) and entry.kind == "unusual"]
    assert told == [
        "weight_decay 20 is above the usual range of 0 to 1",
        "temperature 50 is above the usual range of 0 to 2",
    ]


@pytest.mark.parametrize(
    ("knob", "value", "says"),
    [
        ("bptt", LengthLaw.fixed(9999), "needs 9,999"),
        ("bptt", "x", "--bptt x: expected"),
        ("lr", math.nan, "--lr nan: expected"),
        ("hidden", 5, "cannot change while training"),
        ("nonsense", 5, "unknown setting"),
        ("lr", 0.004, "already"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    text: Path, lab: Path, knob: str, value: Value, says: str
) -> None:
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 2)
        reply, failed = session.reply(c.Turn(knob, value))
        assert says in reply
        assert failed == (says != "already")
        assert not [entry for entry in session.session.snapshot().log if isinstance(entry, Change)]


def test_undo_goes_back_to_the_bits_before_each_change(text: Path, lab: Path) -> None:
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 2)
        paused = session.ask(c.Pause())
        session.ask(c.Save())
        session.ask(turn("bptt", "3"))
        session.ask(turn("lr", "0.5"))
        session.ask(c.Continue())
        session.until(lambda snapshot: snapshot.update > paused.update + 20)
        session.ask(c.Pause())
        back = session.ask(c.Undo())
        assert (back.update, back.settings.write("lr"), back.settings.write("bptt")) == (paused.update, "0.004", "3")
        back = session.ask(c.Undo())
        assert back.settings == paused.settings
        reply, failed = session.reply(c.Undo())
        assert failed
        assert "nothing to undo" in reply
        assert [(entry.knob, entry.undone) for entry in back.log if isinstance(entry, Change)] == [
            ("bptt", True),
            ("lr", True),
        ]
        assert back.points[-1].update == paused.update
        folder = Path(session.of(Saved)[0].path).parent
        session.quit()
    before = checkpoint.load(folder / f"update-{paused.update}.safetensors").state
    after = checkpoint.load(folder / "latest.safetensors").state
    assert before.counters == after.counters
    assert all((before.tensors[name] == tensor).all() for name, tensor in after.tensors.items())


def test_undoing_a_temperature_leaves_the_training_alone(text: Path, lab: Path) -> None:
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 2)
        session.ask(turn("temperature", "0.3"))
        reached = session.until(lambda snapshot: snapshot.update > 10).update
        back = session.ask(c.Undo())
        assert back.settings.write("temperature") == "0.8"
        assert back.update >= reached


def spoil(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Let the loss be infinite from one update on, as long as the rate is high."""
    train = Trainer.train

    def broken(self: Trainer, most: int = 1, course: Course | None = None) -> Measurements:
        if self.counters.updates < at:
            most = min(most, at - self.counters.updates)
        elif self.settings.lr > 1:
            bias = self.network.head.bias
            kept = bias.detach().clone()
            bias.data[0] = float("inf")
            try:
                return train(self, most, course)
            finally:
                bias.data.copy_(kept)
        return train(self, most, course)

    monkeypatch.setattr(Trainer, "train", broken)


def test_an_update_that_is_not_finite_stops_and_offers_the_state_before(
    text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 2)
        good = session.ask(c.Save())
        spoil(monkeypatch, at=0)
        turned = session.ask(turn("lr", "50"))
        broken = session.until(lambda snapshot: snapshot.status is Status.BROKEN)
        assert "was skipped: the loss is" in broken.message
        assert broken.undo == "lr 0.004 → 50"
        reply, failed = session.reply(c.Save())
        assert failed
        assert "not finite" in reply
        assert session.ask(c.Continue()).taken
        session.until(lambda snapshot: snapshot.status is Status.BROKEN)
        back = session.ask(c.Undo())
        assert back.status is Status.PAUSED
        assert back.settings.write("lr") == "0.004"
        assert good.update <= back.update <= turned.update
        session.ask(c.Continue())
        session.until(lambda snapshot: snapshot.update > back.update + 3)


def test_trouble_without_a_change_before_it_can_be_undone(
    text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, at=3)
    with running(job(text, lab, interactive=True, lr=5.0)) as session:
        broken = session.until(lambda snapshot: snapshot.status is Status.BROKEN)
        assert broken.update == 3
        session.ask(c.Evaluate())
        session.until(lambda snapshot: bool(snapshot.validations))
        assert not [saved for saved in session.of(Saved) if saved.kind == "best"]
        back = session.ask(c.Undo())
        assert (back.status, back.update) == (Status.PAUSED, 0)


def test_an_update_that_breaks_under_the_first_look_at_it_ends_like_any_other(
    text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    around = Prober.around

    def breaks(self: Prober, update: Callable[[], object]) -> Probe:
        spoil(monkeypatch, at=0)
        return around(self, update)

    monkeypatch.setattr(Prober, "around", breaks)
    monkeypatch.setattr(Schedule, "due", lambda _self, name, *_, **__: name == "update_ratio")
    end = Session(Job(NewRun(str(text), small(lr=5.0)), lab, Budget(updates=30))).run()
    assert end.reason == "not-finite"
    with Lab.open_existing(lab) as found:
        recorded = found.events.all(found.runs.get(end.run))
        assert not [each for each in recorded if isinstance(each, Probe) and each.update]


def test_nothing_is_written_over_a_good_checkpoint(text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Session(job(text, lab, updates=10)).run()
    before = Path(first.checkpoint or "").read_bytes()
    spoil(monkeypatch, at=12)
    settings = small(lr=5.0)
    end = Session(Job(NewRun(str(text), settings), lab, Budget(updates=30))).run()
    assert (end.reason, end.update, Path(end.checkpoint or "").name) == ("not-finite", 12, BROKEN)
    assert checkpoint.load(Path(end.checkpoint or "")).state.counters.updates == 12
    assert Path(first.checkpoint or "").read_bytes() == before
    assert [path.name for path in Path(end.checkpoint or "").parent.glob("*.safetensors")] == [BROKEN]
    with Lab.open_existing(lab) as found:
        notes = [entry for entry in found.events.log(found.runs.get(end.run)) if isinstance(entry, Note)]
    assert notes[-1].kind == "not-finite"


def test_validation_best_and_samples(text: Path, lab: Path) -> None:
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 2)
        session.ask(c.Evaluate())
        session.until(lambda snapshot: bool(snapshot.validations))
        session.ask(c.WriteSample("the "))
        session.until(lambda snapshot: "──\nthe " in snapshot.sample and len(snapshot.sample) > 60)
        session.quit()
    assert session.of(Validation)
    assert {saved.kind for saved in session.of(Saved)} >= {"best", "end"}


def test_a_text_is_continued_while_it_trains_and_while_it_is_paused(
    text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_writer, "LENGTH", 20)
    with running(job(text, lab, interactive=True)) as session:
        assert session.until(lambda snapshot: snapshot.update > 2).continuation is None
        for prime in ("the ", ""):
            session.ask(c.WriteSample(prime))
            now = session.until(lambda now: now.continuation is not None and now.continuation.finished)
            assert now.continuation is not None
            assert (now.continuation.prime, now.continuation.trouble) == (prime, "")
            assert prime + "".join(each.text for each in now.continuation.drawn) in now.sample
            session.ask(c.Pause())
        assert session.reply(c.WriteSample("É")) == ("the text that was trained on has no É", True)
        assert session.session.snapshot().continuation == now.continuation
        session.quit()


def test_where_nobody_watches_a_sample_is_written_when_it_is_asked_for(
    text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_writer, "LENGTH", 20)
    with running(job(text, lab)) as session:
        assert session.until(lambda snapshot: snapshot.update > 2).sample == ""
        session.ask(c.WriteSample())
        session.until(lambda _: bool(session.of(Sample)))
        count = session.session.snapshot().sample.count("── begun at")
        session.until(lambda snapshot: snapshot.update > session.of(Sample)[-1].update + 20)
        assert session.session.snapshot().sample.count("── begun at") == count == 1
        session.quit()


def test_the_validation_loss_is_of_now(text: Path, lab: Path) -> None:
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 2)
        session.ask(c.Evaluate())
        session.until(lambda snapshot: any(each.error is None for each in snapshot.validations))
        session.ask(c.Measure("control"))
        session.ask(c.Evaluate())
        shown = session.until(lambda snapshot: sum(each.error is None for each in snapshot.validations) > 1)
        session.quit()
    whole = [each for each in session.of(Validation) if each.error is None]
    samples = {each.update: each for each in session.of(Probe) if each.instrument == "control"}
    estimates = [each for each in session.of(Validation) if each.error is not None]
    assert estimates
    # Each control sample gives an estimate but the one that is read with the whole split.
    assert {each.update for each in whole} | {each.update for each in estimates} == samples.keys()
    assert all(0 < (each.error or 0) < each.loss for each in estimates)
    assert shown.best == min(each.loss for each in shown.validations if each.error is None)
    with Lab.open_existing(lab) as found:
        run = found.runs.get("words-1")
        assert found.events.validations(run) == session.of(Validation)
        assert run.best == min(each.loss for each in whole)


def test_the_whole_split_is_not_read_where_a_sample_says_that_it_is_worse(
    text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best checkpoint stays, and the time goes to other measurements."""
    monkeypatch.setattr(Schedule, "due", lambda _self, name, *_rest, **_named: name in ("control", "validation"))
    monkeypatch.setattr(Schedule, "goes_on", lambda *_rest, **_named: True)
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: sum(each.error is None for each in snapshot.validations) >= 2)
        session.ask(turn("lr", "500"))
        worse = session.until(lambda snapshot: snapshot.validations[-1].loss > 2 * (snapshot.best or math.inf))
        since = worse.validations[-1].update
        session.until(lambda snapshot: sum(each.update > since for each in snapshot.validations) >= 5)
        session.quit()
    assert [each for each in session.of(Validation) if each.update > since and each.error is None] == []


def test_a_cool_down_ends_in_a_pause_at_the_floor(text: Path, lab: Path) -> None:
    with running(job(text, lab, interactive=True, warmup=0)) as session:
        session.until(lambda snapshot: snapshot.update > 2)
        session.ask(c.CoolDown())
        done = session.until(lambda snapshot: snapshot.status is Status.PAUSED)
        assert "cool-down is over" in done.message
        assert done.lr == pytest.approx(0.05 * 0.004)
        session.ask(c.CoolDown())
        assert session.session.snapshot().lr == pytest.approx(0.004)


def test_hypotheses_are_written_down_and_outlive_the_session(text: Path, lab: Path) -> None:
    with running(job(text, lab, interactive=True)) as session:
        session.ask(c.Hypothesise(Idea("clip helps", "the loss climbs without")))
        _, failed = session.reply(c.Hypothesise(Idea("  ", "")))
        assert failed
        session.ask(c.Conclude(1, HypothesisStatus.REFUTED, "it did not"))
        session.quit()
    with running(job(text, lab, interactive=True)) as session:
        snapshot = session.until(lambda snapshot: snapshot.status is Status.TRAINING)
        (written,) = snapshot.hypotheses
        assert (written.claim, written.status, written.conclusion) == ("clip helps", "refuted", "it did not")


def test_two_sessions_share_a_lab(text: Path, lab: Path) -> None:
    with running(job(text, lab, interactive=True)) as one, running(job(text, lab, interactive=True)) as other:
        for session in (one, other):
            session.until(lambda snapshot: snapshot.update > 5)
        assert one.session.snapshot().run != other.session.snapshot().run
        held = Running(Job(Resumption(one.session.snapshot().run), lab))
        held.thread.start()
        held.thread.join(PATIENCE)
        assert "being trained by another process" in str(held.error)
        assert held.session.snapshot().busy is None
        assert held.session.snapshot().status is Status.FAILED


def test_a_lab_that_fails_does_not_stop_the_training(text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "FLUSH_AGAIN_SECONDS", 0.1)
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 2)
        record = Events.record

        def full(*_: object) -> None:
            raise UserError("the disk is full")

        monkeypatch.setattr(Events, "record", full)
        troubled = session.until(lambda snapshot: snapshot.message == "the disk is full")
        session.until(lambda snapshot: snapshot.update > troubled.update + 5)
        monkeypatch.setattr(Events, "record", record)
        session.until(lambda snapshot: not snapshot.message)
        end = session.quit()
    with Lab.open_existing(lab) as found:
        assert sum(point.updates for point in found.events.points(found.runs.get("1"))) == end.update


def test_a_damaged_race_keeps_nobody_from_training(text: Path, lab: Path) -> None:
    Session(job(text, lab, updates=3)).run()
    with Lab.open(lab) as kept:
        digest = kept.runs.get("1").digest
        plan = Plan(settings=small(), variants=grid(["lr=1,2"]), budget=Budget(chars=99))
        Races(kept).create(plan, text="words.txt", source="words.txt", digest=digest)
    with closing(sqlite3.connect(lab / "lab.sqlite")) as connection, connection:
        connection.execute("update races set plan = '{}'")
    with running(job(text, lab, interactive=True)) as session:
        snapshot = session.until(lambda snapshot: snapshot.update > 2)
        assert snapshot.races == ()
        assert any(isinstance(entry, Note) and "race R1 is damaged" in entry.text for entry in snapshot.log)


def test_measuring_makes_no_update_behind_the_end(text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "INSTRUMENTS", ("update_ratio",))
    monkeypatch.setattr(Schedule, "due", lambda _schedule, name, *_, **__: name == "update_ratio")
    assert [Session(job(text, lab, updates=end)).run().update for end in (9, 10, 11)] == [9, 10, 11]


def test_a_checkpoint_that_cannot_be_written_is_said_and_the_training_goes_on(
    text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise UserError("the checkpoint could not be written: no space")

    monkeypatch.setattr(checkpoint, "save", full)
    with running(job(text, lab, interactive=True, checkpoint_every=2)) as session:
        snapshot = session.until(lambda snapshot: snapshot.update > 6)
        assert any(isinstance(entry, Note) and "no space" in entry.text for entry in snapshot.log)


def test_a_fork_is_a_new_run_with_a_parent(text: Path, lab: Path, tmp_path: Path) -> None:
    first = Session(job(text, lab, updates=10)).run()
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(Path(first.checkpoint or "").read_bytes())
    end = Session(Job(Resumption(str(copy)), lab, Budget(updates=15))).run()
    assert (end.run, end.update) != (first.run, 10)
    with Lab.open_existing(lab) as found:
        assert found.runs.get(end.run).parent == (first.run, 10)
    same = Session(Job(Resumption(first.checkpoint or ""), lab, Budget(updates=12))).run()
    assert (same.run, same.update) == (first.run, 12)


def test_without_its_latest_checkpoint_a_run_names_the_one_to_go_on_from(text: Path, lab: Path) -> None:
    first = Session(job(text, lab, updates=10)).run()
    latest = Path(first.checkpoint or "")
    best = latest.with_name("best.safetensors")
    content = latest.read_bytes()
    latest.unlink()
    for says in ("no such file", "damaged"):
        with pytest.raises(UserError, match=f"{says}.*`charrnn-tui resume {best}`"):
            Session(Job(Resumption(first.run), lab, Budget(updates=20))).run()
        latest.write_bytes(content[:-5])
    best.unlink()
    with pytest.raises(UserError, match="words-1 has no other one"):
        Session(Job(Resumption(first.run), lab, Budget(updates=20))).run()
    latest.unlink()
    with pytest.raises(UserError, match="has no checkpoint"):
        Session(Job(Resumption(first.run), lab, Budget(updates=20))).run()


def test_what_is_wrong_with_a_checkpoints_state_names_its_file(text: Path, lab: Path, tmp_path: Path) -> None:
    first = Session(job(text, lab, updates=10)).run()
    found = checkpoint.load(Path(first.checkpoint or ""))
    cursors = found.state.tensors["streams.cursors"] + 10**9
    spoiled = replace(found.state, tensors={**found.state.tensors, "streams.cursors": cursors})
    path = tmp_path / "spoiled.safetensors"
    checkpoint.save(path, replace(found, state=spoiled))
    with pytest.raises(UserError, match=r"spoiled\.safetensors: .*cursors lie outside"):
        Session(Job(Resumption(str(path)), tmp_path / "new", Budget(updates=20))).run()
    assert not (tmp_path / "new").exists()


def test_a_start_that_fails_leaves_no_run_and_no_lab(text: Path, lab: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"12345678{")
    with pytest.raises(UserError, match="damaged"):
        Session(Job(Resumption(str(damaged)), lab)).run()
    with pytest.raises(UserError, match="--name"):
        Session(Job(NewRun(str(text), small(), "a/b"), lab)).run()
    assert not lab.exists()
    lab.mkdir()
    (lab / "checkpoints").write_text("in the way")
    with pytest.raises(UserError, match="cannot be used"):
        Session(job(text, lab, updates=1)).run()
    with Lab.open_existing(lab) as found:
        assert found.runs.standalone() == []


def test_memory_that_does_not_suffice_is_one_line(text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_memory", lambda: 10_000)
    with pytest.raises(UserError, match=r"needs about .* GiB in training, .* smaller --hidden, --layers"):
        Session(job(text, lab, updates=1)).run()
    monkeypatch.undo()

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: 5 bytes")

    for name in ("initialise", "forward"):
        with monkeypatch.context() as patch:
            patch.setattr(model.CharRNN, name, refuse)
            with pytest.raises(UserError, match=r"the memory does not suffice: .* GiB") as caught:
                Session(job(text, lab, updates=1)).run()
        assert "\n" not in str(caught.value)


def test_a_limit_of_the_process_is_the_memory_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=2**50))
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2**40 - 1, before[1]))
    try:
        assert model._memory() == 2**40 - 1
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("change", ["gone", "another text", "the same letters otherwise"])
def test_a_text_that_has_changed_is_said(text: Path, lab: Path, change: str) -> None:
    first = Session(job(text, lab, updates=5)).run()
    content = text.read_text()
    text.unlink()
    if change != "gone":
        text.write_text("zebra" * 500 if change == "another text" else content[::-1])
    with pytest.raises(UserError, match=r"(there is no text|is not the text).* --text"):
        Session(Job(Resumption(first.run), lab)).run()
    with Lab.open_existing(lab) as found:
        assert found.runs.get(first.run).status == "updates"


def test_a_text_from_standard_input_can_be_resumed(text: Path, lab: Path) -> None:
    task = NewRun("stdin", small(), None, text.read_bytes())
    first = Session(Job(task, lab, Budget(updates=5))).run()
    again = Session(Job(Resumption(first.run), lab, Budget(updates=9))).run()
    assert again.update == 9


def test_a_network_is_the_same_for_the_same_seed(text: Path) -> None:
    settings: Settings = small(seed=5)
    corpus = read_corpus(text, "text", settings.vocabulary)
    one, two = (Trainer(corpus, settings, choose(settings)).state().tensors for _ in range(2))
    other = Trainer(corpus, small(seed=6), choose(settings)).state().tensors
    assert all((one[name] == two[name]).all() for name in one)
    assert not (one["network.head.weight"] == other["network.head.weight"]).all()


@contextmanager
def locked(lab: Path) -> Iterator[sqlite3.Connection]:
    """While the context is open, another program holds the lab's write lock."""
    with closing(sqlite3.connect(lab / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def test_the_end_of_a_session_waits_for_a_lab_that_is_locked(
    text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(loop, "LAST_ROWS_SECONDS", PATIENCE)
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 2)
        with locked(lab) as other:
            session.session.send(c.Quit(RunStatus.QUIT))
            while not [saved for saved in session.of(Saved) if saved.kind == "end"]:
                session.thread.join(0.01)
            other.execute("ROLLBACK")
        session.quit()
    with Lab.open_existing(lab) as found:
        run = found.runs.standalone()[0]
        assert (run.status, run.update) == ("quit", found.events.points(run)[-1].update)
        assert [entry.kind for entry in found.events.log(run) if isinstance(entry, Saved)][-1] == "end"


def test_a_lab_that_stays_locked_is_said_after_the_end_is_told(
    text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(loop, "LAST_ROWS_SECONDS", 0.0)
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 2)
        with locked(lab):
            session.session.send(c.Quit(RunStatus.QUIT))
            session.thread.join(PATIENCE)
        assert isinstance(session.events[-1], End)
        assert "locked by another program" in str(session.error)
        assert str(session.events[-1].checkpoint) in str(session.error)
        assert Path(session.events[-1].checkpoint or "").exists()


def test_single_updates_that_are_asked_for_together_are_all_made(text: Path, lab: Path) -> None:
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 2)
        paused = session.ask(c.Pause())
        for _ in range(4):
            session.session.send(c.Step())
        session.until(lambda snapshot: snapshot.status is Status.PAUSED and snapshot.update > paused.update)
        session.ask(c.Save())
        stepped = session.until(lambda snapshot: snapshot.status is Status.PAUSED)
        assert stepped.update == paused.update + 4


def evaluate(running: Running) -> None:
    """Have the whole validation split read, and wait until that is done, with its checkpoint written."""

    def wholes() -> int:
        return sum(each.error is None for each in running.of(Validation))

    before = wholes()
    running.ask(c.Evaluate())
    running.until(lambda _: wholes() > before)
    running.ask(c.Save())


def test_going_back_keeps_the_best_checkpoint_and_the_state_it_leaves(text: Path, lab: Path) -> None:
    with running(job(text, lab, interactive=True, lr=1e-2)) as session:
        session.until(lambda snapshot: snapshot.update > 2)
        session.ask(turn("bptt", "5"))
        session.until(lambda snapshot: snapshot.update > 300)
        session.ask(c.Pause())
        evaluate(session)
        left = session.session.snapshot().update
        best = [saved for saved in session.of(Saved) if saved.kind == "best"][-1]
        kept = Path(best.path).read_bytes()
        session.ask(c.Undo())
        evaluate(session)
        assert Path(best.path).read_bytes() == kept
        assert checkpoint.load(Path(best.path).with_name(UNDONE)).state.counters.updates == left
        end = session.quit()
    with running(Job(Resumption(end.run), lab, interactive=True)) as again:
        again.ask(c.Pause())
        evaluate(again)
        assert Path(best.path).read_bytes() == kept


def test_trouble_ends_the_single_updates_that_were_asked_for(
    text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 2)
        session.ask(c.Pause())
        spoil(monkeypatch, at=0)
        session.ask(turn("lr", "50"))
        for _ in range(3):
            session.session.send(c.Step())
        session.until(lambda snapshot: snapshot.status is Status.BROKEN)
        back = session.ask(c.Undo())
        session.ask(c.Continue())
        session.until(lambda snapshot: snapshot.update > back.update + 20)
