"""A way to train: a text, a network, an optimiser at a good rate, and how the text is read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from tests.ladders.fault import SIZE, Fault
from tests.ladders.texts import KINDS, Text

CELLS, HIDDEN = ("lstm", "gru", "rnn"), ("48", "128", "256")

RATES = {"adamw": 4e-3, "adam": 4e-3, "rmsprop": 2e-3, "sgd": 0.5}
"""The rate of each optimiser that does well with windows of 64 in sixteen streams."""

WINDOWED, ONE_STREAM, ONLINE = "windowed", "one stream", "online"

READ = {
    WINDOWED: {},
    ONE_STREAM: {"streams": "1"},
    ONLINE: {"streams": "1", "bptt": "1"},
}
"""How a text is read: the settings that differ from windows of 64 in sixteen streams."""

SLOWER = {WINDOWED: 1.0, ONE_STREAM: 0.25, ONLINE: 0.075}
"""The good rate of each as a share of the one above: gradients of fewer characters are noisier."""

SLOWER_TANH = 0.4
"""The same for a tanh network."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to train with nothing wrong with it.

    Attributes:
        kind: the kind of text, as in `texts.KINDS`.
        cell, hidden, optimizer: the settings of these names.
        read: how the text is read, as in `READ`.
        text: what is read; None for the text of that kind.
        size: the characters of the text.
        extra: further settings.
    """

    kind: str
    cell: str
    hidden: str
    optimizer: str
    read: str = WINDOWED
    text: Text | None = None
    size: int = SIZE
    extra: dict[str, str] = field(default_factory=dict)

    @classmethod
    def drawn(cls, random: Random) -> Way:
        """A way drawn from all; one character at a time is no healthy way to read a text."""
        return cls(
            random.choice(list(KINDS)),
            random.choice(CELLS),
            random.choice(HIDDEN),
            random.choice(list(RATES)),
            random.choice((WINDOWED, WINDOWED, ONE_STREAM)),
        )

    @property
    def rate(self) -> float:
        """The learning rate that does well."""
        return RATES[self.optimizer] * SLOWER[self.read] * (SLOWER_TANH if self.cell == "rnn" else 1)

    def but(self, **extra: str) -> Way:
        """The same with other settings."""
        return replace(self, extra={**self.extra, **extra})

    def healthy(self) -> Fault:
        """The training, with nothing wrong with it."""
        chosen = {
            "cell": self.cell,
            "hidden": self.hidden,
            "optimizer": self.optimizer,
            "lr": f"{self.rate:.3g}",
            **READ[self.read],
            **self.extra,
        }
        told = ", ".join(filter(None, (self.kind, f"{self.cell} {self.hidden}", self.optimizer, self.read)))
        return Fault(told, (), chosen, self.text or KINDS[self.kind], self.size)
