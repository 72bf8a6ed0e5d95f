"""How much a text changes, by a table of counts that no network has a part in."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

ORDER = 3
"""The length of the longest stretch that is counted."""

KEPT = 0.9
"""The first share of the text before the change that is counted; the rest shows what the table loses there."""


def shift(before: str, after: str) -> float:
    """How many nats per character more a table of triples loses after a change than before it.

    The counts of triples are smoothed by those of pairs, and these by those of letters (Witten & Bell 1991, method C).
    """
    begin = int(KEPT * len(before))
    table = _Table(before[:begin], len(set(before + after)))
    return table.loss(after) - table.loss(before[begin:])


class _Table:
    def __init__(self, text: str, letters: int) -> None:
        self._letters = letters
        self._follow: dict[str, Counter[str]] = defaultdict(Counter)
        for length in range(ORDER):
            for place in range(length, len(text)):
                self._follow[text[place - length : place]][text[place]] += 1

    def loss(self, text: str) -> float:
        """The mean loss in nats per character."""
        losses = [
            -math.log(self._chance(text[place - ORDER + 1 : place], text[place])) for place in range(ORDER, len(text))
        ]
        return math.fsum(losses) / len(losses)

    def _chance(self, context: str, letter: str) -> float:
        shorter = self._chance(context[1:], letter) if context else 1 / self._letters
        there = self._follow.get(context)
        if there is None:
            return shorter
        count, kinds = there.total(), len(there)
        return (there[letter] + kinds * shorter) / (count + kinds)
