"""Trainings with a known fault, and healthy ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from engine.training.trainer import Trainer

HEALTHY = "healthy"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A training and what is wrong with it.

    Attributes:
        name: the recipe in a few words.
        cause: the true cause, or `HEALTHY`.
        text: one of `texts.TEXTS`.
        settings: the settings that differ from `BASE`, as a user would type them.
        updates: the number of updates.
        turns: by update, the knob that is turned there and its new value.
        plant: changes the trainer before the update `onset`, to plant the fault.
        onset: the update at which the fault begins.
        held_out: whether validation is on.
    """

    name: str
    cause: str
    text: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    updates: int = 1_200
    turns: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    plant: Callable[[Trainer], None] | None = None
    onset: int = 0
    held_out: bool = True


BASE: Mapping[str, Any] = {
    "hidden": 64,
    "embedding": 32,
    "streams": 8,
    "bptt": "32",
    "lr": 5e-3,
    "dtype": "float32",
    "threads": 1,
}
ONE: Mapping[str, Any] = {"streams": 1, "bptt": "1", "lr": 3e-4, "hidden": 128}


def enlarge(name: str, factor: float) -> Callable[[Trainer], None]:
    """Multiply the weights whose name contains `name`."""

    def plant(trainer: Trainer) -> None:
        with torch.no_grad():
            for each, parameter in trainer.network.named_parameters():
                if name in each:
                    parameter.mul_(factor)

    return plant


def shift_head(by: float) -> Callable[[Trainer], None]:
    """Add a constant to every logit, which changes no probability but costs the numbers precision."""

    def plant(trainer: Trainer) -> None:
        with torch.no_grad():
            trainer.network.head.bias.add_(by)

    return plant


def set_momentum(momentum: float) -> Callable[[Trainer], None]:
    """Set the momentum of gradient descent."""

    def plant(trainer: Trainer) -> None:
        trainer._mutable.optimiser._momentum = momentum

    return plant


RECIPES: tuple[Recipe, ...] = (
    # --- healthy
    Recipe("lstm learns", HEALTHY, "shakespeare"),
    Recipe("gru learns", HEALTHY, "shakespeare", {"cell": "gru"}),
    Recipe("rnn learns", HEALTHY, "shakespeare", {"cell": "rnn", "lr": 2e-3}),
    Recipe("two layers, dropout", HEALTHY, "shakespeare", {"layers": 2, "dropout": 0.2}),
    Recipe("fast convergence with a falling gradient norm", HEALTHY, "alphabet", updates=800),
    Recipe("a hard chapter", HEALTHY, "hard chapter", {"streams": 2, "lr": 2e-3}, 1_600),
    Recipe(
        "a noisy small batch that learns well", HEALTHY, "shakespeare", {"streams": 1, "bptt": "16", "lr": 1e-3}, 6_000
    ),
    Recipe("a rate cool-down", HEALTHY, "shakespeare", turns={800: ("cool-down", "")}),
    Recipe("a tiny text learnt by heart, validation off", HEALTHY, "tiny", updates=1_500, held_out=False),
    Recipe("nothing to learn but frequencies", HEALTHY, "coin"),
    Recipe("recall within the window", HEALTHY, "recall 20", {"bptt": "64"}, 1_500),
    Recipe("sgd at a good rate", HEALTHY, "shakespeare", {"optimizer": "sgd", "lr": 0.5}),
    Recipe("rmsprop", HEALTHY, "shakespeare", {"optimizer": "rmsprop", "lr": 2e-3}),
    Recipe("random window lengths", HEALTHY, "shakespeare", {"bptt": "10-40"}),
    Recipe("clipping that cuts seldom", HEALTHY, "shakespeare", {"clip": 0.5, "cell": "gru"}),
    Recipe("a step of the rate in mid-run", HEALTHY, "shakespeare", turns={600: ("lr", "1e-3")}),
    Recipe("arithmetic", HEALTHY, "arithmetic", {"cell": "gru"}, 1_500),
    Recipe("a table that never repeats itself", HEALTHY, "table", updates=2_000),
    Recipe("by value, clipping cuts little", HEALTHY, "shakespeare", {"clip": 0.05, "clip_by": "value"}),
    # --- learning rate
    Recipe("lstm, rate 1", "learning-rate-too-high", "shakespeare", {"lr": 1.0}),
    Recipe("lstm, rate 0.1", "learning-rate-too-high", "shakespeare", {"lr": 0.1}),
    Recipe("rnn, rate 0.05", "learning-rate-too-high", "shakespeare", {"cell": "rnn", "lr": 0.05}),
    Recipe(
        "gru, rate raised to 0.2",
        "learning-rate-too-high",
        "shakespeare",
        {"cell": "gru"},
        turns={500: ("lr", "0.2")},
        onset=500,
    ),
    Recipe(
        "sgd, rate 100, no clipping",
        "learning-rate-too-high",
        "shakespeare",
        {"optimizer": "sgd", "lr": 30.0, "clip": None},
    ),
    Recipe(
        "momentum 0.99 that oscillates",
        "learning-rate-too-high",
        "shakespeare",
        {"optimizer": "sgd", "lr": 2.0},
        plant=set_momentum(0.99),
    ),
    Recipe("sgd, rate 8", "learning-rate-too-high", "shakespeare", {"optimizer": "sgd", "lr": 8.0}),
    Recipe("rate 1e-5", "learning-rate-too-low", "shakespeare", {"lr": 1e-5}),
    Recipe("gru, rate 3e-5", "learning-rate-too-low", "shakespeare", {"cell": "gru", "lr": 3e-5}),
    Recipe("sgd, rate 1e-3", "learning-rate-too-low", "shakespeare", {"optimizer": "sgd", "lr": 1e-3}),
    Recipe("one character, rate 1e-6", "learning-rate-too-low", "shakespeare", {**ONE, "lr": 1e-6}, 30_000),
    Recipe("rate lowered by 1000", "learning-rate-too-low", "shakespeare", turns={200: ("lr", "5e-6")}, onset=200),
    # --- clipping
    Recipe("sgd, clip 1e-3", "clip-too-tight", "shakespeare", {"optimizer": "sgd", "lr": 0.5, "clip": 1e-3}),
    Recipe(
        "sgd, clipped by value at 1e-5",
        "clip-too-tight",
        "shakespeare",
        {"optimizer": "sgd", "lr": 0.5, "clip": 1e-5, "clip_by": "value"},
    ),
    Recipe("adam, clip 1e-3", "clip-too-tight", "shakespeare", {"clip": 1e-3}),
    Recipe(
        "sgd rnn, clipped to 0.01 in mid-run",
        "clip-too-tight",
        "shakespeare",
        {"cell": "rnn", "optimizer": "sgd", "lr": 0.3},
        turns={300: ("clip", "0.003")},
        onset=300,
    ),
    # --- gradient through time
    Recipe(
        "exploding tanh network",
        "exploding-gradient",
        "shakespeare",
        {"cell": "rnn", "clip": None, "optimizer": "sgd", "lr": 0.001},
        plant=enlarge("weight_hh", 4.0),
    ),
    Recipe(
        "exploding tanh network, adam",
        "exploding-gradient",
        "shakespeare",
        {"cell": "rnn", "clip": None, "lr": 2e-3},
        plant=enlarge("weight_hh", 4.0),
    ),
    Recipe("tanh on recall 40", "vanishing-gradient", "recall 40", {"cell": "rnn", "bptt": "64", "lr": 1e-3}),
    Recipe(
        "tanh, two layers, recall 20",
        "vanishing-gradient",
        "recall 20",
        {"cell": "rnn", "layers": 2, "bptt": "64", "lr": 1e-3},
    ),
    Recipe("lstm, windows of 5, recall 20", "bptt-too-short", "recall 20", {"bptt": "5"}, 3_000),
    Recipe("gru, windows of 10, recall 40", "bptt-too-short", "recall 40", {"cell": "gru", "bptt": "10"}, 3_000),
    Recipe("one character at a time", "bptt-too-short", "shakespeare", ONE, 90_000),
    Recipe("lstm, windows of 8, recall 20", "bptt-too-short", "recall 20", {"bptt": "8", "streams": 16}, 3_000),
    # --- targets
    Recipe(
        "random steps",
        "sparse-targets",
        "shakespeare",
        {"streams": 1, "bptt": "geom:11", "targets": "last", "lr": 1.5e-3},
        10_000,
    ),
    Recipe("the last of 32", "sparse-targets", "shakespeare", {"targets": "last"}),
    # --- data
    Recipe(
        "another language",
        "data-shift",
        "another language",
        {"streams": 1, "bptt": "32", "lr": 2e-3},
        3_200,
        onset=1_690,
    ),
    Recipe(
        "base64 inside", "data-shift", "base64 inside", {"streams": 1, "bptt": "32", "lr": 2e-3}, 2_000, onset=1_250
    ),
    Recipe(
        "lists of numbers",
        "data-shift",
        "lists of numbers",
        {"streams": 1, "bptt": "32", "lr": 2e-3, "cell": "gru"},
        3_000,
        onset=1_875,
    ),
    # --- generalisation
    Recipe("5,000 characters", "overfitting", "tiny", {"hidden": 128}, 1_500, onset=150),
    Recipe("10,000 characters, gru", "overfitting", "ten thousand", {"cell": "gru", "hidden": 128}, 1_800, onset=250),
    # --- numbers
    Recipe(
        "gru in bfloat16, logits far from zero",
        "numerical-instability",
        "shakespeare",
        {"cell": "gru", "dtype": "bfloat16"},
        plant=shift_head(500.0),
    ),
    Recipe("float32, logits very far from zero", "numerical-instability", "shakespeare", plant=shift_head(3e7)),
    Recipe(
        "a rate jump that breaks the numbers",
        "non-finite",
        "shakespeare",
        {"optimizer": "sgd", "lr": 0.5, "clip": None, "weight_decay": 1e-2},
        turns={400: ("lr", "1000")},
        onset=400,
    ),
    Recipe(
        "an infinite weight",
        "non-finite",
        "shakespeare",
        {"cell": "gru"},
        plant=enlarge("head.weight", 1e38),
        onset=300,
    ),
    # --- units
    Recipe("a huge initialisation, lstm", "saturated-units", "shakespeare", {"lr": 2e-3}, plant=enlarge("rnn", 60.0)),
    Recipe(
        "a huge initialisation, tanh",
        "saturated-units",
        "shakespeare",
        {"cell": "rnn", "lr": 1e-3},
        plant=enlarge("weight_ih", 100.0),
    ),
    # --- progress
    Recipe("one character at a time, rate 0.01", "noisy-updates", "shakespeare", {**ONE, "lr": 1e-2}, 40_000),
    Recipe("windows of 2, rate 0.01", "noisy-updates", "shakespeare", {"streams": 1, "bptt": "2", "lr": 1e-2}, 20_000),
    Recipe("dropout 0.9", "noisy-updates", "shakespeare", {"dropout": 0.9}),
    Recipe("three units", "plateau", "shakespeare", {"hidden": 3}, 4_000),
    Recipe("weight decay 2", "plateau", "shakespeare", {"weight_decay": 2.0}, 2_000),
    Recipe("weight decay 10 on a table", "plateau", "table", {"weight_decay": 10.0, "cell": "gru"}),
    Recipe(
        "an embedding that says nothing",
        "stuck-at-letter-frequencies",
        "shakespeare",
        {"optimizer": "sgd", "lr": 0.05},
        plant=enlarge("embedding", 0.0),
    ),
    Recipe("weight decay 10, gru", "stuck-at-letter-frequencies", "shakespeare", {"weight_decay": 10.0, "cell": "gru"}),
    Recipe("weight decay 10", "stuck-at-letter-frequencies", "shakespeare", {"weight_decay": 10.0}),
)
