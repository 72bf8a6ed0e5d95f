"""The same network as plainly as it can be written: one cell and one character at a time, by torch's autograd."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from engine.network.compute import choose
from engine.network.model import CharRNN
from engine.text.corpus import read_corpus
from engine.training.subject import Stretch
from engine.training.trainer import Trainer
from tests.conftest import small

CELLS: dict[str, Any] = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}

NETWORKS = [
    pytest.param(cell, layers, streams, marks=() if (2 * place + layers - 1) % 3 == kind else pytest.mark.soak)
    for place, cell in enumerate(CELLS)
    for layers in (1, 2)
    for kind, streams in enumerate((1, 3, 16))
]
"""The networks that every instrument is tested with: cell, layers, streams. Outside of the soak each cell has each
number of layers once, and each number of layers has each number of streams once."""


def trained(text: Path, updates: int = 12, **changes: Any) -> Trainer:
    settings = small(**changes)
    trainer = Trainer(read_corpus(text, text.name, settings.vocabulary), settings, choose(settings))
    for _ in range(updates):
        trainer.train()
    return trainer


class Loop(nn.Module):
    """The reference network, with the parameters of a `CharRNN` in the same order and as `dtype`."""

    def __init__(self, network: CharRNN, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        entries, size = network.embedding.weight.shape
        self.cell = network.cell
        self.embedding = nn.Embedding(entries, size)
        sizes = [size] + [network.hidden] * (len(network.rnn) - 1)
        self.cells = nn.ModuleList(CELLS[network.cell](inputs, network.hidden) for inputs in sizes)
        self.head = nn.Linear(network.hidden, entries)
        self.to(dtype)
        with torch.no_grad():
            for mine, theirs in zip(self.parameters(), network.parameters(), strict=True):
                mine.copy_(theirs)

    def forward(self, stretch: Stretch) -> tuple[Tensor, list[list[Tensor]], list[list[Tensor]]]:
        """Logits (time, lanes, V), and for each character the hidden and the cell states of every layer."""
        per_layer = 2 if self.cell == "lstm" else 1
        states = [state[0].to(self.head.weight.dtype) for state in stretch.before]
        logits, hiddens, memories = [], [], []
        for ids in stretch.inputs:
            values = self.embedding(ids)
            for layer, cell in enumerate(self.cells):
                if per_layer > 1:
                    states[2 * layer], states[2 * layer + 1] = cell(values, (states[2 * layer], states[2 * layer + 1]))
                else:
                    states[layer] = cell(values, states[layer])
                values = states[layer * per_layer]
            hiddens.append(states[::per_layer])
            memories.append(states[1::2] if per_layer > 1 else [])
            logits.append(self.head(values))
        return torch.stack(logits), hiddens, memories

    def loss(self, stretch: Stretch, targets: str) -> Tensor:
        """The mean loss over the targets, computed from its definition."""
        logits, _, _ = self(stretch)
        chosen = logits.log_softmax(2).gather(2, stretch.targets[:, :, None])[:, :, 0]
        loss: Tensor = -(chosen if targets == "all" else chosen[-1]).mean()
        return loss

    def gradient(self, stretch: Stretch, targets: str) -> list[Tensor]:
        return list(torch.autograd.grad(self.loss(stretch, targets), list(self.parameters())))


def lane(stretch: Stretch, number: int) -> Stretch:
    """One lane of a stretch."""
    here = slice(number, number + 1)
    return Stretch(stretch.inputs[:, here], stretch.targets[:, here], tuple(state[:, here] for state in stretch.before))


def flat(tensors: list[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])
