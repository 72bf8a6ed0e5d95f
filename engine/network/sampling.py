"""Text sampled from a network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.network.drawn import Drawn
from engine.network.model import CharRNN
from engine.settings import Settings
from engine.text.vocabulary import Vocabulary

LIKELIEST = 8
"""The number of likeliest entries that are told with each drawn one."""


@dataclass(frozen=True, slots=True)
class Taste:
    """How the next entry is drawn from the network's predictions.

    Attributes:
        temperature: the divisor of the logits; 0 takes the likeliest entry.
        top_k: the number of likeliest entries that may be drawn; None for all (Fan, Lewis & Dauphin 2018).
        top_p: entries may be drawn until so much probability lies with likelier ones (Holtzman et al. 2020).
        min_p: the least probability of an entry that may be drawn, as a share of the likeliest one's (Nguyen 2024).
    """

    temperature: float = 0.8
    top_k: int | None = None
    top_p: float = 1.0
    min_p: float = 0.0

    @classmethod
    def of(cls, settings: Settings) -> Taste:
        """That of some settings."""
        return cls(settings.temperature, settings.top_k, settings.top_p, settings.min_p)


class Sampler:
    """Writes text, one entry of the vocabulary at a time.

    It has its own state and generator, so that writing does not change a training. It reads the network's current
    parameters at each step, so that a text may continue while the network learns.

    Args:
        network: the network that predicts each entry.
        vocabulary: the vocabulary of the text.
        seed: the seed of the draws.
        prime: the text that is read first. Without one the text begins after a line end.

    Raises:
        UserError: `prime` has a character that the vocabulary lacks.
    """

    def __init__(self, network: CharRNN, vocabulary: Vocabulary, seed: int, prime: str = "") -> None:
        self._network = network
        self._vocabulary = vocabulary
        self._decoder = vocabulary.decoder()
        self._random = torch.Generator().manual_seed(seed)
        self._state = network.zero_state(1)
        self._unread: list[int] = vocabulary.encode(prime).tolist() or [vocabulary.start()]

    @torch.no_grad()
    def draw(self, taste: Taste) -> Drawn:
        """Draw the next entry.

        Args:
            taste: how it is drawn.

        Raises:
            ArithmeticError: the network's parameters are not finite.
        """
        unread = torch.tensor(self._unread, device=self._state[0].device)
        if len(unread) == 1:
            outputs, self._state = self._network.step(unread, self._state)
        else:
            every, self._state = self._network(unread[:, None], self._state)
            outputs = every[-1]
        logits = self._network.head(outputs[0]).double().cpu()
        if not bool(torch.isfinite(logits).all()):
            raise ArithmeticError("no text can be sampled: the network's outputs are not finite")
        entry = self._choose(logits, taste)
        self._unread = [entry]
        return Drawn(self._decoder.feed(entry), self._vocabulary.name(entry), self._chances(logits, entry))

    def _choose(self, logits: Tensor, taste: Taste) -> int:
        if taste.temperature == 0:
            return int(logits.argmax())
        chances = torch.softmax((logits - logits.max()) / taste.temperature, dim=0)
        return int(torch.multinomial(drawn_from(chances, taste), 1, generator=self._random))

    def _chances(self, logits: Tensor, drawn: int) -> tuple[tuple[str, float], ...]:
        chances = torch.softmax(logits, dim=0)
        likeliest = chances.topk(min(LIKELIEST, len(chances))).indices.tolist()
        entries = likeliest if drawn in likeliest else [*likeliest, drawn]
        return tuple((self._vocabulary.name(entry), float(chances[entry])) for entry in entries)


def drawn_from(chances: Tensor, taste: Taste) -> Tensor:
    """(entries,) the probabilities of those entries that a taste leaves, up to a factor; 0 of the others."""
    if taste == Taste(taste.temperature):
        return chances
    ordered, places = chances.sort(descending=True, stable=True)
    left = torch.ones_like(ordered, dtype=torch.bool)
    if taste.top_k is not None:
        left[taste.top_k :] = False
    # The entry with which the sum reaches `top_p` is the last one: the likeliest always stays.
    left &= torch.cat([ordered.new_zeros(1), ordered.cumsum(0)[:-1]]) < taste.top_p
    left &= ordered >= taste.min_p * ordered[0]
    left[0] = True
    return torch.zeros_like(chances).scatter(0, places, ordered * left)
