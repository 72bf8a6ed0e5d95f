"""What a screen may know: one immutable value, made between two updates; the latest one wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine.events import Finding, Hypothesis, LogEntry, Point, Probe, Validation
from engine.race.view import RaceView
from engine.settings import Settings


class Status(StrEnum):
    """What a session is doing."""

    LOADING = "loading"
    TRAINING = "training"
    PAUSED = "paused"
    BROKEN = "not finite"
    """The last update was not finite and was not applied; the session waits for a decision."""
    FINISHED = "finished"
    """The budget is used up; everything is saved."""
    FAILED = "failed"
    """The session has ended with an error; `Snapshot.message` says which."""
    ENDED = "ended"
    """Everything is saved and the thread is about to return."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one command: `ticket` is what `Session.send` returned."""

    ticket: int
    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a screen draws.

    Attributes:
        status: what the session is doing.
        message: one line about it: what is loading, why it stopped; may hold text from outside.
        run: the run's name in the lab.
        text: the corpus' name; may hold anything a file name can.
        network: such as `lstm 1×256`.
        parameters: how many numbers the network learns.
        compute: such as `cpu bf16 ×1`.
        matrix_names: the weight matrices, in the order of `Point.norms`.
        settings: with every knob as it is applied now.
        update: updates made since the run's start.
        chars: characters trained on since the run's start.
        seconds: seconds of training in this process.
        speed: characters per second, over the last seconds of training; 0 while there is none.
        lr: the learning rate now, schedule included.
        progress: share of the budget used, 0 … 1; None without a budget.
        points: the whole run, thinned: at most some thousands, evenly spread on a logarithmic axis.
        recent: the last points, a few a second, not thinned.
        validations: oldest first.
        best: the lowest validation loss.
        probes: what each instrument measured, by its name, oldest first; the last hundreds.
        findings: diagnoses, in the order in which they were found, those too that no longer hold.
        places: where the streams are, as shares of the training split; of many streams some.
        log: changes, checkpoints and notes of this run, oldest first.
        hypotheses: of the whole lab, oldest first.
        races: the last ones before this session, then its own, in the order in which they were asked for.
        sample: the end of the text that the network is writing; may hold any character.
        sample_finished: whether the text in `sample` is complete.
        busy: what is done besides training (`validation`, `autopsy`), and its share done; None when nothing.
        undo: what the undo command would do, in a few words; empty when there is nothing to undo.
        taken: the highest ticket that the session has dealt with.
        replies: what became of the last commands, oldest first.
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
    probes: Mapping[str, tuple[Probe, ...]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    places: tuple[float, ...] = ()
    log: tuple[LogEntry, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    races: tuple[RaceView, ...] = ()
    sample: str = ""
    sample_finished: bool = False
    busy: tuple[str, float] | None = None
    undo: str = ""
    taken: int = 0
    replies: tuple[Reply, ...] = ()
