"""Control samples: right, at the right places, and without a trace in the training."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import asdict

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from engine.instruments import panel
from engine.instruments.character_classes import CLASSES, class_of, classes_of
from engine.instruments.control import Control, ControlPlan, by_context, control
from engine.instruments.panel import RUN_IN, SPAN, Panel
from engine.network.compute import choose
from engine.network.model import CELLS
from engine.text.corpus import read_corpus
from engine.text.vocabulary import Vocabulary
from engine.training.subject import Subject
from engine.training.trainer import Trainer
from tests.conftest import WORDS, small
from tests.engine.training.test_exactness import assert_same_bits

TEXT = "".join(f"{WORDS.capitalize()}{number}\n" for number in range(400))


def trained(text: str, updates: int = 30, vocabulary: int = 1024, **changes: object) -> Trainer:
    settings = small(**{"hidden": 24, **changes})
    trainer = Trainer(read_corpus(text.encode(), "a text", vocabulary), settings, choose(settings))
    if updates:
        trainer.train(updates)
    return trainer


def reading(trainer: Trainer, held_out: bool = True) -> Control:
    return control(trainer.subject(), ControlPlan.of(trainer.corpus), held_out)


@torch.no_grad()
def one_by_one(subject: Subject, lanes: Panel) -> NDArray[np.float64]:
    """The losses of a panel in float64, (span, lanes), computed one character and one lane at a time."""
    network = copy.deepcopy(subject.network).double()
    found = np.zeros(lanes.targets.shape)
    for lane in range(lanes.ids.shape[1]):
        state = network.zero_state(1)
        for place, (here, there) in enumerate(zip(lanes.ids[:-1, lane], lanes.ids[1:, lane], strict=True)):
            outputs, state = network(torch.tensor([[here]]), state)
            if place >= lanes.run_in:
                loss = functional.cross_entropy(network.head(outputs)[0], torch.tensor([there]))
                found[place - lanes.run_in, lane] = float(loss)
    return found


@pytest.mark.parametrize("cell", CELLS)
def test_losses_are_those_of_a_plain_loop(cell: str) -> None:
    trainer = trained(TEXT[:4000], cell=cell, layers=2)
    plan, found = ControlPlan.of(trainer.corpus), reading(trainer)
    plain = one_by_one(trainer.subject(), plan.training)
    assert found.seen == pytest.approx(plain.mean(), rel=1e-4)
    assert found.by_region == pytest.approx(plain.mean(axis=0), rel=1e-4)
    held_out = one_by_one(trainer.subject(), plan.validation)
    assert found.held_out == pytest.approx(held_out.mean(), rel=1e-4)
    assert found.held_out_by_region == pytest.approx(held_out.mean(axis=0), rel=1e-4)
    assert plan.withheld is not None
    assert found.withheld == pytest.approx(one_by_one(trainer.subject(), plan.withheld).mean(), rel=1e-4)
    for name, loss in zip(CLASSES, found.classes, strict=True):
        inside = plain[plan.classes == CLASSES.index(name)]
        assert loss == pytest.approx(inside.mean() if inside.size else math.nan, rel=1e-4, nan_ok=True)
    assert found.rarest == pytest.approx(plain[plan.rare].mean(), rel=1e-4)


@pytest.mark.parametrize("cell", CELLS)
def test_by_context_is_the_mean_divergence_of_the_predictions_from_their_mean(cell: str) -> None:
    trainer = trained(TEXT[:4000], updates=300, cell=cell, lr=1e-2)
    plan = ControlPlan.of(trainer.corpus)
    chances = panel.read(trainer.subject(), plan.training, plan.groups).chances.double().numpy().reshape(-1, 16)
    mean = chances.mean(axis=0)
    divergences = [sum(p * math.log(p / m) for p, m in zip(row, mean, strict=True)) for row in chances]
    assert reading(trainer).by_context == pytest.approx(sum(divergences) / len(divergences), rel=1e-4)


@pytest.mark.parametrize(("rows", "nats"), [([[0.25, 0.75]] * 3, 0.0), ([[1.0, 0.0], [0.0, 1.0]], math.log(2))])
def test_predictions_that_are_the_same_everywhere_depend_on_nothing(rows: list[list[float]], nats: float) -> None:
    assert by_context(torch.tensor(rows)[:, None]) == pytest.approx(nats, abs=1e-6)


@pytest.mark.parametrize("step", [1, 50])
def test_reading_in_small_steps_gives_the_same(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    trainer = trained(TEXT)
    whole = reading(trainer)
    monkeypatch.setattr(panel, "MOST_NUMBERS", step * 32 * 4 * 24)
    parts = reading(trainer)
    assert parts.by_region == pytest.approx(whole.by_region, rel=1e-5)
    assert parts.missed == pytest.approx(whole.missed, abs=1e-6)


@pytest.mark.parametrize("length", [2, 3, 20, 320, 321, 322, 642, 5000, 10_271, 10_272, 10_273, 1_000_003])
def test_lanes_do_not_overlap(length: int) -> None:
    ids = np.arange(length, dtype=np.uint32)
    found = Panel.over(ids, 32)
    assert len(np.unique(found.ids)) == found.ids.size
    assert (np.diff(found.ids, axis=0) == 1).all()
    assert found.targets.shape == (len(found.ids) - 1 - found.run_in, len(found.regions))
    assert found.targets.size > 0
    assert list(found.regions) == pytest.approx(
        [(lane.min() - 1 + lane.max()) / 2 / length for lane in found.targets.T], abs=1 / length
    )
    if length > RUN_IN + SPAN:
        assert found.ids.shape == (RUN_IN + SPAN + 1, min(32, length // (RUN_IN + SPAN + 1)))


def test_another_alphabet_in_the_middle_stands_out_there() -> None:
    latin, cyrillic = "the quick brown fox jumps. " * 300, "съешь ещё этих мягких булок. " * 140
    trainer = trained(latin + cyrillic + latin, updates=0)
    with torch.no_grad():  # as if the network had seen the Latin letters alone
        for place, character in enumerate(trainer.corpus.vocabulary.characters):
            trainer.network.head.bias[place] = -10.0 if class_of(character) == "lower" and character > "z" else 0.0
    found = reading(trainer)
    chars = len(trainer.corpus.training)
    begin, end = len(latin) / chars, (len(latin) + len(cyrillic)) / chars
    width = SPAN / 2 / chars
    inside = [loss for at, loss in zip(found.regions, found.by_region, strict=True) if begin + width < at < end - width]
    around = [loss for at, loss in zip(found.regions, found.by_region, strict=True) if not begin < at + width < end]
    assert len(inside) > 4
    assert len(around) > 15
    assert min(inside) > max(around[1:-1]) + 3
    assert list(found.regions) == sorted(found.regions)


def test_class_losses_weighted_by_counts_are_the_loss() -> None:
    trainer = trained(TEXT)
    plan, found = ControlPlan.of(trainer.corpus), reading(trainer)
    counts = np.bincount(plan.classes.ravel(), minlength=len(CLASSES))
    assert float(np.nansum(counts * np.array(found.classes)) / counts.sum()) == pytest.approx(found.seen)
    assert [math.isnan(loss) for loss in found.classes] == [count == 0 for count in counts.tolist()]
    assert np.mean(found.by_region) == pytest.approx(found.seen)


@pytest.mark.parametrize(
    ("characters", "name"),
    [
        ("aßéя", "lower"),
        ("AÉЯǅ", "upper"),
        ("07٣", "digit"),
        (" \t\xa0\u3000", "space"),
        ("\n\r\u2028", "line end"),
        (".,;'’-_()«»?!$+<>=^`|~&@#*/\\", "punctuation"),
        ("漢あ😀\x01½\u0301", "other"),
    ],
)
def test_characters_and_their_classes(characters: str, name: str) -> None:
    assert {character: class_of(character) for character in characters} == dict.fromkeys(characters, name)


def test_a_text_of_one_class() -> None:
    found = reading(trained("abcabdabe" * 200))
    assert found.classes[0] == pytest.approx(found.seen)
    assert all(math.isnan(loss) for loss in found.classes[1:])


def test_the_rarest_characters_are_those_of_the_last_hundredth() -> None:
    text = list("ab" * 6000)
    text[::150] = "z" * 80
    text[::400] = "q" * 30
    corpus = trained("".join(text), updates=0).corpus
    plan = ControlPlan.of(corpus)
    rare = {corpus.vocabulary.characters[entry] for entry in plan.training.targets[plan.rare]}
    assert rare == {"q", "z"}
    assert 0 < plan.rare.mean() <= 0.01
    assert math.isnan(reading(trained("ab" * 3000)).rarest)


@pytest.mark.parametrize("length", [20, 50, 300, 700])
def test_short_texts(length: int) -> None:
    found = reading(trained(TEXT[:length], streams=1, bptt="3"))
    assert math.isfinite(found.seen)
    assert math.isfinite(found.held_out)
    assert 0 < len(found.by_region) == len(found.regions) <= 2
    assert all(0 < region < 1 for region in found.regions)
    assert 0 < len(found.missed) <= 128
    assert np.isfinite(found.missed).all()
    json.dumps(asdict(found))


def test_characters_spelled_in_bytes_cost_what_all_their_bytes_do() -> None:
    rare = "".join(map(chr, range(0x4E00, 0x4E00 + 400)))
    trainer = trained("".join(a + "ab\n" + b for a, b in zip(rare, reversed(rare), strict=True)) * 5, vocabulary=257)
    per_char = trainer.corpus.tokens_per_char
    assert per_char > 1.5
    plan, found = ControlPlan.of(trainer.corpus), reading(trainer)
    plain = one_by_one(trainer.subject(), plan.training) * per_char
    assert found.seen == pytest.approx(plain.mean(), rel=1e-4)
    assert found.classes[CLASSES.index("other")] == pytest.approx(
        plain[plan.classes == CLASSES.index("other")].mean(), rel=1e-4
    )
    assert len(found.missed) == 128


def test_bfloat16_is_what_the_training_computes_in() -> None:
    # Not every processor has an LSTM of that number type.
    trainer = trained(TEXT, dtype="bfloat16", cell="gru")
    plain = one_by_one(trainer.subject(), ControlPlan.of(trainer.corpus).training).mean()
    assert reading(trainer).seen == pytest.approx(plain, rel=0.02)
    assert reading(trainer).seen != pytest.approx(plain, rel=1e-6)


def test_dropout_is_left_out() -> None:
    trainer = trained(TEXT, dropout=0.5)
    assert reading(trainer) == reading(trainer)


def test_what_is_not_asked_for_is_not_read() -> None:
    trainer = trained(TEXT)
    found, without = reading(trainer), reading(trainer, held_out=False)
    assert math.isnan(without.held_out)
    assert (without.seen, without.missed) == (found.seen, found.missed)


def test_a_network_that_is_not_finite_gives_no_numbers_and_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    trainer = trained(TEXT)
    with torch.no_grad():
        trainer.network.head.bias.fill_(float("nan"))
    found = reading(trainer)
    assert math.isnan(found.seen)
    assert np.isnan(found.missed).all()
    assert not [each for each in recwarn if each.category is RuntimeWarning]


@pytest.mark.parametrize("streams", [1, 3])
def test_it_leaves_no_trace_in_the_training(streams: int) -> None:
    states = []
    for disturbed in (False, True):
        trainer = trained(TEXT, streams=streams, dropout=0.0 if streams == 1 else 0.2)
        plan = ControlPlan.of(trainer.corpus)
        torch.manual_seed(5)
        before = torch.get_rng_state()
        for _ in range(4):
            if disturbed:
                control(trainer.subject(), plan)
            trainer.train(3)
        assert torch.equal(before, torch.get_rng_state())
        states.append(trainer.state())
    assert_same_bits(states[0], states[1], "disturbed")


def test_gradients_are_left_alone() -> None:
    trainer = trained(TEXT)
    kept = {name: copy.deepcopy(each.grad) for name, each in trainer.network.named_parameters()}
    reading(trainer)
    for name, each in trainer.network.named_parameters():
        gradient = kept[name]
        assert each.grad is None if gradient is None else each.grad is not None and torch.equal(gradient, each.grad)


def test_the_entries_of_a_vocabulary_that_spells_have_a_class_each() -> None:
    found = classes_of(Vocabulary("aB", spells=True))
    assert [CLASSES[each] for each in found[[0, 255, 256, 257]]] == ["other", "other", "lower", "upper"]
