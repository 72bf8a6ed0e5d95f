"""What happens in a run, as values: the lab stores them, `--json` prints them, the console draws them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Number = float | None
"""A number as JSON holds it, which has neither nan nor infinity; see `as_number`."""

Reading = Mapping[str, Number | str | tuple[Number, ...] | tuple[str, ...]]
"""Numbers, words, and lists of these, by name."""

HUGE = 1e300
"""Stands for infinity, which JSON lacks."""


def as_number(value: float) -> Number:
    """A number as JSON holds it: None for nan, ±`HUGE` for what is as large or infinite."""
    return None if math.isnan(value) else min(HUGE, max(-HUGE, value))


def as_float(number: Number) -> float:
    """The number that `as_number` was given, infinite where it was as large as `HUGE`."""
    if number is None:
        return math.nan
    return math.copysign(math.inf, number) if abs(number) >= HUGE else float(number)


STATUSES = ("open", "confirmed", "refuted", "undecided")
"""What a hypothesis can be."""


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured over the updates since the point before it.

    Attributes:
        update: the last update that it covers, counted from the run's start.
        chars: characters trained on since the run's start, over all streams.
        seconds: seconds of training in this process.
        loss: nats per character, the mean over the targets.
        grad_norm: L2 norm of the whole gradient before clipping, the mean over the updates.
        grad_norm_max: the largest of those norms.
        clipped: share of the updates whose gradient was clipped, 0 … 1.
        norms: for each weight matrix, in the order of the network's `matrix_names`, the mean norm before clipping.
        lr: the learning rate of the last update, schedule included.
        updates: how many updates it covers.
        loss_spread: the standard deviation of the updates' losses around their mean, in nats per character.
        worst_loss: the loss of the stream that had the highest one.
        worst_place: where that stream was, as a share of the training split.
        clip_factor: the median of what the gradients of the clipped updates were multiplied with; 1 where none was.
        rate_used: the rate that would have had the same effect without clipping; see `clipping.effect`.
    """

    update: int
    chars: int
    seconds: float
    loss: float
    grad_norm: float
    grad_norm_max: float
    clipped: float
    norms: tuple[float, ...]
    lr: float
    updates: int
    loss_spread: float = 0.0
    worst_loss: float = 0.0
    worst_place: float = 0.0
    clip_factor: float = 1.0
    rate_used: float = 0.0


@dataclass(frozen=True, slots=True)
class Validation:
    """The loss over the whole validation split, in nats per character."""

    update: int
    chars: int
    loss: float


@dataclass(frozen=True, slots=True)
class Change:
    """A knob that took another value between two updates.

    Attributes:
        number: the how manieth change it is among those that its state has gone through, from 1 on. A state that
            has gone through k changes has undone every change with a higher number.
        old: the value before, as the user would type it.
        new: the value from the next update on.
        undone: whether the training went back behind it since.
    """

    update: int
    chars: int
    number: int
    knob: str
    old: str
    new: str
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint that is complete on the disk; `kind` is `auto`, `key`, `best`, `end`, `broken` or `undone`."""

    update: int
    chars: int
    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Note:
    """Anything else worth remembering: `kind` is one word (`pause`, `undo`, `non-finite`, `resume`, `fork`, …)."""

    update: int
    chars: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A text that the network wrote."""

    update: int
    chars: int
    temperature: float
    text: str


@dataclass(frozen=True, slots=True)
class Probe:
    """What an instrument measured.

    Attributes:
        instrument: its name, which is that of its file in `instruments`.
        seconds: how long it took.
        values: its reading by the names of its fields; what is no finite number is None, and without bound ±`HUGE`.
    """

    update: int
    chars: int
    instrument: str
    seconds: float
    values: Reading


AUTOPSY = "autopsy"
"""The instrument whose readings are not undone: what broke is worth knowing once it is mended."""

NOTE, WARNING, PROBLEM = "note", "warning", "problem"
SEVERITIES = (NOTE, WARNING, PROBLEM)
"""Worth knowing; costs something; the training cannot succeed like this."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The change that would test a finding: a knob and the value to give it, as the user would type it."""

    knob: str
    value: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A diagnosis.

    Attributes:
        cause: one of `diagnosis.causes.CAUSES`.
        severity: one of `SEVERITIES`, the gravest that it has had.
        since_update: since when it holds.
        until_update: when it had ceased to hold; None while it does.
        evidence: the numbers that it rests on, by name.
        says: what it is and how one sees it, in plain words.
        trial: the change that would test it; None where no knob does.
        since_chars: characters at `since_update`.
        found_update: the update at which it was found out.
    """

    cause: str
    severity: str
    since_update: int
    until_update: int | None
    evidence: Mapping[str, float]
    says: str
    trial: Trial | None
    since_chars: int
    found_update: int


@dataclass(frozen=True, slots=True)
class Idea:
    """What somebody thinks.

    Attributes:
        claim: what is the case.
        prediction: what should be seen then, in words; may be empty.
        vary: what would test it, as `race --vary` takes it, one a line; empty where no race would.
        expected: what that race's verdict on the second variant should be; empty where none is expected.
    """

    claim: str
    prediction: str = ""
    vary: str = ""
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A claim with a prediction.

    Attributes:
        number: its place in the lab.
        claim: what is the case.
        prediction: what should be seen then, in words.
        status: one of `STATUSES`.
        run: beside which run it was written down.
        update: at which of its updates.
        conclusion: in somebody's words; empty until they write one.
        vary: what tests it, as in `Idea`.
        expected: the verdict that it predicts, as in `Idea`.
        race: the race that tests it.
        evidence: what that race found, in a sentence; empty while it has found nothing.
    """

    number: int
    claim: str
    prediction: str
    status: str
    run: str
    update: int
    conclusion: str = ""
    vary: str = ""
    expected: str = ""
    race: int | None = None
    evidence: str = ""


LogEntry = Change | Saved | Note
"""What a run's log holds, oldest first."""


@dataclass(frozen=True, slots=True)
class Start:
    """A session is ready to train, or goes on in a fork; `parent` is as in `Run`."""

    run: str
    parent: tuple[str, int] | None
    text: str
    network: str
    parameters: int
    compute: str
    update: int
    chars: int
    settings: Mapping[str, str | int | float | None]
    matrix_names: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class End:
    """A session has ended; `reason` is a budget's name, `quit`, a signal's name or `not-finite`.

    `update`, `chars`, `seconds` and `val_loss` are as in `Point` and `Validation`.
    """

    reason: str
    run: str
    checkpoint: str | None
    update: int
    chars: int
    seconds: float
    val_loss: float | None


Stored = Point | Validation | Change | Saved | Note | Sample | Probe
"""What a lab keeps."""

Event = Start | Stored | Finding | End
Listener = Callable[[Event], None]
