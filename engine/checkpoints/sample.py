"""Text sampled from a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator

from engine.checkpoints.checkpoint import Checkpoint
from engine.errors import UserError
from engine.network.model import load_network
from engine.network.sampling import Sampler, Taste
from engine.text.vocabulary import Vocabulary
from engine.training.state import parameters

SHOWN = 100
"""The most characters of a vocabulary that a message names."""


def write_from(found: Checkpoint, *, chars: int, taste: Taste, prime: str, seed: int) -> Iterator[str]:
    """Text from a checkpoint's network in small parts: the prime, then `chars` characters.

    Raises:
        UserError: `prime` has a character that the vocabulary lacks (raised before any text), or the network is not
            finite.
    """
    vocabulary = found.origin.vocabulary
    network = load_network(found.state.settings, vocabulary.size, parameters(found.state))
    try:
        sampler = Sampler(network, vocabulary, seed, prime)
    except UserError as error:
        raise UserError(f"--prime: {error}; {_some_of(vocabulary)}") from error
    return _write(sampler, chars, taste, prime)


def _write(sampler: Sampler, chars: int, taste: Taste, prime: str) -> Iterator[str]:
    yield prime
    written = 0
    while written < chars:
        try:
            text = sampler.draw(taste).text
        except ArithmeticError as error:
            raise UserError(str(error)) from error
        written += len(text)
        yield text


def _some_of(vocabulary: Vocabulary) -> str:
    """The characters that a prime may have, in words."""
    there = "".join(character for character in vocabulary.characters if character.isprintable()).strip()
    return f"it has {there}" if len(there) <= SHOWN else f"it has {there[:SHOWN]} and others"
