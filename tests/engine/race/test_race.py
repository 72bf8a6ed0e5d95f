"""Races from their start to their verdict, through interruptions and losses."""

from __future__ import annotations

import errno
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.budget import Budget
from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import Checkpoint
from engine.checkpoints.saver import LATEST
from engine.errors import UserError
from engine.events import Change
from engine.lab import Lab
from engine.race.lanes import stored_lane
from engine.race.opening import NewRace, ResumedRace
from engine.race.race import Racing
from engine.race.result import Lane, Verdict
from engine.race.slice import Slice, train_slice
from engine.race.statistics.standing import Standing, standing
from engine.race.store import Races
from engine.training.state import State
from engine.workers.workers import MOST_LOSSES
from tests.conftest import small, words
from tests.engine.race.conftest import Inline, inline, opened, plan, run


def outcome(stands: Standing) -> list[Any]:
    """All but the seconds, which no two races share."""
    lanes = [
        (lane.variant, lane.replicate, lane.share, [(rung.updates, rung.chars, rung.loss) for rung in lane.rungs])
        for lane in stands.lanes
        if lane.done
    ]
    return [*lanes, *(each for each in stands.results if each.measure != "seconds")]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The outcome of the race of `plan()` that nothing befalls."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with opened(NewRace(plan(), str(words(folder))), folder / "lab") as found:
        return outcome(run(found))


def test_a_large_effect_ends_early_and_everything_is_in_the_lab(text: Path, lab: Path) -> None:
    told: list[Standing] = []
    with opened(NewRace(plan("lr=1e-6,3e-2", seeds=9), str(text)), lab) as found:
        stands = run(found, listener=told.append)
    assert stands.open == frozenset()
    with Lab.open_existing(lab) as kept:
        race = Races(kept).get("R1")
        runs = kept.runs.of_race(1)
        lanes = [stored_lane(kept, race.plan, each) for each in runs]
        assert kept.runs.standalone() == []
        assert all(kept.events.points(each) for each in runs)
    assert (race.status, race.says, race.results) == ("done", "", stands.results)
    assert race.results[0].verdict == "better"
    assert race.results[0].pairs < 9
    # The stored numbers are enough to compute everything again.
    assert standing(race.plan, [lane for lane in lanes if lane.done]).results == stands.results
    assert [lane.name for lane in runs][:2] == ["R1a1-lr-1e-06", "R1b1-lr-0.03"]
    shares = [lane.share for each in told for lane in each.lanes if (lane.variant, lane.replicate) == (0, 0)]
    assert shares == sorted(shares)


def test_every_seed_reads_the_same_text_in_the_same_order(text: Path, lab: Path) -> None:
    with opened(NewRace(plan("lr=1e-4,1e-3"), str(text)), lab) as found:
        run(found)
        lanes = {
            variant: checkpoint.load(found.lab.runs.checkpoint_folder(found.lab.runs.get(name)) / LATEST).state
            for variant, name in enumerate(("R1a1-lr-0.0001", "R1b1-lr-0.001"))
        }
    assert torch.equal(lanes[0].tensors["streams.cursors"], lanes[1].tensors["streams.cursors"])
    assert lanes[0].counters.tokens == lanes[1].counters.tokens


def test_it_is_the_same_race_whoever_computes_it_and_in_whatever_order(text: Path, lab: Path, tmp_path: Path) -> None:
    with opened(NewRace(plan(), str(text)), lab) as found:
        one = run(found, inline(size=1))
    with opened(NewRace(plan(), str(text)), tmp_path / "other") as found:
        many = run(found, inline(size=8))
    verdicts = [[each for each in stands.results if each.measure != "seconds"] for stands in (one, many)]
    assert verdicts[0] == verdicts[1]


class Dying(Inline):
    """Loses the first slices that it is given."""

    def __init__(self, left: list[int]) -> None:
        self._left = left

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self._left[0] > 0:
            self._left[0] -= 1
            future: Future[Any] = Future()
            future.set_exception(BrokenExecutor("a worker died"))
            return future
        return super().submit(fn, *args, **kwargs)


def test_what_was_lost_with_a_worker_is_computed_again_to_the_same_bits(text: Path, lab: Path, tmp_path: Path) -> None:
    with opened(NewRace(plan(), str(text)), lab) as found:
        undisturbed = outcome(run(found, inline(size=1)))
    for losses in (1, MOST_LOSSES - 1):
        left = [losses]
        with opened(NewRace(plan(), str(text)), tmp_path / f"{losses} losses") as found:
            disturbed = run(found, inline(lambda left=left: Dying(left), size=1))  # type: ignore[misc]
        assert left == [0]
        assert outcome(disturbed) == undisturbed


def test_workers_that_always_die_end_it_in_one_line_and_it_can_go_on(text: Path, lab: Path) -> None:
    with (
        opened(NewRace(plan(), str(text)), lab) as found,
        pytest.raises(UserError, match=r"race R1 was given up: workers died 4 times on lr 0.001, seed 1; finished"),
    ):
        run(found, inline(lambda: Dying([1_000]), size=1))
    with Lab.open_existing(lab) as kept:
        assert Races(kept).get("R1").status == "failed"
    with opened(ResumedRace("R1"), lab) as found:
        assert run(found).open == frozenset()


def test_the_lane_whose_workers_die_is_named_and_not_the_one_beside_it(text: Path, lab: Path) -> None:
    class Half(Inline):
        """Loses the first variant, while the second one is trained for ever."""

        def submit(self, _fn: Callable[..., Any], /, *args: Any, **_kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            if args[1].settings.lr == 1e-3:
                future.set_exception(BrokenExecutor("a worker died"))
            return future

    with (
        opened(NewRace(plan(), str(text)), lab) as found,
        pytest.raises(
            UserError, match=r"race R1 was given up: workers died 4 times on lr 0.001, seed 1; finished work is kept"
        ),
    ):
        run(found, inline(Half))


def test_stopped_and_gone_on_with_it_is_the_same_race(undisturbed: list[Any], text: Path, lab: Path) -> None:
    with opened(NewRace(plan(), str(text)), lab) as found:

        def stop(stands: Standing) -> None:
            if sum(len(lane.rungs) for lane in stands.lanes) >= 9:
                racing.stop()

        racing = Racing(found.lab, found.race, found.corpus, found.origin, inline(), stop)
        stopped = racing.run()
        assert stopped.open
        assert Races(found.lab).get("R1").status == "stopped"
    with opened(ResumedRace("r1"), lab) as found:
        assert outcome(run(found)) == undisturbed


def test_killed_between_two_slices_it_goes_on_behind_the_last_one(
    undisturbed: list[Any], text: Path, lab: Path
) -> None:
    class Killed(BaseException):
        pass

    calls = iter(range(100))

    def die(_stands: Standing) -> None:
        if next(calls) == 5:
            raise Killed

    with opened(NewRace(plan(), str(text)), lab) as found, pytest.raises(Killed):
        run(found, listener=die)
    with opened(ResumedRace("R1"), lab) as found:
        assert outcome(run(found)) == undisturbed


def test_a_race_that_is_over_says_the_same_again(text: Path, lab: Path) -> None:
    with opened(NewRace(plan(), str(text)), lab) as found:
        stands = run(found)
    with opened(ResumedRace("R1"), lab) as found:
        assert run(found, inline(lambda: pytest.fail("nothing is left to compute"))).results == stands.results


def test_only_one_process_runs_a_race(text: Path, lab: Path) -> None:
    with (
        opened(NewRace(plan(), str(text)), lab) as found,
        Races(found.lab).hold(found.race),
        opened(ResumedRace("R1"), lab) as again,
        pytest.raises(UserError, match="race R1 is being run by another process"),
    ):
        run(again)


def test_a_full_disk_ends_it_in_one_line_and_what_was_finished_is_kept(
    text: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = checkpoint.save, iter(range(1_000))

    def full(path: Path, content: Checkpoint) -> None:
        if next(calls) >= 6:
            raise UserError(f"the checkpoint {path} could not be written: {errno.errorcode[errno.ENOSPC]}")
        real(path, content)

    with opened(NewRace(plan(), str(text)), lab) as found:
        with monkeypatch.context() as patch:
            patch.setattr(checkpoint, "save", full)
            with pytest.raises(UserError, match="could not be written: ENOSPC"):
                run(found)
        assert Races(found.lab).get("R1").status == "failed"
        assert all(found.lab.events.validations(each) for each in found.lab.runs.of_race(1))
    with opened(ResumedRace("R1"), lab) as found:
        assert run(found).open == frozenset()


def test_a_variant_that_diverges_at_once_is_the_worst(text: Path, lab: Path) -> None:
    settings = small(threads=1, optimizer="sgd", weight_decay=10, clip=None, warmup=0)
    raced = plan("lr=1e-3,1e3", settings=settings, seeds=9, budget=Budget(chars=5_000))
    with opened(NewRace(raced, str(text)), lab) as found:
        stands = run(found)
        broken = [each for each in found.lab.runs.of_race(1) if each.status == "not-finite"]
        assert len(broken) >= stands.results[0].pairs
    verdict = stands.results[0]
    assert (verdict.verdict, verdict.diverged) == (Verdict.WORSE, (verdict.pairs, 0))


def test_a_variant_that_changes_nothing_is_no_difference_that_matters(text: Path, lab: Path) -> None:
    with opened(NewRace(plan("clip=off,1e6"), str(text)), lab) as found:
        stands = run(found)
    assert (stands.results[0].verdict, stands.results[0].low, stands.results[0].high) == (Verdict.SAME, 0.0, 0.0)
    assert stands.results[0].pairs == 2


def started_from(text: Path, lab: Path, chars: int = 1_000) -> Checkpoint:
    """A checkpoint of a training in the middle."""
    with opened(NewRace(plan(seeds=2), str(text)), lab) as found:
        corpus = found.corpus
        state = train_slice(corpus, Slice(plan().settings, None, (Budget(chars=chars),))).state
        origin = checkpoint.Origin("words-1", corpus.name, str(text), corpus.digest, corpus.vocabulary, Budget())
    return Checkpoint(origin, state)


def last_state(lab: Lab, name: str) -> State:
    return checkpoint.load(lab.runs.checkpoint_folder(lab.runs.get(name)) / LATEST).state


def test_from_a_state_the_variant_that_changes_nothing_is_the_training_that_goes_on(text: Path, lab: Path) -> None:
    start = started_from(text, lab)
    raced = plan("lr=4e-3,3e-2", budget=Budget(chars=1_500), seeds=2)
    with opened(NewRace(raced, str(text), start=start), lab) as found:
        run(found)
        went_on = train_slice(found.corpus, Slice(start.state.settings, start.state, (Budget(chars=2_500),)))
        unchanged, changed = (last_state(found.lab, name) for name in ("R2a1-lr-0.004", "R2b1-lr-0.03"))
        run_b = found.lab.runs.get("R2b1-lr-0.03")
        assert found.race.plan.origin is not None
        assert run_b.parent == ("words-1", found.race.plan.origin.update)
        changes = [entry for entry in found.lab.events.log(run_b) if isinstance(entry, Change)]
        assert [(change.knob, change.old, change.new) for change in changes] == [("lr", "0.004", "0.03")]
        first = stored_lane(found.lab, found.race.plan, run_b).rungs[0]
        assert first.chars < 100
    assert all(torch.equal(tensor, unchanged.tensors[name]) for name, tensor in went_on.state.tensors.items())
    assert not torch.equal(changed.tensors["network.head.bias"], unchanged.tensors["network.head.bias"])


def test_from_a_state_each_further_seed_goes_on_at_another_place_the_same_for_all(text: Path, lab: Path) -> None:
    start = started_from(text, lab)
    told: list[Lane] = []
    raced = plan("lr=4e-3,3e-2", budget=Budget(chars=600), seeds=2)
    with opened(NewRace(raced, str(text), start=start), lab) as found:
        run(found, listener=lambda stands: told.extend(stands.lanes))
    ends = {(lane.variant, lane.replicate): lane.rungs[-1].loss for lane in told if lane.done}
    assert ends[0, 0] != ends[0, 1]


def test_a_race_from_a_state_goes_on_from_the_lab_s_own_copy_of_it(text: Path, lab: Path) -> None:
    start = started_from(text, lab)
    raced = plan("lr=4e-3,3e-2", budget=Budget(chars=1_500), seeds=2)
    with opened(NewRace(raced, str(text), start=start), lab) as found:
        undisturbed = run(found)
    with opened(NewRace(raced, str(text), start=start), lab) as found:
        racing = Racing(found.lab, found.race, found.corpus, found.origin, inline(), lambda _stands: racing.stop())
        racing.run()
    with opened(ResumedRace("R3"), lab) as found:
        assert outcome(run(found)) == outcome(undisturbed)


def test_a_checkpoint_of_another_text_is_refused_and_nothing_is_made(text: Path, lab: Path, tmp_path: Path) -> None:
    start = started_from(text, lab)
    other = tmp_path / "other.txt"
    other.write_text("quite another text " * 200)
    with (
        pytest.raises(UserError, match=r"other.txt is not the text that words-1 was trained on"),
        opened(NewRace(plan("lr=1e-3,1e-2"), str(other), start=start), tmp_path / "new"),
    ):
        pytest.fail("it was opened")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("vary", "says"),
    [("bptt=5,9000", "a window of --bptt 9000 needs"), ("streams=2,4000", "--streams 4000")],
)
def test_a_variant_that_the_text_is_too_short_for_is_refused_before_anything_is_made(
    text: Path, lab: Path, vary: str, says: str
) -> None:
    with pytest.raises(UserError, match=says), opened(NewRace(plan(vary), str(text)), lab):
        pytest.fail("it was opened")
    assert not lab.exists()


def test_a_race_whose_text_has_changed_is_not_gone_on_with(text: Path, lab: Path) -> None:
    with opened(NewRace(plan(), str(text)), lab):
        pass
    text.write_text(text.read_text() + "more")
    with pytest.raises(UserError, match="is not the text of race R1"), opened(ResumedRace("R1"), lab):
        pytest.fail("it was opened")


@pytest.mark.parametrize("key", ["R7", "7", "words-1", "R", ""])
def test_a_race_that_is_not_there_is_said(text: Path, lab: Path, key: str) -> None:
    with opened(NewRace(plan(), str(text)), lab):
        pass
    with pytest.raises(UserError, match="the last one is R1"), opened(ResumedRace(key), lab):
        pytest.fail("it was opened")


def test_variants_get_the_same_number_type_where_it_is_left_open(text: Path, lab: Path) -> None:
    settings = plan().settings.with_text("dtype", "auto").with_text("streams", "16")
    with opened(NewRace(plan("bptt=1,9", settings=settings), str(text)), lab) as found:
        assert found.race.plan.settings.dtype == "float32"
