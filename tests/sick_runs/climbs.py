"""Trainings in which the loss climbs, on different texts from the recipes': autopsies are measured on them."""

from __future__ import annotations

import torch

from engine.events import Cause
from engine.training.trainer import Trainer
from tests.sick_runs.recipes import RECIPES, Recipe, shift_head

CLIMBING = (
    "lstm, rate 1",
    "gru, rate raised to 0.2",
    "sgd, rate 100, no clipping",
    "sgd, rate 8",
    "sgd rnn, clipped to 0.01 in mid-run",
    "another language",
    "base64 inside",
    "lists of numbers",
    "a rate jump that breaks the numbers",
    "an infinite weight",
)
"""The recipes in which the training loss climbs, or numbers break, when they are trained in a session."""


def spoil_memory(trainer: Trainer) -> None:
    """Have an Adam remember gradients that were far smaller than they are."""
    for key, values in trainer._mutable.optimiser.slots().items():
        if key.endswith(":exp_avg_sq"):
            values.mul_(1e-8)


def spoil_squares(trainer: Trainer) -> None:
    """The same of an RMSprop."""
    for key, values in trainer._mutable.optimiser.slots().items():
        if key.endswith(":square_avg"):
            values.mul_(1e-8)


def stale_momentum(trainer: Trainer) -> None:
    """Have momentum roll in a direction of old, and fast."""
    for key, values in trainer._mutable.optimiser.slots().items():
        if key.endswith(":momentum_buffer"):
            values.mul_(-60.0)


def spoil_carried(trainer: Trainer) -> None:
    """Have every unit of the carried state far outside of where a network can bring it."""
    trainer._mutable.carried = tuple(torch.full_like(state, 300.0) for state in trainer._mutable.carried)


CLIMBS: tuple[Recipe, ...] = (
    # --- rate
    Recipe(
        "program, gru, rate 0.3, no clipping",
        "learning-rate-too-high",
        "program",
        {"cell": "gru", "lr": 0.3, "clip": None},
    ),
    Recipe(
        "table, rnn, rmsprop 0.2", "learning-rate-too-high", "table", {"cell": "rnn", "optimizer": "rmsprop", "lr": 0.2}
    ),
    Recipe(
        "program, rate raised to 0.3, four streams",
        "learning-rate-too-high",
        "program",
        {"streams": 4, "clip": None},
        turns={500: ("lr", "0.3")},
        onset=500,
    ),
    Recipe(
        "arithmetic, sgd raised to 40",
        "learning-rate-too-high",
        "arithmetic",
        {"optimizer": "sgd", "lr": 0.5, "clip": None, "streams": 16, "bptt": "16"},
        turns={600: ("lr", "40")},
        onset=600,
    ),
    Recipe(
        "program, one stream, windows of 25, rate raised to 0.1",
        "learning-rate-too-high",
        "program",
        {"streams": 1, "bptt": "25", "lr": 2e-3},
        8_000,
        turns={3_000: ("lr", "0.1")},
        onset=3_000,
    ),
    # --- explosion
    Recipe(
        "program, tanh, sgd, clipping turned off",
        "exploding-gradient",
        "program",
        {"cell": "rnn", "optimizer": "sgd", "lr": 0.7, "clip": 0.3, "bptt": "64", "hidden": 128},
        turns={500: ("clip", "off")},
        onset=500,
    ),
    Recipe(
        "program, tanh, sgd without clipping",
        "exploding-gradient",
        "program",
        {"cell": "rnn", "optimizer": "sgd", "lr": 0.7, "clip": None, "bptt": "64", "hidden": 128},
    ),
    Recipe(
        "shakespeare, tanh, sgd without clipping, windows of 100",
        "exploding-gradient",
        "shakespeare",
        {"cell": "rnn", "optimizer": "sgd", "lr": 1.0, "clip": None, "bptt": "100", "hidden": 128},
    ),
    # --- text
    Recipe(
        "a program, then a table",
        "data-shift",
        "program then table",
        {"streams": 1, "lr": 2e-3, "cell": "gru"},
        3_000,
        onset=1_700,
    ),
    Recipe(
        "a table, then a program",
        "data-shift",
        "table then program",
        {"streams": 1, "lr": 2e-3, "optimizer": "rmsprop"},
        3_000,
        onset=1_700,
    ),
    Recipe(
        "a program, then a table, two streams",
        "data-shift",
        "table inside",
        {"streams": 2, "lr": 3e-3, "cell": "rnn"},
        2_500,
        onset=1_000,
    ),
    # --- memory
    Recipe(
        "program, adam's memory spoilt", Cause.OPTIMISER_STATE, "program", {"lr": 2e-3}, plant=spoil_memory, onset=500
    ),
    Recipe(
        "table, stale momentum",
        Cause.OPTIMISER_STATE,
        "table",
        {"optimizer": "sgd", "lr": 0.3, "cell": "gru"},
        plant=stale_momentum,
        onset=500,
    ),
    Recipe(
        "program, carried state spoilt",
        Cause.CARRIED_STATE,
        "program",
        {"streams": 2, "cell": "gru"},
        plant=spoil_carried,
        onset=600,
    ),
    # --- numbers
    Recipe(
        "program, gru in bfloat16, logits far from zero in mid-run",
        "numerical-instability",
        "program",
        {"cell": "gru", "dtype": "bfloat16"},
        plant=shift_head(3_000.0),
        onset=500,
    ),
    Recipe(
        "table, sgd, rate 300, no clipping",
        "learning-rate-too-high",
        "table",
        {"optimizer": "sgd", "lr": 300.0, "clip": None, "cell": "gru"},
    ),
)

UNSEEN: tuple[Recipe, ...] = (
    Recipe(
        "table, gru, rmsprop raised to 0.1, two streams",
        "learning-rate-too-high",
        "table",
        {"cell": "gru", "optimizer": "rmsprop", "lr": 2e-3, "streams": 2},
        turns={500: ("lr", "0.1")},
        onset=500,
    ),
    Recipe(
        "arithmetic, adam 0.5, no clipping",
        "learning-rate-too-high",
        "arithmetic",
        {"optimizer": "adam", "lr": 0.5, "clip": None, "streams": 16},
    ),
    Recipe(
        "arithmetic, tanh, sgd without clipping, windows of 80",
        "exploding-gradient",
        "arithmetic",
        {"cell": "rnn", "optimizer": "sgd", "lr": 0.8, "clip": None, "bptt": "80", "hidden": 128},
    ),
    Recipe(
        "arithmetic, then the plays",
        "data-shift",
        "arithmetic then plays",
        {"streams": 1, "bptt": "20", "lr": 3e-3},
        3_500,
        onset=2_000,
    ),
    Recipe(
        "shakespeare, weight decay turned to 5",
        Cause.WEIGHT_DECAY_TOO_STRONG,
        "shakespeare",
        {"lr": 1e-2},
        turns={500: ("weight_decay", "5")},
        onset=500,
    ),
    Recipe(
        "table, rmsprop's memory spoilt",
        Cause.OPTIMISER_STATE,
        "table",
        {"optimizer": "rmsprop", "lr": 1e-3},
        plant=spoil_squares,
        onset=500,
    ),
)
"""Recipes written after the rules, which had not been fitted to any of them when they were first tried."""

ALL_CLIMBS = (*UNSEEN, *(recipe for recipe in RECIPES if recipe.name in CLIMBING), *CLIMBS)
