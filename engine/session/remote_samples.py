"""The samples of a training of ours in another process."""

from __future__ import annotations

from engine.clock import Every
from engine.events import Sample
from engine.network.drawn import Drawn
from engine.session.snapshot import SHOWN, Continuation

AGAIN_SECONDS = 20.0
"""Seconds after which another sample is asked for."""


class RemoteSamples:
    """Samples as they come, whole; says when to ask for another.

    Attributes:
        shown: the end of all samples.
        continuation: the last one that was asked for with a beginning; None before the first.
    """

    def __init__(self) -> None:
        self.shown = ""
        self.continuation: Continuation | None = None
        self._due = Every(AGAIN_SECONDS)
        self._first = True

    def take(self, sample: Sample) -> None:
        """A sample has come."""
        self._due.reset()
        self.shown = f"{self.shown}\n── at update {sample.update:,} ──\n{sample.text}"[-SHOWN:].lstrip("\n")
        asked = self.continuation
        if asked is None or (asked.finished and not asked.trouble):
            return
        if not sample.text.startswith(asked.prime):
            # It may have been begun before; then this one still comes.
            trouble = "another text was asked for meanwhile: enter asks again"
            self.continuation = Continuation(asked.prime, finished=True, trouble=trouble)
        else:
            written = sample.text.removeprefix(asked.prime)
            # What else might have been written is known where it was written.
            drawn = tuple(Drawn(character, character, ()) for character in written)
            self.continuation = Continuation(asked.prime, drawn, finished=True)

    def ask(self, prime: str) -> None:
        """One that begins with `prime` has been asked for."""
        self.continuation = Continuation(prime)

    def is_due(self) -> bool:
        """Whether it is time to ask for another; true once. One that the user has asked for is not to be cut short."""
        is_awaited = self.continuation is not None and not self.continuation.finished
        if is_awaited or not (self._first or self._due.due()):
            return False
        self._first = False
        self._due.reset()
        return True
