"""The eight questions are answered, and the numbers in the answers are those in the lab."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from engine.budget import Budget
from engine.errors import UserError
from engine.events import Probe
from engine.lab import Lab
from engine.questions.asking import INVESTIGATIONS, Asked, Asking
from engine.questions.experiment import experiments as module
from engine.questions.experiment.experiments import FEWEST_CHARS, PASSES, Experiments, Pace, Scale, StoppedError
from engine.questions.experiment.found import Measured
from engine.questions.experiment.trial import Stage, Trial
from engine.questions.question import QUESTIONS, Answer, find
from engine.race.store import Races
from engine.settings import Value
from engine.text.corpus import Corpus, read_corpus
from engine.windows import LengthLaw
from engine.workers.place import Place
from tests.engine.questions.conftest import SMALL, TINY
from tests.engine.questions.recomputing import Book, recomputed
from tests.engine.race.conftest import inline
from tests.engine.race.test_race import Dying

pytestmark = pytest.mark.xdist_group("answers")  # they are made once

NAMES = [question.name for question in QUESTIONS]


def test_each_question_has_an_experiment() -> None:
    assert list(INVESTIGATIONS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_has_evidence_words_limits_and_a_place_in_the_lab(
    answers: dict[str, Answer], folder: Path, name: str
) -> None:
    answer = answers[name]
    assert answer.rows
    assert len(answer.says) > 80
    assert answer.says.endswith(".")
    assert "nan" not in f"{answer.did} {answer.says}"
    assert "{" not in answer.did + answer.says + "".join(answer.limits)
    assert answer.limits
    with Lab.open_existing(folder) as lab:
        assert all(Races(lab).get(each).status in ("done", "stopped") for each in answer.races)
        assert all(lab.runs.get(each).status in ("done", "not-finite") for each in answer.runs)
    assert answer.races or answer.runs
    named = {source for row in answer.rows for source in row.source.split(", ") if source}
    assert {source for source in named if not source.startswith("R")} <= set(answer.runs)


@pytest.mark.parametrize("name", NAMES)
def test_every_number_can_be_recomputed_from_the_lab(answers: dict[str, Answer], folder: Path, name: str) -> None:
    book = Book(folder)
    checked = 0
    for row in answers[name].rows:
        if not row.source:
            continue  # each of them says how long the trainings were
        value, low, high = recomputed(book, name, row)
        assert row.value == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True), row
        if low is not None:
            assert row.low == pytest.approx(low, rel=1e-9, abs=1e-12), row
            assert row.high == pytest.approx(high, rel=1e-9, abs=1e-12), row
        checked += 1
    assert checked >= 5


def test_nothing_is_trained_longer_or_with_more_seeds_than_is_allowed(answers: dict[str, Answer], folder: Path) -> None:
    assert answers
    with Lab.open_existing(folder) as lab:
        for race in Races(lab).all():
            assert race.plan.budget.chars == SMALL.most_chars
            runs = lab.runs.of_race(race.number)
            assert {run.race.replicate for run in runs if run.race} <= {0, 1}


def asked(name: str, text: Path, folder: Path, given: dict[str, Value], scale: Scale = SMALL) -> Asking:
    return Asking(Asked(find(name), str(text), None, {**TINY, **given}, folder, scale), lambda _what: None)


def test_a_stop_ends_the_experiment_and_keeps_what_was_measured(text: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    asking = asked("random-length", text, folder, {}, Scale(seconds=1_000.0, most_seeds=2, pilot=0.02))

    def tell(what: str) -> None:
        if " 1 trainings" in what:
            asking.stop()

    asking._tell = tell
    with pytest.raises(StoppedError):
        list(asking.answers())
    assert list(asking.kept) == ["R1"]
    with Lab.open_existing(folder) as lab:
        race = Races(lab).get("R1")
        assert race.status == "stopped"
        assert any(run.status == "done" for run in lab.runs.of_race(race.number))


def test_a_setting_that_the_question_chooses_itself_is_refused(text: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--clip: the question clipping chooses it itself"):
        list(asked("clipping", text, tmp_path / "lab", {"clip": 3.0}).answers())
    assert not (tmp_path / "lab").exists()


def test_a_value_that_is_none_is_one_line_before_anything_is_begun(text: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--cell"):
        list(asked("climb", text, tmp_path / "lab", {"cell": "brain"}).answers())
    assert not (tmp_path / "lab").exists()


def test_a_text_that_is_too_short_is_one_line(tmp_path: Path) -> None:
    short = tmp_path / "short.txt"
    short.write_text("abcdefghij" * 4)
    with pytest.raises(UserError, match="has 36 characters to train on, but this question needs 43"):
        list(asked("bptt-40-vs-10", short, tmp_path / "lab", {}).answers())


@pytest.mark.parametrize("name", ["cliping", "norm12", "bptt", "everything"])
def test_an_unknown_question_is_one_line(name: str) -> None:
    with pytest.raises(UserError, match="there is no question"):
        find(name)


def test_a_misspelt_question_is_guessed() -> None:
    with pytest.raises(UserError, match=r"is it clipping\?"):
        find("cliping")


def corner(lab: Lab, text: Path, scale: Scale = SMALL, place: Place | None = None, **given: Value) -> Experiments:
    """Experiments that are set up and not run."""
    corpus = read_corpus(text, text.name, 1024)
    return Experiments(
        lab, corpus, str(text), given, place or inline(size=1), lambda _what: None, scale, 0.0, "clipping"
    )


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab.open(tmp_path / "lab")


def test_settings_fit_a_short_text(lab: Lab, tmp_path: Path) -> None:
    short = tmp_path / "short.txt"
    short.write_text("to be or not to be; " * 10)
    experiments = corner(lab, short)
    settings = experiments.settings("standard")
    assert settings.streams * settings.bptt.high <= 179
    assert experiments.settings("standard", bptt=LengthLaw.fixed(20)).bptt.high == 20


def test_a_setting_of_the_user_goes_before_the_preset_and_behind_the_question(lab: Lab, text: Path) -> None:
    settings = corner(lab, text, lr=0.5, streams=2).settings("random-step", streams=1)
    assert (settings.lr, settings.streams, str(settings.bptt)) == (0.5, 1, "geom:11")


def test_trainings_are_as_long_as_the_time_the_text_and_the_scale_allow(lab: Lab, text: Path) -> None:
    experiments, length = corner(lab, text, Scale()), len(read_corpus(text, "a", 1024).training)
    assert experiments.chars(Pace(1e-9, 0.0), 30.0, 4) == pytest.approx(PASSES * length, rel=0.1)
    assert experiments.chars(Pace(1.0, 1.0), 30.0, 4) == FEWEST_CHARS
    assert 30_000 < experiments.chars(Pace(1e-4, 0.0), 20.0, 4) <= 20 * 0.7 / 4 / 1e-4


def test_a_race_without_hope_of_enough_seeds_leaves_its_time_to_the_first(lab: Lab, text: Path) -> None:
    experiments = corner(lab, text, Scale())
    quick, slow = Pace(1e-6, 0.0), Pace(1.0, 1.0)
    assert experiments.affordable([quick, quick, quick], 2) == 3
    assert experiments.affordable([quick, quick, slow], 2) == 2
    assert experiments.affordable([slow, quick], 2) == 1


def twice(_corpus: Corpus, number: int) -> int:
    return 2 * number


def test_what_was_lost_with_a_worker_is_computed_again(lab: Lab, text: Path) -> None:
    left = [2]
    experiments = corner(lab, text, place=inline(lambda: Dying(left), size=1))
    assert experiments.computed("doubling", twice, (1,), (2,), (3,)) == [2, 4, 6]
    assert left == [0]


def test_workers_that_always_die_end_a_question_in_one_line(lab: Lab, text: Path) -> None:
    experiments = corner(lab, text, place=inline(lambda: Dying([1_000]), size=1))
    settings = experiments.settings("standard")
    says = r"^workers died 4 times while they trained: is there enough memory\?$"
    with pytest.raises(UserError, match=says):
        experiments.paces(settings)
    with pytest.raises(UserError, match=says):
        experiments.trials("ask-a", "training", [Trial(settings, (Stage((Budget(chars=100),)),))], 1_000.0)


def test_what_there_is_no_time_for_is_not_begun(lab: Lab, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST", 0.0)
    nowhere = inline(lambda: pytest.fail("there is no time"))
    experiments = corner(lab, text, Scale(seconds=0.0), nowhere)
    assert experiments.computed("doubling", twice, (1,), (2,)) == [None, None]


def test_a_number_that_was_infinite_is_read_as_that() -> None:
    probe = Probe(1, 1, "gradient_by_lag", 0.0, {"decay": 1e300, "norm": 2.0, "half_life": None})
    measured = Measured("a-1", (probe,))
    assert measured.number("gradient_by_lag", "decay") == math.inf
    assert measured.number("gradient_by_lag", "norm") == 2.0
    assert measured.number("gradient_by_lag", "half_life") is None
    assert measured.number("numerics", "lost") is None
