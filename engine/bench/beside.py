"""How much faster a training of ours is than the usual loop of the same network, measured in a process of its own.

`python -m engine.bench.beside SETTINGS ENTRIES` prints the ratio: settings as JSON, and the size of the vocabulary.
"""

from __future__ import annotations

import json
import os
import sys

import numpy as np

from engine.bench.comparison import compare
from engine.bench.plain import PlainLoop, Way
from engine.bench.rows import ROUND_SECONDS, Engine
from engine.network.compute import choose
from engine.settings import Settings
from engine.text.corpus import Corpus
from engine.text.vocabulary import Vocabulary

LENGTH = 400_000
"""The characters of the text that both sides read. What they are makes no difference to the time."""

FIRST = 0x4E00
"""The code of the first of them."""

NICE = 19
"""Least of all urgent: what is trained beside it has the processor first."""


def ratio(settings: Settings, entries: int) -> float:
    """Our rate over that of a plain loop on one thread, in the median of some rounds in turn."""
    vocabulary = Vocabulary("".join(chr(FIRST + each) for each in range(entries)))
    ids = np.random.default_rng(0).integers(0, entries, LENGTH).astype(vocabulary.dtype)
    corpus = Corpus("made", ids, vocabulary, LENGTH, "", ())
    engine, plain = Engine(corpus, settings, choose(settings)), PlainLoop(corpus, settings, Way(fused=False))
    return compare("", engine.rate, lambda: plain.rate(ROUND_SECONDS), target=1.0, against="").ratio


def main() -> None:
    """Measure, and print the ratio."""
    os.nice(NICE)
    settings, entries = sys.argv[1:]
    print(ratio(Settings.from_plain({**json.loads(settings), "threads": 1}), int(entries)))


if __name__ == "__main__":
    main()
