"""The jobs that a session can be given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.budget import Budget
from engine.settings import Settings, Value


@dataclass(frozen=True, slots=True)
class NewRun:
    """A training from the start.

    Attributes:
        text: a file's path, or the name of a built-in text.
        settings: the settings to train with.
        name: the run's name; None for a name made from the text's.
        content: the bytes of a text from standard input, whose name is `text`; None otherwise.
        free: which of `streams` and `bptt` may be smaller than the settings say where the text is too short for them.
    """

    text: str
    settings: Settings
    name: str | None = None
    content: bytes | None = field(default=None, repr=False)
    free: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Resumption:
    """A training that is resumed.

    Attributes:
        target: a run's name or number in the lab, or a checkpoint's path.
        text: the present path of the text; None where it has not moved.
        compute: new values of `threads`, `dtype` and `device`, where they are to change.
    """

    target: str
    text: str | None = None
    compute: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ForkedRun:
    """A new run that begins from another run's state, and has that run's past.

    Attributes:
        target: the other run's name or number in the lab, for its newest checkpoint, or the path of any of its
            checkpoints.
        text: as in `Resumption`.
        compute: as in `Resumption`.
        name: the new run's name; None for a name made from the text's.
        knobs: the values that knobs are set to before the first update, by name.
    """

    target: str
    text: str | None = None
    compute: Mapping[str, Value] = field(default_factory=dict)
    name: str | None = None
    knobs: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """A training task, its budget, and the lab that keeps it.

    Attributes:
        task: a new run, a resumed run, or a fork.
        lab: the lab's folder.
        budget: the end of the training. A resumed run keeps its former ends where this names none.
        checkpoint_every: the number of updates between two automatic checkpoints; None for one every half minute.
        interactive: whether a user watches. If so, samples are written while training, and a used-up budget does not
            end the session.
    """

    task: NewRun | Resumption | ForkedRun
    lab: Path
    budget: Budget = field(default_factory=Budget)
    checkpoint_every: int | None = None
    interactive: bool = False
