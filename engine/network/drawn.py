"""An entry that a sampler drew, and its alternatives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drawn:
    """An entry of the vocabulary that was drawn.

    Attributes:
        text: the text that it completes: mostly one character, nothing while its bytes are incomplete.
        name: the entry itself, as `Vocabulary.name` has it.
        chances: the names of the likeliest entries and of the drawn one, with the probabilities, 0 … 1, that the
            network gave them, the likeliest first. The temperature and what else shapes a sample are not in them.
    """

    text: str
    name: str
    chances: tuple[tuple[str, float], ...]
