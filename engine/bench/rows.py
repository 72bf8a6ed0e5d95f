"""The comparisons of the engine with plain loops, one row each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import torch

from engine.bench.comparison import Comparison, compare
from engine.bench.cost import PASSES, PRODUCT, Cost, cost, peak_operations
from engine.bench.plain import PlainLoop, Way
from engine.clock import Pace
from engine.network.compute import Compute, choose, native_bfloat16, usable_processors
from engine.network.model import CELLS, CharRNN
from engine.session.loop import AT_ONCE_SECONDS
from engine.settings import PRESETS, Settings
from engine.text.corpus import Corpus
from engine.training.trainer import Trainer
from engine.windows import LengthLaw

ROUND_SECONDS = 0.6
"""The seconds that each side runs in each round."""

SHAPES = ((128, 64, 16, 64), (256, 64, 16, 64), (512, 64, 32, 64), (256, 128, 64, 32))
"""The hidden size, embedding size, streams and window length of each windowed comparison."""


def rows(corpus: Corpus) -> Iterator[Comparison]:
    """Yield each comparison of the engine with plain loops on this machine as soon as it is made."""
    yield from _machine(corpus)
    yield from _windows(corpus)
    yield from _one_stream(corpus)


def cost_of(corpus: Corpus, settings: Settings) -> tuple[Compute, Cost]:
    """The quickest way to compute an update here, and its cost."""
    ways = _computes(settings)
    engines = [Engine(corpus, settings, each) for each in ways]
    rates = [each.rate(ROUND_SECONDS / 2) for each in engines]
    best = max(range(len(ways)), key=lambda place: rates[place])
    seconds = settings.streams * settings.bptt.mean / engines[best].rate()
    return ways[best], cost(settings, corpus.vocabulary.size, ways[best], seconds)


def _machine(corpus: Corpus) -> Iterator[Comparison]:
    """Compare the engine's arithmetic with this machine's peak in matrix products, on one thread."""
    for dtype in _types():
        settings, compute = Settings(dtype=_word(dtype), threads=1), Compute(torch.device("cpu"), dtype, 1)
        engine = Engine(corpus, settings, compute)
        operations = _operations(settings, corpus) / 1e9

        def ours(engine: Engine = engine, operations: float = operations) -> float:
            return engine.rate() * operations

        def theirs(compute: Compute = compute) -> float:
            compute.apply()
            return peak_operations(compute) / 1e9

        yield compare(
            f"arithmetic of the standard rule, {_word(dtype)}",
            ours,
            theirs,
            target=0.5,
            against=f"product of two {PRODUCT}×{PRODUCT} matrices",
            unit="GFLOP/s",
        )


def _windows(corpus: Corpus) -> Iterator[Comparison]:
    """Compare windows of many streams with the best of all plain loops."""
    for hidden, embedding, streams, length in SHAPES:
        bptt = LengthLaw.fixed(length)
        settings = Settings(hidden=hidden, embedding=embedding, streams=streams, bptt=bptt)
        ways = [Way(dtype, threads) for dtype, threads in product(_types(), _threads())]
        plain = {way: PlainLoop(corpus, settings, way) for way in ways}
        best = max(ways, key=lambda way: plain[way].rate(ROUND_SECONDS / 2))
        own = [Engine(corpus, settings, each) for each in _computes(settings)]
        engine = max(own, key=lambda each: each.rate(ROUND_SECONDS / 2))
        yield compare(
            f"lstm 1×{hidden}, {streams} streams × {length}",
            engine.rate,
            lambda loop=plain[best]: loop.rate(ROUND_SECONDS),  # type: ignore[misc]
            target=0.95,
            against=f"best nn.LSTM loop: {_word(best.dtype)}, {best.threads} thread{'s' * (best.threads > 1)}",
        )


def _one_stream(corpus: Corpus) -> Iterator[Comparison]:
    """Compare one stream with the plain loop for it."""
    small: dict[str, Any] = {"hidden": 128, "optimizer": "adam", "streams": 1, "lr": 5e-4}
    online: dict[str, Any] = dict(PRESETS["online"])
    steps: dict[str, Any] = dict(PRESETS["random-step"])
    cases = [
        ("lstm 1×128, one character at a time", {**online}, False, 30.0),
        ("lstm 1×128, one character at a time", {**online}, True, 20.0),
        ("gru 1×128, one character at a time", {**online, "cell": "gru"}, False, 15.0),
        ("rnn 1×128, one character at a time", {**online, "cell": "rnn"}, False, 15.0),
        ("lstm 1×128, windows of 10", {"bptt": LengthLaw.fixed(10)}, False, 3.0),
        ("lstm 1×128, windows of 25", {"bptt": LengthLaw.fixed(25)}, False, 3.0),
        ("lstm 1×128, windows of 40", {"bptt": LengthLaw.fixed(40)}, False, 3.0),
        ("lstm 1×128, random-step", {**steps}, False, 3.0),
    ]
    for name, changes, fused, target in cases:
        settings = Settings(**{**small, **changes})
        plain = PlainLoop(corpus, settings, Way(fused=fused))
        engine = Engine(corpus, settings, choose(settings))
        yield compare(
            name,
            engine.rate,
            lambda loop=plain: loop.rate(ROUND_SECONDS),  # type: ignore[misc]
            target=target,
            against=f"nn.{CELLS[settings.cell].__name__}, {'fused ' if fused else ''}Adam, clipping, backward",
        )


class Engine:
    """The engine's side of a comparison."""

    def __init__(self, corpus: Corpus, settings: Settings, compute: Compute) -> None:
        self._compute = compute
        self._trainer = Trainer(corpus, replace(settings, warmup=0), compute)

    def rate(self, seconds: float = ROUND_SECONDS) -> float:
        """The rate in characters per second, in calls as long as a session's."""
        self._compute.apply()
        trainer, pace = self._trainer, Pace(AT_ONCE_SECONDS)
        trainer.train(1)
        chars, begun, took = 0, time.perf_counter(), 0.0
        while took < seconds:
            measured = trainer.train(pace.updates)
            chars += measured.length * trainer.settings.streams
            before, took = took, time.perf_counter() - begun
            pace.took(took - before, measured.updates)
        return chars / took


def _operations(settings: Settings, corpus: Corpus) -> float:
    """The multiplications and additions per character of torch's passes, which make every product for each of them."""
    with torch.device("meta"):
        network = CharRNN(settings, corpus.vocabulary.size)
    matrices = [each for each in network.parameters() if each.ndim == 2 and each is not network.embedding.weight]
    return float(PASSES * sum(each.numel() for each in matrices))


def _computes(settings: Settings) -> list[Compute]:
    """The ways in which the engine computes an update: by number types and threads, with streams shared out and not."""
    usual = choose(settings)
    if usual.device.type != "cpu" or settings.streams == 1:
        return [usual]
    cpu = usual.device
    types = _types() if settings.dtype == "auto" else [usual.dtype]
    counts = _threads() if settings.threads is None else [settings.threads]
    own = [Compute(cpu, dtype, threads) for dtype, threads in product(types, counts)]
    shared = [replace(each, shards=each.threads) for each in own if each.threads > 1]
    compiled = [replace(each, compiled=True) for each in (*own, *shared) if each.threads == each.shards]
    return own + shared + compiled


def _types() -> list[torch.dtype]:
    return [torch.float32, torch.bfloat16] if native_bfloat16() else [torch.float32]


def _threads() -> list[int]:
    return sorted({1, usable_processors()})


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
