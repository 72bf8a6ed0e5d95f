"""Text from a network."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.network.model import CharRNN
from engine.text.vocabulary import Vocabulary


class Sampler:
    """Writes text, an entry of the vocabulary at a time.

    It has a state and a generator of its own, so that writing leaves a training's bits alone; it reads the network's
    parameters as they are at each step, so that a text may go on while the network learns.

    Args:
        network: what writes.
        vocabulary: what it writes in.
        seed: seed of the draws.
        prime: the text that is read first; raises UserError where it has a character that the vocabulary lacks.
            Without one the text begins behind a line end.
    """

    def __init__(self, network: CharRNN, vocabulary: Vocabulary, seed: int, prime: str = "") -> None:
        self._network = network
        self._decoder = vocabulary.decoder()
        self._random = torch.Generator().manual_seed(seed)
        self._state = network.zero_state(1)
        self._unread: list[int] = vocabulary.encode(prime).tolist() or [vocabulary.start()]

    @torch.no_grad()
    def write(self, temperature: float) -> str:
        """The next entry as text: mostly one character, and none while a character's bytes are incomplete.

        Args:
            temperature: the logits are divided by it; 0 takes the likeliest entry.

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
            raise ArithmeticError("the network's outputs are not finite: it cannot write")
        if temperature == 0:
            return int(logits.argmax())
        chances = torch.softmax((logits - logits.max()) / temperature, dim=0)
        return int(torch.multinomial(chances, 1, generator=self._random))
