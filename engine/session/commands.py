"""The commands to a running session. Each is carried out between two updates."""

from __future__ import annotations

from dataclasses import dataclass

from engine.events import HypothesisStatus, Idea, RunStatus
from engine.race.plan import CHARS, MIN_EFFECT, SEEDS
from engine.settings import Value


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop before the next update."""


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on training after a pause, a used-up budget, or a non-finite update."""


@dataclass(frozen=True, slots=True)
class Step:
    """Make one update, then pause."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Set a knob to another value."""

    knob: str
    value: Value


@dataclass(frozen=True, slots=True)
class CoolDown:
    """Let the learning rate fall to its floor along a cosine; asked again while it falls, restore the constant rate."""


@dataclass(frozen=True, slots=True)
class Undo:
    """Go back to the state before the last change; after a non-finite update, to the state before the trouble."""


@dataclass(frozen=True, slots=True)
class Save:
    """Write a checkpoint that no later one replaces."""


@dataclass(frozen=True, slots=True)
class Fork:
    """Finish the run here, and continue from exactly its state in a new run that has its past."""


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Measure the validation loss now."""


@dataclass(frozen=True, slots=True)
class WriteSample:
    """Begin a new sample, which continues `prime`."""

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
    """Set a hypothesis' status and its conclusion."""

    number: int
    status: HypothesisStatus
    conclusion: str = ""


@dataclass(frozen=True, slots=True)
class StartRace:
    """Race variants of the running training, after any race that already runs.

    Attributes:
        vary: the differences between the variants, as `race --vary` takes them.
        fresh: whether the variants begin as fresh networks instead of from the current state of the training.
        instead: whether the training is paused until the race is over, which leaves all processors to the race.
        chars: the number of characters that each variant trains on.
        seeds: the largest number of networks per variant.
        min_effect: the smallest difference that matters, in nats per character.
        hypothesis: the number of the hypothesis that the race tests, or an idea to write down as one.
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
    """End a race, or take it out of the queue; its finished parts are kept, and it can be continued later."""

    number: int


@dataclass(frozen=True, slots=True)
class Dissect:
    """Replay the climb or the break with one thing changed at a time, while the training goes on."""


@dataclass(frozen=True, slots=True)
class StopDissecting:
    """Give up the replays."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Save everything and end; `reason` is told with the end."""

    reason: RunStatus = RunStatus.QUIT


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
