"""The quickest way to compute on this machine, found by measuring."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from engine.budget import Budget
from engine.network.compute import Compute, has_bfloat16, usable_processors
from engine.settings import Settings
from engine.text.corpus import Corpus
from engine.training.annealing import Course
from engine.training.trainer import Trainer
from engine.windows import LengthLaw

FILE = "compute.json"

MEASURE_SECONDS = 0.25
"""The longest time for which each candidate is measured, in seconds."""

DEAREST_UPDATE = 0.25
"""The longest update that is measured, in seconds; where updates take longer, shorter windows are measured, so that the
user does not wait."""

SHORT_WINDOW = 8
"""The length in characters of the window from which the time of an update is estimated."""

WORTH_SECONDS = 20.0
"""The shortest training that is worth a measurement, in seconds; a shorter one does not win back the time."""

LEAST_STREAMS = 2
"""The fewest streams of a shard: products of a single row are slow."""

SLOWEST_SHARED = 0.5
"""The share of the best rate on one thread that a way must reach there to be measured on several."""

AHEAD = 1.1
"""The factor by which another choice must be faster than the usual one: a smaller difference could be chance."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The measured rates, in vocabulary entries per second.

    Attributes:
        chosen: the rate of the choice that was made.
        alone: the rate with one thread, or with as many of torch's own as the user has set.
    """

    chosen: float
    alone: float


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice.

    Attributes:
        compute: the way to compute.
        rates: the rates that support it; None where nothing was measured.
        with_loops: whether the compiled loops were there to be measured.
    """

    compute: Compute
    rates: Rates | None = None
    with_loops: bool = False


def choose_quickest(
    usual: Compute, corpus: Corpus, settings: Settings, budget: Budget, folder: Path, waiting: Callable[[], None]
) -> Choice:
    """Choose the number type and threads that `settings` leave open, by measuring them unless that was done before.

    Nothing is measured where even a few characters take too long.

    Args:
        usual: the choice without measuring.
        corpus: the text.
        settings: the network and its window rule.
        budget: the end of the training; a short training is not worth a measurement.
        folder: the lab's folder, which keeps the choice for this machine and this shape of network.
        waiting: called before each candidate; may raise to give up.
    """
    if usual.device.type != "cpu" or usual.compiled or (settings.dtype != "auto" and settings.threads is not None):
        return Choice(usual)
    shape = _shape(settings, corpus)
    found = _remembered(folder, shape, usual, settings)
    # Before the compiled loops were built, they could not be measured.
    if found is not None and (found.with_loops or not _has_loops()):
        found.compute.apply()
        return found
    waiting()
    length = settings.bptt.mean
    short = _shortened(settings, SHORT_WINDOW / length)
    of_short = _seconds_an_update(Trainer(corpus, short, usual), 1)
    seconds = of_short * length / short.bptt.mean
    if of_short > DEAREST_UPDATE or _seconds_left(budget, seconds, corpus, settings) < WORTH_SECONDS:
        return Choice(usual)
    choice = _measure(usual, corpus, _shortened(settings, DEAREST_UPDATE / seconds), waiting)
    _remember(folder, shape, choice)
    return choice


def _has_loops() -> bool:
    """Whether the compiled loops are built. Where they are not, building them begins, and nobody waits for it."""
    # Numba takes long to load, and most starts remember their choice.
    from engine.training.building import build_beside, is_built
    from engine.training.compiled import COMPILES

    if not COMPILES:
        return False
    build_beside()
    return is_built()


def _loops_halve() -> bool:
    """Whether the compiled loops can multiply in bfloat16 here."""
    from engine.training.compiled.blas import MULTIPLIES_BFLOAT16

    return MULTIPLIES_BFLOAT16


def _measure(usual: Compute, corpus: Corpus, settings: Settings, waiting: Callable[[], None]) -> Choice:
    """Measure one thread with each number type and compiled loops, then more threads, torch's own and shared ones.

    Where the user has set the threads, it is so many of torch's own in place of one.
    """
    length = settings.streams * settings.bptt.mean
    rates: dict[Compute, float] = {}

    def quickest(candidates: list[Compute]) -> Compute:
        for candidate in candidates:
            waiting()
            candidate.apply()
            rates[candidate] = length / _seconds_an_update(Trainer(corpus, settings, candidate))
        return max(candidates, key=lambda candidate: rates[candidate] * (AHEAD if candidate == candidates[0] else 1))

    types = [usual]
    if settings.dtype == "auto" and has_bfloat16(settings.cell, usual.device):
        types.append(replace(usual, dtype=torch.float32 if usual.dtype is torch.bfloat16 else torch.bfloat16))
    best = alone = quickest(types)
    with_loops = _has_loops()
    if with_loops:
        loops = [replace(each, compiled=True) for each in types if each.dtype is torch.float32 or _loops_halve()]
        best = alone = quickest([alone, *loops])
        types += loops
    counts = _thread_counts() if settings.threads is None else range(2, settings.threads + 1)[-1:]
    own = [] if alone.compiled else [replace(alone, threads=count) for count in counts if count != alone.threads]
    # In fewer rows to a product another way may be the better one.
    near = [each for each in types if rates[each] >= SLOWEST_SHARED * rates[alone]]
    sharing = [replace(one, threads=count, shards=count) for one in near for count in counts]
    best = quickest([alone, *own, *(each for each in sharing if each.shards * LEAST_STREAMS <= settings.streams)])
    best.apply()
    return Choice(best, Rates(rates[best], rates[alone]), with_loops)


def _shortened(settings: Settings, share: float) -> Settings:
    """The settings with windows of this share of their length, where the share is below 1."""
    if share >= 1:
        return settings
    return replace(settings, bptt=LengthLaw.fixed(max(1, round(share * settings.bptt.mean))))


def _thread_counts() -> list[int]:
    """The number of usable processors, and half of it: the number of cores where each counts as two processors."""
    usable = usable_processors()
    return sorted({count for count in (usable // 2, usable) if count > 1})


def _seconds_an_update(trainer: Trainer, most: int = 1000) -> float:
    """The median time of several updates in seconds, after a first one that also sets things up."""
    trainer.train(1, Course())
    took: list[float] = []
    begun = time.monotonic()
    while len(took) < most and (not took or time.monotonic() - begun < MEASURE_SECONDS):
        before = time.monotonic()
        trainer.train(1, Course())
        took.append(time.monotonic() - before)
    return sorted(took)[len(took) // 2]


def _seconds_left(budget: Budget, an_update: float, corpus: Corpus, settings: Settings) -> float:
    """The approximate duration of a budget, in seconds."""
    chars_an_update = settings.streams * settings.bptt.mean / corpus.tokens_per_char
    ends = [
        budget.seconds,
        None if budget.updates is None else budget.updates * an_update,
        None if budget.chars is None else budget.chars / chars_an_update * an_update,
    ]
    return min((end for end in ends if end is not None), default=float("inf"))


# --- remembered choices ------------------------------------------------------------------------------------------


def _shape(settings: Settings, corpus: Corpus) -> str:
    """A digest of everything that the rates depend on, including the machine."""
    names = ("cell", "hidden", "layers", "embedding", "streams", "optimizer", "dtype", "threads", "targets", "clip_by")
    values: dict[str, object] = {name: getattr(settings, name) for name in names}
    values |= {"bptt": str(settings.bptt), "dropout": bool(settings.dropout), "entries": corpus.vocabulary.size}
    values |= {"torch": torch.__version__, "processor": torch.backends.cpu.get_cpu_capability()}
    values |= {"machine": platform.node(), "usable": _thread_counts()}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _remembered(folder: Path, shape: str, usual: Compute, settings: Settings) -> Choice | None:
    entry = _read(folder).get(shape)
    match entry:
        case {
            "dtype": "float32" | "bfloat16" as dtype,
            "threads": int(threads),
            "shards": int(shards),
            "compiled": bool(compiled),
            "with_loops": bool(with_loops),
            "rates": dict(rates),
        } if (
            threads in (usual.threads, *_thread_counts())
            and shards in (1, threads)
            and (dtype == "float32" or has_bfloat16(settings.cell, usual.device))
        ):
            compute = replace(usual, dtype=getattr(torch, dtype), threads=threads, shards=shards)
            compute = replace(compute, compiled=compiled)
        case _:
            return None
    with suppress(TypeError, ValueError):
        return Choice(compute, Rates(**{name: float(rate) for name, rate in rates.items()}), with_loops)
    return None


def _remember(folder: Path, shape: str, choice: Choice) -> None:
    """Keep the choice; where the folder cannot be written, the next start only has to measure again."""
    if choice.rates is None:
        return
    compute = choice.compute
    entry = {
        "dtype": str(compute.dtype).removeprefix("torch."),
        "threads": compute.threads,
        "shards": compute.shards,
        "compiled": compute.compiled,
        "with_loops": choice.with_loops,
        "rates": asdict(choice.rates),
    }
    beside = folder / f".{FILE}.{os.getpid()}.part"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps({**_read(folder), shape: entry}, indent=1))
        beside.replace(folder / FILE)


def _read(folder: Path) -> Mapping[str, Any]:
    try:
        found = json.loads((folder / FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
