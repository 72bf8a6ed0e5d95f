"""Sentences follow from the numbers: each branch of each answer, from evidence that is made up."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pytest

from engine.questions import bptt_40_vs_10, clipping, norms, numerics, random_length, seq_len
from engine.questions.climb import answer as climb_words
from engine.questions.climb import evidence as climb_evidence
from engine.questions.phrases import listed, nats, number, percent
from engine.questions.question import TOO_LATE, Answer
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
    assert nats(0.00001) == "1e-05"
    assert [listed(each) for each in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


# --- the shape of an answer ------------------------------------------------------------------------------------------

NUMBER = re.compile(r"(?<![\w.,-])[-−+]?\d[\d,.]*(?:e[-+]?\d+)?(?!\w)")


def said(answer: Answer) -> str:
    """The answer in words, after a check of its form."""
    assert answer.answer.startswith(("Yes", "No: ", "Undecided: ", "Because "))
    sentences = re.split(r"(?<=\.)\s+(?=[A-Z])", answer.says)
    assert len(sentences) <= 3, sentences
    for sentence in sentences:
        assert sentence.endswith("."), sentence
        assert len(NUMBER.findall(sentence)) <= 2, sentence
    assert not re.search(r"\bnan\b|\binf\b|[{}]", answer.says)
    return answer.says


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
    return said(clipping.answer([plain, case(fast, what="random-step, rate × 5", race="R2", **of_fast)]))


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (BETTER, "Yes: clipping helps with random-step."),
        (WORSE, "No: clipping makes random-step worse."),
        (BROKEN, "No: clipping makes random-step worse."),
        (SAME, "No: clipping makes no difference that matters."),
        (OPEN, "Undecided: the effect of clipping cannot be told from chance."),
        (ONE, "Undecided: the effect of clipping cannot be told from chance."),
        (NONE, "Undecided: no pair of trainings was done in time."),
    ],
)
def test_clipping_is_judged_by_the_race(difference: Interval, words: str) -> None:
    assert clipped(case(difference)).startswith(words)


def test_rules_on_which_clipping_does_different_things_are_told_apart() -> None:
    answer = clipping.answer([case(BETTER), case(WORSE, what="standard")])
    assert said(answer).startswith("Yes with random-step: there clipping helps, and it makes standard worse.")


def test_clipping_that_never_acts_is_no_matter_of_seeds() -> None:
    idle = case(Interval(0.0, -math.inf, math.inf, 1), clipped=0.0, largest=0.4)
    says = said(clipping.answer([idle]))
    assert says == "No: no gradient was large enough to be clipped. The largest norm was 0.4."
    assert said(clipping.answer([idle, case(WORSE, what="standard")])).startswith("No: clipping makes standard worse.")


def test_clipping_that_cuts_nearly_all_is_no_guard_against_spikes() -> None:
    assert "no guard against rare spikes" in clipped(case(WORSE, clipped=0.98, norm=4.5))
    rare = clipped(case(BETTER, clipped=0.01, norm=0.5, largest=50.0))
    assert "no guard" not in rare
    assert "the largest norm is 100 times the mean norm" in rare


def test_a_higher_rate_shows_when_clipping_would_help() -> None:
    assert "goes wrong, and clipping helps there." in clipped(case(SAME), BETTER, rises=(0.4, 0.0))
    assert "goes wrong, and clipping makes it worse there as well." in clipped(case(SAME), WORSE, rises=(0.4, 0.5))
    assert "does not go wrong, and clipping changes nothing that matters" in clipped(case(SAME), SAME)
    assert "whether clipping helps there is undecided" in clipped(case(SAME), OPEN)
    assert "times the learning rate" not in clipped(case(SAME), NONE)


def test_what_there_was_no_time_for_is_said() -> None:
    assert "There was no time for standard." in clipping.answer([case(SAME)], ["standard"]).limits
    assert not any("no time" in limit for limit in clipping.answer([case(SAME)]).limits)


def test_diverged_trainings_are_counted() -> None:
    broken = case(BROKEN, diverged=(0, 4), losses=(2.0, math.inf), rises=(0.0, math.inf))
    rows = {row.what: row.value for row in clipping.answer([broken]).rows}
    assert rows["random-step: trainings that diverged, off"] == 0
    assert rows["random-step: trainings that diverged, clip 1"] == 4
    assert not any("diverged" in row.what for row in clipping.answer([case(SAME)]).rows)


# --- random-length ---------------------------------------------------------------------------------------------------


def laws(*differences: Interval, ever: tuple[float, float] = (1.0, 1.0)) -> str:
    cases = [
        random_length.Case(
            "R1", targets, Settings(streams=1), 1_000, (2.0, 2.0, 2.0), (differences[0], differences[1]), *ever
        )
        for targets in ("all", "last")
    ]
    return said(random_length.answer(cases))


@pytest.mark.parametrize(
    ("differences", "words"),
    [
        ((SAME, SAME), "No: random lengths make no difference that matters."),
        ((BETTER, SAME), "Yes: random lengths are better in 2 of 4 comparisons."),
        ((WORSE, OPEN), "No: random lengths are worse in 2 of 4 comparisons."),
        ((BETTER, WORSE), "Undecided: random lengths are better in some comparisons, and worse in others."),
        ((OPEN, SAME), "Undecided: no comparison shows a difference."),
        ((NONE, NONE), "Undecided: no comparison shows a difference."),
    ],
)
def test_random_lengths_are_judged_by_the_races(differences: tuple[Interval, Interval], words: str) -> None:
    assert laws(*differences).startswith(words)


def test_fixed_windows_that_divide_the_text_end_at_the_same_places() -> None:
    assert list(random_length.targets(4_500, 12.0)) == pytest.approx([0.1, 1 - 0.9**12])
    assert random_length.targets(4_501, 12.0)[0] == 1.0
    assert list(random_length.targets(1_000_000, 0.2)) == pytest.approx([0.02, 0.021], abs=1e-3)
    assert "only 10% of its characters are ever a target" in laws(BETTER, BETTER, ever=(0.1, 0.72))
    assert "ever a target" not in laws(BETTER, BETTER)


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
    return said(bptt_40_vs_10.answer(bptt_40_vs_10.Evidence(**{**values, **changes})))


def test_a_long_window_that_lacks_updates_is_not_blamed_itself() -> None:
    says = windows()
    assert says.startswith("Because a window of 41 makes fewer updates: at equal updates it is no worse.")
    assert "Characters that are no target cost 0.199 of the 0.200 nats." in says
    assert "The gradient does not explode: 40 characters back 0.0010% of it is left." in says
    assert windows(last_updates=BETTER).startswith("Because a window of 41 makes fewer updates")


def test_a_length_that_costs_something_itself_is_blamed() -> None:
    says = windows(last_updates=WORSE, every=WORSE, removed=Interval(0.0, -0.1, 0.1, 5))
    assert says.startswith("Because of its length: a window of 41 is worse even at equal updates.")
    assert "How much of it is due to characters that are no target is undecided." in says


def test_a_difference_that_is_open_at_equal_updates_has_no_cause() -> None:
    assert windows(last_updates=OPEN).startswith("Undecided: a window of 41 is worse here")


def test_targets_that_do_not_explain_it_are_not_said_to() -> None:
    assert "Targets do not explain it" in windows(removed=Interval(-0.1, -0.15, -0.05, 5))
    assert "cost" not in windows(last=SAME)


def test_a_text_on_which_the_long_window_does_not_fail_says_so() -> None:
    says = windows(last=BETTER, every=BETTER)
    assert says.startswith("No: a window of 41 does not fail here, it is better than one of 11.")
    assert "With every character a target the long window is better." in says
    assert windows(last=SAME).startswith("No: windows of 41 and 11 make no difference that matters here.")


def test_a_gradient_that_grows_over_the_long_window_is_said_to_explode() -> None:
    assert "The gradient explodes over the long window: it grows by 1.2 times" in windows(decay=1.2, reach=1_500.0)
    assert "gradient" not in windows(decay=None)


def test_a_race_that_was_not_done_in_time_is_undecided() -> None:
    says = windows(last=NONE, every=NONE, removed=NONE, last_updates=NONE, every_updates=NONE, reach=None, decay=None)
    assert says == "Undecided: whether a window of 41 is worse than one of 11 cannot be told from chance."


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
    return said(norms.answer(replace(found, **changes)))


def test_a_norm_is_placed_among_those_of_trainings_that_learn() -> None:
    says = norm(12.0)
    assert says.startswith("No: here the gradient shrinks on its way back, to at most 0.7 of it per character.")
    assert "Trainings that still learn have norms from 0.2 to 0.5 here." in says
    assert norm(0.05).startswith("No: a norm does not tell, and on its way back at most 0.7 of the gradient is left")


def test_whether_it_still_learns_is_measured() -> None:
    assert "still learn" in norm(12.0)
    for learnt in (WORSE, OPEN, NONE):
        assert "still learn" not in norm(12.0, healthy(learnt=learnt))


def test_a_gradient_that_explodes_through_time_is_said_to() -> None:
    assert norm(12.0, healthy(decay=1.3, back=14.0)).startswith("Yes, here: the gradient grows by up to 1.3 times")
    assert norm(0.05, healthy(decay=1.3, back=14.0)).startswith("No: here the gradient grows on its way back")
    assert norm(12.0, healthy(decay=math.nan, back=math.nan)).startswith("Undecided: a norm alone does not tell")


def test_multiplying_the_loss_shows_whether_the_size_matters() -> None:
    assert "Multiplying the loss moves the norm to 12 and changes nothing else under adamw." in norm(12.0)
    sgd = norm(12.0, healthy(settings=Settings(optimizer="sgd")), scaled=replace(SCALED, apart=0.5))
    assert "Under sgd the size of the gradient does matter" in sgd
    assert "Multiplying" not in norm(12.0, scaled=None)


def test_what_an_explosion_and_fading_look_like_stands_in_the_evidence() -> None:
    planted = (norms.Planted(6.0, None, None), norms.Planted(0.1, 0.4, 0.27))
    rows = {row.what: row.value for row in norms.answer(norms.Evidence(12.0, (healthy(),), planted, SCALED)).rows}
    assert rows["recurrent weights × 6: factor per character back"] is None
    assert rows["recurrent weights × 0.1: norm"] == 0.27


def test_nothing_measured_is_said() -> None:
    assert said(norms.answer(norms.Evidence(12.0, (), (), None))) == TOO_LATE
    assert "norms from" not in norm(12.0, healthy(norms=()))


# --- seq-len ---------------------------------------------------------------------------------------------------------


def gradients(**changes: float) -> str:
    values = {"kept": 2e-16, "detached": 0.3, "loss": 0.0, "head": 0.0, "recurrent": 0.6}
    values |= {"first": 1e-5, "first_kept": 1e-5, "first_detached": 0.0, **changes}
    return said(seq_len.answer([seq_len.Gradients("a-1", **values)], Settings(), 40, 1_000))


def test_equal_gradients_are_backpropagation_through_time() -> None:
    says = gradients()
    assert says.startswith("Yes: one call of nn.LSTM with seq_len 40 has the gradient of 40 calls")
    assert "the gradient is different, although the losses are the same" in says
    assert "A detached state hands on memory, but no gradient" in says


def test_gradients_that_differ_are_not_said_to_be_equal() -> None:
    says = gradients(kept=0.1)
    assert says.startswith("Undecided: ")
    assert "Yes" not in says


def test_a_network_that_hardly_uses_its_state_says_so() -> None:
    assert "hardly changes the gradient here" in gradients(detached=1e-5)
    assert "hands on memory" not in gradients(first_detached=1e-9)
    assert said(seq_len.answer([], Settings(), 40, 1_000)) == TOO_LATE


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
    return said(numerics.answer(numerics.Evidence(**{**values, **changes})))


def test_rounding_far_below_the_noise_is_no_numerics() -> None:
    says = rounding()
    assert says.startswith("No: here rounding in float32 is far below the noise of the text.")
    assert "Training in bfloat16 makes no difference that matters." in says
    assert "it shows a fault of rounding that was planted" in says


def test_rounding_that_is_not_far_below_the_noise_may_be() -> None:
    assert "so that it can be numerics" in rounding(types=(replace(FINE, gradient=0.5),))
    for broken in (replace(FINE, non_finite=0.1), replace(FINE, gradient=math.inf)):
        assert rounding(types=(broken,)).startswith("Yes: here numbers are not finite already in float32.")
    assert rounding(noise=None).startswith("Undecided: the noise of the text")


def test_a_coarse_type_that_costs_something_is_named() -> None:
    assert "bfloat16 costs something: train in float32." in rounding(difference=WORSE)
    assert "Trained in bfloat16 it ends better." in rounding(difference=BETTER)
    assert "Whether training in bfloat16 costs anything is undecided." in rounding(difference=OPEN)
    assert "not done in time" in rounding(difference=NONE)
    assert "bfloat16" not in rounding(race="")


def test_a_control_that_shows_nothing_says_so() -> None:
    assert "does not show a fault of rounding that was planted" in rounding(planted=replace(PLANTED, gradient=4e-7))
    assert rounding(types=()).startswith("Undecided: rounding was not measured in time. Training in bfloat16 makes no")
    assert rounding(types=(), race="", difference=NONE) == TOO_LATE


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
    """The answer where the loss climbs at the second rate; `changes` has the result of each change."""
    slow = group(climb_evidence.AS_IS, 0.0015, course(), course(), course())
    usual = group(climb_evidence.AS_IS, 0.0045, course(CLIMBING), course(CLIMBING), course(CLIMBING))
    groups = {
        climb_evidence.SLOWER: replace(slow, what=climb_evidence.SLOWER),
        climb_evidence.CLIPPED: replace(usual, what=climb_evidence.CLIPPED),
        climb_evidence.ELSEWHERE: replace(usual, what=climb_evidence.ELSEWHERE),
        climb_evidence.SHUFFLED: replace(usual, what=climb_evidence.SHUFFLED),
    } | {each.what: each for each in changes.values()}
    found = climb_evidence.Evidence(
        Settings(streams=1), 100_000, (slow, usual), climb_evidence.chosen((slow, usual)), tuple(groups.values())
    )
    return said(climb_words.answer(found))


def test_a_climb_that_a_third_of_the_rate_removes_is_one_of_steps() -> None:
    says = climbs()
    assert says.startswith("Because the steps are too long: a third of the rate takes the climb away")
    assert "The network itself gets worse: the loss rises at places that it has read, and on held-out text" in says
    assert "99.6% of its gradient's square is noise" in says


def test_how_often_it_climbs_stands_in_the_evidence() -> None:
    slow = group(climb_evidence.AS_IS, 0.0015, course(), course())
    usual = group(climb_evidence.AS_IS, 0.0045, course(CLIMBING), course(CLIMBING))
    found = climb_evidence.Evidence(Settings(streams=1), 1_000, (slow, usual), 1, ())
    rows = {row.what: row.value for row in climb_words.answer(found).rows}
    assert rows["rate 0.0015: trainings that climb"] == 0
    assert rows["rate 0.0045: trainings that climb"] == 1
    assert rows["rate 0.0045: lowest loss at fixed places"] == pytest.approx(3.203, abs=1e-3)
    assert rows["rate 0.0045: the same at the end"] == pytest.approx(3.583, abs=1e-3)


def test_a_climb_that_clipping_removes_is_one_of_large_gradients() -> None:
    kept = group(climb_evidence.SLOWER, 0.0015, course(CLIMBING), course(CLIMBING), course(CLIMBING))
    cured = group(climb_evidence.CLIPPED, 0.0045, course(), course(), course())
    says = climbs(slower=kept, clipped=cured)
    assert says.startswith("Because of the largest gradients: clipping at 1 takes the climb away")


def test_a_climb_that_two_kinds_of_changes_remove_has_no_single_cause() -> None:
    cured = group(climb_evidence.CLIPPED, 0.0045, course(), course(), course())
    says = climbs(clipped=cured)
    assert says.startswith("Because of more than one thing: a third of the rate and clipping at 1 each take the climb")


def test_a_climb_that_nothing_removes_has_no_cause() -> None:
    kept = group(climb_evidence.SLOWER, 0.0015, course(CLIMBING), course(CLIMBING), course(CLIMBING))
    assert climbs(slower=kept).startswith("Undecided: no change that was done in time takes the climb away.")


def test_a_change_that_only_lessens_a_climb_is_no_cause_and_is_named() -> None:
    half = group(climb_evidence.SLOWER, 0.0015, course(), course(CLIMBING_LOWER), course(CLIMBING_LOWER))
    says = climbs(slower=half)
    assert says.startswith(
        "Undecided: no change takes the climb away, but the loss ends lower with a third of the rate."
    )


def test_a_climb_that_another_order_removes_depends_on_the_order() -> None:
    kept = group(climb_evidence.SLOWER, 0.0015, course(CLIMBING), course(CLIMBING), course(CLIMBING))
    cured = group(climb_evidence.SHUFFLED, 0.0045, course(), course(), course())
    assert climbs(slower=kept, shuffled=cured).startswith("Because of the order in which the text is read: ")


def test_few_seeds_are_said_to_be_few() -> None:
    assert "with so few seeds that may be chance" in climbs(
        slower=group(climb_evidence.SLOWER, 0.0015, course()), clipped=group(climb_evidence.CLIPPED, 0.0045)
    )


def test_curvature_beyond_what_the_optimiser_bears_is_overshooting() -> None:
    steep = group(climb_evidence.AS_IS, 0.1, course(CLIMBING, curvature=2.5), course(CLIMBING, curvature=2.5))
    found = climb_evidence.Evidence(Settings(streams=1), 1_000, (steep,), 0, ())
    assert "Each step overshoots: rate times curvature is 2.5 times" in said(climb_words.answer(found))


def test_a_loss_that_rises_only_where_it_was_read_is_told_apart() -> None:
    alone = group(climb_evidence.AS_IS, 0.1, *(course(CLIMBING, held_out=FALLING) for _ in range(3)))
    found = climb_evidence.Evidence(Settings(streams=1), 1_000, (alone,), 0, ())
    assert "and hardly on held-out text" in said(climb_words.answer(found))


def flat(*courses: climb_evidence.Course) -> str:
    rates = (group(climb_evidence.AS_IS, 0.0015, *courses),)
    assert climb_evidence.chosen(rates) is None
    return said(climb_words.answer(climb_evidence.Evidence(Settings(streams=1), 100_000, rates, None, ())))


def test_a_loss_that_does_not_climb_is_not_explained() -> None:
    no = "No: the loss does not climb on this text within 100,000 characters."
    assert flat(course(), course()) == f"{no} At fixed places it ends at its lowest level."


def test_a_harder_chapter_is_told_from_a_climb() -> None:
    assert "In 1 of 2 trainings the text gets harder" in flat(course(reading=CLIMBING), course())


def test_learning_by_heart_is_told_from_a_climb() -> None:
    assert "the network memorises its training text" in flat(course(held_out=CLIMBING), course())


UNSTEADY = (3.3, 3.2, 3.5, 3.2, 3.6, 3.1, 3.5, 3.2, 3.6, 3.3, 3.6, 3.5)


def test_a_rise_within_what_readings_vary_by_is_neither_a_climb_nor_learning_by_heart() -> None:
    says = flat(course(UNSTEADY, held_out=CLIMBING), course())
    assert "memorises" not in says
    assert "are no larger than what the readings vary by" in says
    assert "vary by" not in flat(course(), course())


def test_numbers_that_broke_count_as_a_climb() -> None:
    broken = group(
        climb_evidence.AS_IS, 0.1, course((), broken="the loss is nan"), course((), broken="the loss is nan")
    )
    assert climb_evidence.chosen((broken,)) == 0
    says = said(climb_words.answer(climb_evidence.Evidence(Settings(streams=1), 1_000, (broken,), 0, ())))
    assert "The numbers break before the places" in says


def test_nothing_measured_of_a_climb_is_said() -> None:
    rates = (group(climb_evidence.AS_IS, 0.1),)
    assert said(climb_words.answer(climb_evidence.Evidence(Settings(), 1_000, rates, None, ()))) == TOO_LATE


def test_the_lowest_rate_at_which_most_climb_is_chosen() -> None:
    never, once, always = (
        group(climb_evidence.AS_IS, rate, course(first), course(second))
        for rate, first, second in ((1.0, FALLING, FALLING), (2.0, FALLING, CLIMBING), (3.0, CLIMBING, CLIMBING))
    )
    assert climb_evidence.chosen((never, once, always)) == 2
    assert climb_evidence.chosen((never, once)) == 1
    assert climb_evidence.chosen((never,)) is None
