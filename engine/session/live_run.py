"""A run while it is trained: its parts, its status, and its record."""

from __future__ import annotations

from contextlib import ExitStack

from engine.budget import Budget, Position
from engine.checkpoints.checkpoint import Checkpoint
from engine.checkpoints.saver import Saver
from engine.clock import Stopwatch
from engine.errors import UserError
from engine.events import CheckpointKind, Listener, Note, NoteKind, RunStatus, Saved, Start
from engine.lab import Run
from engine.network.model import network_name
from engine.recording.collector import Collector
from engine.recording.recorder import Recorder
from engine.session.opening import Opened
from engine.session.snapshot import Status
from engine.training.annealing import Course
from engine.training.trainer import Trainer


class LiveRun:
    """A run while it is trained.

    All parts of a session (loop, changes, ideas, measuring, …) share one of these. They find the trainer and the
    recorder in it, and set the session's status in it.

    Attributes:
        lab: the lab, open for writing.
        run: the run in the lab; another one after a fork.
        trainer: the trainer, with its corpus, network and settings.
        recorder: receives all events.
        collector: gathers updates into the next point.
        saver: writes checkpoints.
        stopwatch: counts the seconds of training in this process.
        interactive: whether a user watches, who decides what follows a used-up budget or a non-finite update.
        status: the current activity of the session.
        message: one line about the status.
        budget: the end of the training.
        warm_seconds: the seconds of training when the warm-up ended, from which a budget in seconds anneals the rate.
        steps: the number of single updates still to be made before the next pause; 0 while training freely.
        validation_asked: whether the validation loss is to be measured now.
        waits_for_races: whether the training was paused for a race, and goes on when the last race is over.
        reason: the reason why the session ends; None while it does not.
    """

    def __init__(self, opened: Opened, listener: Listener | None) -> None:
        self.lab, self.run, self._held = opened.lab, opened.run, opened.held
        self.trainer: Trainer = opened.trainer
        if opened.continued:
            # The events that an earlier process recorded after this checkpoint are not part of the resumed training.
            counters = self.trainer.counters
            self.lab.events.mark_undone(self.run, counters.updates, counters.changes)
        self.recorder = Recorder(self.lab, self.run, listener)
        self.collector = Collector(self.trainer.settings.optimizer)
        self.saver = Saver(self.lab.runs.checkpoint_folder(self.run), opened.origin, opened.checkpoint_every)
        self.stopwatch = Stopwatch()
        self.interactive = opened.interactive
        self.status = Status.TRAINING
        self.message = ""
        self.budget: Budget = opened.origin.budget
        self.warm_seconds = 0.0
        self.steps = 0
        self.validation_asked = False
        self.waits_for_races = False
        self.reason: RunStatus | None = None

    @property
    def training(self) -> bool:
        """Whether updates are being made."""
        return self.status is Status.TRAINING

    @property
    def position(self) -> Position:
        """The progress of the training."""
        return Position(self.trainer.counters.updates, self.trainer.chars, self.stopwatch.seconds)

    @property
    def course(self) -> Course:
        """The planned end of the training, which the learning rate follows."""
        return Course(self.budget, self.stopwatch.seconds, self.warm_seconds)

    # --- status --------------------------------------------------------------------------------------------------

    def set_status(self, status: Status, message: str) -> None:
        """Set the session's status and one line about it; the stopwatch runs while training."""
        self.status, self.message = status, message
        self.waits_for_races = False
        self.stopwatch.run(status is Status.TRAINING)

    def pause(self, message: str) -> str:
        """Stop before the next update; return `message`, which says why."""
        self.steps = 0
        if self.training:
            self.make_point()
            self.set_status(Status.PAUSED, message)
        return message

    def go_on(self) -> str:
        """Go on training after a pause, a used-up budget, or an update that was not finite."""
        if self.budget.reached(self.position):
            self.budget = Budget()
        self.set_status(Status.TRAINING, "")
        return "training"

    def step(self) -> str:
        """Make one update, then pause; further steps that are asked for before that are made too."""
        self.steps += 1
        return self.go_on()

    # --- recording -----------------------------------------------------------------------------------------------

    def make_point(self) -> None:
        """Record the measurements of the updates since the last point."""
        now = self.position
        point = self.collector.point(now.updates, now.chars, now.seconds, self.trainer.places)
        if point is not None:
            self.recorder.record(point)

    def note(self, kind: NoteKind, text: str) -> None:
        """Record a line for the log."""
        self.recorder.record(Note(self.trainer.counters.updates, self.trainer.chars, kind, text))

    def tell_start(self) -> None:
        """Tell the listener which run is trained from now on."""
        trainer = self.trainer
        self.recorder.tell(
            Start(
                run=self.run.name,
                parent=self.run.parent,
                text=trainer.corpus.name,
                network=network_name(trainer.settings),
                parameters=trainer.network.size(),
                compute=str(trainer.compute),
                update=trainer.counters.updates,
                chars=trainer.chars,
                settings=trainer.settings.plain(),
                matrix_names=self.run.matrix_names,
                notes=trainer.corpus.notes,
            )
        )

    def go_on_in(self, fork: Run) -> None:
        """Train a fork from now on, which has this run's past; other processes may then use this run."""
        with ExitStack() as held:
            held.enter_context(self.lab.runs.hold(fork))
            self._held.close()
            self._held.enter_context(held.pop_all())
        self.run = fork
        self.recorder.go_on_in(fork)
        self.saver = self.saver.of_fork(self.lab.runs.checkpoint_folder(fork), fork.name)

    # --- checkpoints ---------------------------------------------------------------------------------------------

    def checkpoint(self) -> Checkpoint:
        """A checkpoint of the current state, which is not written."""
        return self.saver.checkpoint(self.trainer.state())

    def save(self, kind: CheckpointKind) -> tuple[str | None, str]:
        """Write a checkpoint; where that fails, say so in the log and go on.

        Returns:
            The checkpoint's path, or None and the reason for the failure.
        """
        try:
            return self.write_checkpoint(kind), ""
        except UserError as error:
            self.note(NoteKind.CHECKPOINT, str(error))
            return None, str(error)

    def write_checkpoint(self, kind: CheckpointKind) -> str:
        """Write a checkpoint; return its path. Raises UserError where that fails or the state is not finite."""
        history = self.recorder.history
        # A fork's past may hold a lower loss than the best checkpoint of the fork itself.
        best = history.validations[-1].loss if kind is CheckpointKind.BEST else history.best
        path = str(self.saver.write(self.trainer.state(), kind, best))
        self.recorder.record(Saved(self.trainer.counters.updates, self.trainer.chars, kind, path))
        return path

    def check_finite(self, what: str) -> None:
        """Check that the last update was finite; otherwise raises UserError with a message that begins with `what`."""
        if self.status is Status.BROKEN:
            raise UserError(f"{what}: the last update was not finite; go back with undo, or change a knob and go on")
