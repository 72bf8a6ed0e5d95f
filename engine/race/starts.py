"""The states from which lanes and replays start, derived from the state at their origin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from engine.race.plan import Plan, derived_seed
from engine.settings import Settings
from engine.training.randomness import RandomState
from engine.training.state import State


def started(plan: Plan, variant: int, replicate: int, state: State, length: int) -> State:
    """The state from which a lane starts: the state at the plan's origin, with the variant's settings.

    With the first seed every variant continues at the origin's place in the text. With each further seed all variants
    continue at another place, the same for all of them, with other random numbers.

    Args:
        plan: the race's plan.
        variant: the variant's place in the plan.
        replicate: the seed's place, from 0 on.
        state: the state at the plan's origin.
        length: the number of entries in the training split.
    """
    settings = plan.chosen(variant)
    turned = sum(settings.write(name) != state.settings.write(name) for name in plan.varied())
    counters = replace(state.counters, changes=state.counters.changes + turned)
    changed = replace(state, settings=settings, counters=counters)
    return changed if replicate == 0 else elsewhere(changed, length, derived_seed(settings.seed, replicate))


def elsewhere(state: State, length: int, seed: int) -> State:
    """The same network with an empty hidden state, at another place in the text and with other random window lengths.

    Args:
        state: the state to move.
        length: the number of entries in the training split.
        seed: decides the place and the window lengths.
    """
    drawn = np.random.default_rng(seed)
    shift = int(drawn.integers(1, max(2, length)))
    cursors = (state.tensors["streams.cursors"] + shift) % length
    lengths = np.random.PCG64(int(drawn.integers(2**63))).state
    moved = without_carried(state)
    random = RandomState(lengths, state.random.dropout)
    return replace(moved, random=random, tensors={**moved.tensors, "streams.cursors": cursors})


def without_carried(state: State) -> State:
    """The same state, with a hidden state of zeros."""
    return _zeroed(state, "carried.")


def without_memory(state: State) -> State:
    """The same state, with everything that the optimiser remembers set to zero."""
    return _zeroed(state, "optimiser.")


def turned(state: State, settings: Settings) -> State:
    """The same state with other settings, counted as one change."""
    counters = replace(state.counters, changes=state.counters.changes + 1)
    return replace(state, settings=settings, counters=counters)


def _zeroed(state: State, family: str) -> State:
    tensors = {
        name: torch.zeros_like(tensor) if name.startswith(family) else tensor for name, tensor in state.tensors.items()
    }
    return replace(state, tensors=tensors)
