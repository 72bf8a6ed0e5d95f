"""Text from a network."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from engine.checkpoint import Checkpoint
from engine.errors import UserError
from engine.model import CharRNN, load_network
from engine.trainer import parameters
from engine.vocabulary import Vocabulary

SHOWN = 100
"""How many of a vocabulary's characters a message names."""


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


def write_from(found: Checkpoint, *, chars: int, temperature: float, prime: str, seed: int) -> Iterator[str]:
    """Text from a checkpoint's network, bit by bit: the prime, and `chars` characters behind it.

    Raises:
        UserError: `prime` has foreign characters, before anything is written; or the network is not finite.
    """
    vocabulary = found.origin.vocabulary
    network = load_network(found.state.settings, vocabulary.size, parameters(found.state))
    try:
        sampler = Sampler(network, vocabulary, seed, prime)
    except UserError as error:
        raise UserError(f"--prime: {error}; {_some_of(vocabulary)}") from error
    return _write(sampler, chars, temperature, prime)


def _write(sampler: Sampler, chars: int, temperature: float, prime: str) -> Iterator[str]:
    yield prime
    written = 0
    while written < chars:
        try:
            text = sampler.write(temperature)
        except ArithmeticError as error:
            raise UserError(str(error)) from error
        written += len(text)
        yield text


def _some_of(vocabulary: Vocabulary) -> str:
    """Says which characters a prime may have."""
    there = "".join(character for character in vocabulary.characters if character.isprintable()).strip()
    return f"it has {there}" if len(there) <= SHOWN else f"it has {there[:SHOWN]} and others"
