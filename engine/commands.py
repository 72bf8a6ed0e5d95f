"""What may be asked of a session while it runs. Each is taken between two updates."""

from __future__ import annotations

from dataclasses import dataclass

from engine.events import Idea


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop before the next update."""


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on training, after a pause, a finished budget, or a non-finite update."""


@dataclass(frozen=True, slots=True)
class Step:
    """Make one update, then pause."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Give a knob another value, written as the user would type it."""

    knob: str
    value: str


@dataclass(frozen=True, slots=True)
class CoolDown:
    """Let the rate fall to its floor along a cosine; asked again while it falls, go back to the constant rate."""


@dataclass(frozen=True, slots=True)
class Undo:
    """Go back to the state before the last change, or before the trouble when an update was not finite."""


@dataclass(frozen=True, slots=True)
class Save:
    """Write a checkpoint that stays."""


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Measure the validation loss now."""


@dataclass(frozen=True, slots=True)
class WriteSample:
    """Begin a new sample now, after `prime`."""

    prime: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """Have an instrument measure now."""

    instrument: str


@dataclass(frozen=True, slots=True)
class Hypothesise:
    """Write a hypothesis down."""

    idea: Idea


@dataclass(frozen=True, slots=True)
class Conclude:
    """Set a hypothesis' status (one of `events.STATUSES`) and what is concluded from it."""

    number: int
    status: str
    conclusion: str = ""


@dataclass(frozen=True, slots=True)
class Quit:
    """Save everything and end; `reason` is a word for the end event."""

    reason: str = "quit"


Command = (
    Pause
    | Continue
    | Step
    | Turn
    | CoolDown
    | Undo
    | Save
    | Evaluate
    | WriteSample
    | Measure
    | Hypothesise
    | Conclude
    | Quit
)
