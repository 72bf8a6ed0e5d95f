"""The training loop of a session: updates, then waiting commands, then whatever is due."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable

from engine.budget import BUDGETS
from engine.clock import Every, Pace
from engine.errors import TextLostError, UserError
from engine.events import CheckpointKind, End, Listener, NoteKind, RunStatus, Sample
from engine.network.compute import usable_processors
from engine.network.sampling import Taste
from engine.session.changes import Changes
from engine.session.commands import Command
from engine.session.dispatch import Dispatcher
from engine.session.dissection import Dissection
from engine.session.ideas import Ideas
from engine.session.inbox import IDLE_SECONDS, Inbox
from engine.session.live_run import LiveRun
from engine.session.measuring import Measuring
from engine.session.opening import Opened
from engine.session.publisher import Publisher
from engine.session.sample_writer import Writer
from engine.session.snapshot import Snapshot, Status
from engine.session.thread_watch import Watch

AT_ONCE_SECONDS = 0.02
"""The seconds of updates before the loop checks for commands: long compared with a call, short with a keystroke."""

FLUSH_SECONDS, FLUSH_AGAIN_SECONDS = 1.0, 20.0
"""The seconds between two writes of rows into the lab, and until the next try after a failed write."""

LAST_ROWS_SECONDS = 8.0
"""The seconds that the end of a session waits for a lab that cannot be written: fewer than a supervisor waits before it
kills a process."""


class Loop:
    """Trains one run until it is told to quit or its budget is used up. Everything here happens in one thread.

    Args:
        opened: the training, ready for its next update.
        listener: called with every event; None for no listener.
        waiting: a queue of tickets and commands, which other threads fill.
        publish_to: called with the latest snapshot, several times a second.
    """

    def __init__(
        self,
        opened: Opened,
        listener: Listener | None,
        waiting: queue.SimpleQueue[tuple[int, Command]],
        publish_to: Callable[[Snapshot], None],
    ) -> None:
        self._opened = opened
        self._live = live = LiveRun(opened, listener)
        trainer = live.trainer
        self._changes = Changes(live, opened.origin)
        self._ideas = Ideas(live)
        self._measuring = Measuring(live, opened.best, lambda: self._train(1), self._meanwhile)
        self._dissection = Dissection(live)
        self._writer = Writer(trainer.network, trainer.corpus.vocabulary, trainer.settings.seed)
        dispatcher = Dispatcher(
            live=live,
            changes=self._changes,
            ideas=self._ideas,
            measuring=self._measuring,
            dissection=self._dissection,
            writer=self._writer,
        )
        self._inbox = Inbox(waiting, dispatcher.obey)
        self._publisher = Publisher(
            publish_to,
            live=live,
            changes=self._changes,
            ideas=self._ideas,
            measuring=self._measuring,
            dissection=self._dissection,
            writer=self._writer,
            inbox=self._inbox,
        )
        self._pace = Pace(AT_ONCE_SECONDS)
        self._watch = _watch(opened)
        self._flush_due = Every(FLUSH_SECONDS)

    def run(self) -> End:
        """Train until the session ends; return when everything is saved.

        Raises:
            UserError: the last checkpoint or the last rows could not be written, or the text was lost; everything that
                could be saved is saved.
        """
        live, lost = self._live, ""
        try:
            self._begin()
            while live.reason is None:
                self._take_commands(wait=not live.training)
                if live.training and live.reason is None:
                    self._train(self._at_once())
                self._do_what_is_due()
        except TextLostError as error:
            live.reason, lost = RunStatus.TEXT_LOST, str(error)
        finally:
            self._ideas.close()
        return self._end(lost)

    # --- updates -------------------------------------------------------------------------------------------------

    def _train(self, most: int) -> None:
        """Make at most `most` updates in one call, and react to their results."""
        live, trainer = self._live, self._live.trainer
        begun = time.monotonic()
        measured = trainer.train(most, live.course)
        seconds = time.monotonic() - begun
        self._pace.took(seconds, measured.updates)
        if self._watch is not None and (why := self._watch.took(measured.length * trainer.settings.streams, seconds)):
            trainer.use_threads(self._watch.threads)
            live.note(NoteKind.COMPUTE, why)
        live.collector.add(measured)
        if measured.broken:
            self._stop_at(measured.broken)
            return
        if trainer.counters.updates <= trainer.settings.warmup:
            live.warm_seconds = live.stopwatch.seconds
        if live.steps:
            live.steps = max(0, live.steps - measured.updates)
            if not live.steps:
                live.pause("paused after a single update")
        self._check_budget()
        self._check_cool_down()

    def _at_once(self) -> int:
        """The number of updates to make in one call: at most up to the next one after which something is due."""
        live, updates = self._live, self._live.trainer.counters.updates
        count = min(live.steps, self._pace.updates) if live.steps else self._pace.updates
        if (until_saved := live.saver.updates_left(updates)) is not None:
            count = min(count, until_saved)
        if span := live.trainer.counters.cool_down:
            left = span.start + span.length - updates
            count = min(count, left) if left > 0 else count
        return count

    def _stop_at(self, what: str) -> None:
        """Stop at an update that was not made, and say what was not finite and since when the gradient surged."""
        live = self._live
        live.steps = 0
        live.make_point()
        message = f"update {live.trainer.counters.updates + 1:,} was skipped: {what}"
        if surge := live.recorder.history.surge():
            point, usual = surge
            message += (
                f"; at update {point.update:,} the gradient norm rose from {usual:.3g} to {point.grad_norm_max:.3g}"
            )
        live.set_status(Status.BROKEN, message)
        live.note(NoteKind.NOT_FINITE, message)
        if not live.interactive:
            live.reason = RunStatus.NOT_FINITE

    def _check_budget(self) -> None:
        """Finish where the budget is used up: end the session, or wait for a decision where a user watches."""
        live = self._live
        reached = live.budget.reached(live.position)
        if reached is None or not live.training:
            return
        if not live.interactive:
            live.reason = RunStatus(reached)
            return
        live.make_point()
        live.set_status(Status.FINISHED, f"the budget is used up ({reached})")
        live.note(NoteKind.BUDGET, live.message)
        live.validation_asked = True
        live.save(CheckpointKind.AUTO)

    def _check_cool_down(self) -> None:
        live, span = self._live, self._live.trainer.counters.cool_down
        if span is not None and live.trainer.counters.updates == span.start + span.length:
            live.validation_asked = True
            live.pause("the cool-down is over: the rate is at its floor")

    # --- between two updates -------------------------------------------------------------------------------------

    def _take_commands(self, *, wait: bool) -> None:
        if self._inbox.take(wait=wait):
            self._publisher.publish()

    def _meanwhile(self) -> bool:
        """Publish snapshots and take commands during long work; return whether that may continue."""
        self._publisher.publish_if_due()
        if self._live.reason:  # The session is ending with this work; only another command cuts it short.
            return self._inbox.empty
        self._take_commands(wait=False)
        return not self._live.reason

    def _do_what_is_due(self) -> None:
        live = self._live
        if live.training and (live.collector.due or not live.recorder.history.recent):
            live.make_point()
        if live.training and not live.reason:  # Measuring the update ratio makes an update.
            self._measuring.measure_what_is_due()
        self._measuring.validate_if_due()
        if live.training and live.saver.is_due(live.trainer.counters.updates):
            live.save(CheckpointKind.AUTO)
        if live.training:
            self._changes.keep_if_due()
        self._write_sample()
        self._ideas.note_ended_races()
        self._dissection.take_report()
        self._flush_if_due()
        self._publisher.publish_if_due()

    def _write_sample(self) -> None:
        live, writer = self._live, self._writer
        if not writer.due or not (writer.writing or (live.interactive and live.training)):
            return
        counters, settings = live.trainer.counters, live.trainer.settings
        if not writer.writing:
            writer.begin(f"update {counters.updates:,}")
        try:
            sample = writer.write(Taste.of(settings))
        except ArithmeticError as error:
            live.note(NoteKind.SAMPLE, str(error))
            return
        if sample is not None:
            live.recorder.record(Sample(counters.updates, live.trainer.chars, settings.temperature, sample))
            self._measuring.measure_words(sample)

    def _flush_if_due(self) -> None:
        """Write rows into the lab if it is time; after a failure later, since a failed try costs training time."""
        if self._flush_due.due():
            written = self._live.recorder.flush()
            self._flush_due.seconds = FLUSH_SECONDS if written else FLUSH_AGAIN_SECONDS
            self._flush_due.reset()

    # --- the beginning and the end -------------------------------------------------------------------------------

    def _begin(self) -> None:
        live, trainer = self._live, self._live.trainer
        live.lab.runs.begin(live.run)
        live.tell_start()
        for note in trainer.corpus.notes:
            live.note(NoteKind.TEXT, note)
        if slow := trainer.compute.trouble or trainer.uncompiled:
            live.note(NoteKind.COMPUTE, slow)
        if trainer.compute.threads > usable_processors():
            live.note(NoteKind.COMPUTE, f"{trainer.compute.threads} threads share {usable_processors()} processors")
        if comes_from := _comes_from(self._opened):
            live.note(NoteKind.RESUME, comes_from)
        else:
            for warning in trainer.settings.warnings():
                live.note(NoteKind.UNUSUAL, warning)
        self._measuring.begin()
        self._changes.keep_for_trouble()
        for knob, value in self._opened.knobs.items():
            self._changes.turn(knob, value)
        live.stopwatch.run(True)
        self._check_budget()
        self._publisher.publish()

    def _end(self, lost: str) -> End:
        """Save everything; `lost` says why the text can no longer be read, or is empty."""
        live, reason = self._live, self._live.reason or RunStatus.QUIT
        self._dissection.stop()
        live.stopwatch.run(False)
        live.make_point()
        if reason in BUDGETS:
            try:
                self._measuring.validate(asked=True)
            except TextLostError as error:
                lost = str(error)
        if lost:
            live.note(NoteKind.TEXT_LOST, lost)
        updates, chars = live.trainer.counters.updates, live.trainer.chars
        if broken := live.status is Status.BROKEN:
            self._changes.go_back_to_finite()
        path, unsaved = live.save(CheckpointKind.BROKEN if broken else CheckpointKind.END)
        validations = live.recorder.history.validations
        end = End(
            reason=reason,
            run=live.run.name,
            checkpoint=path,
            update=updates,
            chars=chars,
            seconds=live.stopwatch.seconds,
            val_loss=validations[-1].loss if validations else None,
        )
        trouble = self._write_last_rows(end, RunStatus.UNSAVED if path is None else end.reason)
        live.recorder.tell(end)
        self._publisher.publish()
        if path is None:
            raise UserError(f"{end.run} ended at update {end.update:,}, and is not saved: {unsaved}")
        if trouble:
            raise UserError(f"{trouble}: the last rows of {end.run} were not stored; its checkpoint is {path}")
        if lost:
            raise UserError(f"{lost}; {end.run} is saved at update {updates:,}: `resume` continues from there")
        return end

    def _write_last_rows(self, end: End, status: RunStatus) -> str:
        """Bring the lab up to date, waiting a while if it is locked; return what went wrong, or an empty text."""
        live, deadline = self._live, time.monotonic() + LAST_ROWS_SECONDS
        while True:
            try:
                if live.recorder.flush(everything=True):
                    live.lab.runs.finish(
                        live.run, status=status, update=end.update, chars=end.chars, seconds=end.seconds
                    )
                    return ""
                trouble = live.recorder.trouble
            except UserError as error:
                trouble = str(error)
            if time.monotonic() >= deadline:
                return trouble
            time.sleep(IDLE_SECONDS)


def _comes_from(opened: Opened) -> str:
    """A note on the update and run that a training continues from; empty for a new one."""
    parent, there = opened.run.parent, f"goes on from update {opened.trainer.counters.updates:,}"
    if opened.continued:
        return there
    return f"{there} of {parent[0]}" if parent else ""


def _watch(opened: Opened) -> Watch | None:
    """A watch on the threads, where several were chosen by measuring and not by the user; None otherwise."""
    rates, threads = opened.choice.rates, opened.choice.compute.threads
    by_user = opened.trainer.settings.threads is not None
    return None if rates is None or by_user or threads == 1 else Watch(threads, rates.alone)
