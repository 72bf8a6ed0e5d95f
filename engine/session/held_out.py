"""The validation loss of now, from a sample of the split that is the same every time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.events import Probe, Validation


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole validation split and the control sample of it, both read at the same update.

    Attributes:
        loss: the loss over the whole split, in nats per character.
        sample: the control sample read there.
    """

    loss: float
    sample: Probe


def reference(validations: Iterable[Validation], samples: Iterable[Probe]) -> Reference | None:
    """The last such pair of a run's past; None where there is none."""
    whole = {each.update: each.loss for each in validations if each.error is None}
    pairs = [Reference(whole[sample.update], sample) for sample in samples if sample.update in whole]
    return pairs[-1] if pairs else None


def estimate(sample: Probe, then: Reference | None) -> Validation | None:
    """The validation loss by a control sample; None where fewer than two lanes of the split were read.

    Where the whole split was read before, its loss moves by what the sample has changed since: the places of a sample
    may be easier or harder than the rest, but hardly change by more or less (a difference estimator; Cochran 1977,
    section 7.9). Else it is the mean of the sample.
    """
    now = _lanes(sample)
    if len(now) < 2 or not np.isfinite(now).all():
        return None
    base, moved = 0.0, now
    if then is not None and len(before := _lanes(then.sample)) == len(now):
        base, moved = then.loss, now - before
    error = float(moved.std(ddof=1)) / len(moved) ** 0.5
    return Validation(sample.update, sample.chars, base + float(moved.mean()), error)


def _lanes(sample: Probe) -> NDArray[np.float64]:
    """The loss of each lane of the split; empty in a run of an earlier version, which did not keep them."""
    lanes = sample.values.get("held_out_by_region", ())
    return np.array(lanes if isinstance(lanes, tuple) else (), np.float64)
