"""The settings of a program's training that a console may change, and how they act between the program's own lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from charrnn.by_hand import ByHand

if TYPE_CHECKING:
    from torch.optim import Optimizer

OFF = "off"
"""The written form of a bound that bounds nothing."""

OWN = "own"
"""The written form of what is left to the program."""

MOST = 100.0
"""The largest multiple of the program's own learning rate that is used. Whoever asks for more means the rate itself:
the program's is nearly 0 then, at an end of its schedule, and a multiple of what follows would be far too large."""

LARGEST = 3.4e38
"""The largest number of float32, to two digits."""


class RefusedError(Exception):
    """Something that cannot be done; its text says what is wrong, and what would be right."""


@dataclass(slots=True)
class Knobs:
    """Values that consoles have set, for one optimiser. What no console has set is the program's.

    Attributes:
        rate: the learning rate that was set, and the program's own at that time. Where that changes, by a schedule,
            the rate that is used changes by the same factor.
        clip: the bound of the gradient's norm; infinite for no clipping, None for the program's own.
        window: the most steps that the gradient goes back; None for the program's own.
    """

    rate: tuple[float, float] | None = None
    clip: float | None = None
    window: int | None = None
    _decayed: WeakKeyDictionary[Any, frozenset[int]] = field(default_factory=WeakKeyDictionary, compare=False)
    _own: list[tuple[dict[str, Any], Any, Any]] = field(default_factory=list)

    @property
    def are_set(self) -> bool:
        """Whether a console has set any."""
        return self.rate is not None or self.clip is not None or self.window is not None

    def turn(self, knob: str, text: str, optimizer: Any) -> tuple[str, str]:
        """Set a knob; returns its old and its new value as text. Raises RefusedError where that is impossible."""
        turns: Mapping[str, Callable[[str, Optimizer], tuple[str, str]]] = {
            "lr": self._turn_rate,
            "clip": self._turn_clip,
            "bptt": self._turn_window,
            "weight_decay": self._turn_decay,
            "momentum": lambda text, to: _turn_setting("momentum", text, to, 1),
            "beta1": lambda text, to: _turn_beta(0, text, to),
            "beta2": lambda text, to: _turn_beta(1, text, to),
        }
        if isinstance(optimizer, ByHand) and knob != "bptt":
            raise RefusedError(f"{knob}: the program makes its updates by hand, and not by an optimiser of torch")
        if knob not in turns:
            raise RefusedError(f"{knob} is the program's own: from here {', '.join(turns)} can be changed")
        return turns[knob](text, optimizer)

    def begin(self, optimizer: Optimizer) -> None:
        """Set the learning rate for the update that begins."""
        self.end()  # An update that raised an exception has not ended.
        if self.rate is None:
            return
        wanted, own = self.rate
        for group in optimizer.param_groups:
            value = group["lr"]
            # The very number where the program has left its own as it was.
            multiple = wanted / own
            group["lr"] = wanted if float(value) == own or multiple > MOST else value * multiple
            self._own.append((group, value, group["lr"]))

    def end(self) -> None:
        """Give the program its own learning rate back, unless it has set another one meanwhile."""
        if not self._own:
            return  # As at nearly every update of nearly every program.
        for group, value, ours in self._own:
            if group["lr"] is ours:
                group["lr"] = value
        self._own.clear()

    def _turn_rate(self, text: str, optimizer: Optimizer) -> tuple[str, str]:
        own = float(optimizer.param_groups[0]["lr"])
        if own <= 0:
            raise RefusedError("lr: the program's own learning rate is 0 now, and what is used is a multiple of it")
        old = own if self.rate is None else self.rate[0] * own / self.rate[1]
        wanted = own if text == OWN else _number("lr", text, 1e-38, LARGEST)
        self.rate = None if text == OWN else (wanted, own)
        return _text(old), _text(wanted)

    def _turn_clip(self, text: str, _optimizer: Optimizer) -> tuple[str, str]:
        old = self.clip
        self.clip = (
            None if text == OWN else math.inf if text == OFF else _number("clip", text, 1e-38, LARGEST, f", or {OFF}")
        )
        return _bound(old), _bound(self.clip)

    def _turn_decay(self, text: str, optimizer: Optimizer) -> tuple[str, str]:
        """Where some groups have no weight decay and others do, it is that of those others."""
        if optimizer not in self._decayed:
            groups = optimizer.param_groups
            some = frozenset(place for place, group in enumerate(groups) if group.get("weight_decay"))
            self._decayed[optimizer] = some or frozenset(range(len(groups)))
        return _turn_setting("weight_decay", text, optimizer, LARGEST, self._decayed[optimizer])

    def _turn_window(self, text: str, _optimizer: Optimizer) -> tuple[str, str]:
        old = self.window
        self.window = None if text == OWN else round(_number("bptt", text, 1, 10**9, f", or {OWN}"))
        return OWN if old is None else str(old), OWN if self.window is None else str(self.window)


def _turn_setting(
    name: str, text: str, optimizer: Optimizer, high: float, places: frozenset[int] | None = None
) -> tuple[str, str]:
    """Set a number in the groups at these places, or in every one that has it."""
    groups = [
        group
        for place, group in enumerate(optimizer.param_groups)
        if name in group and (places is None or place in places)
    ]
    if not groups:
        raise RefusedError(f"{name}: {type(optimizer).__name__} has none")
    wanted, old = _number(name, text, 0, high), float(groups[0][name])
    for group in groups:
        group[name] = wanted
    return _text(old), _text(wanted)


def _turn_beta(place: int, text: str, optimizer: Optimizer) -> tuple[str, str]:
    name = f"beta{place + 1}"
    groups = [group for group in optimizer.param_groups if len(group.get("betas", ())) > place]
    if not groups:
        raise RefusedError(f"{name}: {type(optimizer).__name__} has none")
    wanted, old = _number(name, text, 0, 1), float(groups[0]["betas"][place])
    for group in groups:
        group["betas"] = (*group["betas"][:place], wanted, *group["betas"][place + 1 :])
    return _text(old), _text(wanted)


def _number(name: str, text: str, low: float, high: float, or_else: str = "") -> float:
    """The number that a text stands for; momentum and the like are below 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (low <= value <= high and (value < 1 or high != 1)):
        raise RefusedError(f"{name} {text[:40]!r}: expected a number from {low:.6g} to {high:.6g}{or_else}")
    return value


def _text(value: float) -> str:
    return f"{value:.6g}"


def _bound(value: float | None) -> str:
    return OWN if value is None else OFF if math.isinf(value) else _text(value)
