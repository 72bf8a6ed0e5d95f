"""The compiled loops for one stream against plain autograd and finite differences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from engine.network.compute import choose
from engine.network.model import CELLS
from engine.settings import Settings
from engine.text.corpus import Corpus, read_corpus
from engine.training import one_stream
from engine.training.autograd import Autograd
from engine.training.one_stream import passes
from engine.training.trainer import Trainer
from tests.conftest import WORDS, small

KINDS: dict[str, Any] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
UPDATES = 4


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    path = tmp_path_factory.mktemp("text") / "words.txt"
    path.write_text(WORDS * 30)
    return read_corpus(path, path.name, 1024)


def trained(corpus: Corpus, chosen: Settings) -> Trainer:
    trainer = Trainer(corpus, chosen, choose(chosen))
    assert trainer.compiled
    return trainer


class Plain:
    """The network's forward pass in torch's own layers, with copies of the same parameters."""

    def __init__(self, trainer: Trainer, dtype: torch.dtype) -> None:
        chosen, size = trainer.settings, trainer.corpus.vocabulary.size
        self.embedding = nn.Embedding(size, chosen.embedding, dtype=dtype)
        self.rnn = KINDS[chosen.cell](chosen.embedding, chosen.hidden, chosen.layers, dtype=dtype)
        self.head = nn.Linear(chosen.hidden, size, dtype=dtype)
        self.parameters = [*self.embedding.parameters(), *self.rnn.parameters(), *self.head.parameters()]
        with torch.no_grad():
            for mine, theirs in zip(self.parameters, trainer.network.parameters(), strict=True):
                mine.copy_(theirs)
        self.state: Any = None

    def loss(self, ids: Tensor, targets: str) -> Tensor:
        outputs, self.state = self.rnn(self.embedding(ids[:-1]), self.state)
        logits, expected = self.head(outputs), ids[1:]
        if targets == "last":
            logits, expected = logits[-1:], expected[-1:]
        return functional.cross_entropy(logits, expected)


def optimiser(parameters: list[nn.Parameter], chosen: Settings) -> torch.optim.Optimizer:
    lr, decay = chosen.lr, chosen.weight_decay
    match chosen.optimizer:
        case "adamw":
            return torch.optim.AdamW(parameters, lr, (0.9, 0.99), weight_decay=decay, foreach=False)
        case "adam":
            return torch.optim.Adam(parameters, lr, (0.9, 0.99), weight_decay=decay, foreach=False)
        case "rmsprop":
            return torch.optim.RMSprop(parameters, lr, weight_decay=decay, foreach=False)
    return torch.optim.SGD(parameters, lr, momentum=0.9, weight_decay=decay, foreach=False)


CASES = st.fixed_dictionaries(
    {
        "cell": st.sampled_from(tuple(CELLS)),
        "layers": st.integers(1, 3),
        "hidden": st.integers(1, 40),
        "embedding": st.integers(1, 40),
        "bptt": st.one_of(
            st.integers(1, 64).map(str),
            st.tuples(st.integers(1, 30), st.integers(31, 64)).map(lambda ends: f"{ends[0]}-{ends[1]}"),
            st.integers(1, 20).map(lambda mean: f"geom:{mean}"),
        ),
        "targets": st.sampled_from(("all", "last")),
        "optimizer": st.sampled_from(("adamw", "adam", "rmsprop", "sgd")),
        "clip_by": st.sampled_from(("norm", "value")),
        "clip": st.sampled_from((None, 1e-3, 0.1, 10.0)),
        "weight_decay": st.sampled_from((0.0, 0.1)),
        "seed": st.integers(0, 1000),
    }
)


@given(CASES)
@settings(max_examples=50)
def test_every_training_of_one_stream_agrees_with_plain_autograd(corpus: Corpus, case: dict[str, Any]) -> None:
    check(corpus, case)


@pytest.mark.soak
@given(CASES)
@settings(max_examples=400)
def test_very_many_trainings_of_one_stream_agree_with_plain_autograd(corpus: Corpus, case: dict[str, Any]) -> None:
    check(corpus, case)


def check(corpus: Corpus, case: dict[str, Any]) -> None:
    """Compare each update of a training with torch's own."""
    chosen = small(streams=1, warmup=0, lr=1e-4, **case)
    trainer = trained(corpus, chosen)
    plain = Plain(trainer, torch.float32)
    steps = optimiser(plain.parameters, chosen)
    text, place = torch.from_numpy(corpus.training[:].astype(np.int64)), 0
    doubtful = [torch.zeros_like(parameter) for parameter in plain.parameters]
    for _ in range(UPDATES):
        before = [parameter.detach().clone() for parameter in plain.parameters]
        measured = trainer.train()
        length = measured.length
        places = torch.arange(place, place + length + 1) % len(text)
        place = (place + length) % len(text)
        loss = plain.loss(text[places], chosen.targets)
        steps.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [parameter.grad for parameter in plain.parameters if parameter.grad is not None]
        norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
        largest = max(float(gradient.abs().max()) for gradient in gradients)
        if chosen.clip is not None and chosen.clip_by == "norm":
            nn.utils.clip_grad_norm_(plain.parameters, chosen.clip)
        elif chosen.clip is not None:
            nn.utils.clip_grad_value_(plain.parameters, chosen.clip)
        if chosen.optimizer != "sgd":
            # These divide by the size of the gradient: where that is only rounding noise, so are all later steps.
            decay = 0.0 if chosen.optimizer == "adamw" else chosen.weight_decay
            followed = [gradient + decay * old for gradient, old in zip(gradients, before, strict=True)]
            noise = 1e-3 * max(float(gradient.abs().max()) for gradient in (*gradients, *followed))
            for doubt, gradient in zip(doubtful, followed, strict=True):
                doubt += (gradient.abs() < noise) & (gradient != 0)
        steps.step()
        state = plain.state
        plain.state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()

        assert measured.mean_loss == pytest.approx(float(loss.detach()), rel=1e-5, abs=1e-6)
        assert measured.gradient_norms[-1] == pytest.approx(float(norm), rel=1e-4, abs=1e-6)
        reached = largest if chosen.clip_by == "value" else float(norm)
        if chosen.clip is None or abs(reached / chosen.clip - 1) > 1e-3:
            assert bool(measured.clipped) == (chosen.clip is not None and reached > chosen.clip)
        for mine, theirs, old, doubt in zip(
            trainer.network.parameters(), plain.parameters, before, doubtful, strict=True
        ):
            step = float((theirs.detach() - old).abs().max())
            allowed = 1e-6 + 1e-4 * theirs.detach().abs() + step * (0.02 + doubt)
            assert bool(((mine - theirs).detach().abs() <= allowed).all()), case


@pytest.mark.parametrize("length", [1, 9])
@pytest.mark.parametrize("cell", KINDS)
def test_gradients_agree_with_finite_differences_in_float64(corpus: Corpus, cell: str, length: int) -> None:
    rate = 1e-2
    chosen = small(
        cell=cell, streams=1, layers=2, bptt=str(length), optimizer="sgd", lr=rate, clip=None, warmup=0, embedding=5
    )
    trainer = trained(corpus, chosen)
    trainer.train(3)  # so that a state is carried into the window
    exact = Plain(trainer, torch.float64)
    carried = [tensor.double() for name, tensor in trainer.state().tensors.items() if name.startswith("carried")]
    hidden = torch.cat(carried[::2] if cell == "lstm" else carried)
    state = (hidden, torch.cat(carried[1::2])) if cell == "lstm" else hidden
    velocity = {name: tensor.clone() for name, tensor in trainer.state().tensors.items() if "momentum" in name}
    ids = torch.from_numpy(corpus.training[3 * length : 4 * length + 1].astype(np.int64))[:, None]
    before = [parameter.detach().clone() for parameter in trainer.network.parameters()]
    trainer.train()
    names = [name for name, _ in trainer.network.named_parameters()]
    random = np.random.default_rng(0)
    for parameter, old, name in zip(exact.parameters, before, names, strict=True):
        new = dict(trainer.network.named_parameters())[name].detach()
        made = (old - new) / rate - 0.9 * velocity[f"optimiser.{name}:momentum_buffer"]
        for place in {0, *random.integers(0, parameter.numel(), 4).tolist()}:
            losses = []
            for shift in (1e-5, -1e-5):
                exact.state = state
                with torch.no_grad():
                    parameter.view(-1)[place] += shift
                    losses.append(float(functional.cross_entropy(_logits(exact, ids), ids[1:, 0])))
                    parameter.view(-1)[place] -= shift
            difference = (losses[0] - losses[1]) / 2e-5
            assert float(made.view(-1)[place]) == pytest.approx(difference, rel=1e-3, abs=2e-5), (name, place)


def _logits(plain: Plain, ids: Tensor) -> Tensor:
    outputs, _ = plain.rnn(plain.embedding(ids[:-1]), plain.state)
    logits: Tensor = plain.head(outputs)[:, 0]
    return logits


@pytest.mark.parametrize("law", ["1", "3-9", "geom:5"])
def test_the_bits_do_not_depend_on_how_many_updates_a_call_makes(corpus: Corpus, law: str) -> None:
    one, other = (trained(corpus, small(streams=1, bptt=law, layers=2)) for _ in range(2))
    one.train(30)  # ends with the warm-up
    one.train(35)
    for count in (1, 4, 3, 12, 20):
        other.train(count)
    assert one.counters.updates == other.counters.updates == 40
    for name, tensor in one.state().tensors.items():
        assert torch.equal(tensor, other.state().tensors[name]), name


def test_an_update_that_is_not_finite_ends_the_call_and_changes_nothing(corpus: Corpus) -> None:
    trainer = trained(corpus, small(streams=1, bptt="geom:3", lr=1e-3, warmup=0, layers=2))
    trainer.train(10)
    before = trainer.state()
    with torch.no_grad():
        trainer.network.head.bias[0] = float("nan")
    measured = trainer.train(20)
    assert (measured.updates, measured.broken) == (0, "the loss is nan")
    with torch.no_grad():
        trainer.network.head.bias.copy_(before.tensors["network.head.bias"])
    after = trainer.state()
    assert (after.counters, after.random.lengths) == (before.counters, before.random.lengths)
    for name, tensor in before.tensors.items():
        assert torch.equal(after.tensors[name], tensor), name


def test_a_training_that_breaks_midway_keeps_the_updates_before(corpus: Corpus) -> None:
    chosen = small(streams=1, bptt="1", warmup=0)
    trainer, again = trained(corpus, chosen), trained(corpus, chosen)
    first = corpus.training[:].tolist().index(corpus.vocabulary.encode("j")[0])
    for each in (trainer, again):
        with torch.no_grad():
            each.network.embedding.weight[corpus.training[:].tolist()[first]] = float("nan")
    measured = trainer.train(50)
    assert measured.updates == trainer.counters.updates == first
    assert measured.broken == "the loss is nan"
    assert np.isfinite([measured.mean_loss, *measured.gradient_norms, *measured.matrix_norm_sums]).all()
    again.train(first)
    for name, tensor in trainer.state().tensors.items():
        torch.testing.assert_close(tensor, again.state().tensors[name], rtol=0, atol=0, equal_nan=True)


def test_dropout_is_left_to_autograd_and_both_share_one_state(corpus: Corpus) -> None:
    trainer = trained(corpus, small(streams=1, bptt="5", warmup=0))
    compiled = []
    for dropout in ("0", "0.3", "0"):
        trainer.turn(trainer.settings.with_text("dropout", dropout))
        compiled.append(trainer.compiled)
        before = trainer.network.head.weight.detach().clone()
        assert trainer.train(6).updates == 6
        assert not torch.equal(before, trainer.network.head.weight)
    assert compiled == [True, False, True]
    steps = {float(tensor) for name, tensor in trainer.state().tensors.items() if name.endswith(":step")}
    assert steps == {18.0}


def test_the_two_ways_agree_after_many_updates(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = small(streams=1, bptt="10", hidden=24, optimizer="sgd", lr=0.05)
    one = trained(corpus, chosen)
    first = [one.train().mean_loss for _ in range(60)]
    monkeypatch.setattr(Trainer, "compiled", False)
    other = Trainer(corpus, chosen, choose(chosen))
    assert isinstance(other._autograd, Autograd)
    assert [other.train().mean_loss for _ in range(60)] == pytest.approx(first, rel=1e-3)


def test_a_long_window_and_a_large_vocabulary(tmp_path: Path) -> None:
    path = tmp_path / "wide.txt"
    path.write_text("".join(chr(0x4E00 + number * 7 % 2000) for number in range(9000)))
    wide = read_corpus(path, path.name, 4096)
    trainer = trained(wide, small(streams=1, bptt="3000", warmup=0))
    plain = Plain(trainer, torch.float32)
    ids = torch.from_numpy(wide.training[:3001].astype(np.int64))
    assert trainer.train().mean_loss == pytest.approx(float(plain.loss(ids, "all").detach()), rel=1e-5)


def test_a_cell_without_compiled_passes_is_refused_by_both(corpus: Corpus) -> None:
    loops = trained(corpus, small(streams=1, cell="rnn"))._one_stream
    assert loops is not None
    loops._make_room(4)
    network = loops._network()._replace(cell=1 + max(one_stream.CELLS.values()))
    with pytest.raises(NotImplementedError, match=r"^the forward pass of this cell$"):
        passes.forward(network, loops._room, np.zeros(1, np.int64))
    with pytest.raises(NotImplementedError, match=r"^the backward pass of this cell$"):
        passes.backward(network, loops._room, 1, 1)
