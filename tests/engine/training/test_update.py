"""One update against references in plain autograd, written without any of the engine's code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.network.compute import choose
from engine.network.model import CELLS
from engine.settings import PRESETS, Settings
from engine.text.corpus import read_corpus
from engine.text.withheld import BLOCK
from engine.training.trainer import Trainer
from tests.conftest import small

KINDS: dict[str, Any] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


def make(text: Path, settings: Settings, shards: int = 1) -> Trainer:
    compute = replace(choose(settings), shards=shards, threads=shards)
    return Trainer(read_corpus(text, text.name, settings.vocabulary), settings, compute)


class Reference:
    """The same training with one `nn` module over all layers, its loss summed character by character."""

    def __init__(self, trainer: Trainer, ids: list[int]) -> None:
        settings = trainer.settings
        self.settings, self.ids = settings, torch.tensor(ids)
        self.emb = nn.Embedding(trainer.corpus.vocabulary.size, settings.embedding)
        self.rnn = KINDS[settings.cell](settings.embedding, settings.hidden, settings.layers)
        self.out = nn.Linear(settings.hidden, trainer.corpus.vocabulary.size)
        state = trainer.network.state_dict()
        with torch.no_grad():
            self.emb.weight.copy_(state["embedding.weight"])
            self.out.weight.copy_(state["head.weight"])
            self.out.bias.copy_(state["head.bias"])
            for layer in range(settings.layers):
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                    getattr(self.rnn, f"{name}_l{layer}").copy_(state[f"rnn.{layer}.{name}_l0"])
        self.parameters = [*self.emb.parameters(), *self.rnn.parameters(), *self.out.parameters()]
        build: dict[str, Any] = {
            "adamw": lambda: torch.optim.AdamW(self.parameters, betas=(0.9, 0.99), weight_decay=0.0, foreach=False),
            "adam": lambda: torch.optim.Adam(self.parameters, betas=(0.9, 0.99), foreach=False),
            "rmsprop": lambda: torch.optim.RMSprop(self.parameters, foreach=False),
            "sgd": lambda: torch.optim.SGD(self.parameters, momentum=0.9, foreach=False),
        }
        self.optimizer = build[settings.optimizer]()
        self.cursor = [stream * len(ids) // settings.streams for stream in range(settings.streams)]
        self.hidden: Tensor | tuple[Tensor, Tensor] | None = None
        self.done = 0

    def step(self, length: int) -> float:
        places = [[(begin + t) % len(self.ids) for begin in self.cursor] for t in range(length + 1)]
        window = self.ids[torch.tensor(places)]
        output, self.hidden = self.rnn(self.emb(window[:-1]), self.hidden)
        losses = [functional.cross_entropy(self.out(output[t]), window[t + 1]) for t in range(length)]
        loss = torch.stack(losses).mean() if self.settings.targets == "all" else losses[-1]
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.settings.clip is not None and self.settings.clip_by == "norm":
            nn.utils.clip_grad_norm_(self.parameters, self.settings.clip)
        elif self.settings.clip is not None:
            nn.utils.clip_grad_value_(self.parameters, self.settings.clip)
        self.done += 1
        self.optimizer.param_groups[0]["lr"] = self.settings.lr * min(1.0, self.done / self.settings.warmup)
        self.optimizer.step()
        hidden = self.hidden
        self.hidden = tuple(h.detach() for h in hidden) if isinstance(hidden, tuple) else hidden.detach()
        self.cursor = [(begin + length) % len(self.ids) for begin in self.cursor]
        return float(loss.detach())


def check(trainer: Trainer, updates: int) -> None:
    reference = Reference(trainer, trainer.corpus.training[:].tolist())
    for _ in range(updates):
        made = trainer.train()
        assert reference.step(made.length) == pytest.approx(made.mean_loss, rel=2e-5)
    for mine, theirs in (
        (trainer.network.embedding.weight, reference.emb.weight),
        (trainer.network.head.weight, reference.out.weight),
        (trainer.network.matrices()["rnn.hh0"], reference.rnn.weight_hh_l0),
    ):
        torch.testing.assert_close(mine, theirs, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("preset", PRESETS)
def test_each_preset_agrees_with_plain_autograd(text: Path, preset: str, cell: str) -> None:
    rule = PRESETS[preset]
    streams = rule["streams"]
    assert isinstance(streams, int)
    settings = small(cell=cell, bptt=str(rule["bptt"]), streams=streams, targets=rule["targets"])
    check(make(text, settings), updates=25)


@pytest.mark.parametrize("shards", [2, 3])
@pytest.mark.parametrize("targets", ["all", "last"])
@pytest.mark.parametrize("cell", CELLS)
def test_streams_that_are_shared_out_agree(text: Path, cell: str, targets: str, shards: int) -> None:
    check(make(text, small(cell=cell, targets=targets, bptt="3-9", streams=5, layers=2), shards), updates=10)


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "rmsprop", "sgd"])
@pytest.mark.parametrize("law", ["1", "3-9", "geom:5"])
@pytest.mark.parametrize("targets", ["all", "last"])
def test_each_optimiser_law_and_target_agrees(text: Path, optimizer: str, law: str, targets: str) -> None:
    check(make(text, small(optimizer=optimizer, bptt=law, targets=targets, lr=1e-3, layers=2)), updates=10)


@pytest.mark.parametrize(("clip", "by"), [(0.05, "norm"), (0.002, "value"), (None, "norm")])
def test_clipping_agrees(text: Path, clip: float | None, by: str) -> None:
    check(make(text, small(clip=clip, clip_by=by, optimizer="sgd", lr=0.1)), updates=10)


def test_the_gradient_agrees_with_finite_differences_in_float64(text: Path) -> None:
    trainer = make(text, small(clip=None, streams=2, bptt="5"))
    network = trainer.network.double()
    ids = torch.from_numpy(trainer.corpus.training[:12].astype(np.int64)).reshape(2, 6).T

    def loss() -> Tensor:
        outputs, _ = network(ids[:-1], tuple(state.double() for state in network.zero_state(2)))
        return functional.cross_entropy(network.head(outputs).flatten(0, 1), ids[1:].flatten())

    weight = network.matrices()["rnn.hh0"]
    (gradient,) = torch.autograd.grad(loss(), weight)
    step = 1e-6
    for place in ((0, 0), (5, 3), (40, 11)):
        with torch.no_grad():
            weight[place] += step
            above = float(loss())
            weight[place] -= 2 * step
            below = float(loss())
            weight[place] += step
        assert (above - below) / (2 * step) == pytest.approx(float(gradient[place]), rel=1e-5, abs=1e-9)


def test_norms_are_those_before_clipping(text: Path) -> None:
    trainer = make(text, small(clip=1e-3))
    made = trainer.train()
    assert made.clipped == 1
    after = {
        name: float(matrix.grad.norm())
        for name, matrix in trainer.network.matrices().items()
        if matrix.grad is not None
    }
    shrunk = 1e-3 / made.gradient_norms[0]
    for norm, name in zip(made.matrix_norm_sums, after, strict=True):
        assert norm * shrunk == pytest.approx(after[name], rel=1e-3)


def test_an_update_that_is_not_finite_changes_nothing(text: Path) -> None:
    trainer = make(text, small(bptt="geom:6", dropout=0.3))
    for _ in range(5):
        trainer.train()
    with torch.no_grad():
        trainer.network.head.bias[0] = float("inf")
    before = trainer.state()
    measured = trainer.train()
    assert measured.updates == 0
    assert "loss is" in measured.broken
    after = trainer.state()
    assert after.counters == before.counters
    assert after.random.lengths == before.random.lengths
    assert torch.equal(after.random.dropout, before.random.dropout)
    for name, tensor in before.tensors.items():
        assert torch.equal(after.tensors[name], tensor), name


def test_a_network_begins_at_the_letter_frequencies(text: Path) -> None:
    trainer = make(text, small(warmup=0))
    counts = np.bincount(trainer.corpus.training[:], minlength=trainer.corpus.vocabulary.size) + 1
    shares = counts / counts.sum()
    assert trainer.network.head.bias.detach().numpy() == pytest.approx(np.log(shares), rel=1e-5)
    entropy = float(-(shares * np.log(shares)).sum())
    assert trainer.train().mean_loss == pytest.approx(entropy, abs=0.5)


def test_the_validation_split_is_never_trained_on(text: Path) -> None:
    trainer = make(text, small(streams=1, bptt="40"))
    corpus = trainer.corpus
    assert len(corpus.validation) == len(corpus.ids) // 10
    assert len(corpus.training) + BLOCK * len(corpus.withheld) + len(corpus.validation) == len(corpus.ids)


def test_bfloat16_trains_as_float32_does_within_noise(text: Path) -> None:
    losses = {}
    for dtype in ("float32", "bfloat16"):
        trainer = make(text, small(cell="gru", dtype=dtype, hidden=32, bptt="20", lr=1e-2))
        losses[dtype] = [trainer.train().mean_loss for _ in range(150)][-20:]
    assert np.mean(losses["bfloat16"]) == pytest.approx(np.mean(losses["float32"]), rel=0.05)
