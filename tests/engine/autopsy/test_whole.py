"""Autopsies of small sick runs, from a session to the cause."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.autopsy.case import open_case
from engine.autopsy.conductor import Autopsy
from engine.autopsy.judgement import judge
from engine.autopsy.outcome import last_report
from engine.autopsy.replayer import Stopped
from engine.autopsy.trouble import FEW_POINTS
from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import Checkpoint
from engine.checkpoints.ring import kept_in
from engine.checkpoints.saver import LATEST
from engine.errors import UserError
from engine.events import AUTOPSY, Note, Probe, Trial
from engine.lab import Lab
from engine.recording import collector
from engine.session import commands as c
from engine.session import dissection
from engine.session.commands import Command
from engine.session.job import ForkedRun, Job, NewRun, Resumption
from engine.session.snapshot import Snapshot
from engine.training.state import State
from engine.workers.place import Place
from engine.workers.workers import MOST_LOSSES
from tests.conftest import small, turn, words
from tests.engine.session.test_session import running
from tests.sick_runs.sessions import train
from tests.waiting import PATIENCE

pytestmark = pytest.mark.xdist_group("autopsies")  # they share two trainings

HERE = Place("here", 1, lambda: ThreadPoolExecutor(1), lambda corpus: corpus)
"""Computes in the test's own process, which has loaded torch already."""


def silent(_what: str, _share: float) -> None:
    """A progress callback that does nothing."""


def dissected(lab: Path, run: str) -> Any:
    case = open_case(lab, run, None, silent)
    return judge(Autopsy(case, HERE, silent).run(), bool(case.trouble.broken))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One text for all labs, so that a lab's copy still knows where it is."""
    return words(tmp_path_factory.mktemp("text"))


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return tmp_path / "lab"


@pytest.fixture(scope="module", autouse=True)
def _every_update_a_point() -> Iterator[None]:
    """However quick the machine is: a fault on the disk, unlike a knob, cannot be found between two points."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collector, "POINT_SECONDS", 0.0)
        yield


@pytest.fixture(scope="module")
def has_learnt(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab with one run, words-1, that has learnt for 400 updates."""
    lab = tmp_path_factory.mktemp("learnt") / "lab"
    train(NewRun(str(text), small(lr=0.01)), lab, 400, {})
    return lab


@pytest.fixture(scope="module")
def has_climbed(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab with one run, words-1, whose loss climbs from update 500 on."""
    lab = tmp_path_factory.mktemp("climbed") / "lab"
    train(NewRun(str(text), small(lr=0.01)), lab, 700, {500: turn("lr", "3")})
    return lab


@pytest.fixture
def learnt(has_learnt: Path, lab: Path) -> str:
    """A run in a lab of the test's own that has learnt for 400 updates."""
    shutil.copytree(has_learnt, lab)
    return "words-1"


@pytest.fixture
def climbed(has_climbed: Path, lab: Path) -> str:
    """A run in a lab of the test's own whose loss climbs from update 500 on."""
    shutil.copytree(has_climbed, lab)
    return "words-1"


@dataclass(frozen=True)
class Sick:
    """A run that goes wrong by a knob that is turned."""

    settings: dict[str, Any]
    turn: tuple[str, str]
    cause: str


@pytest.mark.parametrize(
    "sick",
    [
        Sick({"lr": 0.01}, ("lr", "3"), "learning-rate-too-high"),
        pytest.param(
            Sick({"optimizer": "sgd", "lr": 0.5, "cell": "gru"}, ("lr", "900"), "learning-rate-too-high"),
            marks=pytest.mark.soak,
        ),
        Sick({"lr": 0.01}, ("weight_decay", "9"), "weight-decay-too-strong"),
    ],
)
def test_a_knob_that_was_turned_is_named(text: Path, lab: Path, sick: Sick) -> None:
    task = NewRun(str(text), small(**sick.settings))
    report = dissected(lab, train(task, lab, 900, {500: turn(*sick.turn)}))
    assert report.cause == sick.cause
    assert report.trial is not None
    assert report.trial.knob == sick.turn[0]
    assert report.onset >= 450


def spoilt(lab: Path, text: Path, spoil: Callable[[State], State], **settings: Any) -> Any:
    """The report on a run whose state was spoilt on the disk before it was resumed."""
    name = train(NewRun(str(text), small(**settings)), lab, 500, {})
    path = lab / "checkpoints" / name / LATEST
    found = checkpoint.load(path)
    checkpoint.save(path, Checkpoint(found.origin, spoil(found.state)))
    train(Resumption(name), lab, 900, {})
    return dissected(lab, name)


def scaled(family: str, slot: str, factor: float) -> Callable[[State], State]:
    def spoil(state: State) -> State:
        tensors = {
            name: tensor * factor if name.startswith(family) and name.endswith(slot) else tensor
            for name, tensor in state.tensors.items()
        }
        return replace(state, tensors=tensors)

    return spoil


@pytest.mark.soak
def test_a_spoilt_optimiser_is_named(text: Path, lab: Path) -> None:
    report = spoilt(lab, text, scaled("optimiser.", ":exp_avg_sq", 1e-9), lr=0.01)
    assert report.cause == "optimiser-state"


def test_spoilt_weights_are_named(text: Path, lab: Path) -> None:
    report = spoilt(lab, text, scaled("network.head", "weight", -8.0), lr=3e-3)
    assert report.cause == "damaged-weights"
    assert report.trial is None


@pytest.mark.soak
def test_a_text_that_changes_is_named(tmp_path: Path, lab: Path) -> None:
    text = tmp_path / "changes.txt"
    words = "the quick brown fox jumps over the lazy dog; pack my box. " * 250
    numbers = "".join(f"{number * 7919 % 10_007}|" for number in range(2_000))
    # Each of two streams reads words first; the rest is validation.
    text.write_text((words + numbers[:9_000]) * 2 + words[:5_222])
    name = train(NewRun(str(text), small(streams=2, lr=0.01, bptt="16", hidden=24)), lab, 1_200, {})
    assert dissected(lab, name).cause == "data-shift"


def test_without_a_climb_there_is_nothing_to_dissect(learnt: str, lab: Path) -> None:
    with pytest.raises(UserError, match="has not climbed, and nothing broke: there is nothing to dissect"):
        dissected(lab, learnt)


def test_a_fork_that_learns_has_nothing_to_dissect(learnt: str, lab: Path) -> None:
    fork = train(ForkedRun(learnt), lab, 800, {})
    with pytest.raises(UserError, match="has not climbed, and nothing broke: there is nothing to dissect"):
        dissected(lab, fork)


@pytest.mark.parametrize("seeds", [range(1, 2), pytest.param(range(2, 9), marks=pytest.mark.soak)])
def test_lines_that_end_alike_are_no_climb(text: Path, lab: Path, seeds: range) -> None:
    for seed in seeds:
        name = train(NewRun(str(text), small(lr=0.01, seed=seed)), lab, 400, {})
        with pytest.raises(UserError, match="there is nothing to dissect"):
            dissected(lab, name)


def test_a_fork_is_dissected_from_where_it_left(learnt: str, lab: Path) -> None:
    fork = train(ForkedRun(learnt, knobs={"lr": 3.0}), lab, 800, {})
    report = dissected(lab, fork)
    assert (report.cause, report.trial) == ("learning-rate-too-high", Trial("lr", "0.01"))


@pytest.mark.soak
def test_a_knob_that_was_turned_again_and_again_is_left_where_it_was(text: Path, lab: Path) -> None:
    presses = {500 + 3 * press: turn("lr", f"{0.01 * 2**press:g}") for press in range(1, 10)}
    name = train(NewRun(str(text), small(lr=0.01)), lab, 900, presses)
    report = dissected(lab, name)
    assert (report.cause, report.trial) == ("learning-rate-too-high", Trial("lr", "0.01"))


def test_a_fork_without_states_from_before_says_so(climbed: str, lab: Path) -> None:
    for each in kept_in(lab / "checkpoints" / climbed):
        each.path.unlink()
    # The run began fresh: its seed makes the first state again.
    assert open_case(lab, climbed, None, silent).starts[0].path is None
    fork = train(ForkedRun(climbed), lab, 900, {})
    with pytest.raises(UserError, match=rf"no state of {fork} from before update \d+ is kept"):
        open_case(lab, fork, None, silent)


class Dying(ThreadPoolExecutor):
    """Workers that die again and again."""

    def submit(self, *_: Any, **__: Any) -> Any:
        from concurrent.futures.process import BrokenProcessPool

        raise BrokenProcessPool("killed")


def test_workers_that_keep_dying_are_one_line(climbed: str, lab: Path) -> None:
    opened = []

    def opens() -> Executor:
        opened.append(1)
        return Dying(1)

    place = Place("here", 1, opens, lambda corpus: corpus)
    with pytest.raises(UserError, match=f"workers died {MOST_LOSSES} times"):
        Autopsy(open_case(lab, climbed, None, silent), place, silent).run()
    assert len(opened) == MOST_LOSSES


@pytest.mark.soak
def test_what_is_lost_with_workers_changes_nothing_of_an_autopsy(climbed: str, lab: Path) -> None:
    class NowAndThen(ThreadPoolExecutor):
        """Loses every third task that it is given."""

        asked = 0

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            NowAndThen.asked += 1
            if NowAndThen.asked % 3:
                return super().submit(fn, *args, **kwargs)
            raise BrokenExecutor("a worker died")

    case = open_case(lab, climbed, None, silent)
    place = replace(HERE, open=lambda: NowAndThen(1))
    assert judge(Autopsy(case, place, silent).run(), broken=False) == judge(Autopsy(case, HERE, silent).run(), False)
    assert NowAndThen.asked > 3 * MOST_LOSSES


def test_it_can_be_stopped(climbed: str, lab: Path) -> None:
    autopsy = Autopsy(open_case(lab, climbed, None, silent), HERE, silent)
    autopsy.stop()
    with pytest.raises(Stopped):
        autopsy.run()


def done(snapshot: Snapshot) -> bool:
    return AUTOPSY in snapshot.probes


def test_a_session_dissects_beside_the_training_and_keeps_the_report(
    text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dissection, "place", lambda _name, size: replace(HERE, size=size))
    job = Job(NewRun(str(text), small(lr=0.01)), lab, interactive=True)
    with running(job) as session:
        session.until(lambda snapshot: len(snapshot.points) > FEW_POINTS)
        before = session.session.snapshot().settings
        assert session.reply(c.Dissect()) == (
            "the loss of words-1 has not climbed, and nothing broke: there is nothing to dissect",
            True,
        )
        session.ask(turn("lr", "3"))
        turned = session.session.snapshot().update
        session.until(lambda snapshot: snapshot.update > turned + 400)
        assert session.reply(c.Dissect()) == ("autopsy begun", False)
        assert session.reply(c.Dissect())[1]
        after = session.until(done)
        assert after.busy is None or after.busy[0] != AUTOPSY
        report = last_report(after.probes[AUTOPSY])
        assert report is not None
        assert report.cause == "learning-rate-too-high"
        assert any(isinstance(entry, Note) and entry.kind == AUTOPSY for entry in after.log)
        session.ask(c.Undo())
        assert session.session.snapshot().settings == before
        assert done(session.session.snapshot())
        session.quit()
    with Lab.open_existing(lab) as found:
        events = found.events.all(found.runs.get("words-1"))
    assert last_report(events) == report
    assert [event for event in events if isinstance(event, Probe) and event.instrument == AUTOPSY]
    # The states after the undone change are forgotten.
    assert all(each.update <= turned for each in kept_in(lab / "checkpoints" / "words-1") if each.changes)


COMMANDS: tuple[Command, ...] = (c.StopDissecting(), c.Quit())


@pytest.mark.parametrize("command", COMMANDS)
def test_an_autopsy_in_a_session_ends_when_asked(
    text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    working, stopped = threading.Event(), threading.Event()

    def hold() -> None:
        working.set()
        stopped.wait(PATIENCE)

    held = partial(ThreadPoolExecutor, 1, initializer=hold)
    monkeypatch.setattr(dissection, "place", lambda _name, size: replace(HERE, size=size, open=held))
    stop = Autopsy.stop

    def stop_and_go_on(autopsy: Autopsy) -> None:
        stop(autopsy)
        stopped.set()

    monkeypatch.setattr(Autopsy, "stop", stop_and_go_on)
    with running(Job(NewRun(str(text), small(lr=3)), lab, interactive=True)) as session:
        session.until(lambda snapshot: snapshot.update > 300)
        session.ask(c.Dissect())
        while not working.wait(0.1):
            # On a slow machine so few points are known by then that there is nothing to replay yet.
            session.ask(c.Dissect())
        if isinstance(command, c.Quit):
            assert session.quit().reason == "quit"
        else:
            known = session.session.snapshot().probes.get(AUTOPSY, ())
            assert session.reply(command) == ("autopsy stopped", False)
            assert session.reply(command) == ("no autopsy is running", False)
            assert session.session.snapshot().probes.get(AUTOPSY, ()) == known
