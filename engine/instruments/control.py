"""Control samples: the loss at fixed places of the text, and the information that the network misses there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.instruments.character_classes import CLASSES, classes_of
from engine.instruments.missed import grouped, missed
from engine.instruments.panel import SHORT_RUN_IN, SHORT_SPAN, Panel, read
from engine.text.corpus import Corpus
from engine.text.withheld import BLOCK
from engine.training.subject import Subject

LANES, FEWEST_LANES = 32, 4
"""The number of lanes over the training split at full effort, and the fewest."""

HELD_OUT = 0.8
"""The number of lanes over the validation split, as a share of those over the training split; at least as many as the
fewest there, so that their scatter gives a standard error."""

WITHHELD = 0.5
"""The same for the withheld blocks, which are shorter."""

RARE = 0.01
"""The share of the sample that its rarest characters make up together, at most."""


@dataclass(frozen=True, eq=False, slots=True)
class ControlPlan:
    """The text that every control reads, and the facts about it that never change.

    Attributes:
        training: lanes of the training split.
        validation: lanes of the validation split.
        withheld: the withheld blocks of the training part; None where the text has none.
        groups: (entries,) the group of each entry of the vocabulary; see `missed`.
        classes: (span, lanes) the place in `CLASSES` of each target in `training`.
        rare: (span, lanes) whether each target in `training` is one of the rarest characters.
    """

    training: Panel
    validation: Panel
    withheld: Panel | None
    groups: NDArray[np.int64]
    classes: NDArray[np.int64]
    rare: NDArray[np.bool_]

    @classmethod
    def of(cls, corpus: Corpus, lanes: int = LANES) -> ControlPlan:
        """The plan for a text with at most `lanes` lanes over its training split: always the same for the same two."""
        training, blocks = Panel.over(corpus.training, lanes), corpus.withheld
        read = blocks[:: max(1, len(blocks) // round(WITHHELD * lanes))]
        return cls(
            training,
            Panel.over(corpus.validation, max(FEWEST_LANES, round(HELD_OUT * lanes)), SHORT_RUN_IN, SHORT_SPAN),
            Panel.at(corpus.ids, read, BLOCK) if len(read) else None,
            grouped(training.ids, corpus.vocabulary.size),
            classes_of(corpus.vocabulary)[training.targets],
            _rarest(training.targets),
        )


@dataclass(frozen=True, slots=True)
class Control:
    """A reading of the control samples. All losses are in nats per character.

    Where characters are spelled in bytes, a loss is the loss per entry times the entries per character, as everywhere.
    So the losses of all classes, weighted by how often they occur, add up to `seen`.

    Attributes:
        seen: the loss over all lanes of the training split.
        held_out: the loss over all lanes of the validation split; nan where it was not asked for.
        held_out_by_region: the loss of each of these lanes; empty where it was not asked for.
        withheld: the loss over the withheld blocks of the training part; nan where the text has none.
        by_region: the loss of each lane of the training split, in the order of the text.
        regions: the place of each of these lanes in the training split, as a share 0 … 1.
        classes: the loss by the class of the predicted character, in the order of `CLASSES`; nan where the sample has
            no character of the class.
        rarest: the loss where one of the rarest characters is predicted, which together make up at most `RARE` of the
            sample; nan where even the rarest one makes up more.
        by_context: how much a prediction depends on the text before it; see `by_context`.
        missed: the information in the character at each lag from 1 that the network leaves unused; see `missed`.
    """

    seen: float
    held_out: float
    held_out_by_region: tuple[float, ...]
    withheld: float
    by_region: tuple[float, ...]
    regions: tuple[float, ...]
    classes: tuple[float, ...]
    rarest: float
    by_context: float
    missed: tuple[float, ...]


def control(subject: Subject, plan: ControlPlan, held_out: bool = True) -> Control:
    """Read the control samples.

    Each lane begins with a zero state, so that the effect of a memory longer than the run-in is not seen.

    Args:
        subject: the one whose network reads, without dropout.
        plan: the plan for the subject's text.
        held_out: whether the validation split is read too.
    """
    per_char = subject.corpus.tokens_per_char
    found = read(subject, plan.training, plan.groups)
    losses = found.losses * per_char
    validation = _losses(subject, plan.validation, plan) * per_char if held_out else np.empty(0)
    withheld = _losses(subject, plan.withheld, plan) * per_char if plan.withheld else np.empty(0)
    text = torch.from_numpy(plan.groups[plan.training.ids]).to(found.chances.device)
    return Control(
        seen=float(losses.mean()),
        held_out=_mean(validation),
        held_out_by_region=tuple(validation.tolist()),
        withheld=_mean(withheld),
        by_region=tuple(losses.mean(axis=0).tolist()),
        regions=plan.training.regions,
        classes=tuple(_mean(losses[plan.classes == number]) for number in range(len(CLASSES))),
        rarest=_mean(losses[plan.rare]),
        by_context=by_context(found.chances) * per_char,
        missed=tuple(gain * per_char for gain in missed(text, found.chances)),
    )


def by_context(chances: Tensor) -> float:
    """The entropy of the mean prediction less the mean entropy of the predictions, in nats; 0 where all are equal.

    It is the mean divergence of a prediction from their mean (Lin 1991, eq. 5.1, with equal weights).

    Args:
        chances: (time, lanes, groups) the predicted probability of each group at each place.
    """
    # Where predictions hardly differ, the result is a small difference of large numbers: float32 would lose its digits.
    chances = chances.double()
    mean = chances.mean(dim=(0, 1))
    return float(torch.special.entr(mean).sum() - torch.special.entr(chances).sum(dim=-1).mean())


def _losses(subject: Subject, panel: Panel, plan: ControlPlan) -> NDArray[np.float64]:
    """The loss of each lane of a panel in nats per entry, (lanes,)."""
    lanes: NDArray[np.float64] = read(subject, panel, np.zeros_like(plan.groups)).losses.mean(axis=0)
    return lanes


def _mean(losses: NDArray[np.float64]) -> float:
    return float(losses.mean()) if losses.size else math.nan


def _rarest(targets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The mask of the targets that are among the rarest characters, which together make up at most `RARE` of them."""
    distinct, counts = np.unique(targets, return_counts=True)
    order = np.argsort(counts, kind="stable")
    rare = distinct[order[np.cumsum(counts[order]) <= RARE * targets.size]]
    return np.isin(targets, rare)
