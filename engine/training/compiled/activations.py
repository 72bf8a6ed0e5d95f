"""The activation functions of the cells, and the exponential that they use."""

from __future__ import annotations

import math

import numpy as np

from engine.training.compiled import F, compiled


@compiled
def exp(value: F) -> F:
    """eᵛ with a relative error of 3e-7, without a branch or a call, so that loops over it become vector instructions.

    eᵛ = 2ᵏ eʳ with whole k and |r| ≤ ln 2 / 2, where the Taylor polynomial of degree 7 has an error of 6e-9. Beyond ±87
    it returns the value at ±87; NaN stays NaN.
    """
    bounded = min(F(87), max(F(-87), value))
    k = F(math.floor(bounded * F(1.4426950408889634) + F(0.5)))
    # ln 2 in two parts: the first has so few digits that its product with k is exact.
    r = bounded - k * F(0.693359375) + k * F(2.1219444005469057e-4)
    series = F(1 / 5040)
    series = series * r + F(1 / 720)
    series = series * r + F(1 / 120)
    series = series * r + F(1 / 24)
    series = series * r + F(1 / 6)
    series = series * r + F(1 / 2)
    series = series * r + F(1)
    series = series * r + F(1)
    # A float's exponent begins at bit 23, with 127 added.
    power = np.int32((np.int32(k) + 127) << 23).view(np.float32)
    return series * power if value == value else value


@compiled
def sigmoid(value: F) -> F:
    """1 / (1 + e⁻ᵛ)."""
    return F(1) / (F(1) + exp(-value))


@compiled
def tanh(value: F) -> F:
    """tanh of a value; by its series close to 0, where the quotient would lose digits."""
    square = value * value
    small = value * (F(1) - square * (F(1 / 3) - square * (F(2 / 15) - square * F(17 / 315))))
    large = F(1) - F(2) / (F(1) + exp(value + value))
    return small if abs(value) < F(0.15) else large
