"""The instruments and the validation loss of a running training: when they are measured, and how that is recorded."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from engine.events import CheckpointKind, NoteKind, Probe, Validation
from engine.instruments.effort import Effort, affordable
from engine.instruments.prober import INSTRUMENTS, Prober
from engine.instruments.timetable import SHARES, Schedule
from engine.network.evaluation import evaluate
from engine.session.held_out import Reference, estimate, reference
from engine.session.live_run import LiveRun
from engine.session.snapshot import Status

LEVELS_SECONDS = 6.0
"""The seconds of training after which the text is counted, for the losses that others reach on it."""


class Measuring:
    """Measures a training between two updates.

    Args:
        live: the run.
        best: the validation loss of its best checkpoint on the disk; None where there is none.
        train_one: makes one update, for the update ratio.
        meanwhile: called repeatedly during a validation; returns whether that may continue.

    Attributes:
        validated: the share of the current validation that is done; None while none is running.
    """

    def __init__(
        self, live: LiveRun, best: float | None, train_one: Callable[[], None], meanwhile: Callable[[], bool]
    ) -> None:
        self._live = live
        self._train_one, self._meanwhile = train_one, meanwhile
        self._effort, self._prober = Effort(), Prober(live.trainer)
        self._schedule = Schedule()
        # Going back does not remove the checkpoint, so this is the loss of the file and not of the history.
        self._best_saved = best
        self._reference: Reference | None = None
        # Counting the text takes a second, which a training that has just begun is not to wait for.
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="levels")
        self._levels: Future[Probe] | None = None
        self._counts = True
        self.validated: float | None = None

    def begin(self) -> None:
        """Find out how much this machine can measure; measure the text and the units unless that was done before."""
        recorder, trainer = self._live.recorder, self._live.trainer
        earlier = recorder.history.probes.get("control", ())
        # The same places as before, so that a resumed training can be compared with its past.
        regions = earlier[-1].values["regions"] if earlier else ()
        lanes = len(regions) if isinstance(regions, tuple) else 0
        self._effort = affordable(trainer.subject())
        self._prober = Prober(trainer, effort=self._effort.share, lanes=lanes or None)
        for name in INSTRUMENTS:
            self._schedule.expect(name, SHARES[name] * self._effort.seconds)
        self._reference = reference(recorder.history.validations, earlier)
        if "text_facts" not in recorder.history.probes:
            recorder.record(self._prober.text())
        # Before the first update: later nobody can tell whether units began saturated, or updates drove them there.
        if "gates" not in recorder.history.probes:
            recorder.record(self._prober.measure("gates"))

    def begin_fork(self) -> None:
        """Forget the best checkpoint: a fork begins without one."""
        self._best_saved = None

    def measure(self, instrument: str) -> Probe | None:
        """Have an instrument measure, and record its reading.

        `update_ratio` makes an update. None where that update was not finite.
        """
        if instrument == "update_ratio":
            probe = self._prober.around(self._train_one)
            if self._live.status is Status.BROKEN:
                return None
        else:
            probe = self._prober.measure(instrument)
        self._live.recorder.record(probe)
        if instrument == "control":
            self._estimate(probe)
        return probe

    def measure_words(self, sample: str) -> None:
        """Measure the words of a sample against those of the text."""
        self._live.recorder.record(self._prober.words(sample))

    def measure_what_is_due(self) -> None:
        """Have the first instrument that is due measure; those come first for which a suspicion waits."""
        live, now = self._live, self._live.stopwatch.seconds
        self._measure_levels(now)
        awaited = live.recorder.diagnosis.awaited
        for name in sorted(INSTRUMENTS, key=lambda each: each not in awaited):
            if self._schedule.due(name, now, urgent=name in awaited):
                if probe := self.measure(name):
                    self._schedule.took(name, probe.seconds, now)
                return

    def _measure_levels(self, now: float) -> None:
        """Have the text counted beside the training, once, after its first seconds, which are the dearest."""
        live = self._live
        if self._levels is None:
            wanted = live.interactive and self._counts and now > LEVELS_SECONDS
            if wanted and "reference_levels" not in live.recorder.history.probes:
                self._levels = self._beside.submit(self._prober.levels)
        elif self._levels.done():
            levels, self._levels = self._levels, None
            if (error := levels.exception()) is None:
                live.recorder.record(levels.result())
            else:  # The training needs none of it.
                self._counts = False
                live.note(NoteKind.OTHER, f"the text could not be counted: {error}")

    def validate_if_due(self) -> None:
        """Read the whole validation split where that was asked for, or is due and may show the best loss so far."""
        live = self._live
        due = live.training and self._schedule.due("validation", live.stopwatch.seconds)
        if live.validation_asked or (due and self._may_be_best()):
            asked, live.validation_asked = live.validation_asked, False
            self.validate(asked=asked)

    def validate(self, *, asked: bool) -> None:
        """Read the whole validation split; keep the best state so far in a checkpoint.

        The validation is given up when a command changes the network, or when it takes too long and was not `asked`
        for.
        """
        live, trainer, trained = self._live, self._live.trainer, self._live.stopwatch.seconds
        updates, begun = trainer.counters.updates, time.monotonic()

        def keep_going(share: float) -> bool:
            self.validated = share
            if not self._schedule.goes_on("validation", share, time.monotonic() - begun, trained, asked=asked):
                return False
            return self._meanwhile() and trainer.counters.updates == updates

        loss = evaluate(trainer.network, trainer.corpus.validation, trainer.compute, keep_going)
        self.validated = None
        self._schedule.took("validation", time.monotonic() - begun, trained, done=loss is not None)
        if loss is None:
            return
        if not math.isfinite(loss):
            live.note(NoteKind.VALIDATION, f"the validation loss is {loss}")
            return
        nats = loss * trainer.corpus.tokens_per_char
        live.recorder.record(Validation(updates, trainer.chars, nats))
        better = self._best_saved is None or nats < self._best_saved
        if better and live.status is not Status.BROKEN and live.save(CheckpointKind.BEST)[0] is not None:
            self._best_saved = nats
        if live.reason is None and (sample := self.measure("control")):
            self._schedule.took("control", sample.seconds, trained)

    def _estimate(self, sample: Probe) -> None:
        """Record the validation loss by a control sample; one that was read with the whole split is the reference."""
        recorder = self._live.recorder
        validations = recorder.history.validations
        if (found := reference(validations[-1:], (sample,))) is not None:
            self._reference = found
        elif (loss := estimate(sample, self._reference)) is not None:
            recorder.record(loss)

    def _may_be_best(self) -> bool:
        """Whether the last estimate leaves open that the loss is below that of the best checkpoint."""
        validations = self._live.recorder.history.validations
        if self._best_saved is None or not validations or validations[-1].error is None:
            return True
        return validations[-1].loss - validations[-1].error < self._best_saved
