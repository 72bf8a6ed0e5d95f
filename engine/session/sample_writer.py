"""Samples that are written character by character while the network learns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from engine.network.model import CharRNN
from engine.network.sampling import Sampler, Taste
from engine.session.snapshot import SHOWN, Continuation
from engine.text.vocabulary import Vocabulary

PER_SECOND = 50.0
"""The most characters written per second: as fast as people skim."""

SHARE, FIRST_SHARE = 0.004, 0.012
"""The largest share of the time that writing may take, and the same for the first sample: whoever has just begun wants
to see one."""

ASKED_SHARE, BURST_SECONDS = 0.2, 0.01
"""The same for a sample that somebody has asked for and waits for, and the time that it may take in advance."""

LENGTH = 200
"""The number of characters in one sample: as many as a glance takes in."""


class Writer:
    """Writes one sample after another, with a character whenever one is due.

    Attributes:
        continuation: the last sample that was asked for, as far as it is written; None before the first.
    """

    def __init__(self, network: CharRNN, vocabulary: Vocabulary, seed: int) -> None:
        self.continuation: Continuation | None = None
        self._network = network
        self._vocabulary = vocabulary
        self._seeds: Iterator[int] = iter(range(seed, 2**63))
        self._shown = ""
        self._prime, self._written = "", ""
        self._sampler: Sampler | None = None
        self._asked = False
        self._begun = self._took = 0.0
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
        return self._left() > 0 if self._asked and self.writing else time.monotonic() >= self._due

    def begin(self, title: str, prime: str | None = None) -> None:
        """Begin a sample under a title.

        Args:
            title: stands above it.
            prime: where somebody has asked for it, the text that it continues, or an empty one.

        Raises:
            UserError: `prime` has characters that the text lacks; the sample that is being written goes on.
        """
        self._sampler = Sampler(self._network, self._vocabulary, next(self._seeds), prime or "")
        self._prime, self._written, self._asked = prime or "", "", prime is not None
        if prime is not None:
            self.continuation = Continuation(prime)
        self._begun, self._took = time.monotonic(), 0.0
        # The network keeps learning meanwhile, so that a sample belongs to no single update.
        line = f"── begun at {title} ──\n{self._prime}"
        self._show(f"\n{line}" if self._shown else line)

    def write(self, taste: Taste) -> str | None:
        """Write a character, or some of a sample that was asked for; return the sample once it is complete.

        Raises:
            ArithmeticError: the network's outputs are not finite; the sample is given up.
        """
        if self._sampler is None:
            return None
        begun = time.monotonic()
        allowed = self._left() if self._asked else 0.0
        while not (finished := self._write_one(self._sampler, taste)):
            if time.monotonic() - begun >= allowed:
                break
        took = time.monotonic() - begun
        self._took += took
        self._due = begun + max(1 / PER_SECOND, took / self._share)
        if not finished:
            return None
        self._share, self._sampler = SHARE, None
        return self._prime + self._written

    def _left(self) -> float:
        """The seconds that a sample which was asked for may take now."""
        return BURST_SECONDS + ASKED_SHARE * (time.monotonic() - self._begun) - self._took

    def _write_one(self, sampler: Sampler, taste: Taste) -> bool:
        """Write a character; return whether it is the last one."""
        try:
            drawn = sampler.draw(taste)
        except ArithmeticError as error:
            self._sampler = None
            if self._asked and self.continuation is not None:
                self.continuation = replace(self.continuation, finished=True, trouble=str(error))
            raise
        self._written += drawn.text
        self._show(drawn.text)
        finished = len(self._written) >= LENGTH
        if self._asked and self.continuation is not None:
            entries = (*self.continuation.drawn, drawn)
            self.continuation = replace(self.continuation, drawn=entries, finished=finished)
        return finished

    def _show(self, text: str) -> None:
        self._shown = (self._shown + text)[-SHOWN:]
