"""The explicit recursion against autograd through single cells, and the numbers read from its curve."""

from __future__ import annotations

import math
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from engine.instruments import gradient_by_lag as module
from engine.instruments.gradient_by_lag import gradient_by_lag, lag_norms
from engine.network.model import CELLS, CharRNN
from engine.training.subject import Stretch, Subject
from tests.engine.instruments.reference import NETWORKS, Loop, lane, trained


def by_autograd(network: CharRNN, stretch: Stretch, dtype: torch.dtype) -> Tensor:
    """One lane after the other, each hidden state's gradient retained: (time, lanes)."""
    loop = Loop(network, dtype)
    norms = []
    for number in range(stretch.inputs.shape[1]):
        one = lane(stretch, number)
        logits, hiddens, _ = loop(one)
        for states in hiddens:
            for hidden in states:
                hidden.retain_grad()
        functional.cross_entropy(logits[-1], one.targets[-1]).backward()  # type: ignore[no-untyped-call]
        norms.append(torch.stack([_together(states) for states in reversed(hiddens)]))
    return torch.stack(norms, dim=1)


def _together(states: list[Tensor]) -> Tensor:
    """The norm of all layers' gradients; the reference's own underflow is kept out of it."""
    gradients = [hidden.grad for hidden in states if hidden.grad is not None]
    norm: Tensor = torch.linalg.vector_norm(torch.cat([gradient.double().flatten() for gradient in gradients]))
    return norm


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("cell", "layers", "streams"), NETWORKS)
def test_each_lane_and_lag_is_autograds(text: Path, cell: str, layers: int, streams: int, dtype: torch.dtype) -> None:
    trainer = trained(text, cell=cell, layers=layers, streams=streams)
    stretch = trainer.subject().ahead(40, 4)
    expected = by_autograd(trainer.network, stretch, dtype)
    network = deepcopy(trainer.network).to(dtype)
    found = lag_norms(network, stretch)
    # At large lags the result is a difference of nearly equal numbers, in the reference as well.
    negligible = 1e-9 * float(expected[0].max())
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=negligible)


@pytest.mark.parametrize("cell", CELLS)
def test_the_reading_is_the_root_mean_square(text: Path, cell: str) -> None:
    trainer = trained(text, cell=cell, layers=2, bptt="30")
    subject = trainer.subject()
    reading = gradient_by_lag(subject)
    expected = by_autograd(trainer.network, subject.ahead(121, 8), torch.float64).square().mean(1).sqrt()
    assert len(reading.relative) == 121
    assert reading.norm == pytest.approx(float(expected[0]), rel=1e-4)
    assert reading.relative == pytest.approx((expected / expected[0]).tolist(), rel=1e-4, abs=1e-9)
    assert 0 < reading.decay < 1.2


@pytest.mark.parametrize(
    ("streams", "bptt", "lags", "lanes"), [(1, "1", 64, 8), (16, "64", 256, 4), (1, "64", 256, 4), (3, "500", 512, 2)]
)
def test_how_much_is_looked_at(
    text: Path, monkeypatch: pytest.MonkeyPatch, streams: int, bptt: str, lags: int, lanes: int
) -> None:
    seen: list[torch.Size] = []

    def listen(network: CharRNN, stretch: Stretch) -> Tensor:
        seen.append(stretch.inputs.shape)
        return lag_norms(network, stretch)

    monkeypatch.setattr(module, "lag_norms", listen)
    reading = gradient_by_lag(trained(text, 1, streams=streams, bptt=bptt).subject())
    assert seen == [(lags + 1, lanes)]
    assert len(reading.relative) == lags + 1


def test_no_lag_is_longer_than_the_text(tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text("to be or not to be, that is the question")
    reading = gradient_by_lag(trained(path, 1, streams=1, bptt="20").subject())
    assert len(reading.relative) == 35


def with_curve(monkeypatch: pytest.MonkeyPatch, subject: Subject, curve: list[float]) -> module.GradientByLag:
    monkeypatch.setattr(module, "lag_norms", lambda _network, _stretch: torch.tensor([curve, curve]).double().T)
    return gradient_by_lag(subject)


def test_what_is_read_from_a_curve(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = trained(text, 1).subject()
    half = with_curve(monkeypatch, subject, [4 * 0.5**lag for lag in range(65)])
    assert (half.norm, half.relative[1]) == (4, 0.5)
    assert half.decay == pytest.approx(0.5)
    assert half.half_life == pytest.approx(1)
    assert half.reach == 7
    flat = with_curve(monkeypatch, subject, [2.0] * 65)
    assert (flat.decay, flat.half_life, flat.reach) == (1, math.inf, 65)
    growing = with_curve(monkeypatch, subject, [1.1**lag for lag in range(65)])
    assert growing.decay == pytest.approx(1.1)
    assert (growing.half_life, growing.reach) == (math.inf, 65)
    sudden = with_curve(monkeypatch, subject, [1.0, 1e-6] + [0.0] * 63)
    assert sudden.decay == pytest.approx(1e-6)
    assert sudden.reach == 1
    gone = with_curve(monkeypatch, subject, [1.0] + [0.0] * 64)
    assert (gone.decay, gone.half_life, gone.reach) == (0, 0, 1)
    returning = with_curve(monkeypatch, subject, [1.0, 0.5, 0.001, 0.5] + [0.0] * 61)
    assert returning.reach == 4


def test_a_curve_that_is_nothing_or_no_number(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = trained(text, 1).subject()
    none = with_curve(monkeypatch, subject, [0.0] * 65)
    assert (none.norm, set(none.relative), none.reach) == (0, {0}, 0)
    assert math.isnan(none.decay)
    broken = with_curve(monkeypatch, subject, [1.0, 2.0, math.inf] + [math.nan] * 62)
    assert broken.reach == 65
    assert not math.isfinite(broken.decay)
    nowhere = with_curve(monkeypatch, subject, [math.nan] * 65)
    assert math.isnan(nowhere.half_life)


def test_a_gradient_that_fades_is_followed_only_as_far_as_it_is_one(text: Path) -> None:
    trainer = trained(text, 0, cell="rnn", bptt="64")
    with torch.no_grad():
        trainer.network.rnn[0].get_parameter("weight_hh_l0").mul_(0.05)
    subject = trainer.subject()
    reading = gradient_by_lag(subject)
    assert reading.relative[-1] == 0
    assert 0 < reading.relative[8] < 1e-4
    assert reading.decay < 0.3
