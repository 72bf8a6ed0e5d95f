"""How a training gets its run in the lab."""

from __future__ import annotations

import torch

from engine.lab import Entry, Lab, Past, Run
from engine.network.model import CharRNN, network_name
from engine.settings import Settings
from engine.text.corpus import Corpus


def register(
    lab: Lab,
    corpus: Corpus,
    settings: Settings,
    *,
    name: str | None,
    compute: str,
    text: str | None = None,
    parent: tuple[str, int] | None = None,
    chars: int = 0,
    past: Past | None = None,
    race: Entry | None = None,
    question: str | None = None,
) -> Run:
    """Create the run of a training; raises UserError where the lab cannot.

    Args:
        lab: open for writing.
        corpus: what is read.
        settings: how it is trained; of a fork with a past the run keeps its parent's, whose changes it has too.
        name: None for one made from the text's.
        compute: such as `cpu bf16 ×1`.
        text: the name of the text where it is not the corpus'.
        parent: as in `Run`, of a fork without a past.
        chars: characters trained on before.
        past: what happened before, of a fork whose parent is of this lab.
        race: which part of a race it is.
        question: the question that it is made for.
    """
    with torch.device("meta"):  # for its names and sizes alone, which take no memory
        network = CharRNN(settings, corpus.vocabulary.size)
    return lab.runs.create(
        name=name,
        text=corpus.name if text is None else text,
        digest=corpus.digest,
        settings=settings.plain() if past is None else dict(past.run.settings),
        compute=compute,
        network=network_name(settings),
        parameters=network.size(),
        matrix_names=tuple(network.matrices()),
        parent=parent,
        chars=chars,
        past=past,
        race=race,
        question=question,
    )
