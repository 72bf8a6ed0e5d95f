"""The one sentence on how a training goes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.events import Cause, Point, Severity, Suspicion, Trial, Validation
from engine.session.snapshot import Snapshot, Status
from engine.settings import Settings
from tests.tui.conftest import finding
from tui.words.causes import TITLES, title
from tui.words.standing import loss_in_words, of_history, of_snapshot, trial_in_words


def course(*losses: float, apart: float = 1.0, noise: float = 0.0) -> list[Point]:
    """Points with these losses, so many seconds apart; the noise takes turns above and below."""
    points = []
    for place, loss in enumerate(losses):
        loss += noise if place % 2 else -noise
        points.append(Point(place + 1, 64 * place, apart * place, loss, 1.0, 1.0, 0.0, (), 0.004, 1))
    return points


def falling(begin: float, end: float, count: int) -> list[float]:
    return [begin + (end - begin) * place / count for place in range(count)]


def test_every_cause_has_a_title_of_its_own() -> None:
    assert set(TITLES) == set(Cause)
    assert len(set(TITLES.values())) == len(TITLES)
    assert title("of-another-version") == "Of another version"


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([], "No update yet"),
        (course(3.2, 3.1), "Just begun: the loss is 3.10"),
        (course(*falling(3.0, 2.0, 60)), "Learning well: 2.40 → 2.07 in the last 20 s"),
        (course(*falling(2.0, 1.96, 60)), "Learning slowly: 1.976 → 1.963 in the last 20 s"),
        (
            course(3.0, *falling(9.0, 6.0, 60)),
            "The loss falls, and is above its first: 7.20 → 6.20 in the last 20 s",
        ),
        (course(*[1.5] * 60), "The loss rests: 1.500 → 1.500 in the last 20 s"),
        (course(*falling(1.5, 1.9, 60)), "The loss has risen: 1.74 → 1.87 in the last 20 s"),
        (course(*falling(2.0, 1.96, 60), noise=0.3), "The loss hardly falls: 2.019 → 2.006 in the last 20 s"),
    ],
)
def test_the_course_of_a_loss(points: list[Point], words: str) -> None:
    assert loss_in_words(points) == words


def test_the_course_begins_anew_where_a_run_was_resumed() -> None:
    assert loss_in_words([*course(*falling(3.0, 2.0, 60)), *course(1.9, 1.9)]) == "Going on: the loss is 1.90"
    attached = [replace(each, update=3000 + each.update) for each in course(1.9, 1.9)]
    assert loss_in_words(attached) == "Going on: the loss is 1.90"


def test_a_rise_of_a_few_points_is_chance() -> None:
    assert loss_in_words(course(*[1.5, 1.52] * 9, *[1.53, 1.56, 1.52], apart=0.5)).startswith("The loss rests")


def test_a_validation_loss_that_no_longer_falls_is_told() -> None:
    points = course(*falling(3.0, 2.0, 60))

    def validated(*losses: float) -> list[Validation]:
        return [Validation(place, 64 * place, loss) for place, loss in enumerate(losses)]

    assert loss_in_words(points, validated(*falling(3.0, 2.0, 12))).startswith("Learning well: ")
    assert loss_in_words(points, validated(3.0, 2.0, 2.1, 2.1)).startswith("Learning well: ")  # too few to tell
    risen = validated(*falling(3.0, 2.0, 8), 2.2, 2.2, 2.2, 2.2)
    expected = "The loss falls, and the validation loss no longer: 2.40 → 2.07 in the last 20 s"
    assert loss_in_words(points, risen) == of_history(points, [], validations=risen).says == expected
    assert loss_in_words(points, risen, is_over=True).startswith("The loss fell, and the validation loss no longer: ")


def test_what_was_to_be_known_by_now_is_known_after_the_next_look() -> None:
    points = course(*falling(3.0, 2.0, 60))
    for missing, words in (("update 60", "the next look"), ("update 1,240", "update 1,240"), ("2 more looks",) * 2):
        assert of_history(points, [], [Suspicion(Cause.PLATEAU, missing)]).says.endswith(f"Known after {words}")


def test_the_gravest_finding_comes_before_everything_else() -> None:
    points, suspicion = course(*falling(3.0, 2.0, 60)), Suspicion(Cause.PLATEAU, "update 900")
    note = finding(Cause.SPARSE_TARGETS, severity=Severity.NOTE, trial=None)
    assert of_history(points, []).alone.startswith("Learning well: ")
    watching = "Watching: perhaps the loss has stopped falling. Known after update 900."
    assert of_history(points, [], [suspicion]).with_keys().plain == watching
    assert (
        of_history(points, [note], [suspicion]).with_keys().plain
        == f"{watching} Note: few characters count for the loss."
    )
    found = of_history(points, [note, finding()], [suspicion], Settings(lr=0.004))
    expected = "▲ The learning rate is too high since update 320: t tries a tenth of it · F why, and 1 more"
    assert found.with_keys().plain == expected
    assert found.alone == "The learning rate is too high since update 320."
    over = finding(until_update=400)
    assert of_history(points, [over]).alone.startswith("Learning well: ")


def test_a_narrow_screen_gets_fewer_words_and_never_half_of_one() -> None:
    found = of_history([], [finding(), finding(Cause.PLATEAU)], [], Settings(lr=0.004))
    assert [each.with_keys().plain for each in found.shorter()][1:] == [
        "▲ The learning rate is too high since update 320: t tries a tenth of it · F why, and 1 more",
        "▲ The learning rate is too high: t tries a tenth of it · F why, and 1 more",
        "▲ The learning rate is too high: t tries a tenth of it",
    ]


@pytest.mark.parametrize(
    ("trial", "words"),
    [
        (Trial("lr", "0.0004"), "tries a tenth of it"),
        (Trial("lr", "0.00133"), "tries a third of it"),
        (Trial("lr", "0.04"), "tries 10 times as much"),
        (Trial("lr", "0.003"), "tries lr 0.003"),
        (Trial("clip", "off"), "tries clip off"),
        (Trial("weight_decay", "0"), "tries weight decay 0"),
        (Trial("a\x1bb", "1"), "tries a\x1bb 1"),
    ],
)
def test_a_trial(trial: Trial, words: str) -> None:
    if "\x1b" in words:
        assert "\x1b" not in trial_in_words(trial, Settings(lr=0.004))
    else:
        assert trial_in_words(trial, Settings(lr=0.004)) == words


def test_what_cannot_be_turned_is_no_key() -> None:
    assert of_history([], [finding(trial=Trial("hidden", "512"))]).steps == (("F", "why"),)


def test_what_was_tried_already_is_not_proposed() -> None:
    there = finding(trial=Trial("lr", "0.001"))
    assert [key for key, _ in of_history([], [there], settings=Settings(lr=0.01)).steps] == ["t", "F"]
    assert of_history([], [there], settings=Settings(lr=0.001)).steps == (("F", "why"),)


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        (Status.LOADING, "reading shakespeare.txt", "reading shakespeare.txt."),
        (Status.PAUSED, "back at update 7", "Back at update 7: space goes on · n makes a single update"),
        (Status.BROKEN, "", "■ The last update was not finite: u goes back · F why · space goes on after a change"),
        (Status.FINISHED, "", "Done: the budget is used up: space trains on · q leaves"),
        (Status.FAILED, "there is no text x\x1b", "■ there is no text x␛: q leaves"),
        (Status.ENDED, "", "The training has ended: q leaves"),
    ],
)
def test_every_state_says_what_can_be_done(status: Status, message: str, words: str) -> None:
    assert of_snapshot(Snapshot(status=status, message=message)).with_keys().plain == words


def test_what_the_engine_has_to_say_comes_before_the_loss() -> None:
    points = tuple(course(*falling(3.0, 2.0, 60)))
    there = Snapshot(status=Status.TRAINING, recent=points)
    assert of_snapshot(there).alone.startswith("Learning well: ")
    said = of_snapshot(replace(there, message="no update for 9 s"))
    assert said.alone.startswith("no update for 9 s. Learning well: ")
