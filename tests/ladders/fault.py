"""A training, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from random import Random
from typing import Any
from unittest.mock import patch

from engine.events import Cause
from engine.settings import PRESETS, Settings
from engine.training.trainer import Trainer
from tests.ladders.texts import Text, prose

SIZE = 400_000
"""The characters of a text whose size does not matter."""

Plant = Callable[[Trainer], None]
"""Changes a new trainer, to plant a fault that no setting makes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A training, and what is wrong with it.

    Attributes:
        name: the training in a few words.
        causes: the true causes, of which any is right as the first word; none where nothing is wrong.
        settings: the settings that differ from the preset's, as a user would type them.
        text: what it is trained on.
        size: the characters of the text.
        preset: the preset.
        onset: the characters read before the fault begins.
        plant: changes the new trainer.
    """

    name: str
    causes: tuple[Cause, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    text: Text = prose
    size: int = SIZE
    preset: str = "standard"
    onset: int = 0
    plant: Plant | None = None

    def chosen(self, seed: int) -> Settings:
        """All settings, with a seed."""
        given = {"hidden": "128", "threads": "1", "dtype": "float32", **self.settings, "seed": str(seed)}
        settings = Settings()
        for name, value in {**PRESETS[self.preset], **given}.items():
            settings = settings.with_text(name, value) if isinstance(value, str) else settings.with_value(name, value)
        return settings

    def written(self, seed: int) -> str:
        """The text, drawn with a seed."""
        return self.text(Random(seed), self.size)

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Have every new trainer changed by `plant`."""
        plant, begin = self.plant, Trainer.__init__

        def planted(trainer: Trainer, *given: Any, **named: Any) -> None:
            begin(trainer, *given, **named)
            assert plant is not None
            plant(trainer)

        with patch.object(Trainer, "__init__", planted) if plant else nullcontext():
            yield
