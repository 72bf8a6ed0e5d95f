"""The loss of a checkpoint's network over the held-out part of its text."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.checkpoints.checkpoint import Checkpoint
from engine.errors import UserError
from engine.network.compute import choose
from engine.network.dynamic_evaluation import evaluate_dynamically
from engine.network.evaluation import evaluate
from engine.network.model import load_network
from engine.text.corpus import Corpus
from engine.text.progress import Tell
from engine.training.state import finite, parameters


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The loss of a network over the whole validation split, in nats per character.

    Attributes:
        loss: with fixed weights.
        dynamic: while it goes on learning from what it has read; None where that was not asked for.
        chars: the number of characters of the split.
    """

    loss: float
    dynamic: float | None
    chars: int


def read_held_out(found: Checkpoint, corpus: Corpus, progress: Tell, *, dynamic: bool) -> HeldOut:
    """Read the validation split with a checkpoint's network.

    Raises UserError where its numbers are not finite, or become so while it goes on learning.
    """
    if not finite(found.state):
        raise UserError("the network's numbers are not finite: it can read nothing")
    network = load_network(found.state.settings, corpus.vocabulary.size, parameters(found.state))
    compute = choose(found.state.settings)

    def tell(what: str, share: float) -> bool:
        progress(what, share)
        return True

    network.to(compute.device)
    fixed = evaluate(network, corpus.validation, compute, lambda share: tell("reading with fixed weights", share))
    learnt = None
    if dynamic:
        network.to("cpu")
        learnt = evaluate_dynamically(
            network, corpus.training, corpus.validation, lambda share: tell("reading and learning", share)
        )
        if learnt is None or not math.isfinite(learnt):
            raise UserError("the network's numbers did not stay finite while it went on learning")
    assert fixed is not None
    entries = corpus.tokens_per_char
    return HeldOut(
        fixed * entries, None if learnt is None else learnt * entries, round(len(corpus.validation) / entries)
    )
