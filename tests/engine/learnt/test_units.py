"""Units that follow a property, on planted states, trained networks and networks that have learnt nothing."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.metrics import balanced_accuracy_score
from torch import nn

from engine.learnt.properties import Labels
from engine.learnt.switching_off import Without, _mean, switched_off
from engine.learnt.units import RIDGE, follow
from engine.network.compute import Compute
from engine.network.model import CELLS, CharRNN
from tests.conftest import small

LENGTH, UNITS = 4_000, 32


def stretches(random: np.random.Generator, mean: int = 20) -> Labels:
    """Labels that hold for stretches of some characters."""
    lengths = random.geometric(1 / mean, 2 * LENGTH // mean + 10)
    return cast(Labels, np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)[:LENGTH])


def mixed(random: np.random.Generator) -> torch.Tensor:
    """States of units that all move, and depend on each other."""
    noise = random.normal(size=(LENGTH, UNITS))
    for time in range(1, LENGTH):
        noise[time] = 0.7 * noise[time - 1] + 0.5 * noise[time]
    return torch.tensor(noise @ random.normal(size=(UNITS, UNITS)) / UNITS**0.5, dtype=torch.float32)


@pytest.mark.parametrize("seed", range(20))
def test_the_planted_unit_is_named_and_nothing_after_shuffling(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels, states = stretches(random), mixed(random)
    unit = int(random.integers(UNITS))
    states[:, unit] += torch.from_numpy(np.where(labels, 2.5, -2.5)).float()
    (found,) = follow(states, torch.zeros_like(states), {"planted": labels})
    assert (found.unit, found.named) == (unit, True)
    assert found.accuracy > found.by_chance
    shuffled = np.roll(labels, LENGTH // 3)[::-1].copy()
    (found,) = follow(states, torch.zeros_like(states), {"shuffled": shuffled})
    assert not found.named
    assert abs(found.linear - 0.5) < 0.1


def test_accuracies_are_those_of_another_library() -> None:
    random = np.random.default_rng(0)
    labels, states = stretches(random), mixed(random)
    states[:, 7] += torch.from_numpy(np.where(labels, 1.0, -1.0)).float()
    (found,) = follow(states, torch.zeros_like(states), {"planted": labels})
    half = LENGTH // 2
    scaled = ((states - states[:half].mean(0)) / states[:half].std(0)).numpy()
    weights = np.where(labels[:half], 0.5 / labels[:half].mean(), 0.5 / (~labels[:half]).mean())
    probe = Ridge(alpha=RIDGE * half, solver="cholesky")
    probe.fit(scaled[:half], np.where(labels[:half], 1.0, -1.0), sample_weight=weights)
    told = probe.predict(scaled[half:]) > 0
    assert found.linear == pytest.approx(balanced_accuracy_score(labels[half:], told), abs=1e-3)
    best = max(
        (balanced_accuracy_score(labels[:half], scaled[:half, 7] > edge), edge) for edge in np.linspace(-2, 2, 200)
    )
    expected = balanced_accuracy_score(labels[half:], scaled[half:, 7] > best[1])
    assert found.accuracy == pytest.approx(expected, abs=0.01)


def test_labels_that_are_all_the_same_are_left_out() -> None:
    states = torch.randn(200, 4)
    assert follow(states, states, {"always": np.ones(200, np.bool_), "later": np.arange(200) >= 100}) == []


@torch.no_grad()
@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("cell", list(CELLS))
def test_switching_off_is_holding_what_is_read(cell: str, layer: int) -> None:
    torch.manual_seed(layer)
    network = CharRNN(small(cell=cell, layers=2, hidden=7), 11)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.7)
    ids = torch.randint(0, 11, (30, 3))
    held = switched_off(network, layer, 4, 0.3)
    found = held.head(held(ids, network.zero_state(3))[0])

    per_layer = network.states_per_layer
    state = list(network.zero_state(3))
    state[layer * per_layer][..., 4] = 0.3
    expected = []
    for row in ids:
        inputs = network.embedding(row)
        for index in range(2):
            module = cast(nn.RNNBase, network.rnn[index])
            before = state[index * per_layer : (index + 1) * per_layer]
            _, after = module(inputs[None], tuple(before) if per_layer > 1 else before[0])
            after = list(after) if per_layer > 1 else [after]
            if index == layer:
                after[0][..., 4] = 0.3
            state[index * per_layer : (index + 1) * per_layer] = after
            inputs = after[0][0]
        expected.append(network.head(inputs))
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_the_rise_without_a_unit_is_that_of_an_independent_forward() -> None:
    torch.manual_seed(0)
    network = CharRNN(small(cell="gru", layers=2, hidden=7), 11)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.7)
    ids = torch.randint(0, 11, (901,))
    labels = stretches(np.random.default_rng(0))[:901]
    means = torch.rand(14)
    without = Without(network, ids.numpy(), means, Compute(torch.device("cpu"), torch.float32, 1))

    def losses(one: CharRNN) -> np.ndarray:
        logits = one.head(one(ids[:-1, None], one.zero_state(1))[0][:, 0])
        return nn.functional.cross_entropy(logits, ids[1:], reduction="none").double().numpy()

    expected = losses(switched_off(network, 1, 2, float(means[9]))) - losses(network)
    for _ in range(2):  # the second time it is remembered
        found = without.rise(9, labels)
        assert found.holds == pytest.approx(expected[labels[:-1]].mean(), rel=1e-4)
        assert found.elsewhere == pytest.approx(expected[~labels[:-1]].mean(), rel=1e-4)
        assert found.place == expected.argmax() + 1


def test_errors_are_those_of_the_mean_where_stretches_are_alike() -> None:
    """Of values that are independent of each other, the error by stretches is that by values."""
    random = np.random.default_rng(0)
    values, where = random.normal(size=200_000), random.random(200_000) < 0.3
    mean, error = _mean(values, where)
    assert mean == pytest.approx(values[where].mean())
    assert error == pytest.approx(values[where].std() / where.sum() ** 0.5, rel=0.15)


def test_the_network_stays_as_it_is() -> None:
    network = CharRNN(small(layers=1, hidden=5), 11)
    before = {name: each.clone() for name, each in network.state_dict().items()}
    switched_off(network, 0, 2, 1.0)
    assert all(torch.equal(each, before[name]) for name, each in network.state_dict().items())
