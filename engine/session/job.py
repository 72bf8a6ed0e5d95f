"""What a session is asked to train."""

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
        text: a file's path, or the name of a text that we make.
        content: the text itself where it came through standard input; `text` is its name then.
        settings: how to train.
        name: the run's name; None for one made from the text's.
    """

    text: str
    settings: Settings
    name: str | None = None
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Resumption:
    """A training that goes on.

    Attributes:
        target: a run's name or number in the lab, or a checkpoint's path.
        text: where the text lies now; None where it lay before.
        compute: `threads`, `dtype` and `device`, where they are to be different from before.
    """

    target: str
    text: str | None = None
    compute: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ForkedRun:
    """A new run that begins from another one's state, and has its past.

    Attributes:
        target: that run's name or number in the lab, for its newest checkpoint, or the path of any of its checkpoints.
        text: as in `Resumption`.
        compute: as in `Resumption`.
        name: the new run's name; None for one made from the text's.
        knobs: the values that knobs are turned to before its first update, by their names.
    """

    target: str
    text: str | None = None
    compute: Mapping[str, Value] = field(default_factory=dict)
    name: str | None = None
    knobs: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """What to train, how long, and where to keep it.

    Attributes:
        task: a new run, one that goes on, or one that begins from another's state.
        lab: the lab's folder.
        budget: where it ends. A run that goes on keeps the ends it had, where this names none.
        checkpoint_every: updates between two automatic checkpoints; None for a checkpoint every half minute.
        interactive: whether somebody watches: samples are written while training, and a used-up budget does not end
            the session.
    """

    task: NewRun | Resumption | ForkedRun
    lab: Path
    budget: Budget = field(default_factory=Budget)
    checkpoint_every: int | None = None
    interactive: bool = False
