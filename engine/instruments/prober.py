"""All instruments, applied to one training."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.events import Probe, Reading, as_number
from engine.instruments.agreement import agreement
from engine.instruments.clipping import clipping
from engine.instruments.control import FEWEST_LANES, LANES, ControlPlan, control
from engine.instruments.gates import gates
from engine.instruments.gradient_by_lag import gradient_by_lag
from engine.instruments.numerics import numerics
from engine.instruments.reference_levels import reference_levels
from engine.instruments.sharpness import sharpness
from engine.instruments.text_facts import text_facts
from engine.instruments.update_ratio import update_ratio, weights
from engine.instruments.words import Lexicon, words
from engine.training.subject import Subject
from engine.training.trainer import Trainer

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


INSTRUMENTS = ("update_ratio", "control", "gates", "gradient_by_lag", "numerics", "clipping", "agreement")
"""The instruments that measure repeatedly; the one comes first that does so most often."""


class Prober:
    """Measures a trainer between two updates, or around one; changes nothing that an update depends on.

    Args:
        trainer: the trainer.
        held_out: whether the control samples include the validation split.
        effort: the share of its full sample that an instrument reads.
        lanes: the lanes of the control sample over the training split; None for as many as the effort allows.
    """

    def __init__(
        self, trainer: Trainer, *, held_out: bool = True, effort: float = 1.0, lanes: int | None = None
    ) -> None:
        self._trainer = trainer
        self._held_out = held_out
        self._effort, self._lanes = effort, lanes
        self._plan: ControlPlan | None = None
        self._lexicon: Lexicon | None = None
        self._looks: Mapping[str, Callable[[Subject], DataclassInstance]] = {
            "control": self._control,
            "gradient_by_lag": partial(gradient_by_lag, effort=effort),
            "gates": partial(gates, effort=effort),
            "agreement": partial(agreement, effort=effort),
            "numerics": partial(numerics, effort=effort),
            "clipping": clipping,
            "sharpness": sharpness,
        }

    def measure(self, instrument: str) -> Probe:
        """An instrument's reading now; raises RuntimeError as `numerics` does."""
        look = self._looks[instrument]
        begun = time.monotonic()
        return self._probe(instrument, look(self._trainer.subject()), begun)

    def around(self, update: Callable[[], object]) -> Probe:
        """The update ratio of one update, which `update` makes."""
        begun = time.monotonic()
        before = weights(self._trainer.network)
        copied = time.monotonic()
        update()
        # The update's own time does not count as measuring.
        begun += time.monotonic() - copied
        return self._probe("update_ratio", update_ratio(before, self._trainer.network), begun)

    def text(self) -> Probe:
        """The facts about the text that are known before any training."""
        begun = time.monotonic()
        return self._probe("text_facts", text_facts(self._trainer.corpus), begun)

    def levels(self) -> Probe:
        """The losses that simple models reach on the text. It looks at nothing but the text."""
        begun = time.monotonic()
        return self._probe("reference_levels", reference_levels(self._trainer.corpus), begun)

    def words(self, sample: str) -> Probe:
        """The words of a sample that occur in the text."""
        begun = time.monotonic()
        if self._lexicon is None:
            self._lexicon = Lexicon.of(self._trainer.corpus)
        return self._probe("words", words(self._lexicon, sample), begun)

    def _control(self, subject: Subject) -> DataclassInstance:
        if self._plan is None:
            lanes = self._lanes or max(FEWEST_LANES, round(self._effort * LANES))
            self._plan = ControlPlan.of(subject.corpus, lanes)
        return control(subject, self._plan, self._held_out)

    def _probe(self, instrument: str, reading: DataclassInstance, begun: float) -> Probe:
        trainer = self._trainer
        took = time.monotonic() - begun
        return Probe(trainer.counters.updates, trainer.chars, instrument, took, plain(reading))


def plain(reading: DataclassInstance) -> Reading:
    """A reading as JSON holds it."""
    return {name: _plain(value) for name, value in asdict(reading).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return tuple(_plain(each) for each in value)
    return as_number(value) if isinstance(value, float) else value
