"""Sentences follow from the numbers: each branch of each answer, from evidence that is made up."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from engine.questions import bptt_40_vs_10, clipping, norms, numerics, random_length, seq_len
from engine.questions.climb import answer as climb_words
from engine.questions.climb import evidence as climb_evidence
from engine.questions.phrases import between, compared, listed, nats, number, percent, signed
from engine.race.statistics.interval import Interval
from engine.settings import Settings

BETTER = Interval(-0.2, -0.25, -0.15, 5)
WORSE = Interval(0.2, 0.15, 0.25, 5)
SAME = Interval(0.001, -0.004, 0.006, 5)
OPEN = Interval(0.05, -0.1, 0.2, 4)
LITTLE = Interval(-0.01, -0.03, -0.001, 5)
NONE = Interval(math.nan, -math.inf, math.inf, 0)
ONE = Interval(0.3, -math.inf, math.inf, 1)
BROKEN = Interval(math.inf, 0.1, math.inf, 5)


# --- numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.0, "0%"),
        (1.0, "100%"),
        (0.5, "50%"),
        (0.0235, "2.4%"),
        (0.00235, "0.24%"),
        (0.997, "99.7%"),
        (0.9999, "99.99%"),
    ],
)
def test_a_share_is_rounded_neither_to_none_nor_to_all(share: float, shown: str) -> None:
    assert percent(share) == shown


def test_a_share_that_is_tiny_is_not_none() -> None:
    assert percent(1e-9) == "less than 0.0001%"
    assert percent(1 - 1e-9) == "more than 99.9999%"


def test_numbers_can_be_read() -> None:
    assert [number(each) for each in (0.0, 12.0, 0.2834, 1234.5, 3e7, 2e-16)] == [
        "0",
        "12",
        "0.283",
        "1,234",
        "3e+07",
        "2e-16",
    ]
    assert number(math.inf) == "infinite"
    assert [signed(each) for each in (0.1, -0.1, math.inf, -math.inf)] == ["+0.100", "−0.100", "+∞", "−∞"]
    assert nats(0.00001) == "1e-05"
    assert [listed(each) for each in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (BETTER, "x is better than y: 0.200 nats lower"),
        (WORSE, "x is worse than y: 0.200 nats higher"),
        (SAME, "x and y make no difference that matters"),
        (OPEN, "Whether x is better than y is undecided: +0.050 nats"),
        (ONE, "1 seed, too few for an interval"),
        (NONE, "could not be compared"),
        (LITTLE, "which is less than the 0.02 that matters"),
        (BROKEN, "diverged more often than not"),
    ],
)
def test_a_comparison_says_what_its_interval_says(found: Interval, words: str) -> None:
    said = compared("x", "y", found)
    assert words in said
    assert "nan" not in said
    assert "inf" not in said


def test_an_interval_says_its_seeds() -> None:
    assert between(BETTER) == "95 % interval −0.250 … −0.150, 5 seeds"


# --- clipping --------------------------------------------------------------------------------------------------------


def case(difference: Interval, **changes: Any) -> clipping.Case:
    values: dict[str, Any] = {
        "race": "R1",
        "what": "random-step",
        "settings": Settings(),
        "chars": 100_000,
        "difference": difference,
        "losses": (2.4, 2.4 + difference.estimate),
        "rises": (0.0, 0.0),
        "diverged": (0, 0),
        "clipped": 0.1,
        "factor": 0.8,
        "norm": 0.5,
        "largest": 5.0,
        "rate": 1.0,
    }
    return clipping.Case(**{**values, **changes})


def clipped(plain: clipping.Case, fast: Interval = SAME, **of_fast: Any) -> str:
    return clipping.answer([plain, case(fast, what="random-step, rate × 5", race="R2", **of_fast)]).says


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (BETTER, "it helps"),
        (WORSE, "it hurts"),
        (SAME, "it makes no difference that matters"),
        (OPEN, "it has an effect that cannot be told from chance"),
        (NONE, "it was not tried in time"),
    ],
)
def test_clipping_is_judged_by_the_race(difference: Interval, words: str) -> None:
    says = clipped(case(difference))
    assert words in says
    others = {"it helps", "it hurts", "it makes no difference that matters"} - {words}
    assert not any(other in says for other in others)


def test_clipping_that_never_acts_is_no_matter_of_seeds() -> None:
    says = clipped(case(Interval(0.0, -math.inf, math.inf, 1), clipped=0.0, largest=0.4))
    assert "random-step it never acts" in says
    assert "not one update had a norm above 1 (the largest 0.4)" in says


def test_clipping_that_cuts_nearly_all_is_no_guard_against_spikes() -> None:
    assert "no guard against rare spikes" in clipped(case(WORSE, clipped=0.98, norm=4.5))
    rare = clipped(case(BETTER, clipped=0.01, norm=0.5, largest=50.0))
    assert "no guard" not in rare
    assert "100 times the mean" in rare


def test_a_higher_rate_shows_when_clipping_would_help() -> None:
    helps = clipped(case(SAME), BETTER, rises=(0.4, 0.0))
    assert "goes wrong (its validation loss ends 0.400 above its lowest), and there clipping is a help" in helps
    assert "does not mend a rate that is too high" in clipped(case(SAME), WORSE, rises=(0.4, 0.5))
    assert "does not go wrong" in clipped(case(SAME), SAME)
    assert "whether clipping helps there is undecided" in clipped(case(SAME), OPEN)
    assert "times the rate the training" not in clipped(case(SAME), NONE)


def test_what_there_was_no_time_for_is_said() -> None:
    assert "There was no time for standard." in clipping.answer([case(SAME)], ["standard"]).limits
    assert not any("no time" in limit for limit in clipping.answer([case(SAME)]).limits)


def test_diverged_trainings_are_counted() -> None:
    says = clipped(case(BROKEN, diverged=(0, 4), losses=(2.0, math.inf), rises=(0.0, math.inf)))
    assert "Of 5 trainings each, 0 diverged without it and 4 with it." in says


# --- random-length ---------------------------------------------------------------------------------------------------


def laws(*differences: Interval, ever: tuple[float, float] = (1.0, 1.0)) -> str:
    cases = [
        random_length.Case(
            "R1", targets, Settings(streams=1), 1_000, (2.0, 2.0, 2.0), (differences[0], differences[1]), *ever
        )
        for targets in ("all", "last")
    ]
    return random_length.answer(cases).says


@pytest.mark.parametrize(
    ("differences", "words"),
    [
        ((SAME, SAME), "No: random lengths make no difference that matters here."),
        ((BETTER, SAME), "Yes, in 2 of 4 comparisons."),
        ((WORSE, OPEN), "No: in 2 of 4 comparisons random lengths are worse, and in none better."),
        ((BETTER, WORSE), "It depends: random lengths are better in 2 and worse in 2 of 4 comparisons."),
        ((OPEN, SAME), "It could not be told: 2 of 4 comparisons are undecided"),
        ((NONE, NONE), "It could not be told: 4 of 4 comparisons are undecided"),
    ],
)
def test_random_lengths_are_judged_by_the_races(differences: tuple[Interval, Interval], words: str) -> None:
    assert laws(*differences).startswith(words)


def test_fixed_windows_that_divide_the_text_end_at_the_same_places() -> None:
    assert list(random_length.targets(4_500, 12.0)) == pytest.approx([0.1, 1 - 0.9**12])
    assert random_length.targets(4_501, 12.0)[0] == 1.0
    assert list(random_length.targets(1_000_000, 0.2)) == pytest.approx([0.02, 0.021], abs=1e-3)
    assert "10% of its characters are ever a target, and 72% with random" in laws(BETTER, BETTER, ever=(0.1, 0.72))
    assert "common divisor" not in laws(BETTER, BETTER)


# --- bptt-40-vs-10 ---------------------------------------------------------------------------------------------------


def windows(**changes: Any) -> str:
    values: dict[str, Any] = {
        "race": "R1",
        "settings": Settings(streams=1),
        "chars": 100_000,
        "losses": (2.5, 2.7, 2.1, 2.1),
        "updates": (9_000.0, 2_400.0, 9_000.0, 2_400.0),
        "last": WORSE,
        "every": SAME,
        "removed": Interval(0.199, 0.14, 0.25, 5),
        "last_updates": SAME,
        "every_updates": BETTER,
        "reach": 1e-5,
        "decay": 0.7,
        "probed": "R1b1",
    }
    return bptt_40_vs_10.answer(bptt_40_vs_10.Evidence(**{**values, **changes})).says


def test_a_long_window_that_lacks_updates_and_targets_is_not_blamed_itself() -> None:
    says = windows()
    assert "a window of 41 is worse than one of 11: 0.200 nats higher" in says
    assert "its length does no harm by itself: what it lacks is updates, and with them targets" in says
    assert "2,400 updates instead of 9,000" in says
    assert "So 0.199 of the 0.200 nats (99.5%) are due to the characters that are no targets" in says
    assert "the rest is not established" in says
    more = windows(removed=Interval(0.25, 0.1, 0.4, 5))
    assert "So all of it is due to the characters that are no targets: what they cost, 0.250 nats" in more
    assert "is no less than the 0.200 that are missing" in more
    assert "the rest to fewer updates and the length" in windows(every=Interval(0.05, 0.03, 0.07, 5))
    assert "does not explode" in says


def test_a_length_that_costs_something_itself_is_blamed() -> None:
    says = windows(last_updates=WORSE, every=WORSE, removed=Interval(0.0, -0.1, 0.1, 5))
    assert "the length itself costs something" in says
    assert "it is still worse by 0.200 nats" in says
    assert "How much of it is due to targets is undecided" in says


def test_targets_that_do_not_explain_it_are_not_said_to() -> None:
    assert "targets do not explain it" in windows(removed=Interval(-0.1, -0.15, -0.05, 5))
    assert "due to the characters" not in windows(last=SAME)


def test_a_text_on_which_the_long_window_does_not_fail_says_so() -> None:
    says = windows(last=BETTER, every=BETTER)
    assert "a window of 41 is better than one of 11" in says
    assert "what it lacks" not in says
    assert "still" not in says


def test_a_gradient_that_grows_over_the_long_window_is_said_to_explode() -> None:
    assert "it does explode there" in windows(decay=1.2, reach=1_500.0)
    assert "not measured in time" in windows(decay=None)


def test_a_race_that_was_not_done_in_time_is_undecided() -> None:
    says = windows(last=NONE, every=NONE, removed=NONE, last_updates=NONE, every_updates=NONE, reach=None, decay=None)
    assert "could not be compared" in says
    assert "nan" not in says


# --- norms -----------------------------------------------------------------------------------------------------------


def healthy(**changes: Any) -> norms.Healthy:
    values: dict[str, Any] = {
        "runs": ("a-1",),
        "settings": Settings(),
        "norms": (0.2, 0.3, 0.4, 0.5),
        "before": 0.1,
        "learnt": BETTER,
        "loss": 1.9,
        "decay": 0.7,
        "back": 0.01,
    }
    return norms.Healthy(**{**values, **changes})


SCALED = norms.Scaled("a-2", 30.0, 0.4, 12.0, 1e-5, 0.1)


def norm(value: float, *groups: norms.Healthy, **changes: Any) -> str:
    planted = (norms.Planted(6.0, 1.3, 4e7), norms.Planted(0.1, 0.4, 0.27))
    found = norms.Evidence(value, groups or (healthy(),), planted, SCALED)
    return norms.answer(replace(found, **changes)).says


def test_a_norm_is_placed_among_those_of_trainings_that_learn() -> None:
    says = norm(12.0)
    assert says.startswith("Not by itself.")
    assert "12 is 24 times the largest" in says
    assert "0.05 is 0.25 times the smallest" in norm(0.05)
    assert "25% of the updates have 12 or more and 75% less" in norm(12.0, healthy(norms=(1.0, 2.0, 3.0, 13.0)))


def test_whether_it_still_learns_is_measured() -> None:
    assert "still learns, the validation loss fell by 0.200" in norm(12.0)
    assert "its validation loss rose by 0.200" in norm(12.0, healthy(learnt=WORSE))
    assert "undecided" in norm(12.0, healthy(learnt=OPEN))
    assert "whether it still learns is not known" in norm(12.0, healthy(learnt=NONE))


def test_a_gradient_that_explodes_through_time_is_said_to() -> None:
    says = norm(12.0, healthy(decay=1.3, back=14.0))
    assert "here the gradient does explode through time: it grows by a factor of up to 1.3" in says
    assert "does not vanish" in norm(0.05, healthy(decay=1.3, back=14.0))
    assert "was not measured" in norm(12.0, healthy(decay=math.nan, back=math.nan))


def test_multiplying_the_loss_shows_whether_the_size_matters() -> None:
    assert "a norm of 12 is a matter of units" in norm(12.0)
    sgd = norm(12.0, healthy(settings=Settings(optimizer="sgd")), scaled=replace(SCALED, apart=0.5))
    assert "under sgd the size of the gradient does matter" in sgd
    assert "Multiplied" not in norm(12.0, scaled=None)


def test_what_an_explosion_looks_like_is_shown_beside_a_large_norm_and_fading_beside_a_small_one() -> None:
    large, small = norm(12.0), norm(0.05)
    assert "With the recurrent weights × 6" in large
    assert "× 0.1" not in large
    assert "With the recurrent weights × 0.1" in small
    broken = norm(12.0, planted=(norms.Planted(6.0, None, None),))
    assert "leaves the range of numbers, and its norm cannot be computed" in broken


def test_nothing_measured_is_said() -> None:
    assert norms.answer(norms.Evidence(12.0, (), (), None)).says == "Nothing was measured in time."
    assert "no norms were measured" in norm(12.0, healthy(norms=()))


# --- seq-len ---------------------------------------------------------------------------------------------------------


def gradients(**changes: float) -> str:
    values = {"kept": 2e-16, "detached": 0.3, "loss": 0.0, "head": 0.0, "recurrent": 0.6}
    values |= {"first": 1e-5, "first_kept": 1e-5, "first_detached": 0.0, **changes}
    return seq_len.answer([seq_len.Gradients("a-1", **values)], Settings(), 40, 1_000).says


def test_equal_gradients_are_backpropagation_through_time() -> None:
    says = gradients()
    assert says.startswith("Yes. nn.LSTM called once with seq_len 40")
    assert "another gradient, by 0.3 of its size or more" in says
    assert "by exactly 0 where the state is detached" in says


def test_gradients_that_differ_are_not_said_to_be_equal() -> None:
    says = gradients(kept=0.1)
    assert says.startswith("It could not be shown")
    assert "Yes" not in says


def test_a_network_that_hardly_uses_its_state_says_so() -> None:
    assert "hardly changes it here" in gradients(detached=1e-5)
    assert "by exactly 0" not in gradients(first_detached=1e-9)
    assert seq_len.answer([], Settings(), 40, 1_000).says == "Nothing was measured in time."


# --- numerics --------------------------------------------------------------------------------------------------------

FINE = numerics.Errors("float32", 1e-7, 4e-7, 0.0, 0.0, 0.0)
COARSE = numerics.Errors("bfloat16", 2e-4, 7e-3, 0.0, 0.0, 0.0)
PLANTED = numerics.Errors(numerics.PLANTED, 0.04, 0.2, 0.0, 0.0, 0.0)


def rounding(**changes: Any) -> str:
    values: dict[str, Any] = {
        "settings": Settings(),
        "runs": ("a-1",),
        "chars": 1_000,
        "types": (FINE, COARSE),
        "planted": PLANTED,
        "noise": 0.9,
        "race": "R1",
        "race_chars": 1_000,
        "difference": SAME,
        "losses": (2.0, 2.0),
    }
    return numerics.answer(numerics.Evidence(**{**values, **changes})).says


def test_rounding_that_is_drowned_is_no_numerics() -> None:
    says = rounding()
    assert says.endswith("So in float32 it is not numerics here: rounding is drowned by the noise of the text.")
    assert "Trained in bfloat16 instead of float32 nothing changes that matters" in says
    assert "so that this measurement does show it" in says


def test_rounding_that_is_not_drowned_may_be() -> None:
    assert "it can be numerics here" in rounding(types=(replace(FINE, gradient=0.5),))
    assert "Here it is numerics already in float32." in rounding(types=(replace(FINE, non_finite=0.1),))
    assert "the gradient is not finite" in rounding(types=(replace(FINE, gradient=math.inf),))
    assert "could not be placed" in rounding(noise=None)


def test_a_coarse_type_that_costs_something_is_named() -> None:
    assert "In bfloat16 it costs something: train in float32." in rounding(difference=WORSE)
    assert "there it is worth looking again" in rounding(types=(FINE, replace(COARSE, gradient=0.5)))
    assert "is undecided" in rounding(difference=OPEN)
    assert "not done in time" in rounding(difference=NONE)


def test_a_control_that_shows_nothing_says_so() -> None:
    assert "would not have shown it" in rounding(planted=replace(PLANTED, gradient=4e-7))
    assert rounding(types=()) == (
        "Trained in bfloat16 instead of float32 nothing changes that matters (95 % interval −0.004 … +0.006, 5 seeds). "
        "Rounding itself was not measured in time."
    )
    assert rounding(types=(), difference=Interval(math.nan, -math.inf, math.inf, 0)) == "Nothing was measured in time."


# --- climb -----------------------------------------------------------------------------------------------------------

FALLING = (3.3, 3.0, 2.8, 2.7, 2.6, 2.55, 2.5, 2.47, 2.45, 2.44, 2.43, 2.42)
CLIMBING_LOWER = (2.3, 2.2, 2.2, 2.21, 2.25, 2.3, 2.36, 2.42, 2.47, 2.5, 2.52, 2.55)
CLIMBING = (3.3, 3.2, 3.2, 3.21, 3.25, 3.3, 3.36, 3.42, 3.47, 3.53, 3.58, 3.64)


def course(seen: tuple[float, ...] = FALLING, **changes: Any) -> climb_evidence.Course:
    values: dict[str, Any] = {
        "run": "ask-climb-1",
        "reading": seen,
        "seen": seen,
        "held_out": seen,
        "ratio": 0.02,
        "growth": 3.0,
        "curvature": 0.4,
        "signal": 0.004,
        "spike": 8.0,
        "broken": "",
    }
    return climb_evidence.Course(**{**values, **changes})


def group(what: str, rate: float, *courses: climb_evidence.Course) -> climb_evidence.Group:
    return climb_evidence.Group(what, rate, dict(enumerate(courses)))


def climbs(**changes: climb_evidence.Group) -> str:
    """What is said where the loss climbs at the second rate; `changes` are what becomes of each change."""
    slow = group(climb_evidence.AS_IS, 0.0015, course(), course(), course())
    usual = group(climb_evidence.AS_IS, 0.0045, course(CLIMBING), course(CLIMBING), course(CLIMBING))
    groups = {
        climb_evidence.SLOWER: replace(slow, what=climb_evidence.SLOWER),
        climb_evidence.CLIPPED: replace(usual, what=climb_evidence.CLIPPED),
        climb_evidence.ELSEWHERE: replace(usual, what=climb_evidence.ELSEWHERE),
        climb_evidence.SHUFFLED: replace(usual, what=climb_evidence.SHUFFLED),
    } | {each.what: each for each in changes.values()}
    return climb_words.answer(
        climb_evidence.Evidence(
            Settings(streams=1), 100_000, (slow, usual), climb_evidence.chosen((slow, usual)), tuple(groups.values())
        )
    ).says


def test_a_climb_that_a_third_of_the_rate_removes_is_one_of_steps() -> None:
    says = climbs()
    assert says.startswith("On this text it climbs at a rate of 0.0045.")
    assert "At 0.0015 it climbs in 0 of 3 trainings" in says
    assert "At 0.0045 it climbs in 3 of 3 trainings: from 3.203 at the lowest to 3.583" in says
    assert "the network itself got worse, and no harder chapter explains it" in says
    assert "What takes it away is a third of the rate; it stays with clipping at 1, a start in the middle" in says
    assert says.count("the steps are too long") == 1
    assert "no overshooting" in says


def test_a_climb_that_clipping_removes_is_one_of_large_gradients() -> None:
    kept = group(climb_evidence.SLOWER, 0.0015, course(CLIMBING), course(CLIMBING), course(CLIMBING))
    cured = group(climb_evidence.CLIPPED, 0.0045, course(), course(), course())
    says = climbs(slower=kept, clipped=cured)
    assert "What takes it away is clipping at 1" in says
    assert "the largest gradients do it" in says
    assert "the steps are too long" not in says


def test_a_climb_that_nothing_removes_has_no_cause() -> None:
    kept = group(climb_evidence.SLOWER, 0.0015, course(CLIMBING), course(CLIMBING), course(CLIMBING))
    assert "its cause was not found" in climbs(slower=kept)


def test_a_change_that_only_lessens_a_climb_is_no_cause_and_is_named() -> None:
    half = group(climb_evidence.SLOWER, 0.0015, course(), course(CLIMBING_LOWER), course(CLIMBING_LOWER))
    says = climbs(slower=half)
    assert "but with a third of the rate the loss certainly ends lower" in says
    assert "the steps are too long" not in says


def test_a_climb_that_another_order_removes_depends_on_the_order() -> None:
    kept = group(climb_evidence.SLOWER, 0.0015, course(CLIMBING), course(CLIMBING), course(CLIMBING))
    cured = group(climb_evidence.SHUFFLED, 0.0045, course(), course(), course())
    assert "it depends on what is read when" in climbs(slower=kept, shuffled=cured)


def test_a_climb_that_further_seeds_do_not_show_is_said_to_be_one_at_times() -> None:
    usual = group(climb_evidence.AS_IS, 0.1, course(CLIMBING), course(CLIMBING), course(), course(), course())
    says = climb_words.answer(climb_evidence.Evidence(Settings(streams=1), 1_000, (usual,), 0, ())).says
    assert says.startswith("On this text it climbs at times at a rate of 0.1: in 2 of 5 trainings.")


def test_few_seeds_are_said_to_be_few() -> None:
    assert "with so few seeds that may be chance" in climbs(
        slower=group(climb_evidence.SLOWER, 0.0015, course()), clipped=group(climb_evidence.CLIPPED, 0.0045)
    )
    assert "With clipping at 1: not done in time." in climbs(clipped=group(climb_evidence.CLIPPED, 0.0045))


def test_curvature_beyond_what_the_optimiser_bears_is_overshooting() -> None:
    steep = group(climb_evidence.AS_IS, 0.1, course(CLIMBING, curvature=2.5), course(CLIMBING, curvature=2.5))
    found = climb_evidence.Evidence(Settings(streams=1), 1_000, (steep,), 0, ())
    assert "2.5 times what the optimiser bears: each step overshoots" in climb_words.answer(found).says


def flat(*courses: climb_evidence.Course) -> str:
    rates = (group(climb_evidence.AS_IS, 0.0015, *courses),)
    assert climb_evidence.chosen(rates) is None
    return climb_words.answer(climb_evidence.Evidence(Settings(streams=1), 100_000, rates, None, ())).says


def test_a_loss_that_does_not_climb_is_not_explained() -> None:
    says = flat(course(), course())
    assert says.startswith("On this text it did not climb within 100,000 characters.")
    assert "How it is possible" not in says
    assert "harder" not in says


def test_a_harder_chapter_is_told_from_a_climb() -> None:
    assert "the text gets harder there" in flat(course(reading=CLIMBING), course())


def test_learning_by_heart_is_told_from_a_climb() -> None:
    assert "it is learnt by heart" in flat(course(held_out=CLIMBING), course())


UNSTEADY = (3.3, 3.2, 3.5, 3.2, 3.6, 3.1, 3.5, 3.2, 3.6, 3.3, 3.6, 3.5)


def test_a_rise_within_what_readings_vary_by_is_neither_a_climb_nor_learning_by_heart() -> None:
    says = flat(course(UNSTEADY, held_out=CLIMBING), course())
    assert "by heart" not in says
    assert "are no larger than what the readings vary by, and do not count" in says
    assert "do not count" not in flat(course(), course())


def test_numbers_that_broke_count_as_a_climb() -> None:
    broken = group(
        climb_evidence.AS_IS, 0.1, course((), broken="the loss is nan"), course((), broken="the loss is nan")
    )
    assert climb_evidence.chosen((broken,)) == 0
    says = climb_words.answer(climb_evidence.Evidence(Settings(streams=1), 1_000, (broken,), 0, ())).says
    assert "2 of them to numbers that are not finite" in says
    assert "nan" not in says


def test_nothing_measured_of_a_climb_is_said() -> None:
    rates = (group(climb_evidence.AS_IS, 0.1),)
    assert (
        climb_words.answer(climb_evidence.Evidence(Settings(), 1_000, rates, None, ())).says
        == "Nothing was measured in time."
    )


def test_the_lowest_rate_at_which_most_climb_is_chosen() -> None:
    never, once, always = (
        group(climb_evidence.AS_IS, rate, course(first), course(second))
        for rate, first, second in ((1.0, FALLING, FALLING), (2.0, FALLING, CLIMBING), (3.0, CLIMBING, CLIMBING))
    )
    assert climb_evidence.chosen((never, once, always)) == 2
    assert climb_evidence.chosen((never, once)) == 1
    assert climb_evidence.chosen((never,)) is None
