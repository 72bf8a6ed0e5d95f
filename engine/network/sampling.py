"""Text sampled from a network."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.network.model import CharRNN
from engine.text.vocabulary import Vocabulary


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
        self._decoder = vocabulary.decoder()
        self._random = torch.Generator().manual_seed(seed)
        self._state = network.zero_state(1)
        self._unread: list[int] = vocabulary.encode(prime).tolist() or [vocabulary.start()]

    @torch.no_grad()
    def write(self, temperature: float) -> str:
        """Draw the next entry, and return it as text: mostly one character, nothing while its bytes are incomplete.

        Args:
            temperature: the divisor of the logits; 0 takes the likeliest entry.

        Raises:
            ArithmeticError: the network's parameters are not finite.
        """
        device = self._state[0].device
        inputs = torch.tensor(self._unread, device=device).reshape(-1, 1)
        outputs, self._state = self._network(inputs, self._state)
        entry = self._draw(self._network.head(outputs[-1, 0]).double().cpu(), temperature)
        self._unread = [entry]
        return self._decoder.feed(entry)

    def _draw(self, logits: Tensor, temperature: float) -> int:
        if not bool(torch.isfinite(logits).all()):
            raise ArithmeticError("no text can be sampled: the network's outputs are not finite")
        if temperature == 0:
            return int(logits.argmax())
        chances = torch.softmax((logits - logits.max()) / temperature, dim=0)
        return int(torch.multinomial(chances, 1, generator=self._random))
