"""The loop of a session: an update, the commands that came meanwhile, and what is due."""

from __future__ import annotations

import math
import queue
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from engine import commands
from engine.annealing import Course, progress
from engine.clock import Every, Pace, Stopwatch
from engine.commands import Command, Turn
from engine.compute import usable_processors
from engine.corpus import check_window
from engine.diagnosis.diagnosis import Diagnosis
from engine.errors import UserError
from engine.evaluation import evaluate
from engine.events import Change, End, Listener, Note, Point, Probe, Sample, Saved, Start, Validation
from engine.history import POINT_SECONDS, Collector, History
from engine.job import Job
from engine.kept import Kept, KeptStates
from engine.opening import Opened, network_name
from engine.prober import INSTRUMENTS, Prober
from engine.probing import Schedule
from engine.recorder import Recorder
from engine.saving import Saver
from engine.schedule import BUDGETS, Budget, CoolDownSpan, Position
from engine.settings import NOT_TRAINED_WITH, Settings, setting
from engine.snapshot import Reply, Snapshot, Status
from engine.trainer import State, finite
from engine.watch import Watch
from engine.writer import Writer

PUBLISH_SECONDS = 0.05
FLUSH_SECONDS, FLUSH_AGAIN_SECONDS = 1.0, 20.0
"""Rows are written into the lab this often, and where that failed, tried again after so long."""

LAST_ROWS_SECONDS = 8.0
"""How long the end of a session waits for a lab that cannot be written: less than a supervisor waits before a kill."""

FIRST_KEEP_SECONDS, KEEP_SECONDS = 0.5, 15.0
"""A state is kept in case of trouble at the start, then ever more seldom, and at last this often."""

IDLE_SECONDS = 0.02

MOST_PLACES = 64
"""How many streams' places are told."""

UNSAVED = "unsaved"
"""A run's status where its last checkpoint could not be written."""

AT_ONCE_SECONDS = 0.02
"""How long updates are made before a command is looked for: long beside a call, short beside a keystroke."""

COOL_DOWN_SHARE = 0.25
SHORTEST_COOL_DOWN = 200
"""A cool-down lasts a quarter of the updates so far, and not less than this many."""


class Loop:
    """Trains one run until it is told to quit or its budget is used up. Everything here happens in one thread."""

    def __init__(
        self,
        job: Job,
        opened: Opened,
        listener: Listener | None,
        inbox: queue.SimpleQueue[tuple[int, Command]],
        publish: Callable[[Snapshot], None],
    ) -> None:
        self._job = job
        self._lab, self._run = opened.lab, opened.run
        self._trainer = opened.trainer
        self._saver = Saver(opened.lab.checkpoint_folder(opened.run), opened.origin, job.checkpoint_every)
        self._inbox, self._publish_to = inbox, publish

        if opened.continued:
            counters = self._trainer.counters
            self._lab.supersede(self._run, counters.updates, counters.changes)
        past = self._lab.events(self._run)
        history = History(
            [event for event in past if isinstance(event, Point)],
            [event for event in past if isinstance(event, Validation)],
            [event for event in past if isinstance(event, Change | Saved | Note)],
            [event for event in past if isinstance(event, Probe)],
        )
        diagnosis = Diagnosis(Settings.from_plain(self._run.settings))
        for event in past:
            diagnosis.take(event)
        self._recorder = Recorder(self._lab, self._run, history, diagnosis, listener)
        self._prober = Prober(self._trainer)
        self._hypotheses = tuple(self._lab.hypotheses())
        self._collector = Collector(self._trainer.settings.optimizer)
        self._kept = KeptStates()
        vocabulary = self._trainer.corpus.vocabulary
        self._writer = Writer(self._trainer.network, vocabulary, self._trainer.settings.seed)

        self._status = Status.TRAINING
        self._message = ""
        self._budget: Budget = opened.origin.budget
        self._reason = ""
        """Why the session ends; empty while it does not."""
        self._steps = 0
        """Single updates that are still to be made before the next pause."""
        self._best_saved = opened.best
        """The loss of the best checkpoint on the disk, which going back does not take away."""
        self._evaluation_asked = False
        self._evaluating: float | None = None
        self._began_at = self._trainer.counters.updates
        self._taken = 0
        self._replies: deque[Reply] = deque(maxlen=16)

        self._stopwatch = Stopwatch()
        self._pace = Pace(AT_ONCE_SECONDS)
        self._watch = _watch(opened)
        self._warm_seconds = 0.0
        self._schedule = Schedule()
        self._point_due = Every(POINT_SECONDS)
        self._publish_due = Every(PUBLISH_SECONDS)
        self._flush_due = Every(FLUSH_SECONDS)
        self._keep_due = Every(FIRST_KEEP_SECONDS)

    def run(self) -> End:
        """Train; returns when everything is saved."""
        self._begin()
        while not self._reason:
            self._take_commands(wait=self._status is not Status.TRAINING)
            if self._status is Status.TRAINING and not self._reason:
                self._advance()
            self._do_what_is_due()
        return self._end()

    # --- the beginning and the end -------------------------------------------------------------------------------

    def _begin(self) -> None:
        trainer = self._trainer
        self._lab.begin(self._run)
        self._recorder.tell(
            Start(
                run=self._run.name,
                text=trainer.corpus.name,
                network=network_name(trainer.settings),
                parameters=trainer.network.size(),
                compute=str(trainer.compute),
                update=trainer.counters.updates,
                chars=trainer.chars,
                settings=trainer.settings.plain(),
                matrix_names=self._run.matrix_names,
                notes=trainer.corpus.notes,
            )
        )
        for note in trainer.corpus.notes:
            self._note("text", note)
        if slow := trainer.compute.trouble or trainer.uncompiled:
            self._note("compute", slow)
        if trainer.compute.threads > usable_processors():
            self._note("compute", f"{trainer.compute.threads} threads wait for {usable_processors()} processors")
        if trainer.counters.updates:
            self._note("resume", f"goes on from update {trainer.counters.updates:,}")
        if "text_facts" not in self._recorder.history.probes:
            self._recorder.record(self._prober.text())
        self._keep_for_trouble()
        self._stopwatch.run(True)
        self._check_budget()
        self._publish()

    def _end(self) -> End:
        self._stopwatch.run(False)
        self._make_point()
        if self._reason in BUDGETS:
            self._evaluate(asked=True)
        updates, chars = self._trainer.counters.updates, self._trainer.chars
        path, unsaved = self._save_before_trouble() if self._status is Status.BROKEN else self._save("end")
        history = self._recorder.history
        last = history.validations[-1].loss if history.validations else None
        end = End(
            reason=self._reason,
            run=self._run.name,
            checkpoint=path,
            update=updates,
            chars=chars,
            seconds=self._stopwatch.seconds,
            val_loss=last,
        )
        trouble = self._write_last_rows(end, UNSAVED if path is None else end.reason)
        self._recorder.tell(end)
        self._publish()
        if path is None:
            raise UserError(f"{end.run} ended at update {end.update:,} without a checkpoint of it: {unsaved}")
        if trouble:
            raise UserError(f"{trouble}; the last rows of {end.run} are not in it; its checkpoint is {path}")
        return end

    def _write_last_rows(self, end: End, status: str) -> str:
        """Bring the lab up to date, waiting for whoever locks it; returns what went wrong, or nothing."""
        deadline = time.monotonic() + LAST_ROWS_SECONDS
        while True:
            try:
                if self._recorder.flush(everything=True):
                    self._lab.finish(self._run, status=status, update=end.update, chars=end.chars, seconds=end.seconds)
                    return ""
                trouble = self._recorder.trouble
            except UserError as error:
                trouble = str(error)
            if time.monotonic() >= deadline:
                return trouble
            time.sleep(IDLE_SECONDS)

    # --- one update ----------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        self._train(self._at_once())

    def _train(self, most: int) -> None:
        """Make updates, and whatever follows from them at once."""
        trainer = self._trainer
        begun = time.monotonic()
        measured = trainer.train(most, self._course())
        seconds = time.monotonic() - begun
        self._pace.took(seconds, measured.updates)
        if self._watch is not None and (why := self._watch.took(measured.length * trainer.settings.streams, seconds)):
            trainer.use_threads(self._watch.threads)
            self._note("compute", why)
        self._collector.add(measured)
        if measured.broken:
            self._break(measured.broken)
            return
        if trainer.counters.updates <= trainer.settings.warmup:
            self._warm_seconds = self._stopwatch.seconds
        if self._steps:
            self._steps = max(0, self._steps - measured.updates)
            if not self._steps:
                self._pause("one update made")
        self._check_budget()
        self._check_cool_down()

    def _at_once(self) -> int:
        """How many updates to make before looking at anything else: no more than up to where something is due."""
        updates = self._trainer.counters.updates
        count = min(self._steps, self._pace.updates) if self._steps else self._pace.updates
        if (until_saved := self._saver.updates_left(updates)) is not None:
            count = min(count, until_saved)
        if span := self._trainer.counters.cool_down:
            left = span.start + span.length - updates
            count = min(count, left) if left > 0 else count
        return count

    def _course(self) -> Course:
        return Course(self._budget, self._stopwatch.seconds, self._warm_seconds)

    def _position(self) -> Position:
        return Position(self._trainer.counters.updates, self._trainer.chars, self._stopwatch.seconds)

    def _check_budget(self) -> None:
        reached = self._budget.reached(self._position())
        if reached is None or self._status is not Status.TRAINING:
            return
        if not self._job.interactive:
            self._reason = reached
            return
        self._make_point()
        self._set(Status.FINISHED, f"the budget is used up ({reached})")
        self._note("budget", self._message)
        self._evaluation_asked = True
        self._save("auto")

    def _check_cool_down(self) -> None:
        span = self._trainer.counters.cool_down
        if span is not None and self._trainer.counters.updates == span.start + span.length:
            self._evaluation_asked = True
            self._pause("the cool-down is over: the rate is at its floor")

    def _break(self, what: str) -> None:
        """Stop at an update that was not made, and say what was seen and since when."""
        self._steps = 0
        self._make_point()
        message = f"update {self._trainer.counters.updates + 1:,} was not made: {what}"
        if surge := self._recorder.history.surge():
            point, usual = surge
            message += (
                f"; since update {point.update:,} the gradient norm is {point.grad_norm_max:.3g}, was {usual:.3g}"
            )
        self._set(Status.BROKEN, message)
        self._note("not-finite", message)
        if not self._job.interactive:
            self._reason = "not-finite"

    # --- what is due ---------------------------------------------------------------------------------------------

    def _do_what_is_due(self) -> None:
        training = self._status is Status.TRAINING
        if training and (self._point_due.due() or not self._recorder.history.recent):
            self._make_point()
        if training:
            self._measure_what_is_due()
        if self._evaluation_asked or (training and self._schedule.due("validation", self._stopwatch.seconds)):
            asked, self._evaluation_asked = self._evaluation_asked, False
            self._evaluate(asked=asked)
        if training and self._saver.is_due(self._trainer.counters.updates):
            self._save("auto")
        if training and self._keep_due.due():
            self._keep_for_trouble()
        self._write_sample()
        if self._flush_due.due():
            written = self._recorder.flush()
            # Trying to write into a lab that is locked or full takes time from the training.
            self._flush_due.seconds = FLUSH_SECONDS if written else FLUSH_AGAIN_SECONDS
            self._flush_due.reset()
        if self._publish_due.due():
            self._publish()

    def _make_point(self) -> None:
        self._point_due.reset()
        position = self._position()
        point = self._collector.point(position.updates, position.chars, position.seconds, self._trainer.places)
        if point is not None:
            self._recorder.record(point)

    def _evaluate(self, *, asked: bool) -> None:
        """Measure the validation loss, taking commands meanwhile.

        A command that changes the network gives it up; so does its price, where it was not asked for.
        """
        trainer, trained = self._trainer, self._stopwatch.seconds
        updates, begun, ending = trainer.counters.updates, time.monotonic(), bool(self._reason)

        def keep_going(share: float) -> bool:
            self._evaluating = share
            if not self._schedule.goes_on("validation", share, time.monotonic() - begun, trained, asked=asked):
                return False
            if self._publish_due.due():
                self._publish()
            if ending:
                return self._inbox.empty()
            self._take_commands(wait=False)
            return not self._reason and trainer.counters.updates == updates

        loss = evaluate(trainer.network, trainer.corpus.validation, trainer.compute, keep_going)
        self._evaluating = None
        self._schedule.took("validation", time.monotonic() - begun, trained, done=loss is not None)
        if loss is None:
            return
        if not math.isfinite(loss):
            self._note("validation", f"the validation loss is {loss}")
            return
        nats = loss * trainer.corpus.tokens_per_char
        self._recorder.record(Validation(updates, trainer.chars, nats))
        better = self._best_saved is None or nats < self._best_saved
        if better and self._status is not Status.BROKEN and self._save("best")[0] is not None:
            self._best_saved = nats

    def _measure_what_is_due(self) -> None:
        """Have one instrument measure, the first that is due."""
        now = self._stopwatch.seconds
        an_update = now / max(1, self._trainer.counters.updates - self._began_at)
        for name, updates in INSTRUMENTS.items():
            if self._schedule.due(name, now, updates * an_update):
                self._measure(name)
                self._schedule.took(name, self._recorder.history.probes[name][-1].seconds, now)
                return

    def _measure(self, instrument: str) -> None:
        """Have an instrument measure; that of the weights' change makes an update."""
        if instrument == "update_ratio":
            probe = self._prober.around(lambda: self._train(1))
            if self._status is Status.BROKEN:
                return
        else:
            probe = self._prober.measure(instrument)
        self._recorder.record(probe)

    def _write_sample(self) -> None:
        training = self._status is Status.TRAINING
        if not self._job.interactive or not self._writer.due or (not self._writer.writing and not training):
            return
        counters, temperature = self._trainer.counters, self._trainer.settings.temperature
        if not self._writer.writing:
            self._writer.begin(f"update {counters.updates:,}")
        try:
            sample = self._writer.write(temperature)
        except ArithmeticError as error:
            self._note("sample", str(error))
            return
        if sample is not None:
            self._recorder.record(Sample(counters.updates, self._trainer.chars, temperature, sample))
            self._recorder.record(self._prober.words(sample))

    # --- keeping -------------------------------------------------------------------------------------------------

    def _save(self, kind: str) -> tuple[str | None, str]:
        """Write a checkpoint; where that fails say so in the log, and go on. Returns its path, or why there is none."""
        try:
            return self._write_checkpoint(kind), ""
        except UserError as error:
            self._note("checkpoint", str(error))
            return None, str(error)

    def _save_before_trouble(self) -> tuple[str | None, str]:
        """Write a checkpoint of the last state that is finite, which the next update need not be."""
        state, kept = self._trainer.state(), self._kept.last_state()
        if not finite(state) and kept is not None and isinstance(kept.back, State):
            self._trainer.restore(kept.back)
        return self._save("broken")

    def _write_checkpoint(self, kind: str) -> str:
        """Write a checkpoint; returns its path. Raises UserError where that fails or the state is not finite."""
        counters = self._trainer.counters
        path = str(self._saver.write(self._trainer.state(), kind, self._recorder.history.best))
        self._recorder.record(Saved(counters.updates, self._trainer.chars, kind, path))
        return path

    def _keep(self, label: str, back: Turn | None = None) -> None:
        """Keep what takes a change back: `back`, or else the state."""
        state = self._trainer.state() if back is None else back
        if isinstance(state, Turn) or finite(state):
            self._kept.push(Kept(label, state, by_change=True))

    def _keep_for_trouble(self) -> None:
        """Keep the state now and then, in case an update is not finite."""
        self._keep_due.reset()
        self._keep_due.seconds = min(KEEP_SECONDS, 2 * self._keep_due.seconds)
        state = self._trainer.state()
        if finite(state):
            self._kept.push(Kept(f"what followed update {state.counters.updates:,}", state, by_change=False))

    # --- commands ------------------------------------------------------------------------------------------------

    def _take_commands(self, *, wait: bool) -> None:
        """Deal with every command that waits; with `wait` there is nothing else to do, and the first is waited for."""
        try:
            timeout = IDLE_SECONDS if wait else 0.0
            taken = False
            while True:
                ticket, command = self._inbox.get(block=timeout > 0, timeout=timeout or None)
                timeout, taken = 0.0, True
                self._take(ticket, command)
        except queue.Empty:
            if taken:
                self._publish()

    def _take(self, ticket: int, command: Command) -> None:
        try:
            reply, failed = self._obey(command), False
        except UserError as error:
            reply, failed = str(error), True
        self._taken = max(ticket, self._taken)
        self._replies.append(Reply(ticket, reply, failed))

    def _obey(self, command: Command) -> str:
        match command:
            case commands.Pause():
                return self._pause("paused")
            case commands.Continue():
                return self._go_on()
            case commands.Step():
                self._steps += 1
                return self._go_on()
            case commands.Turn(knob, value):
                return self._turn(knob, value)
            case commands.CoolDown():
                return self._cool_down()
            case commands.Undo():
                return self._undo()
            case commands.Save():
                return self._save_by_key()
            case commands.Evaluate():
                self._evaluation_asked = True
                return "validation asked for"
            case commands.WriteSample(prime):
                self._writer.begin(f"update {self._trainer.counters.updates:,}", prime)
                return "sample begun"
            case commands.Measure(instrument):
                self._measure(instrument)
                return f"{instrument.replace('_', ' ')} measured"
            case commands.Hypothesise(claim, prediction):
                return self._hypothesise(claim, prediction)
            case commands.Conclude(number, status, conclusion):
                return self._conclude(number, status, conclusion)
            case commands.Quit(reason):
                self._reason = reason
                return "saving"

    def _pause(self, message: str) -> str:
        self._steps = 0
        if self._status is Status.TRAINING:
            self._make_point()
            self._set(Status.PAUSED, message)
        return message

    def _go_on(self) -> str:
        if self._budget.reached(self._position()):
            self._budget = Budget()
        self._set(Status.TRAINING, "")
        return "training"

    def _turn(self, knob: str, text: str) -> str:
        trainer, described = self._trainer, setting(knob)
        if not described.knob:
            raise UserError(f"{knob} cannot change while training")
        old, settings = trainer.settings, trainer.settings.with_text(knob, text)
        check_window(trainer.corpus, settings.streams, settings.bptt)
        if settings == old:
            return f"{knob} is {old.write(knob)} already"
        return self._change(knob, old.write(knob), settings.write(knob), lambda: trainer.turn(settings))

    def _cool_down(self) -> str:
        trainer, counters = self._trainer, self._trainer.counters
        length = max(SHORTEST_COOL_DOWN, round(COOL_DOWN_SHARE * counters.updates))
        span = None if counters.cool_down else CoolDownSpan(counters.updates, length)
        old, new = (f"{each.length:,} updates" if each else "off" for each in (counters.cool_down, span))
        return self._change("cool-down", old, new, lambda: trainer.cool_down(span))

    def _change(self, knob: str, old: str, new: str, apply: Callable[[], None]) -> str:
        """Keep what undoes a change, and apply it."""
        back = Turn(knob, old) if knob in NOT_TRAINED_WITH else None
        self._keep(f"{knob} {old} → {new}", back)
        return self._apply(knob, old, new, apply)

    def _apply(self, knob: str, old: str, new: str, apply: Callable[[], None]) -> str:
        """Apply a change and record it."""
        self._make_point()
        before = self._trainer.uncompiled
        apply()
        if (why := self._trainer.uncompiled) and not before:
            self._note("compute", why)
        counters = self._trainer.counters
        self._recorder.record(Change(counters.updates, self._trainer.chars, counters.changes, knob, old, new))
        return f"{knob} {old} → {new}"

    def _undo(self) -> str:
        kept = self._undoable()
        if kept is None:
            raise UserError("there is nothing to undo in this session")
        self._kept.drop_from(kept)
        if isinstance(kept.back, State):
            return self._go_back(kept.label, kept.back)
        knob, value = kept.back.knob, kept.back.value
        settings = self._trainer.settings.with_text(knob, value)
        return self._apply(knob, self._trainer.settings.write(knob), value, lambda: self._trainer.turn(settings))

    def _undoable(self) -> Kept | None:
        """What undo goes back to: after trouble the newest state, and else the one before the last change."""
        return self._kept.last_state() if self._status is Status.BROKEN else self._kept.last_change()

    def _go_back(self, label: str, state: State) -> str:
        self._make_point()
        if finite(self._trainer.state()):
            # Whoever wants it after all resumes that file.
            self._save("undone")
        self._trainer.restore(state)
        counters = state.counters
        self._recorder.go_back(counters.updates, counters.changes)
        if self._status in (Status.BROKEN, Status.FINISHED):
            self._set(Status.PAUSED, f"back at update {counters.updates:,}")
        message = f"back at update {counters.updates:,}, before {label}"
        self._note("undo", message)
        # Until now the newest checkpoint is of a state that is no longer wanted.
        self._save("auto")
        return message

    def _save_by_key(self) -> str:
        if self._status is Status.BROKEN:
            raise UserError("not saved: the last update was not finite; go back with undo, or change a knob and go on")
        return f"saved {Path(self._write_checkpoint('key')).name} in {self._saver.folder}"

    def _hypothesise(self, claim: str, prediction: str) -> str:
        written = self._lab.hypothesise(claim, prediction, self._run.name, self._trainer.counters.updates)
        self._hypotheses = tuple(self._lab.hypotheses())
        return f"H{written.number} written down"

    def _conclude(self, number: int, status: str, conclusion: str) -> str:
        concluded = self._lab.conclude(number, status, conclusion)
        self._hypotheses = tuple(self._lab.hypotheses())
        return f"H{number} is {concluded.status}"

    # --- telling -------------------------------------------------------------------------------------------------

    def _set(self, status: Status, message: str) -> None:
        self._status, self._message = status, message
        self._stopwatch.run(status is Status.TRAINING)

    def _note(self, kind: str, text: str) -> None:
        self._recorder.record(Note(self._trainer.counters.updates, self._trainer.chars, kind, text))

    def _publish(self) -> None:
        self._publish_due.reset()
        trainer, history = self._trainer, self._recorder.history
        settings: Settings = trainer.settings
        undo = self._undoable()
        self._publish_to(
            Snapshot(
                status=self._status,
                message=self._recorder.trouble or self._message,
                run=self._run.name,
                text=trainer.corpus.name,
                network=network_name(settings),
                parameters=trainer.network.size(),
                compute=str(trainer.compute),
                matrix_names=self._run.matrix_names,
                settings=settings,
                update=trainer.counters.updates,
                chars=trainer.chars,
                seconds=self._stopwatch.seconds,
                speed=history.speed() if self._status is Status.TRAINING else 0.0,
                lr=trainer.rate(self._course()),
                progress=progress(self._budget, self._position()),
                points=history.points(),
                recent=tuple(history.recent),
                validations=tuple(history.validations),
                best=history.best,
                probes=history.probes,
                findings=tuple(self._recorder.diagnosis.findings),
                places=tuple(trainer.places[:: -(-len(trainer.places) // MOST_PLACES)].tolist()),
                log=tuple(history.log),
                hypotheses=self._hypotheses,
                sample=self._writer.shown,
                sample_finished=not self._writer.writing,
                busy=None if self._evaluating is None else ("validation", self._evaluating),
                undo="" if undo is None else undo.label,
                taken=self._taken,
                replies=tuple(self._replies),
            )
        )


def _watch(opened: Opened) -> Watch | None:
    """A look at several threads, where they were chosen by measuring and not by the user."""
    rates, threads = opened.choice.rates, opened.choice.compute.threads
    by_user = opened.trainer.settings.threads is not None
    return None if rates is None or by_user or threads == 1 else Watch(threads, rates.alone)
