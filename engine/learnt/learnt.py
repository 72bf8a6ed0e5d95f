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
from engine.learnt.switching_off import Rise, Without
from engine.learnt.units import Followed, follow
from engine.learnt.words import KnownWord, known_words
from engine.network.compute import Compute, choose
from engine.network.model import CharRNN, load_network
from engine.settings import Settings
from engine.text.corpus import Corpus, TextIds
from engine.text.progress import Tell
from engine.training.state import finite, parameters

MOST_READ = 2_000_000
"""The most entries of the training split that are read, from its beginning."""

MOST_PROBED = 60_000
"""The most characters of the held-out text over which units are probed."""

EXCERPT = 24
"""The characters that are shown before one of which a unit was needed."""


@dataclass(frozen=True, slots=True)
class Lost:
    """What a network loses without a unit.

    Attributes:
        rise: the rise of its loss.
        before, at: the text before the character whose own loss rises the most, and that character.
    """

    rise: Rise
    before: str
    at: str


@dataclass(frozen=True, slots=True)
class Learnt:
    """The knowledge of a network.

    Attributes:
        trained: the words of the text that it was trained on, the most frequent first.
        held_out: those of the held-out text.
        followed: the properties that the held-out text offers, and how well the units tell them.
        without: what is lost without each unit that is named, by the property that it follows.
    """

    trained: list[KnownWord]
    held_out: list[KnownWord]
    followed: list[Followed]
    without: dict[str, Lost]


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

    trained = words("training", corpus.training[:MOST_READ])
    held_out = words("held-out", corpus.validation)
    followed, without = _followed(network.to("cpu"), found.state.settings, corpus, progress)
    return Learnt(trained, held_out, followed, without)


def _followed(
    network: CharRNN, settings: Settings, corpus: Corpus, progress: Tell
) -> tuple[list[Followed], dict[str, Lost]]:
    """The properties that units follow, and what is lost without those that are named."""
    if corpus.vocabulary.spells:
        return [], {}  # a property is one of characters, and a state belongs to an entry
    progress("looking for what units follow", 0.0)
    ids = corpus.validation[:MOST_PROBED]
    untrained = CharRNN(settings, corpus.vocabulary.size)
    untrained.initialise(torch.Generator().manual_seed(settings.seed), torch.ones(corpus.vocabulary.size))
    text = corpus.vocabulary.decode(np.asarray(ids).tolist())
    offered, states = properties(text), hidden_states(network, ids)
    followed = follow(states, hidden_states(untrained, ids), offered)
    named = [each for each in followed if each.named]
    if not named:
        return followed, {}
    without, lost = Without(network, ids, states.mean(0), Compute(torch.device("cpu"), torch.float32, 1)), {}
    for place, each in enumerate(named):
        progress("switching units off", place / len(named))
        rise = without.rise(each.unit, offered[each.name])
        lost[each.name] = Lost(rise, text[max(0, rise.place - EXCERPT) : rise.place], text[rise.place])
    return followed, lost
