"""The events of a run, as values: the lab stores them, `--json` prints them, the console draws them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

Number = float | None
"""A number as JSON holds it, which has neither nan nor infinity; see `as_number`."""

Reading = Mapping[str, Number | str | tuple[Number, ...] | tuple[str, ...]]
"""An instrument's reading: numbers, words, and lists of these, by name."""

HUGE = 1e300
"""The number that stands for infinity, which JSON lacks."""


def as_number(value: float) -> Number:
    """A number as JSON holds it: None for nan, ±`HUGE` for what is as large or infinite."""
    return None if math.isnan(value) else min(HUGE, max(-HUGE, value))


def as_float(number: Number) -> float:
    """The number that `as_number` was given, infinite where it was as large as `HUGE`."""
    if number is None:
        return math.nan
    return math.copysign(math.inf, number) if abs(number) >= HUGE else float(number)


class NoteKind(StrEnum):
    """The subject of a note in the log."""

    TEXT = "text"
    """Something is out of the ordinary about the text."""
    TEXT_LOST = "text-lost"
    """The text can no longer be read."""
    UNUSUAL = "unusual"
    """A setting has a value outside its usual range."""
    COMPUTE = "compute"
    RESUME = "resume"
    FORK = "fork"
    UNDO = "undo"
    BUDGET = "budget"
    NOT_FINITE = "not-finite"
    VALIDATION = "validation"
    SAMPLE = "sample"
    CHECKPOINT = "checkpoint"
    LAB = "lab"
    RACE = "race"
    AUTOPSY = "autopsy"
    BEGIN = "begin"
    """An experiment begins somewhere else than at the text's start."""
    OTHER = "note"
    """A kind that another version wrote; the text names it."""


class CheckpointKind(StrEnum):
    """The reason for which a checkpoint was written."""

    AUTO = "auto"
    KEY = "key"
    BEST = "best"
    END = "end"
    BROKEN = "broken"
    """The last state before an update that was not finite."""
    UNDONE = "undone"
    """The state that an undo left."""


class RunStatus(StrEnum):
    """How a run stands, or why it ended."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    """The process that trained it has gone without saying why."""
    FORKED = "forked"
    """Its process went on in a fork of it."""
    DONE = "done"
    """A race or a question has trained it to its end."""
    STOPPED = "stopped"
    UPDATES = "updates"
    """Its budget in updates was used up; likewise the next two."""
    CHARS = "chars"
    SECONDS = "seconds"
    QUIT = "quit"
    SIGINT = "sigint"
    SIGTERM = "sigterm"
    SIGHUP = "sighup"
    PIPE = "pipe"
    """Nobody read its output any more."""
    OUTPUT = "output"
    """Its output could not be written."""
    NOT_FINITE = "not-finite"
    TEXT_LOST = "text-lost"
    """Its text could no longer be read."""
    UNSAVED = "unsaved"
    """Its last checkpoint could not be written."""


class HypothesisStatus(StrEnum):
    """The state of a hypothesis."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Point:
    """The measurements over the updates since the point before.

    Attributes:
        update: the last update that the point covers, counted from the run's start.
        chars: characters trained on since the run's start, over all streams.
        seconds: seconds of training in this process.
        loss: the mean loss over the targets, in nats per character.
        grad_norm: the L2 norm of the whole gradient before clipping, the mean over the updates.
        grad_norm_max: the largest of those norms.
        clipped: the share of the updates whose gradient was clipped, 0 … 1.
        norms: the mean gradient norm of each weight matrix before clipping, in the order of `Start.matrix_names`.
        lr: the learning rate of the last update, schedule included; 0 where a watched program's is not known.
        updates: the number of updates that the point covers.
        loss_spread: the standard deviation of the updates' losses, in nats per character.
        worst_loss: the loss of the stream with the highest loss, in nats per character.
        worst_place: the place of that stream, as a share of the training split.
        clip_factor: the norm that clipping left of the gradients of clipped updates, as a share of the norm before, in
            the median; 1 where no update was clipped.
        rate_used: the learning rate that would have had the same effect without clipping; see `clipping.effect`.
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
    """The loss over the validation split.

    Attributes:
        update: the number of updates made.
        chars: characters trained on since the run's start.
        loss: in nats per character.
        error: the standard error of the loss where a sample of the split was read; None where all of it was.
    """

    update: int
    chars: int
    loss: float
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A knob that took another value between two updates.

    Attributes:
        update: the update after which it happened.
        chars: characters trained on since the run's start.
        number: the position of the change among those that its state has gone through, from 1 on. When a training goes
            back to a state with k changes, it undoes every change with a higher number.
        knob: the knob's name.
        old: the value before the change, as the user would type it.
        new: the value from the next update on, as the user would type it.
        undone: whether the training has gone back to before the change.
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
    """A checkpoint that is complete on the disk.

    Attributes:
        update: the number of updates made.
        chars: characters trained on since the run's start.
        kind: the reason for which it was written.
        path: the checkpoint's path.
    """

    update: int
    chars: int
    kind: CheckpointKind
    path: str


@dataclass(frozen=True, slots=True)
class Note:
    """Any other event for the log."""

    update: int
    chars: int
    kind: NoteKind
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
    """The reading of an instrument.

    Attributes:
        update: the number of updates made before it.
        chars: characters trained on since the run's start.
        instrument: the instrument's name, which is that of its file in `instruments`.
        seconds: the time that the measurement took.
        values: the reading by the names of its fields; nan becomes None, and infinity ±`HUGE`.
    """

    update: int
    chars: int
    instrument: str
    seconds: float
    values: Reading


AUTOPSY = "autopsy"
"""The instrument whose readings no undo removes: the cause of a break matters after the break was undone."""


class Severity(StrEnum):
    """How grave a finding is, ascending."""

    NOTE = "note"
    """Worth knowing."""
    WARNING = "warning"
    """It costs something."""
    PROBLEM = "problem"
    """The training cannot succeed like this."""

    @property
    def rank(self) -> int:
        """The place among the severities, from 0 on."""
        return list(Severity).index(self)


class Cause(StrEnum):
    """Why a training goes wrong."""

    LEARNING_RATE_TOO_HIGH = "learning-rate-too-high"
    LEARNING_RATE_TOO_LOW = "learning-rate-too-low"
    CLIP_TOO_TIGHT = "clip-too-tight"
    EXPLODING_GRADIENT = "exploding-gradient"
    VANISHING_GRADIENT = "vanishing-gradient"
    BPTT_TOO_SHORT = "bptt-too-short"
    SPARSE_TARGETS = "sparse-targets"
    DATA_SHIFT = "data-shift"
    OVERFITTING = "overfitting"
    PLATEAU = "plateau"
    SATURATED_UNITS = "saturated-units"
    NUMERICAL_INSTABILITY = "numerical-instability"
    NON_FINITE = "non-finite"
    NOISY_UPDATES = "noisy-updates"
    STUCK_AT_LETTER_FREQUENCIES = "stuck-at-letter-frequencies"

    DETACH_DROPPED = "detach-dropped"
    """This one and those below, up to the next remark, are faults of a loop that is not ours."""
    STATE_NOT_DETACHED = "state-not-detached"
    GRADIENTS_NOT_ZEROED = "gradients-not-zeroed"
    ZEROED_BEFORE_STEP = "zeroed-before-step"
    OTHER_PARAMETERS = "other-parameters"
    STEP_WITHOUT_BACKWARD = "step-without-backward"
    CLIPPED_WITHOUT_GRADIENT = "clipped-without-gradient"
    STEP_NEVER_CALLED = "step-never-called"
    NOT_CALLED = "not-called"
    CLIPPED_SOME = "clipped-some"
    NO_GRADIENT = "no-gradient"
    IN_NO_OPTIMIZER = "in-no-optimizer"
    LOSS_WITHOUT_ITS_GRAPH = "loss-without-its-graph"
    LOSSES_KEPT = "losses-kept"
    DOUBLE_SOFTMAX = "double-softmax"
    NO_LOG_SOFTMAX = "no-log-softmax"
    STATE_THROWN_AWAY = "state-thrown-away"
    STATE_OF_ANOTHER_TEXT = "state-of-another-text"
    TARGETS_ARE_INPUTS = "targets-are-inputs"
    TARGETS_SHIFTED = "targets-shifted"
    BATCH_TAKEN_FOR_TIME = "batch-taken-for-time"
    SAME_BATCH = "same-batch"
    TRAINING_IN_EVAL_MODE = "training-in-eval-mode"
    VALIDATION_IN_TRAIN_MODE = "validation-in-train-mode"
    VALIDATION_TRAINED = "validation-trained"
    WEIGHTS_NOT_COPIED = "weights-not-copied"
    LABELS_OF_OTHERS = "labels-of-others"
    UNITS_ALIKE = "units-alike"
    PADDING_READ = "padding-read"
    DROPOUT_TOO_HIGH = "dropout-too-high"
    BROADCAST = "broadcast"
    INPUTS_NOT_SCALED = "inputs-not-scaled"
    RATE_GONE = "rate-gone"
    LAYER_REPEATED = "layer-repeated"
    WRONG_SHAPE = "wrong-shape"
    WRONG_TYPE = "wrong-type"
    CHANGED_IN_PLACE = "changed-in-place"
    RANDOM_INTERVAL = "random-interval"
    OPTIMIZER_ANEW = "optimizer-anew"

    UNDETERMINED = "undetermined"
    """This one and those below are results of an autopsy only."""
    WEIGHT_DECAY_TOO_STRONG = "weight-decay-too-strong"
    OPTIMISER_STATE = "optimiser-state"
    CARRIED_STATE = "carried-state"
    DAMAGED_WEIGHTS = "damaged-weights"


@dataclass(frozen=True, slots=True)
class Trial:
    """The change that would test a finding: a knob and the value to give it, as the user would type it."""

    knob: str
    value: str


@dataclass(frozen=True, slots=True)
class Site:
    """A place in a program that somebody else wrote: a file or notebook cell, a line of it, and what stands there."""

    file: str
    line: int
    code: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A diagnosis.

    Attributes:
        cause: the cause; `diagnosis.causes` describes it.
        severity: the gravest that the finding has had.
        since_update: the update since which it holds.
        until_update: the update at which it no longer held; None while it holds.
        evidence: the numbers that support it, by name.
        says: the finding and how it shows, in plain words.
        trial: the change that would test it; None where no knob does.
        since_chars: characters trained on at `since_update`.
        found_update: the update at which it was found.
        site: the line that is at fault; None where no line is.
        instead: what to write there instead; empty where nothing is.
    """

    cause: Cause
    severity: Severity
    since_update: int
    until_update: int | None
    evidence: Mapping[str, float]
    says: str
    trial: Trial | None
    since_chars: int
    found_update: int
    site: Site | None = None
    instead: str = ""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A cause that something points to, and what is missing before it is a finding. It is shown and never stored.

    Attributes:
        cause: the cause.
        missing: what is missing, in a few words, such as `2 more looks` or `update 1,240`.
    """

    cause: Cause
    missing: str


class Judged(StrEnum):
    """Whether a cause could be judged."""

    ABSENT = "absent"
    """Enough is known to say that it is not there."""
    NOT_YET = "not yet"
    CANNOT = "cannot"
    """However long the training goes on as it is."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The state of a cause that was not found. It is shown and never stored.

    Attributes:
        cause: the cause.
        judged: whether it could be judged.
        why: what is missing, or why it cannot be judged; empty where it is absent.
    """

    cause: Cause
    judged: Judged
    why: str = ""


@dataclass(frozen=True, slots=True)
class Idea:
    """An idea that may be written down as a hypothesis.

    Attributes:
        claim: the statement that may be true.
        prediction: the observation that should follow from it, in words; may be empty.
        vary: the differences that would test it, as `race --vary` takes them, one per line; empty where no race would.
        expected: the expected verdict of that race on the second variant; empty where none is expected.
    """

    claim: str
    prediction: str = ""
    vary: str = ""
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A claim with a prediction.

    Attributes:
        number: its number in the lab.
        claim: as in `Idea`.
        prediction: as in `Idea`.
        status: what became of it.
        run: the run during which it was written down.
        update: the update of that run at which it was written down.
        conclusion: the conclusion in the user's words; empty until the user writes one.
        vary: as in `Idea`.
        expected: as in `Idea`.
        race: the number of the race that tests it; None without one.
        evidence: the result of that race in a sentence; empty while there is none.
    """

    number: int
    claim: str
    prediction: str
    status: HypothesisStatus
    run: str
    update: int
    conclusion: str = ""
    vary: str = ""
    expected: str = ""
    race: int | None = None
    evidence: str = ""


LogEntry = Change | Saved | Note
"""An entry of a run's log."""


@dataclass(frozen=True, slots=True)
class Start:
    """A session is ready to train, or continues in a fork; `parent` is as in `Run`."""

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
    """A session has ended, for the `reason` that its run has as a status from then on.

    `update`, `chars`, `seconds` and `val_loss` are as in `Point` and `Validation`.
    """

    reason: RunStatus
    run: str
    checkpoint: str | None
    update: int
    chars: int
    seconds: float
    val_loss: float | None


Stored = Point | Validation | Change | Saved | Note | Sample | Probe
"""An event that a lab keeps."""

Event = Start | Stored | Finding | End
Listener = Callable[[Event], None]
