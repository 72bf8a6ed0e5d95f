"""The size of a difference, with an interval that stays valid however often one looks and whenever one stops.

A fixed-sample interval is valid for one look only. A race is judged after every seed and ends as soon as its result is
clear, so it needs a confidence sequence (Darling & Robbins 1967): intervals that all hold together with the given
probability. Both sequences here follow from a mixture martingale by Ville's inequality.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from statistics import fmean, stdev

EFFECT_SCALE = 4.0
"""The scale τ of the prior in `by_mean`: the size of a typical difference, as a multiple of its standard deviation over
the seeds. Any value is valid: a smaller one needs more seeds for a large effect, a larger one for a small effect."""

LARGEST_T = 1e12
"""A t statistic that no race reaches."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate of a difference in nats per character.

    Attributes:
        estimate: the mean over the seeds, or the median where a training diverged.
        low: the lower bound; minus infinity where there is none yet.
        high: the upper bound; infinity where there is none yet.
        pairs: the number of seeds.
    """

    estimate: float
    low: float
    high: float
    pairs: int


def interval(differences: Sequence[float], alpha: float = 0.05) -> Interval:
    """The difference between two variants, from the difference at each seed.

    Args:
        differences: (seeds,) in the seeds' order, the loss of one variant minus that of the other; infinite where one
            of them diverged, and 0 where both did.
        alpha: the probability that any interval of the sequence misses the true difference.
    """
    if not differences:
        return Interval(math.nan, -math.inf, math.inf, 0)
    return by_mean(differences, alpha) if all(map(math.isfinite, differences)) else by_median(differences, alpha)


def by_mean(differences: Sequence[float], alpha: float) -> Interval:
    """The mean of differences that are about normal, with an unknown variance.

    The martingale is the Bayes factor of the t statistic with a normal prior on the standardised effect and the right
    Haar prior on the scale (Gönen et al. 2005). It is valid at any time: Hendriksen, de Heide & Grünwald 2021;
    Wang & Ramdas 2025, "Anytime-valid t-tests and confidence sequences for Gaussian means with unknown variance".
    """
    pairs, mean = len(differences), fmean(differences)
    if pairs < 2:
        return Interval(mean, -math.inf, math.inf, pairs)
    scatter = stdev(differences)
    # Without scatter: differences of 0 mean that the variants are the same, since what differs has no effect at all;
    # of any other difference, nothing is known about how it varies.
    half = critical_t(pairs, alpha) * scatter / math.sqrt(pairs) if scatter else math.inf if mean else 0.0
    return Interval(mean, mean - half, mean + half, pairs)


def critical_t(pairs: int, alpha: float) -> float:
    """The t statistic above which the martingale exceeds 1/alpha; infinite where it cannot exceed it."""

    # Loaded only where a race is judged: it takes half a second.
    from scipy.optimize import brentq

    def over(t: float) -> float:
        return log_bayes_factor(t, pairs) + math.log(alpha)

    return float(brentq(over, 0.0, LARGEST_T)) if over(LARGEST_T) > 0 else math.inf


def fewest_pairs(alpha: float) -> int:
    """The smallest number of pairs with which the interval of a mean can be bounded."""
    return next(pairs for pairs in count(2) if math.isfinite(critical_t(pairs, alpha)))


def log_bayes_factor(t: float, pairs: int) -> float:
    """The logarithm of the Bayes factor of a t statistic of n pairs against a difference of zero.

    (1 + nτ²)^(−1/2) · [(1 + t²/(n−1)) / (1 + t²/((n−1)(1 + nτ²)))]^(n/2) with τ = `EFFECT_SCALE`.
    """
    spread = 1 + pairs * EFFECT_SCALE**2
    square = t * t / (pairs - 1)
    return -math.log(spread) / 2 + pairs / 2 * (math.log1p(square) - math.log1p(square / spread))


def by_median(differences: Sequence[float], alpha: float) -> Interval:
    """The median of differences of any distribution, which may be infinite: a diverged network has the worst loss.

    The number of differences above the true median is distributed as the heads of a fair coin. The martingale is the
    mixture of the binomial likelihoods over Jeffreys' prior (Krichevsky & Trofimov 1981). A value is in the interval as
    long as neither too many nor too few differences lie above it (Howard & Ramdas 2022 for quantiles in general).
    """
    ordered = sorted(differences)
    pairs = len(ordered)
    between = (ordered[(pairs - 1) // 2], ordered[pairs // 2])
    # Between two infinities of opposite sign only 0 favours neither variant.
    middle = 0.0 if between == (-math.inf, math.inf) else fmean(between)
    beyond = _beyond(pairs, alpha)
    low, high = (-math.inf, math.inf) if beyond is None else (ordered[beyond], ordered[-1 - beyond])
    return Interval(middle, low, high, pairs)


def _beyond(pairs: int, alpha: float) -> int | None:
    """The most differences on the smaller side that still prove the coin unfair; None where even 0 does not."""

    # Loaded only where a race is judged, as above.
    from scipy.special import betaln

    def evidence(lesser: int) -> float:
        more = pairs - lesser
        return float(betaln(lesser + 0.5, more + 0.5) - betaln(0.5, 0.5)) + pairs * math.log(2)

    unfair = [lesser for lesser in range(pairs // 2) if evidence(lesser) >= -math.log(alpha)]
    return max(unfair, default=None)
