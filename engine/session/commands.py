"""What may be asked of a session while it runs. Each is taken between two updates."""

from __future__ import annotations

from dataclasses import dataclass

from engine.events import Idea
from engine.race.plan import CHARS, MIN_EFFECT, SEEDS
from engine.settings import Value


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
    """Give a knob another value."""

    knob: str
    value: Value


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
class Fork:
    """Finish the run here, and go on from its very state in a new one that has its past."""


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
class StartRace:
    """Race variants of the running training; where another race runs, behind that.

    Attributes:
        vary: what differs, as `race --vary` takes it.
        fresh: whether the variants begin as fresh networks, and not with the state that the training has now.
        instead: whether the training is paused until the race is over, which leaves the race every processor.
        chars: characters that each variant trains.
        seeds: at most so many networks of each variant.
        min_effect: the smallest difference that matters, in nats per character.
        hypothesis: the number of the hypothesis that it tests, or one that is to be written down.
    """

    vary: tuple[str, ...]
    fresh: bool = False
    instead: bool = False
    chars: int = CHARS
    seeds: int = SEEDS
    min_effect: float = MIN_EFFECT
    hypothesis: int | Idea | None = None


@dataclass(frozen=True, slots=True)
class StopRace:
    """End a race, or take it out of the queue; what was finished is kept, and it can be gone on with."""

    number: int


@dataclass(frozen=True, slots=True)
class Dissect:
    """Replay the climb, or what broke, with one thing changed at a time, beside the training."""


@dataclass(frozen=True, slots=True)
class StopDissecting:
    """Give the replays up."""


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
    | Fork
    | Evaluate
    | WriteSample
    | Measure
    | Hypothesise
    | Conclude
    | StartRace
    | StopRace
    | Dissect
    | StopDissecting
    | Quit
)
