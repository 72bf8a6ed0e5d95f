"""Samples that are written character by character while the network learns."""

from __future__ import annotations

import time
from collections.abc import Iterator

from engine.network.model import CharRNN
from engine.network.sampling import Sampler, Taste
from engine.text.vocabulary import Vocabulary

PER_SECOND = 50.0
"""The most characters written per second: as fast as people skim."""

SHARE, FIRST_SHARE = 0.008, 0.025
"""The largest share of the time that writing may take, and the same for the first sample: whoever has just begun wants
to see one."""

LENGTH = 200
"""The number of characters in one sample: as many as a glance takes in."""

SHOWN = 2_000
"""The number of characters at the end of the text that are kept for the screen."""


class Writer:
    """Writes one sample after another, with a character whenever one is due."""

    def __init__(self, network: CharRNN, vocabulary: Vocabulary, seed: int) -> None:
        self._network = network
        self._vocabulary = vocabulary
        self._seeds: Iterator[int] = iter(range(seed, 2**63))
        self._shown = ""
        self._sample = ""
        self._sampler: Sampler | None = None
        self._share = FIRST_SHARE
        self._due = 0.0

    @property
    def shown(self) -> str:
        """The end of all samples written so far."""
        return self._shown

    @property
    def writing(self) -> bool:
        """Whether a sample has been begun and not finished."""
        return self._sampler is not None

    @property
    def due(self) -> bool:
        """Whether it is time for the next character."""
        return time.monotonic() >= self._due

    def begin(self, title: str, prime: str = "") -> None:
        """Begin a sample under a title; raises UserError where `prime` has characters that the text lacks."""
        self._sampler = Sampler(self._network, self._vocabulary, next(self._seeds), prime)
        self._sample = prime
        # The network keeps learning meanwhile, so that a sample belongs to no single update.
        line = f"── begun at {title} ──\n{prime}"
        self._show(f"\n{line}" if self._shown else line)

    def write(self, taste: Taste) -> str | None:
        """Write a character; return the sample if that completes it, otherwise None.

        Raises:
            ArithmeticError: the network's outputs are not finite; the sample is given up.
        """
        if self._sampler is None:
            return None
        begun = time.monotonic()
        try:
            text = self._sampler.write(taste)
        except ArithmeticError:
            self._sampler = None
            raise
        self._sample += text
        self._show(text)
        took = time.monotonic() - begun
        self._due = begun + max(1 / PER_SECOND, took / self._share)
        if len(self._sample) < LENGTH:
            return None
        self._sampler = None
        self._share = SHARE
        return self._sample

    def _show(self, text: str) -> None:
        self._shown = (self._shown + text)[-SHOWN:]
