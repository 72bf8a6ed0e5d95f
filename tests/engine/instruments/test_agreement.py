"""Signal and noise against every pair of gradients, each through single cells in float64."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.instruments.agreement import agreement
from engine.network.compute import choose
from engine.settings import Settings
from engine.text.corpus import read_corpus
from engine.training.subject import Stretch
from engine.training.trainer import Trainer
from engine.windows import LengthLaw
from tests.engine.instruments.reference import NETWORKS, Loop, flat, trained
from tests.ladders.texts import accented


def gradients(trainer: Trainer, length: int, streams: int) -> list[Tensor]:
    """The gradients of the next windows, read from the text itself, with the state carried from window to window."""
    loop, subject, ids = Loop(trainer.network), trainer.subject(), trainer.corpus.training[:]
    chosen = [place * trainer.settings.streams // streams for place in range(streams)]
    state = tuple(tensor[:, chosen].double() for tensor in subject.carried)
    found = []
    for begin in range(0, min(32, max(2, 2048 // (length * streams))) * length, length):
        read = [
            [int(ids[(int(subject.cursors[lane]) + begin + step) % len(ids)]) for lane in chosen]
            for step in range(length + 1)
        ]
        here = Stretch(torch.tensor(read[:-1]), torch.tensor(read[1:]), state)
        found.append(flat(loop.gradient(here, trainer.settings.targets)))
        _, hiddens, memories = loop(here)
        after = zip(hiddens[-1], memories[-1], strict=True) if memories[-1] else ((hidden,) for hidden in hiddens[-1])
        state = tuple(tensor.detach()[None] for tensors in after for tensor in tensors)
    return found


def check(trainer: Trainer, length: int, streams: int, part: float = 1.0) -> None:
    """Compare a reading with every pair of gradients, each of so large a part of an update's targets."""
    found = gradients(trainer, length, streams)
    pairs = list(itertools.combinations(found, 2))
    signal = sum(float(one @ other) for one, other in pairs) / len(pairs)
    cosine = sum(float(one @ other / (one.norm() * other.norm())) for one, other in pairs) / len(pairs)
    square = sum(float(gradient @ gradient) for gradient in found) / len(found)
    reading = agreement(trainer.subject())
    assert reading.cosine == pytest.approx(cosine, rel=1e-4, abs=1e-6)
    assert reading.signal == pytest.approx(signal, rel=1e-4, abs=1e-6 * square)
    noise = (square - signal) * part
    assert reading.noise == pytest.approx(noise, rel=1e-4)
    assert reading.share == pytest.approx(min(max(signal / (signal + noise), 0), 1), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("targets", ["all", "last"])
@pytest.mark.parametrize(("cell", "layers", "streams"), NETWORKS)
def test_against_every_pair(text: Path, cell: str, layers: int, streams: int, targets: str) -> None:
    check(trained(text, cell=cell, layers=layers, streams=streams, targets=targets), 7, streams)


@pytest.mark.parametrize(
    ("changes", "length", "lanes", "part"),
    [
        ({"streams": 40, "bptt": "2"}, 2, 16, 16 / 40),
        ({"streams": 1, "bptt": "geom:11"}, 11, 1, 1),
        ({"streams": 1, "bptt": "1"}, 1, 1, 1),
        ({"streams": 2, "bptt": "70"}, 64, 2, 64 / 70),
        ({"streams": 2, "bptt": "70", "targets": "last"}, 64, 2, 1),
        ({"streams": 3, "bptt": "3-8", "dropout": 0.5}, 6, 3, 1),
    ],
)
def test_what_of_an_update_is_read(text: Path, changes: dict[str, Any], length: int, lanes: int, part: float) -> None:
    check(trained(text, **changes), length, lanes, part)


def test_a_part_of_each_update_tells_the_noise_of_the_whole() -> None:
    """With a quarter of the effort the batches that are read are a quarter as large, and the share is the same."""
    settings = Settings(hidden=16, embedding=8, streams=16, bptt=LengthLaw.fixed(64), threads=1, dtype="float32")
    text = accented(Random(3), 200_000)
    trainer = Trainer(read_corpus(text.encode(), "a text", 1024), settings, choose(settings))
    shares: dict[float, list[float]] = {1.0: [], 0.25: []}
    for _ in range(12):
        trainer.train(4)
        for effort, found in shares.items():
            found.append(agreement(trainer.subject(), effort).share)
    whole, part = (fmean(found) for found in shares.values())
    assert part == pytest.approx(whole, rel=0.25)


def test_the_same_text_again_and_again_agrees(tmp_path: Path) -> None:
    path = tmp_path / "again.txt"
    path.write_text("abcdefg" * 300)
    trainer = trained(path, 0, bptt="14", streams=1)
    reading = agreement(trainer.subject())
    assert reading.cosine > 0.95
    assert reading.share > 0.9


def test_no_gradient_agrees_with_nothing(text: Path) -> None:
    trainer = trained(text, 1, streams=1, bptt="1")
    with torch.no_grad():
        trainer.network.head.weight.zero_()
        trainer.network.head.bias.fill_(float("nan"))
    reading = agreement(trainer.subject())
    assert math.isnan(reading.cosine)
    assert math.isnan(reading.share)
