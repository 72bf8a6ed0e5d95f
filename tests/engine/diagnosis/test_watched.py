"""The diagnosis of a program's own loop: each rule speaks on its case, and not on what only looks like it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from engine.diagnosis.watched import WatchedDiagnosis, diagnosed
from engine.events import (
    Cause,
    Change,
    Finding,
    Judged,
    Note,
    NoteKind,
    Point,
    Probe,
    Severity,
    Stored,
    Trial,
    Validation,
)

TARGETS, STEP, LAST = 64, 10, 2000
"""The targets of an update, the updates between two points, and the last update."""

ENTROPY = 3.0
"""The loss of a network that knows only the frequencies of the classes, in nats."""

Course = Callable[[int], float]
"""A number at each update."""


# --- synthetic trainings ---------------------------------------------------------------------------------------------


def always(value: float) -> Course:
    return lambda _update: value


def falling(to: float = 1.5, begin: float = 3.2, over: float = 400.0) -> Course:
    """A loss that falls, ever more slowly."""
    return lambda update: to + (begin - to) * math.exp(-update / over)


AS_SET = always(0.1)
"""A learning rate without a schedule."""

LONG, SHORT = always(0.02), always(1e-3)
"""The length of updates, as a share of the weights."""


def noisy(course: Course, noise: float = 0.05, seed: int = 0) -> Course:
    values = np.random.default_rng(seed).normal(0, noise, 2 * LAST)
    return lambda update: course(update) + float(values[update])


def then(since: int, first: Course, second: Course) -> Course:
    return lambda update: first(update) if update < since else second(update)


def program(lr: float = 0.1, **values: float | str) -> Probe:
    """The program's own settings, as a watched run tells it, before its first point."""
    return Probe(
        0,
        0,
        "program",
        0.0,
        {
            "lr": f"{lr:.6g}",
            "optimizer": "sgd",
            "optimizers": 1,
            "targets_per_update": TARGETS,
            "training": 1,
            **values,
        },
    )


def targets(entropy: float = ENTROPY) -> Probe:
    return Probe(1, TARGETS, "targets", 0.0, {"classes": 65, "entropy": entropy, "counted": 2000})


def point(update: int, loss: float, lr: float = 0.1, **values: float) -> Point:
    place = Point(update, TARGETS * update, update / 100, loss, 0.5, 0.6, 0.0, (), lr, STEP, rate_used=lr)
    return replace(place, **values)  # type: ignore[arg-type]


def course(
    loss: Course,
    ratio: Course,
    rate: Course = AS_SET,
    *,
    updates: Iterable[int] = range(1, LAST + 1, STEP),
    readings: int = 5,
) -> list[Stored]:
    """Points, and after every few of them the length of an update as a share of the weights."""
    events: list[Stored] = []
    for place, update in enumerate(updates):
        events.append(point(update, loss(update), rate(update)))
        if place % readings == 0:
            events.append(Probe(update, TARGETS * update, "update_ratio", 0.01, {"whole": ratio(update)}))
    return events


def known(*events: Stored, entropy: float = ENTROPY) -> list[Stored]:
    """The events of a training of one optimiser whose targets are classes."""
    return [program(), targets(entropy), *events]


def validations(losses: Sequence[float], train: float) -> list[Stored]:
    """Validation losses, with a point of the training loss before each."""
    return [
        event
        for place, loss in enumerate(losses, start=1)
        for event in (point(100 * place, train), Validation(100 * place, 100 * TARGETS * place, loss))
    ]


def causes(events: Iterable[Stored]) -> list[str]:
    return [each.cause for each in diagnosed(events).findings]


def told(diagnosis: WatchedDiagnosis, events: Iterable[Stored]) -> list[Finding]:
    return [finding for event in events for finding in diagnosis.take(event)]


# --- cases that are found --------------------------------------------------------------------------------------------

BROKEN = Note(700, 700 * TARGETS, NoteKind.NOT_FINITE, "the loss is nan")

RISING = noisy(then(800, falling(), lambda update: 1.8 + min(1.0, (update - 800) / 300)))

TIGHT: Mapping[str, float] = {"clipped": 1.0, "clip_factor": 0.01, "rate_used": 0.001}

SICK: Mapping[str, tuple[Cause, Severity, Trial | None, list[Stored]]] = {
    "the loss rises": (
        Cause.LEARNING_RATE_TOO_HIGH,
        Severity.WARNING,
        Trial("lr", "0.01"),
        known(*course(RISING, always(0.02))),
    ),
    "the loss rises, of few targets": (
        Cause.LEARNING_RATE_TOO_HIGH,
        Severity.WARNING,
        Trial("lr", "0.01"),
        [program(targets_per_update=1), targets(), *course(RISING, always(0.02))],
    ),
    "a loss that is no likelihood diverges": (
        Cause.LEARNING_RATE_TOO_HIGH,
        Severity.PROBLEM,
        Trial("lr", "0.01"),
        [program(), *course(noisy(lambda update: 1.0 + update / 200, 0.02), always(0.02))],
    ),
    "worse than the frequencies": (
        Cause.LEARNING_RATE_TOO_HIGH,
        Severity.PROBLEM,
        Trial("lr", "0.01"),
        known(*course(noisy(always(4.5)), always(0.05))),
    ),
    "the loss rests while updates are long": (
        Cause.LEARNING_RATE_TOO_HIGH,
        Severity.WARNING,
        Trial("lr", "0.01"),
        known(*course(noisy(always(2.7)), always(0.02))),
    ),
    "the first updates have torn the weights apart, and nothing is learnt": (
        Cause.LEARNING_RATE_TOO_HIGH,
        Severity.WARNING,
        Trial("lr", "0.01"),
        known(*course(noisy(lambda update: 2.98 - 1e-4 * update), then(20, always(0.3), SHORT))),
    ),
    "nothing moves": (
        Cause.LEARNING_RATE_TOO_LOW,
        Severity.WARNING,
        Trial("lr", "1"),
        known(*course(noisy(always(3.2)), always(1e-6))),
    ),
    "nothing moves, and the targets are no classes": (
        Cause.LEARNING_RATE_TOO_LOW,
        Severity.WARNING,
        Trial("lr", "1"),
        [program(), *course(noisy(always(0.8)), always(1e-6))],
    ),
    "a loss that is no number": (
        Cause.NON_FINITE,
        Severity.PROBLEM,
        Trial("clip", "1"),
        known(*course(falling(), always(2e-3), updates=range(1, 700, STEP)), BROKEN),
    ),
    "nearly nothing is left by clipping": (
        Cause.CLIP_TOO_TIGHT,
        Severity.WARNING,
        Trial("clip", "0.02"),
        [
            program(clip="0.0001"),
            targets(),
            *(replace(each, **TIGHT) if isinstance(each, Point) else each for each in course(falling(), always(1e-3))),  # type: ignore[arg-type]
        ],
    ),
    "a schedule that is stepped too often": (
        Cause.RATE_GONE,
        Severity.WARNING,
        None,
        known(*course(noisy(falling(to=2.5)), then(300, SHORT, always(1e-9)), then(300, AS_SET, always(1e-7)))),
    ),
    "overfitting": (
        Cause.OVERFITTING,
        Severity.WARNING,
        None,
        validations([2.0, 1.8, 1.7, 1.68, 1.72, 1.8, 1.9, 2.0], train=1.2),
    ),
}


@pytest.mark.parametrize("name", SICK)
def test_what_is_wrong_is_found(name: str) -> None:
    cause, severity, trial, events = SICK[name]
    diagnosis = WatchedDiagnosis()
    found = told(diagnosis, events)
    assert [each.cause for each in found][:1] == [cause]
    (finding,) = diagnosis.findings
    assert (finding.cause, finding.severity, finding.trial, finding.until_update) == (cause, severity, trial, None)
    assert finding.since_update <= finding.found_update
    assert finding.evidence
    assert "nan" not in finding.says.replace("the loss is nan", "")


def test_a_rise_is_found_soon_and_from_its_beginning_on() -> None:
    (finding,) = diagnosed(SICK["the loss rises"][-1]).findings
    assert 750 <= finding.since_update <= 950
    assert 800 < finding.found_update <= 1200
    assert "the loss has risen by" in finding.says


def test_overfitting_is_since_the_best_and_says_by_how_much() -> None:
    (finding,) = diagnosed(SICK["overfitting"][-1]).findings
    assert (finding.since_update, finding.since_chars) == (400, 400 * TARGETS)
    assert "from 1.68 to " in finding.says
    assert finding.evidence["best"] == 1.68


def test_a_rate_is_gone_since_it_was_lost() -> None:
    (finding,) = diagnosed(SICK["a schedule that is stepped too often"][-1]).findings
    assert 280 < finding.since_update < 310
    assert "The learning rate is 1e-07, and was 0.1" in finding.says
    assert finding.since_chars == finding.since_update * TARGETS


def test_numbers_that_break_are_told_at_once() -> None:
    diagnosis = WatchedDiagnosis()
    assert told(diagnosis, known(*course(falling(), always(2e-3), updates=range(1, 700, STEP)))) == []
    (finding,) = diagnosis.take(BROKEN)
    assert (finding.cause, finding.since_update) == (Cause.NON_FINITE, 700)
    assert "the loss is nan" in finding.says


@pytest.mark.parametrize("cause", SICK)
def test_suspicions_come_first_and_are_gone_with_the_finding(cause: str) -> None:
    """A finding is no suspicion any more."""
    diagnosis = WatchedDiagnosis()
    for event in SICK[cause][-1]:
        diagnosis.take(event)
        found = {each.cause for each in diagnosis.findings}
        assert found.isdisjoint(each.cause for each in diagnosis.suspicions)


# --- what only looks like it -----------------------------------------------------------------------------------------


def warm_up(update: int) -> float:
    return 0.1 * min(1.0, update / 600)


def cosine(update: int) -> float:
    return 0.05 * (1 + math.cos(math.pi * update / LAST))


def as_rate(rate: Course, full: float = 0.02) -> Course:
    """Updates as long as the rate is high."""
    return lambda update: full * rate(update) / 0.1


def told_as_it_rises(events: Iterable[Stored]) -> list[Stored]:
    """The highest rate so far is taken for the setting, and is told where it has risen."""
    found: list[Stored] = [targets()]
    highest = 0.0
    for event in events:
        if isinstance(event, Point) and event.lr > 1.05 * highest:
            highest = event.lr
            found.append(replace(program(highest), update=event.update, chars=event.chars))
        found.append(event)
    return found


HEALTHY: Mapping[str, list[Stored]] = {
    "a loss that falls by long updates": known(*course(noisy(falling()), LONG)),
    "long updates at first": known(*course(noisy(falling()), then(20, always(0.3), SHORT))),
    "a loss that still falls late": known(*course(noisy(lambda update: 3.0 - 0.0006 * update), LONG)),
    "a loss that rests by short updates": known(*course(noisy(always(2.7)), SHORT)),
    "a warm-up": told_as_it_rises(
        course(
            noisy(then(100, always(4.2), lambda update: falling(begin=4.2)(update - 100))), as_rate(warm_up), warm_up
        )
    ),
    "a cosine schedule to 0": known(*course(noisy(falling()), as_rate(cosine), cosine)),
    "the end of a schedule": known(
        *course(noisy(falling(over=600)), then(1500, LONG, always(1e-6)), then(1500, AS_SET, always(1e-5)))
    ),
    "two optimisers": [
        program(optimizers=2),
        targets(),
        *course(noisy(lambda update: 2 + math.sin(update / 300)), LONG),
    ],
    "two optimisers of which one wins": [program(optimizers=2), targets(), *course(RISING, LONG)],
    "a learnt task": known(*course(noisy(falling(to=0.1, over=100), 0.005), LONG)),
    "a learnt task that is no likelihood": [
        program(),
        *course(noisy(falling(to=0.001, begin=1.0, over=80), 1e-4), LONG),
    ],
    "a hard passage": known(*course(noisy(lambda update: 2.6 if 900 < update < 940 else falling()(update)), LONG)),
    "losses of one target each": [
        program(targets_per_update=1),
        targets(),
        *course(noisy(falling(), 1.0), always(3e-3)),
    ],
    "a fresh network": known(*course(noisy(always(4.2)), LONG, updates=range(1, 30))),
    "a network that was trained before": known(*course(noisy(always(0.5), 0.01), always(1e-6))),
    "clipping that is the usual one": [
        program(clip="1"),
        targets(),
        *(
            replace(each, clipped=0.3, clip_factor=0.7) if isinstance(each, Point) else each
            for each in course(noisy(falling()), LONG)
        ),
    ],
}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_training_has_no_finding(name: str) -> None:
    diagnosis = WatchedDiagnosis()
    assert told(diagnosis, HEALTHY[name]) == []
    assert diagnosis.findings == []


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("noise", [0.01, 0.05, 0.1])
def test_noise_of_a_falling_loss_is_no_finding(seed: int, noise: float) -> None:
    assert causes(known(*course(noisy(falling(), noise, seed), always(6e-3)))) == []


def test_a_loss_that_falls_slowly_at_first_is_no_problem() -> None:
    """It begins above that of guessing by how often each class occurs, as that of every network does."""
    found = [
        diagnosed(known(*course(noisy(falling(over=900), 0.1, seed), always(6e-3)))).findings for seed in range(10)
    ]
    assert [each.says for findings in found for each in findings if each.severity is Severity.PROBLEM] == []


def scattered(seed: int, share: float, count: int) -> list[float]:
    """Validation losses at rest that scatter by a share."""
    return [2.0 + float(each) for each in np.random.default_rng(seed).normal(0, 2.0 * share, count)]


@pytest.mark.parametrize("seed", range(10))
def test_validation_losses_that_scatter_a_little_are_no_overfitting(seed: int) -> None:
    losses = scattered(seed, 0.005, 30)
    assert causes(validations(losses, train=1.0)) == []
    falling_ones = [loss + 2.0 * math.exp(-place / 4) for place, loss in enumerate(losses)]
    assert causes(validations(falling_ones, train=1.0)) == []


@pytest.mark.parametrize("share", [0.01, 0.03])
def test_many_validation_losses_that_scatter_are_no_overfitting(share: float) -> None:
    """As those over a few random batches are. Of twenty such trainings, one may be unlucky."""
    found = [causes(validations(scattered(seed, share, 100), train=1.0)) for seed in range(20)]
    assert sum(map(bool, found)) <= 1


@pytest.mark.parametrize(
    ("losses", "train"),
    [
        ([2.0, 1.8, 1.7, 1.68, 1.72, 1.8, 1.9, 2.0], 1.9),
        ([2.0, 1.8, 1.7, 1.6, 1.601, 1.602, 1.603, 1.604], 1.2),
        ([1.0, 1.5, 1.6, 1.7, 1.8], 0.5),
        ([2.0, 1.8, 1.7, 1.68, 1.66, 1.9], 1.2),
        ([2.0, 1.8, 1.7, 1.68, 1.9, 1.9, 1.6], 1.2),
        ([0.001, 0.0011, 0.001, 0.0009, 0.001, 0.001, 0.0009], 0.0001),
    ],
    ids=[
        "the training loss is no better",
        "worse by less than shows",
        "too few",
        "only the last one is worse",
        "the last one is the best",
        "all is learnt",
    ],
)
def test_validation_losses_that_are_as_they_should_be(losses: list[float], train: float) -> None:
    assert causes(validations(losses, train)) == []


AGAIN = Note(LAST, LAST * TARGETS, NoteKind.OTHER, "Another optimiser: SGD, of 100 parameters.")
"""A cell of a notebook was run again: the updates of the new training follow those of the old one."""


def again(loss: Course, ratio: Course) -> list[Stored]:
    """A training after another one."""
    updates = range(LAST + 1, 2 * LAST, STEP)
    begun = replace(program(training=2), update=LAST, chars=LAST * TARGETS)
    return [AGAIN, begun, *course(lambda update: loss(update - LAST), ratio, updates=updates)]


def test_another_training_in_the_same_program_is_another_training() -> None:
    first = known(*course(noisy(falling()), always(6e-3)))
    assert causes(first) == []
    assert causes([*first, *again(noisy(falling(), seed=1), always(6e-3))]) == []


def test_what_is_wrong_with_another_training_in_the_same_program_is_found() -> None:
    first = known(*course(noisy(falling()), SHORT))
    assert causes(first) == []
    assert causes([*first, *again(noisy(always(4.5)), LONG)]) == [Cause.LEARNING_RATE_TOO_HIGH]


# --- how a finding ends ----------------------------------------------------------------------------------------------


def cured(name: str, change: Change, loss: Course, ratio: Course, rate: float) -> WatchedDiagnosis:
    """The diagnosis after a change that helps, at the update 1001."""
    before = [each for each in SICK[name][-1] if each.update < change.update]
    after = course(loss, ratio, always(rate), updates=range(change.update + 1, LAST, STEP))
    return diagnosed([*before, change, *after])


@pytest.mark.parametrize("name", ["the loss rests while updates are long", "worse than the frequencies"])
def test_a_rate_that_is_lowered_ends_the_finding(name: str) -> None:
    change = Change(1001, 1001 * TARGETS, 1, "lr", "0.1", "0.01")
    diagnosis = cured(name, change, noisy(lambda update: 1.5 + falling()(update - 1000)), always(2e-3), 0.01)
    (finding,) = diagnosis.findings
    assert finding.cause is Cause.LEARNING_RATE_TOO_HIGH
    assert finding.until_update is not None
    assert finding.found_update < finding.until_update <= 1100


def test_a_rate_that_is_raised_ends_the_finding() -> None:
    change = Change(1001, 1001 * TARGETS, 1, "lr", "0.1", "10")
    diagnosis = cured("nothing moves", change, noisy(lambda update: falling()(update - 1000)), always(2e-3), 10.0)
    (finding,) = diagnosis.findings
    assert (finding.cause, finding.until_update is None) == (Cause.LEARNING_RATE_TOO_LOW, False)


def test_a_change_that_does_not_help_leaves_the_finding() -> None:
    name = "the loss rests while updates are long"
    change = Change(1001, 1001 * TARGETS, 1, "lr", "0.1", "0.05")
    (finding,) = cured(name, change, noisy(always(2.7)), always(0.01), 0.05).findings
    assert finding.until_update is None
    assert finding.trial == Trial("lr", "0.005")


def test_numbers_that_are_finite_again_end_the_finding() -> None:
    events = SICK["a loss that is no number"][-1]
    diagnosis = diagnosed([*events, *course(falling(), always(2e-3), updates=range(701, LAST, STEP))])
    (finding,) = diagnosis.findings
    assert finding.cause is Cause.NON_FINITE
    assert finding.until_update is not None


def test_a_validation_loss_that_is_the_best_again_ends_the_finding() -> None:
    diagnosis = diagnosed(SICK["overfitting"][-1])
    assert diagnosis.take(Validation(900, 900 * TARGETS, 1.7)) == []
    (told_,) = diagnosis.take(Validation(1000, 1000 * TARGETS, 1.5))
    assert (told_.cause, told_.until_update) == (Cause.OVERFITTING, 1000)
    assert diagnosis.findings == [told_]


def test_a_rate_that_is_back_ends_the_finding() -> None:
    events = [each for each in SICK["a schedule that is stepped too often"][-1] if each.update <= 1001]
    diagnosis = diagnosed([*events, *course(noisy(falling()), SHORT, updates=range(1011, LAST, STEP))])
    (finding,) = diagnosis.findings
    assert (finding.cause, finding.until_update is None) == (Cause.RATE_GONE, False)


def test_a_rate_that_was_never_there_is_told_as_such() -> None:
    still = [replace(each, lr=0.0) for each in course(noisy(lambda _: 3.0), SHORT) if isinstance(each, Point)]
    (finding,) = diagnosed([program(), targets(), *still]).findings
    assert finding.cause is Cause.RATE_GONE
    assert finding.says.startswith("The learning rate has been 0 from the start")
    assert "warm_up" in finding.instead


def test_overfitting_that_comes_again_is_found_again() -> None:
    diagnosis = diagnosed([*SICK["overfitting"][-1], Validation(900, 900 * TARGETS, 1.0)])
    later = [point(1000 + each, 0.5) for each in range(3)]
    losses = [0.9, 0.9, 0.95, 1.1, 1.2, 1.3, 1.4]
    found = told(diagnosis, [*later, *(Validation(1100 + place, 10**6, each) for place, each in enumerate(losses))])
    assert [each.until_update for each in found] == [None]
    assert [each.until_update is None for each in diagnosis.findings] == [False, True]


# --- undo ------------------------------------------------------------------------------------------------------------


def back(update: int) -> Note:
    return Note(update, update * TARGETS, NoteKind.UNDO, "back")


@pytest.mark.parametrize("name", SICK)
def test_an_undo_forgets_what_was_found_after_it(name: str) -> None:
    diagnosis = diagnosed(SICK[name][-1])
    (finding,) = diagnosis.findings
    assert diagnosis.take(back(finding.since_update - 1)) == []
    assert (diagnosis.findings, diagnosis.suspicions) == ([], ())


def test_an_undo_leaves_what_was_found_before_it() -> None:
    diagnosis = diagnosed(SICK["the loss rises"][-1])
    before = list(diagnosis.findings)
    diagnosis.take(back(before[0].found_update + 100))
    assert [(each.cause, each.since_update) for each in diagnosis.findings] == [
        (each.cause, each.since_update) for each in before
    ]


def test_validations_after_an_undo_are_compared_with_those_before_it() -> None:
    """And not with those that were undone."""
    losses = [2.0, 1.8, 1.7, 1.68, 1.0, 1.72, 1.74]
    diagnosis = diagnosed(validations(losses, train=1.5))
    diagnosis.take(back(400))
    assert told(diagnosis, [Validation(500, 500 * TARGETS, 1.67), Validation(600, 600 * TARGETS, 1.66)]) == []
    assert diagnosis.findings == []


def test_after_an_undo_the_same_is_found_again() -> None:
    events = SICK["the loss rises"][-1]
    diagnosis = diagnosed(events)
    (first,) = diagnosis.findings
    diagnosis.take(back(700))
    again = [program(), targets(), *(each for each in events if each.update > 700)]
    assert [each.cause for each in told(diagnosis, again)] == [first.cause]


# --- what is told ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SICK)
def test_what_is_told_is_what_there_is(name: str) -> None:
    diagnosis, found = WatchedDiagnosis(), dict[Cause, Finding]()
    for event in SICK[name][-1]:
        for finding in diagnosis.take(event):
            found[finding.cause] = finding
        assert [each.cause for each in diagnosis.findings] == list(found)
    for each in diagnosis.findings:
        assert (each.severity, each.until_update) == (found[each.cause].severity, found[each.cause].until_update)
    assert diagnosis.awaited == frozenset()


def test_settings_that_are_not_ours_are_left_as_they_were() -> None:
    """An optimiser that we do not have, for one."""
    diagnosis = WatchedDiagnosis()
    odd = program(optimizer="lion", momentum="0.9", clip="tight", weight_decay="-1", nothing="x")
    assert diagnosis.take(odd) == []
    found = told(diagnosis, [targets(), *course(noisy(always(2.7)), LONG)])
    assert [each.trial for each in found] == [Trial("lr", "0.004")]


# --- inside recurrent modules ----------------------------------------------------------------------------------------


def inside(share: float, relative: Sequence[float]) -> list[Stored]:
    """Readings of a recurrent module, evenly over the training."""
    return [
        reading
        for update in range(0, LAST, LAST // 12)
        for reading in (
            Probe(update, TARGETS * update, "gates", 0.0, {"share": share, "frozen": share / 2}),
            Probe(update, TARGETS * update, "gradient_by_lag", 0.0, {"relative": tuple(relative)}),
        )
    ]


def with_inside(loss: Course, share: float, relative: Sequence[float], hidden: int = 128) -> list[Finding]:
    events = [program(hidden=str(hidden), bptt="32", cell="lstm"), targets(), *course(loss, SHORT)]
    events += inside(share, relative)
    return diagnosed(sorted(events, key=lambda each: each.update)).findings


FALLS, RISES = [0.9**lag for lag in range(32)], [1.3**lag for lag in range(32)]


def test_a_gradient_that_grows_through_time_is_told() -> None:
    found = with_inside(falling(), 0.2, RISES)
    assert [each.cause for each in found] == [Cause.EXPLODING_GRADIENT]
    assert "characters back it is" in found[0].says
    assert with_inside(falling(), 0.2, FALLS) == []


def test_units_that_began_saturated_are_told_and_those_of_a_trained_network_are_not() -> None:
    assert [each.cause for each in with_inside(falling(2.5), 0.9, FALLS)] == [Cause.SATURATED_UNITS]
    assert with_inside(falling(1.2, 1.4), 0.9, FALLS) == []
    assert with_inside(falling(), 0.4, FALLS) == []


# --- the first updates, and another task -----------------------------------------------------------------------------


def wiped(ratio: float, **known: str) -> list[Cause]:
    first = then(8, always(ratio), always(1e-3))
    values = {key: each for key, each in program().values.items() if key != "optimizer"} | known
    events: list[Stored] = [replace(program(), values=values), *course(falling(), first, readings=1)]
    return [each.cause for each in diagnosed(events).findings]


def test_an_update_as_long_as_the_weights_is_told_though_the_loss_falls() -> None:
    assert wiped(0.7, optimizer="adam") == [Cause.LEARNING_RATE_TOO_HIGH]
    assert wiped(0.2, optimizer="adam") == []
    assert wiped(0.7) == []  # An optimiser that we do not know, such as one that searches along a line.


@pytest.mark.parametrize("longer", [False, True])
def test_a_loss_that_rises_where_windows_become_longer_is_that_of_another_task(longer: bool) -> None:
    rises = then(600, falling(0.5), falling(1.6, 2.6, 3000.0))
    events = [program(bptt="8"), targets(), *course(noisy(rises), LONG, updates=range(1, 800, STEP))]
    if longer:
        events.append(replace(program(bptt="16"), update=599, chars=TARGETS * 599))
    found = diagnosed(sorted(events, key=lambda each: each.update)).findings
    assert [each.cause for each in found] == ([] if longer else [Cause.LEARNING_RATE_TOO_HIGH])


# --- what is absent --------------------------------------------------------------------------------------------------


def judged(events: Sequence[Stored]) -> dict[Cause, Judged]:
    return {each.cause: each.judged for each in diagnosed(events).judgements}


def test_what_was_judged_and_is_absent_is_told_from_what_was_not() -> None:
    healthy = [program(), targets(), *course(falling(), SHORT)]
    found = judged(healthy)
    assert found[Cause.LEARNING_RATE_TOO_HIGH] is Judged.ABSENT
    assert found[Cause.OVERFITTING] is Judged.CANNOT
    assert found[Cause.SATURATED_UNITS] is Judged.CANNOT
    inner = sorted([*healthy, *inside(0.2, FALLS), Validation(900, 900, 1.5)], key=lambda each: each.update)
    assert set(judged(inner).values()) == {Judged.ABSENT}
    assert judged([program(), targets(), point(5, 3.0)])[Cause.LEARNING_RATE_TOO_LOW] is Judged.NOT_YET


def test_what_was_found_is_not_said_to_be_absent() -> None:
    assert Cause.LEARNING_RATE_TOO_HIGH not in judged([program(), targets(), *course(always(2.9), LONG)])
