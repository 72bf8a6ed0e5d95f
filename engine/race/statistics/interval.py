"""How large a difference is, with an interval that stays valid however often one looks and whenever one stops.

A fixed-sample interval is right for one look. A race is looked at after every seed and ended as soon as it is clear, so
that it needs a confidence sequence (Darling & Robbins 1967): intervals that all hold together with the given
probability. Both here come from a mixture martingale by Ville's inequality.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from statistics import fmean, stdev

from scipy.optimize import brentq
from scipy.special import betaln

EFFECT_SCALE = 4.0
"""The differences that `by_mean` is made for are about so many times their own scatter over the seeds. Other values are
as valid: a smaller one needs more seeds for a large effect, a larger one more for a small effect."""

LARGEST_T = 1e12
"""A t statistic that no race reaches."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate of a difference in nats per character.

    Attributes:
        estimate: the mean over the seeds, or the median where a training diverged.
        low: its lower bound; minus infinity where there is none yet.
        high: its upper bound.
        pairs: over how many seeds.
    """

    estimate: float
    low: float
    high: float
    pairs: int


def interval(differences: Sequence[float], alpha: float = 0.05) -> Interval:
    """The difference of two variants, from that of each seed in the order in which they count.

    Args:
        differences: loss of one variant less that of the other, (seeds,); infinite where one of them diverged, and 0
            where both did.
        alpha: the probability that any of the intervals misses the true difference.
    """
    if not differences:
        return Interval(math.nan, -math.inf, math.inf, 0)
    return by_mean(differences, alpha) if all(map(math.isfinite, differences)) else by_median(differences, alpha)


def by_mean(differences: Sequence[float], alpha: float) -> Interval:
    """The mean of differences that are about normal, their scatter unknown.

    The martingale is the Bayes factor of the t statistic with a normal prior of the standardised effect and the right
    Haar prior of the scale (Gönen et al. 2005). That it may be looked at at any time: Hendriksen, de Heide & Grünwald
    2021; Wang & Ramdas 2025, "Anytime-valid t-tests and confidence sequences for Gaussian means with unknown variance".
    """
    pairs, mean = len(differences), fmean(differences)
    if pairs < 2:
        return Interval(mean, -math.inf, math.inf, pairs)
    scatter = stdev(differences)
    # No scatter: two trainings that are the same at every seed, where what differs between them has no effect at all.
    half = critical_t(pairs, alpha) * scatter / math.sqrt(pairs) if scatter else math.inf if mean else 0.0
    return Interval(mean, mean - half, mean + half, pairs)


def critical_t(pairs: int, alpha: float) -> float:
    """The t statistic from which on the martingale is above 1/alpha; infinite where it cannot be."""

    def over(t: float) -> float:
        return log_bayes_factor(t, pairs) + math.log(alpha)

    return float(brentq(over, 0.0, LARGEST_T)) if over(LARGEST_T) > 0 else math.inf


def fewest_pairs(alpha: float) -> int:
    """The pairs from which on the interval of a mean can be bounded."""
    return next(pairs for pairs in count(2) if math.isfinite(critical_t(pairs, alpha)))


def log_bayes_factor(t: float, pairs: int) -> float:
    """The logarithm of the evidence of a t statistic of n pairs against a difference of nothing.

    (1 + nτ²)^(−1/2) · [(1 + t²/(n−1)) / (1 + t²/((n−1)(1 + nτ²)))]^(n/2) with τ = `EFFECT_SCALE`.
    """
    spread = 1 + pairs * EFFECT_SCALE**2
    square = t * t / (pairs - 1)
    return -math.log(spread) / 2 + pairs / 2 * (math.log1p(square) - math.log1p(square / spread))


def by_median(differences: Sequence[float], alpha: float) -> Interval:
    """The median of differences of any distribution, infinite ones too: a network that diverged has the worst loss.

    Of the seeds, as many lie above the median as a fair coin falls on heads. The martingale is the mixture of the
    binomial likelihoods over Jeffreys' prior (Krichevsky & Trofimov 1981); a value is in the interval while neither too
    many nor too few of the differences lie above it (Howard & Ramdas 2022 for quantiles in general).
    """
    ordered = sorted(differences)
    pairs = len(ordered)
    between = (ordered[(pairs - 1) // 2], ordered[pairs // 2])
    # Two infinities of different signs have no middle but the one that says nothing.
    middle = 0.0 if between == (-math.inf, math.inf) else fmean(between)
    beyond = _beyond(pairs, alpha)
    low, high = (-math.inf, math.inf) if beyond is None else (ordered[beyond], ordered[-1 - beyond])
    return Interval(middle, low, high, pairs)


def _beyond(pairs: int, alpha: float) -> int | None:
    """The most differences on the lesser side at which a coin is said to be unfair; None where even 0 is not enough."""

    def evidence(lesser: int) -> float:
        more = pairs - lesser
        return float(betaln(lesser + 0.5, more + 0.5) - betaln(0.5, 0.5)) + pairs * math.log(2)

    unfair = [lesser for lesser in range(pairs // 2) if evidence(lesser) >= -math.log(alpha)]
    return max(unfair, default=None)
