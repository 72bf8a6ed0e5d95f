"""A text with the loss of each of its characters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from engine.network.compute import Compute
from engine.network.lanes import read_in_lanes
from engine.network.model import CharRNN
from engine.text.corpus import TextIds
from engine.text.vocabulary import BYTES, Ids, Vocabulary

LEAD, CONTINUES = 0xC0, 0x80
"""The bits of a byte that say whether it continues a character of UTF-8, and their value where it does."""


@dataclass(frozen=True, eq=False, slots=True)
class Reading:
    """A text as a network read it.

    Attributes:
        text: the characters, without the first one of what was read, which nothing predicted.
        losses: (len(text),) float32, the loss of each in nats; of a character that is spelled in several entries of the
            vocabulary, the sum of theirs.
    """

    text: str
    losses: NDArray[np.float32]


@torch.no_grad()
def read(
    network: CharRNN,
    ids: TextIds,
    vocabulary: Vocabulary,
    compute: Compute,
    keep_going: Callable[[float], bool] | None = None,
) -> Reading | None:
    """Read a text, with the state carried along.

    Args:
        network: the network, which reads without dropout.
        ids: (n,) with n ≥ 2.
        vocabulary: what the ids stand for.
        compute: the device and the number type of the products.
        keep_going: called several times with the share done; False gives up.

    Returns:
        The reading; None where it was given up.
    """
    losses = np.zeros(len(ids) - 1, np.float32)
    for chunk in read_in_lanes(network, ids, compute):
        losses[chunk.places[chunk.counted]] = chunk.losses(network, compute).float().cpu().numpy()[chunk.counted]
        if keep_going is not None and not keep_going(chunk.done):
            return None
    return joined(np.asarray(ids[1:]), losses, vocabulary)


def joined(ids: Ids, losses: NDArray[np.float32], vocabulary: Vocabulary) -> Reading:
    """The characters that entries of a vocabulary spell, with their losses; half a character at either end is left out.

    Args:
        ids: (n,).
        losses: (n,) the loss of each entry.
        vocabulary: what the ids stand for.
    """
    if not vocabulary.spells:
        return Reading(vocabulary.decode(ids.tolist()), losses)
    begins = (ids >= BYTES) | ((ids & LEAD) != CONTINUES)
    if not begins.any():
        return Reading("", losses[:0])
    first = int(begins.argmax())
    text = vocabulary.decode(ids[first:].tolist())
    starts = first + np.flatnonzero(begins[first:])
    of_characters = np.add.reduceat(losses, starts).astype(np.float32)
    whole = len(starts) - int(text.endswith("\ufffd"))
    return Reading(text[:whole], of_characters[:whole])
