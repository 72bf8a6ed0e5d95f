"""The remedies: changes that replays try, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch

from engine.diagnosis.signs import REGIME
from engine.diagnosis.thresholds import USUAL_CLIP
from engine.events import Change
from engine.race.starts import elsewhere, without_carried, without_memory
from engine.settings import Number, Settings, setting
from engine.training.state import State
from engine.windows import ALL

RATE_PARTS = (3, 10, 30, 100)
"""The divisors of the learning rate. The larger ones are tried where the first is not enough."""

SHORTER_BY = 4
"""The divisor of the window length."""

LONGER_BY = 8
"""The factor of the window length where an update sees few characters."""

TIGHTER_BY = 10
"""The divisor of the clipping bound where the first bound is not enough."""

FEW_CHARACTERS = 64
"""The characters per update up to which longer windows are tried. The gradient of so few is mostly noise."""

AS_IT_WAS, FROZEN, RATE, CLIP, WINDOW, LONGER, TARGETS, FLOAT32, DECAY, MEMORY, CARRIED, PLACE, CHANGE = (
    "as-it-was",
    "frozen",
    "rate",
    "clip",
    "window",
    "longer-window",
    "targets",
    "float32",
    "weight-decay",
    "optimiser",
    "carried",
    "place",
    "change",
)
"""The kinds of remedies."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing that is changed.

    Attributes:
        kind: one of the kinds above.
        label: the change in a few words.
        turn: turns the run's settings into the replay's; the same ones where no knob is changed.
        start: turns the kept state into the one from which the replay starts.
        knob: the knob that a user would turn; empty where there is none.
        value: the knob's value, as the user would type it.
    """

    kind: str
    label: str
    turn: Callable[[Settings], Settings] = lambda settings: settings
    start: Callable[[State], State] = lambda state: state
    knob: str = ""
    value: str = ""


UNCHANGED = Remedy(AS_IT_WAS, "as it was")


def remedies(settings: Settings, state: State, length: int, span: int, changes: list[Change]) -> Iterator[Remedy]:
    """Every remedy that can make a difference, except `clips`.

    Args:
        settings: the settings when the loss climbed.
        state: the state from which replays start.
        length: the number of entries in the training split.
        span: the number of entries of one stream that a replay reads.
        changes: the changes of knobs shortly before the climb and during it.
    """
    yield Remedy(FROZEN, "no learning", frozen)
    yield slower(settings, RATE_PARTS[0])
    first = {change.knob: change.old for change in reversed(changes) if change.knob in REGIME}
    for knob, old in reversed(first.items()):
        yield left(knob, old)
    if settings.bptt.high > 1:
        yield window(WINDOW, "shorter window", settings, 1 / SHORTER_BY)
    if settings.streams * settings.bptt.mean <= FEW_CHARACTERS:
        yield window(LONGER, "longer window", settings, LONGER_BY)
    if settings.targets != ALL:
        yield Remedy(TARGETS, "all targets", lambda each: replace(each, targets=ALL), knob="targets", value=ALL)
    if settings.dtype == "bfloat16":
        float32 = "float32"
        yield Remedy(FLOAT32, float32, lambda each: replace(each, dtype=float32), knob="dtype", value=float32)
    if settings.weight_decay:
        yield Remedy(
            DECAY,
            "no weight decay",
            lambda each: replace(each, weight_decay=0.0),
            knob="weight_decay",
            value=setting("weight_decay").kind.write(0.0),
        )
    if _remembers(state, "optimiser."):
        yield Remedy(MEMORY, "optimiser reset", start=without_memory)
    if _remembers(state, "carried."):
        yield Remedy(CARRIED, "carried state reset", start=without_carried)
    yield Remedy(PLACE, "text before", start=lambda each: moved(each, -span, length))
    yield Remedy(PLACE, "text elsewhere", start=lambda each: elsewhere(each, length, 1))


def clips(settings: Settings, bound: float) -> Iterator[Remedy]:
    """Clipping by norm at a bound, rounded to two digits; nothing where the present clipping is as tight."""
    bound = max(_lowest("clip"), float(f"{bound:.2g}"))
    if settings.clip is None or settings.clip_by != "norm" or bound < settings.clip:
        yield Remedy(
            CLIP,
            f"clip at {bound:g}",
            lambda each: replace(each, clip=bound, clip_by="norm"),
            knob="clip",
            value=setting("clip").kind.write(bound),
        )


def stronger(settings: Settings, bound: float) -> Iterator[Remedy]:
    """Smaller learning rates and tighter clipping, for where the first remedies are not enough."""
    yield from (slower(settings, part) for part in RATE_PARTS[1:])
    yield from clips(settings, bound / TIGHTER_BY)


def left(knob: str, old: str) -> Remedy:
    """A knob left at its old value."""
    return Remedy(CHANGE, f"{knob} left at {old}", lambda each: each.with_text(knob, old), knob=knob, value=old)


def slower(settings: Settings, part: int) -> Remedy:
    """The learning rate, divided."""
    lowest = _lowest("lr")
    value = setting("lr").kind.write(max(lowest, float(f"{settings.lr / part:.1g}")))
    return Remedy(
        RATE, f"rate ÷ {part}", lambda each: replace(each, lr=max(lowest, each.lr / part)), knob="lr", value=value
    )


def window(kind: str, label: str, settings: Settings, factor: float) -> Remedy:
    """Windows of a length multiplied by a factor."""
    law = settings.bptt.scaled(factor)
    shown = f"{label} {settings.bptt} → {law}"
    return Remedy(kind, shown, lambda each: replace(each, bptt=law), knob="bptt", value=str(law))


def frozen(settings: Settings) -> Settings:
    """Settings whose updates change nothing: a climb that remains comes from the text, or from the carried state."""
    return replace(settings, lr=_lowest("lr"), clip=USUAL_CLIP, clip_by="norm", weight_decay=0.0)


def moved(state: State, by: int, length: int) -> State:
    """The same network with an empty hidden state, `by` entries further on in a training split of `length` entries."""
    cursors = (state.tensors["streams.cursors"] + by) % length
    return replace(without_carried(state), tensors={**without_carried(state).tensors, "streams.cursors": cursors})


def _remembers(state: State, family: str) -> bool:
    """Whether there is anything to reset."""
    return any(bool(torch.any(tensor)) for name, tensor in state.tensors.items() if name.startswith(family))


def _lowest(knob: str) -> float:
    kind = setting(knob).kind
    return kind.low if isinstance(kind, Number) else 0.0
