"""A fork: a new run from another run's state, the same bit for bit until something is changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.budget import Budget
from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import Checkpoint
from engine.checkpoints.saver import BEST, UNDONE
from engine.errors import UserError
from engine.events import Change, Note, Saved, Start, Stored
from engine.instruments.timetable import Schedule
from engine.lab import Lab
from engine.session import commands as c
from engine.session.job import ForkedRun, Job, Resumption
from engine.session.session import Session
from engine.session.snapshot import Snapshot
from engine.settings import Value
from engine.windows import LengthLaw
from tests.conftest import turn
from tests.engine.session.test_session import Running, job, locked, running, spoil
from tests.engine.training.test_exactness import assert_same_bits

WAYS: dict[str, dict[str, Any]] = {
    "rnn": {"cell": "rnn", "optimizer": "sgd", "bptt": "2-9"},
    "gru": {"cell": "gru", "optimizer": "rmsprop", "targets": "last"},
    "lstm": {"layers": 2, "dropout": 0.3, "bptt": "geom:6"},
    "one-stream": {"streams": 1, "bptt": "geom:11", "targets": "last", "clip_by": "value", "clip": 0.01},
}


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return tmp_path / "lab"


def load(path: str | None) -> Checkpoint:
    assert path is not None
    return checkpoint.load(Path(path))


def changes(log: list[Any] | tuple[Any, ...]) -> list[tuple[int, str, str]]:
    return [(entry.number, entry.knob, entry.new) for entry in log if isinstance(entry, Change) and not entry.undone]


def stored(lab: Path, name: str) -> list[Stored]:
    with Lab.open_existing(lab) as found:
        return found.events.all(found.runs.get(name))


@pytest.mark.parametrize("way", WAYS)
def test_a_fork_without_a_change_has_the_bits_of_its_parent_going_on(text: Path, lab: Path, way: str) -> None:
    first = Session(job(text, lab, updates=17, warmup=20, **WAYS[way])).run()
    fork = Session(Job(ForkedRun(first.run), lab, Budget(updates=40))).run()
    parent = Session(Job(Resumption(first.run), lab, Budget(updates=40))).run()
    assert (fork.run, fork.update, parent.run) == ("words-2", 40, first.run)
    assert_same_bits(load(fork.checkpoint).state, load(parent.checkpoint).state, way)
    assert load(fork.checkpoint).origin.run == "words-2"
    with Lab.open_existing(lab) as found:
        run = found.runs.get(fork.run)
        assert (run.parent, run.status) == ((first.run, 17), "updates")
        for each in (run, found.runs.get(first.run)):
            points = found.events.points(each)
            assert sum(point.updates for point in points) == 40
        assert found.events.points(run)[0] == found.events.points(found.runs.get(first.run))[0]


def test_knobs_of_a_fork_are_turned_before_its_first_update_and_recorded(text: Path, lab: Path) -> None:
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 3)
        session.ask(turn("clip", "0.5"))
        first = session.quit()
    knobs: dict[str, Value] = {"lr": 0.01, "bptt": LengthLaw("uniform", 3, 5)}
    fork = Session(Job(ForkedRun(first.run, name="other", knobs=knobs), lab, Budget(updates=first.update + 9))).run()
    with running(Job(Resumption(first.run), lab, interactive=True)) as session:
        session.ask(c.Pause())
        going_on = session.session.snapshot().update
    assert going_on >= first.update
    events = stored(lab, "other")
    assert changes(events) == [(1, "clip", "0.5"), (2, "lr", "0.01"), (3, "bptt", "3-5")]
    assert [entry.update for entry in events if isinstance(entry, Change)][1:] == [first.update] * 2
    assert changes(stored(lab, first.run)) == [(1, "clip", "0.5")]
    settings = load(fork.checkpoint).state.settings
    assert [settings.write(name) for name in ("clip", "lr", "bptt")] == ["0.5", "0.01", "3-5"]
    with Lab.open_existing(lab) as found:
        # Settings of the beginning and the changes since then tell what a run is trained with.
        assert found.runs.get("other").settings == found.runs.get(first.run).settings


def test_a_forks_knobs_can_be_undone(text: Path, lab: Path) -> None:
    first = Session(job(text, lab, updates=10)).run()
    with running(Job(ForkedRun(first.run, knobs={"lr": 0.01}), lab, Budget(updates=99), interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 20)
        assert session.session.snapshot().settings.lr == 0.01
        text_of_reply, failed = session.reply(c.Undo())
        assert (text_of_reply, failed) == ("back at update 10, before lr 0.004 → 0.01", False)
        end = session.quit()
    with Lab.open_existing(lab) as found:
        assert sum(point.updates for point in found.events.points(found.runs.get(end.run))) == end.update
        assert sum(point.updates for point in found.events.points(found.runs.get(first.run))) == 10


def test_any_checkpoint_of_a_run_can_be_forked(text: Path, lab: Path) -> None:
    with running(job(text, lab, interactive=True)) as session:
        session.ask(c.Pause())
        session.ask(c.Step())
        session.until(lambda snapshot: "single update" in snapshot.message)
        session.ask(c.Save())
        kept = session.of(Saved)[-1]
        session.ask(turn("lr", "0.5"))
        session.ask(c.Step())
        session.until(lambda snapshot: "single update" in snapshot.message and snapshot.update > kept.update)
        left = session.session.snapshot().update
        session.ask(c.Undo())
        validated(session)
        first = session.quit()
    folder = lab / "checkpoints" / first.run
    for target, update, turned in (
        (kept.path, kept.update, []),
        (str(folder / UNDONE), left, [(1, "lr", "0.5")]),
        (str(folder / BEST), kept.update, []),
    ):
        end = Session(Job(ForkedRun(target), lab, Budget(updates=left + 1))).run()
        events = stored(lab, end.run)
        assert changes(events) == turned
        with Lab.open_existing(lab) as found:
            assert found.runs.get(end.run).parent == (first.run, update)
            assert sum(point.updates for point in found.events.points(found.runs.get(end.run))) == left + 1


def test_a_resumed_file_of_a_run_begins_with_its_past(text: Path, lab: Path) -> None:
    first = Session(job(text, lab, updates=10)).run()
    best = Path(first.checkpoint or "").with_name(BEST)
    end = Session(Job(Resumption(str(best)), lab, Budget(updates=15))).run()
    with Lab.open_existing(lab) as found:
        run = found.runs.get(end.run)
        assert (run.parent, run.chars) == ((first.run, 10), 15 * 3 * 7)
        assert sum(point.updates for point in found.events.points(run)) == 15


def test_what_cannot_be_forked_is_said_and_nothing_is_made(text: Path, lab: Path, tmp_path: Path) -> None:
    first = Session(job(text, lab, updates=10)).run()
    latest = first.checkpoint or ""
    elsewhere = tmp_path / "copy.safetensors"
    elsewhere.write_bytes(Path(latest).read_bytes())
    other = tmp_path / "other.txt"
    other.write_text(text.read_text()[:-40])
    for task, says in (
        (ForkedRun("nosuch"), "has no run nosuch"),
        (ForkedRun(str(tmp_path / "none.safetensors")), "no such file"),
        (ForkedRun(str(elsewhere)), "no checkpoint of a run in the lab"),
        (ForkedRun(latest, text=str(other)), "not the text"),
        (ForkedRun(first.run, name=first.run), "there is such a run already"),
        (ForkedRun(first.run, name="a/b"), "--name"),
        (ForkedRun(first.run, knobs={"hidden": 3}), "hidden cannot change while training"),
        (ForkedRun(first.run, knobs={"wat": 3}), "unknown setting 'wat'"),
        (ForkedRun(first.run, knobs={"lr": "high"}), "--lr high: expected a number"),
        (ForkedRun(first.run, knobs={"bptt": LengthLaw.fixed(10_000)}), "use --bptt"),
    ):
        with pytest.raises(UserError, match=says):
            Session(Job(task, lab, Budget(updates=20))).run()
    with pytest.raises(UserError, match="its end is 10: name a larger --updates"):
        Session(Job(ForkedRun(first.run), lab)).run()
    with pytest.raises(UserError, match="no checkpoint of a run in the lab"):
        Session(Job(ForkedRun(latest), tmp_path / "new", Budget(updates=20))).run()
    assert not (tmp_path / "new").exists()
    with Lab.open_existing(lab) as found:
        assert [run.name for run in found.runs.standalone()] == [first.run]


def test_a_file_of_another_run_in_a_runs_folder_is_said(text: Path, lab: Path) -> None:
    first = Session(job(text, lab, updates=3)).run()
    found = load(first.checkpoint)
    strange = Path(first.checkpoint or "").with_name("strange.safetensors")
    checkpoint.save(strange, replace(found, origin=replace(found.origin, run="somebody")))
    with pytest.raises(UserError, match="is of another run, somebody"):
        Session(Job(ForkedRun(str(strange)), lab, Budget(updates=9))).run()


def test_the_running_state_is_forked_in_the_same_session(text: Path, lab: Path) -> None:
    with running(job(text, lab, interactive=True, warmup=20)) as session:
        session.until(lambda snapshot: snapshot.update > 5 and len(snapshot.points) > 1)
        session.ask(turn("clip", "0.5"))
        session.ask(c.Pause())
        before = session.session.snapshot()
        reply = session.reply(c.Fork())
        assert reply == (f"words-2 goes on from update {before.update:,} of words-1, which is saved", False)
        after = session.session.snapshot()
        assert (after.run, after.update, after.status) == ("words-2", before.update, before.status)
        assert after.points[: len(before.points)] == before.points
        assert after.undo == ""
        session.ask(c.Save())
        left, begun = (load(saved.path) for saved in session.of(Saved) if saved.kind in ("end", "key"))
        assert_same_bits(left.state, begun.state, "the state that was left and the one that goes on")
        assert (left.origin.run, begun.origin.run) == ("words-1", "words-2")
        session.ask(turn("lr", "0.001"))
        assert session.session.snapshot().undo == "lr 0.004 → 0.001"
        assert session.reply(c.Undo())[0] == f"back at update {before.update:,}, before lr 0.004 → 0.001"
        with running(Job(Resumption("words-1"), lab, interactive=True)) as parent:
            parent.ask(c.Pause())
            assert parent.session.snapshot().run == "words-1"
            resumed = parent.quit()
        session.ask(c.Continue())
        session.until(lambda snapshot: snapshot.update > max(before.update, resumed.update) + 3)
        end = session.quit()
    starts = session.of(Start)
    assert [(start.run, start.parent) for start in starts] == [
        ("words-1", None),
        ("words-2", ("words-1", before.update)),
    ]
    with Lab.open_existing(lab) as found:
        runs = {run.name: run for run in found.runs.standalone()}
        assert runs["words-2"].parent == ("words-1", before.update)
        assert runs["words-2"].status == "quit"
        assert 0 < runs["words-2"].seconds < end.seconds
        assert sum(point.updates for point in found.events.points(runs["words-2"])) == end.update
        assert changes(found.events.log(runs["words-2"])) == [(1, "clip", "0.5")]
        assert sum(point.updates for point in found.events.points(runs["words-1"])) == resumed.update


def test_a_run_that_was_forked_says_so(text: Path, lab: Path) -> None:
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 2)
        session.ask(c.Fork())
        with Lab.open_existing(lab) as found:
            assert [run.status for run in found.runs.standalone()] == ["forked", "running"]
        session.ask(c.Fork())
        end = session.quit()
    with Lab.open_existing(lab) as found:
        assert [run.status for run in found.runs.standalone()] == ["forked", "forked", "quit"]
        last = found.runs.get("words-3")
        assert last.parent is not None
        assert last.parent[0] == "words-2"
        assert sum(point.updates for point in found.events.points(last)) == end.update
        notes = [entry.text for entry in found.events.log(last) if isinstance(entry, Note) and entry.kind == "fork"]
        assert [note.rsplit(" of ")[1] for note in notes] == ["words-1", "words-2"]


def validated(session: Running) -> Snapshot:
    """Read the whole validation split in a run that is paused."""

    def whole(snapshot: Snapshot) -> int:
        return sum(each.error is None for each in snapshot.validations)

    before = whole(session.session.snapshot())
    session.ask(c.Evaluate())
    return session.until(lambda snapshot: whole(snapshot) > before and snapshot.busy is None)


def test_each_run_keeps_a_best_checkpoint_of_its_own(text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A validation that is due by the clock may come before the step, and be the fork's best.
    monkeypatch.setattr(Schedule, "due", lambda *_, **__: False)
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 200)
        session.ask(c.Pause())
        lowest = validated(session).best
        session.ask(c.Fork())
        session.ask(turn("lr", "900"))
        session.ask(c.Step())
        session.until(lambda snapshot: "single update" in snapshot.message)
        higher = validated(session).validations[-1].loss
        session.quit()
    folder = lab / "checkpoints"
    assert load(str(folder / "words-1" / BEST)).origin.best == lowest
    assert lowest is not None
    assert higher > lowest
    # Its past has a lower loss, which does not belong to this file.
    assert load(str(folder / "words-2" / BEST)).origin.best == higher


def test_what_is_not_finite_is_not_forked(text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, at=4)
    with running(job(text, lab, interactive=True, lr=5.0)) as session:
        session.until(lambda snapshot: snapshot.status == "not finite")
        reply, failed = session.reply(c.Fork())
        assert failed
        assert reply.startswith("not forked: the last update was not finite")
        assert session.session.snapshot().run == "words-1"


def test_a_lab_that_is_locked_refuses_a_fork_and_the_run_goes_on(
    text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.lab.database.BUSY_SECONDS", 0.01)
    with running(job(text, lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 2)
        session.ask(c.Pause())
        with locked(lab):
            reply, failed = session.reply(c.Fork())
        assert failed
        assert "locked by another program" in reply
        assert session.session.snapshot().run == "words-1"
        assert session.reply(c.Fork())[1] is False
        assert session.quit().run == "words-2"
