"""What a checkpoint's network has learnt of its text."""

from __future__ import annotations

from dataclasses import dataclass

from engine.checkpoints.checkpoint import Checkpoint
from engine.errors import UserError
from engine.learnt.reading import Reading, read
from engine.learnt.words import KnownWord, known_words
from engine.network.compute import choose
from engine.network.model import load_network
from engine.text.corpus import Corpus, TextIds
from engine.text.progress import Tell
from engine.training.state import finite, parameters

MOST_READ = 2_000_000
"""The most entries of the training split that are read, from its beginning."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a network has learnt.

    Attributes:
        trained: the words of the text that it was trained on, the most frequent first.
        held_out: those of the held-out text.
    """

    trained: list[KnownWord]
    held_out: list[KnownWord]


def find_learnt(found: Checkpoint, corpus: Corpus, progress: Tell) -> Learnt:
    """Read both splits of the text with a checkpoint's network; raises UserError where its numbers are not finite."""
    if not finite(found.state):
        raise UserError("the network's numbers are not finite: it can read nothing")
    compute = choose(found.state.settings)
    network = load_network(found.state.settings, corpus.vocabulary.size, parameters(found.state)).to(compute.device)

    def words(what: str, ids: TextIds) -> list[KnownWord]:
        def tell(share: float) -> bool:
            progress(f"reading the {what} text", share)
            return True

        reading = read(network, ids, corpus.vocabulary, compute, tell)
        assert isinstance(reading, Reading)
        return known_words(reading)

    return Learnt(words("training", corpus.training[:MOST_READ]), words("held-out", corpus.validation))
