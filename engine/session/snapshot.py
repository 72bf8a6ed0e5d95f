"""The snapshot of a session for a screen: one immutable value, made between two updates; the latest one wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.events import Finding, Hypothesis, Judgement, LogEntry, Point, Probe, Suspicion, Validation
from engine.network.drawn import Drawn
from engine.race.view import RaceView
from engine.settings import Settings, knobs

if TYPE_CHECKING:  # it loads NumPy, and the screen should be up before that
    from engine.recording.outlook import Outlook


class Status(StrEnum):
    """The current activity of a session."""

    LOADING = "loading"
    TRAINING = "training"
    PAUSED = "paused"
    BROKEN = "not finite"
    """The last update was not finite and was not applied; the session waits for a decision."""
    FINISHED = "finished"
    """The budget is used up; everything is saved."""
    FAILED = "failed"
    """The session has ended with an error, which `Snapshot.message` names."""
    ENDED = "ended"
    """Everything is saved and the thread is about to return."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to one command; `ticket` is the one that `Session.send` returned."""

    ticket: int
    text: str
    failed: bool = False


SHOWN = 2_000
"""The number of characters at the end of all samples that are kept for the screen."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """A sample that was asked for.

    Attributes:
        prime: the text that it continues; may be empty.
        drawn: what has been written so far.
        finished: whether nothing more comes.
        trouble: why it ended early; empty where it did not.
    """

    prime: str
    drawn: tuple[Drawn, ...] = ()
    finished: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a screen draws.

    Attributes:
        status: the current activity of the session.
        message: one line about the status, such as what is loading or why it stopped; may hold text from outside.
        run: the run's name in the lab.
        text: the corpus' name; may hold anything that a file name can.
        network: the network's short name, such as `lstm 1×256`.
        parameters: the number of learnt numbers.
        compute: the way to compute, such as `cpu bf16 ×1`.
        matrix_names: the names of the weight matrices, in the order of `Point.norms`.
        settings: the settings with the current value of every knob.
        watched: whether the loop is somebody's own. Then `text` is the program's name, and `sample` what it printed.
        knobs: the knobs that are known and can be turned.
        own: the values of those that only a program's own loop has, as text.
        update: the number of updates made since the run's start.
        chars: the number of characters trained on since the run's start.
        seconds: seconds of training in this process.
        speed: characters per second over the last seconds of training; 0 while not training.
        lr: the current learning rate, schedule included.
        progress: the share of the budget that is used, 0 … 1; None without a budget.
        points: the whole run as thinned points: at most some thousands, evenly spread on a logarithmic axis.
        recent: the last points in full, a few per second.
        validations: the validation losses, oldest first.
        best: the lowest validation loss in nats per character; None before the first one.
        outlook: the forecast of the training loss; None where nothing can be said.
        probes: the last readings of each instrument, by its name, oldest first.
        findings: the diagnoses in the order in which they were found, including those that no longer hold.
        suspicions: what points to a cause and does not suffice yet for a finding.
        judgements: what is known of all other causes.
        places: the places of the streams, or of some of many, as shares of the training split.
        log: the changes, checkpoints and notes of this run, oldest first.
        hypotheses: the hypotheses of the whole lab, oldest first.
        races: the last races before this session, then its own, in the order in which they were asked for.
        sample: the end of the text that the network is writing; may hold any character.
        sample_finished: whether the text in `sample` is complete.
        continuation: the last sample that was asked for; None before the first.
        busy: the long work besides training (`validation` or `autopsy`) and the share of it that is done; None
            without any.
        undo: the change or trouble that the undo command would undo, in a few words; empty where there is none.
        taken: the highest ticket that the session has dealt with.
        replies: the replies to the last commands, oldest first.
    """

    status: Status = Status.LOADING
    message: str = ""
    run: str = ""
    text: str = ""
    network: str = ""
    parameters: int = 0
    compute: str = ""
    matrix_names: tuple[str, ...] = ()
    settings: Settings = field(default_factory=Settings)
    watched: bool = False
    knobs: tuple[str, ...] = tuple(knob.name for knob in knobs())
    own: Mapping[str, str] = field(default_factory=dict)
    update: int = 0
    chars: int = 0
    seconds: float = 0.0
    speed: float = 0.0
    lr: float = 0.0
    progress: float | None = None
    points: tuple[Point, ...] = ()
    recent: tuple[Point, ...] = ()
    validations: tuple[Validation, ...] = ()
    best: float | None = None
    outlook: Outlook | None = None
    probes: Mapping[str, tuple[Probe, ...]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    suspicions: tuple[Suspicion, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    places: tuple[float, ...] = ()
    log: tuple[LogEntry, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    races: tuple[RaceView, ...] = ()
    sample: str = ""
    sample_finished: bool = False
    continuation: Continuation | None = None
    busy: tuple[str, float] | None = None
    undo: str = ""
    taken: int = 0
    replies: tuple[Reply, ...] = ()
