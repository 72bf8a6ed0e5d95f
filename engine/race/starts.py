"""The state that a lane starts from, where that is no fresh network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from engine.race.plan import Plan, derived_seed
from engine.settings import Settings
from engine.training.randomness import RandomState
from engine.training.state import State


def started(plan: Plan, variant: int, replicate: int, state: State, length: int) -> State:
    """The plan's origin as a variant goes on from it.

    With the first seed every variant goes on where the origin was; with each further one they all go on at the same
    other place in the text, with other random numbers.

    Args:
        plan: of the race.
        variant: its place there.
        replicate: the seed's place.
        state: of the plan's origin.
        length: of the training split.
    """
    settings = plan.chosen(variant)
    turned = sum(settings.write(name) != state.settings.write(name) for name in plan.varied())
    counters = replace(state.counters, changes=state.counters.changes + turned)
    changed = replace(state, settings=settings, counters=counters)
    return changed if replicate == 0 else elsewhere(changed, length, derived_seed(settings.seed, replicate))


def elsewhere(state: State, length: int, seed: int) -> State:
    """The same network at another place in the text, of `length` characters, with other random window lengths."""
    drawn = np.random.default_rng(seed)
    shift = int(drawn.integers(1, max(2, length)))
    cursors = (state.tensors["streams.cursors"] + shift) % length
    lengths = np.random.PCG64(int(drawn.integers(2**63))).state
    moved = without_carried(state)
    random = RandomState(lengths, state.random.dropout)
    return replace(moved, random=random, tensors={**moved.tensors, "streams.cursors": cursors})


def without_carried(state: State) -> State:
    """The same with a recurrent state of zeros."""
    return _zeroed(state, "carried.")


def without_memory(state: State) -> State:
    """The same with an optimiser that remembers nothing."""
    return _zeroed(state, "optimiser.")


def turned(state: State, settings: Settings) -> State:
    """The same with other knobs, as one change."""
    counters = replace(state.counters, changes=state.counters.changes + 1)
    return replace(state, settings=settings, counters=counters)


def _zeroed(state: State, family: str) -> State:
    tensors = {
        name: torch.zeros_like(tensor) if name.startswith(family) else tensor for name, tensor in state.tensors.items()
    }
    return replace(state, tensors=tensors)
