"""The words that a checkpoint's network knows, and the properties that its units follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from engine.checkpoints.checkpoint import Checkpoint
from engine.errors import UserError
from engine.learnt.properties import properties
from engine.learnt.reading import Reading, read
from engine.learnt.states import hidden_states
from engine.learnt.units import Followed, follow
from engine.learnt.words import KnownWord, known_words
from engine.network.compute import choose
from engine.network.model import CharRNN, load_network
from engine.settings import Settings
from engine.text.corpus import Corpus, TextIds
from engine.text.progress import Tell
from engine.training.state import finite, parameters

MOST_READ = 2_000_000
"""The most entries of the training split that are read, from its beginning."""


MOST_PROBED = 60_000
"""The most characters of the held-out text over which units are probed."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """The knowledge of a network.

    Attributes:
        trained: the words of the text that it was trained on, the most frequent first.
        held_out: those of the held-out text.
        followed: the properties that the held-out text offers, and how well the units tell them.
    """

    trained: list[KnownWord]
    held_out: list[KnownWord]
    followed: list[Followed]


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

    return Learnt(
        words("training", corpus.training[:MOST_READ]),
        words("held-out", corpus.validation),
        _followed(network.to("cpu"), found.state.settings, corpus, progress),
    )


def _followed(network: CharRNN, settings: Settings, corpus: Corpus, progress: Tell) -> list[Followed]:
    progress("looking for what units follow", 0.0)
    ids = corpus.validation[:MOST_PROBED]
    if corpus.vocabulary.spells:
        return []  # a property is one of characters, and a state belongs to an entry
    untrained = CharRNN(settings, corpus.vocabulary.size)
    untrained.initialise(torch.Generator().manual_seed(settings.seed), torch.ones(corpus.vocabulary.size))
    text = corpus.vocabulary.decode(np.asarray(ids).tolist())
    return follow(hidden_states(network, ids), hidden_states(untrained, ids), properties(text))
