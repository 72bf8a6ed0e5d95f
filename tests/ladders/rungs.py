"""Each cause from blatant to barely there: the ladders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.events import Cause
from tests.ladders import texts
from tests.ladders.fault import Fault, Plant
from tests.ladders.texts import KINDS
from tests.ladders.way import ONE_STREAM, ONLINE, WINDOWED, Way
from tests.sick_runs.recipes import enlarge, shift_head


class Truth(StrEnum):
    """How it is measured whether, and how much, a rung's training is sick. All are in nats per character."""

    CURE = "cure"
    """How much lower the loss is after as many characters with the cure: the smaller of the difference on the
    validation split and that on the training split."""
    SHIFT = "shift"
    """How much more a table of triples, counted in the text before the onset, loses after it."""
    GAP = "gap"
    """How far the validation loss has risen above its lowest."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A fault of a certain size.

    Attributes:
        cause: the ladder that it belongs to.
        size: what makes it grave or slight, in a few words.
        sick: the training.
        cured: the same with the cure; None where its truth needs none.
        truth: how its truth is measured.
        healthy: whether nothing is wrong with the cured one, so that nothing is to be said about it.
    """

    cause: Cause
    size: str
    sick: Fault
    cured: Fault | None
    truth: Truth = Truth.CURE
    healthy: bool = True


USUAL_WINDOW = 64
"""The window of the ways to train."""

Make = Callable[[Way], Rung]
"""Makes a rung of a way to train. It changes of the way what the fault needs."""


def _rung(
    size: str,
    causes: tuple[Cause, ...],
    cured: Way,
    settings: Mapping[str, str] | None = None,
    plant: Plant | None = None,
) -> Rung:
    """A rung whose cure is to leave away what makes the fault."""
    healthy = cured.healthy()
    sick = replace(healthy, causes=causes, settings={**healthy.settings, **(settings or {})}, plant=plant)
    return Rung(causes[0], size, sick, healthy)


def _rate(factor: float) -> Make:
    def made(way: Way) -> Rung:
        # A rate may be too high because it oversteps, or because its noise is not averaged: one lower rate cures both.
        causes = (Cause.LEARNING_RATE_TOO_HIGH, Cause.NOISY_UPDATES) if factor > 1 else (Cause.LEARNING_RATE_TOO_LOW,)
        size = f"rate × {factor:g}"
        return _rung(size, causes, way, {"lr": f"{way.rate * factor:.3g}"})

    return made


def _clip(bound: str, by: str = "norm") -> Make:
    def made(way: Way) -> Rung:
        cured = replace(way, optimizer="sgd")
        return _rung(f"sgd, by {by} to {bound}", (Cause.CLIP_TOO_TIGHT,), cured, {"clip": bound, "clip_by": by})

    return made


def _recurrent(factor: float) -> Make:
    def made(way: Way) -> Rung:
        # Clipping is the cure, and not other weights: networks are given such weights for their memory's sake.
        cured = replace(way, cell="rnn", optimizer="sgd")
        size = f"tanh, recurrent weights × {factor:g}"
        plant = enlarge("weight_hh", factor)
        rung = _rung(size, (Cause.EXPLODING_GRADIENT,), cured, {"clip": "off"}, plant)
        assert rung.cured
        return replace(rung, cured=replace(rung.cured, plant=plant), healthy=False)

    return made


def _fades(lag: int) -> Make:
    def made(way: Way) -> Rung:
        cured = replace(way, cell="lstm", read=WINDOWED, kind=f"recall {lag}", text=texts.recall(lag))
        tanh = replace(cured, cell="rnn")
        causes = (Cause.VANISHING_GRADIENT,)
        return _rung(f"tanh, recall {lag}", causes, cured, {"cell": "rnn", "lr": f"{tanh.rate:.3g}"})

    return made


def _for_short(rate: float, window: int) -> str:
    """The rate that does as well with short windows as another with the usual ones: their gradients are noisier."""
    return f"{rate * (window / USUAL_WINDOW) ** 0.5:.3g}"


def _window(lag: int, window: int) -> Make:
    def made(way: Way) -> Rung:
        cell = "lstm" if way.cell == "rnn" else way.cell
        cured = replace(way, cell=cell, read=WINDOWED, kind=f"recall {lag}", text=texts.recall(lag))
        settings = {"bptt": str(window), "lr": _for_short(cured.rate, window)}
        return _rung(f"windows of {window}, recall {lag}", (Cause.BPTT_TOO_SHORT,), cured, settings)

    return made


def _few(window: int) -> Make:
    def made(way: Way) -> Rung:
        cured = replace(way, read=WINDOWED)
        settings = {"bptt": str(window), "lr": _for_short(cured.rate, window)}
        if window == 1:
            settings |= {"streams": "1", "lr": f"{replace(way, read=ONLINE).rate:.3g}"}
        return _rung(f"windows of {window}", (Cause.BPTT_TOO_SHORT,), cured, settings)

    return made


def _last(window: int) -> Make:
    def made(way: Way) -> Rung:
        cured = way.but(bptt=str(window), lr=_for_short(way.rate, window))
        return _rung(f"the last of {window}", (Cause.SPARSE_TARGETS,), cured, {"targets": "last"})

    return made


BEFORE, AFTER = 100_000, 150_000
"""The characters before and after a text changes."""


def _shift(share: float) -> Make:
    def made(way: Way) -> Rung:
        kinds = list(KINDS)
        other = kinds[(kinds.index(way.kind) + 3) % len(kinds)]
        text = texts.turning(KINDS[way.kind], KINDS[other], share, BEFORE, AFTER)
        healthy = replace(way, read=ONE_STREAM, text=text).healthy()
        causes = (Cause.DATA_SHIFT,)
        sick = replace(healthy, name=f"{healthy.name}, then {other}", causes=causes, onset=BEFORE)
        return Rung(causes[0], f"{share:.0%} of it another kind", sick, None, Truth.SHIFT)

    return made


def _by_heart(size: int) -> Make:
    def made(way: Way) -> Rung:
        hidden = max(way.hidden, "128", key=int)
        streams = {"streams": "4"} if way.read == WINDOWED and size < 16 * 65 * 10 else {}
        sick = replace(replace(way, hidden=hidden, size=size).but(**streams).healthy(), causes=(Cause.OVERFITTING,))
        return Rung(Cause.OVERFITTING, f"{size:,} characters", sick, None, Truth.GAP)

    return made


PLATEAUS = (Cause.PLATEAU, Cause.STUCK_AT_LETTER_FREQUENCIES)


def _small(hidden: str) -> Make:
    return lambda way: _rung(f"{hidden} units", PLATEAUS, replace(way, hidden="128"), {"hidden": hidden})


def _decay(amount: str, causes: tuple[Cause, ...]) -> Make:
    def made(way: Way) -> Rung:
        return _rung(f"weight decay {amount}", causes, replace(way, optimizer="adamw"), {"weight_decay": amount})

    return made


def _saturated(factor: float) -> Make:
    def made(way: Way) -> Rung:
        # The gradient through such weights may not even be finite.
        causes = (Cause.SATURATED_UNITS, Cause.NON_FINITE)
        return _rung(f"weights × {factor:g}", causes, way, plant=enlarge("rnn", factor))

    return made


def _shifted(by: float) -> Make:
    return lambda way: _rung(f"logits + {by:g}", (Cause.NUMERICAL_INSTABILITY,), way, plant=shift_head(by))


def _infinite(factor: float) -> Make:
    return lambda way: _rung(f"output weights × {factor:g}", NON_FINITE, way, plant=enlarge("head.weight", factor))


def _breaks(rate: str) -> Make:
    def made(way: Way) -> Rung:
        cured = replace(way, optimizer="sgd")
        return _rung(f"sgd at {rate}, no clipping", NON_FINITE, cured, {"lr": rate, "clip": "off"})

    return made


NON_FINITE = (Cause.NON_FINITE, Cause.LEARNING_RATE_TOO_HIGH, Cause.EXPLODING_GRADIENT)


def _noisy(factor: float) -> Make:
    def made(way: Way) -> Rung:
        # Windows of four characters in one stream: what they leave out is no part of this ladder, so it is in the cure.
        cured = replace(way, read=ONLINE).but(bptt="4")
        causes = (Cause.NOISY_UPDATES, Cause.LEARNING_RATE_TOO_HIGH)
        return _rung(f"windows of 4, rate × {factor:g}", causes, cured, {"lr": f"{cured.rate * factor:.3g}"})

    return made


def _dropout(share: str) -> Make:
    causes = (Cause.NOISY_UPDATES, Cause.STUCK_AT_LETTER_FREQUENCIES)
    return lambda way: _rung(f"dropout {share}", causes, way, {"dropout": share})


def _unseen(factor: float) -> Make:
    def made(way: Way) -> Rung:
        cured = replace(way, optimizer="sgd")
        causes = (Cause.STUCK_AT_LETTER_FREQUENCIES, Cause.LEARNING_RATE_TOO_LOW)
        return _rung(f"embedding × {factor:g}, sgd", causes, cured, {"lr": "0.05"}, enlarge("embedding", factor))

    return made


LADDERS: Mapping[Cause, tuple[Make, ...]] = {
    Cause.LEARNING_RATE_TOO_HIGH: tuple(_rate(factor) for factor in (1.5, 3, 10, 30, 100)),
    Cause.LEARNING_RATE_TOO_LOW: tuple(_rate(1 / factor) for factor in (3, 10, 30, 100, 1000)),
    Cause.CLIP_TOO_TIGHT: (
        *(_clip(bound) for bound in ("0.1", "0.03", "1e-2", "1e-3", "1e-4")),
        *(_clip(bound, "value") for bound in ("1e-3", "1e-4", "1e-5", "1e-6")),
    ),
    Cause.EXPLODING_GRADIENT: tuple(_recurrent(factor) for factor in (2, 2.5, 3, 4, 6)),
    Cause.VANISHING_GRADIENT: tuple(_fades(lag) for lag in (12, 16, 20, 30, 40)),
    Cause.BPTT_TOO_SHORT: (
        *(_window(12, window) for window in (10, 6, 3)),
        *(_window(20, window) for window in (16, 10, 5)),
        *(_few(window) for window in (4, 2, 1)),
    ),
    Cause.SPARSE_TARGETS: tuple(_last(window) for window in (5, 10, 20, 40, 80)),
    Cause.DATA_SHIFT: tuple(_shift(share) for share in (0.01, 0.03, 0.1, 0.3, 1.0)),
    Cause.OVERFITTING: tuple(_by_heart(size) for size in (80_000, 40_000, 20_000, 10_000, 5_000)),
    Cause.PLATEAU: (
        *(_small(hidden) for hidden in ("24", "12", "6", "3")),
        *(_decay(amount, PLATEAUS) for amount in ("0.3", "1", "2")),
    ),
    Cause.SATURATED_UNITS: tuple(_saturated(factor) for factor in (5, 10, 20, 40, 80)),
    Cause.NUMERICAL_INSTABILITY: tuple(_shifted(by) for by in (1e5, 1e6, 3e6, 1e7, 3e7)),
    Cause.NON_FINITE: (*(_breaks(rate) for rate in ("100", "1e3", "1e5")), *map(_infinite, (1e30, 1e38))),
    Cause.NOISY_UPDATES: (
        *(_noisy(factor) for factor in (3, 10, 30)),
        *(_dropout(share) for share in ("0.7", "0.8", "0.9", "0.95")),
    ),
    Cause.STUCK_AT_LETTER_FREQUENCIES: (
        *(_unseen(factor) for factor in (0.1, 0.01, 0.0)),
        *(_decay(amount, PLATEAUS[::-1]) for amount in ("5", "10", "30")),
    ),
}
"""The rungs of each cause, the slightest of a kind first."""
