"""The loop of a session: updates, the commands that came meanwhile, and what is due."""

from __future__ import annotations

import math
import queue
import time
from collections import deque
from collections.abc import Callable

from engine.autopsy.beside import Beside
from engine.autopsy.case import case_of
from engine.budget import BUDGETS
from engine.clock import Every
from engine.errors import UserError
from engine.events import End, Listener, Sample, Start, Validation
from engine.instruments.prober import INSTRUMENTS
from engine.instruments.timetable import Schedule
from engine.network.compute import usable_processors
from engine.network.evaluation import evaluate
from engine.network.model import network_name
from engine.session import commands
from engine.session.commands import Command
from engine.session.job import ForkedRun, Job
from engine.session.live_run import LiveRun
from engine.session.opening import Opened
from engine.session.sample_writer import Writer
from engine.session.snapshot import Reply, Snapshot, Status
from engine.training.annealing import progress
from engine.workers.places import HERE, place

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
        self._live = LiveRun(job, opened, listener)
        trainer = opened.trainer
        self._writer = Writer(trainer.network, trainer.corpus.vocabulary, trainer.settings.seed)
        self._writes_samples = job.interactive
        self._inbox, self._publish_to = inbox, publish
        self._taken = 0
        self._replies: deque[Reply] = deque(maxlen=16)
        self._began_at = trainer.counters.updates
        self._comes_from = _comes_from(opened)
        self._knobs = job.task.knobs if isinstance(job.task, ForkedRun) else {}
        self._best_saved = opened.best
        """The loss of the best checkpoint on the disk, which going back does not take away."""
        self._evaluating: float | None = None
        self._autopsy: Beside | None = None

        self._schedule = Schedule()
        self._publish_due = Every(PUBLISH_SECONDS)
        self._flush_due = Every(FLUSH_SECONDS)
        self._keep_due = Every(FIRST_KEEP_SECONDS)

    def run(self) -> End:
        """Train; returns when everything is saved."""
        live = self._live
        self._begin()
        try:
            while not live.reason:
                self._take_commands(wait=live.status is not Status.TRAINING)
                if live.status is Status.TRAINING and not live.reason:
                    live.advance()
                self._do_what_is_due()
        finally:
            live.desk.close()
        return self._end()

    # --- the beginning and the end -------------------------------------------------------------------------------

    def _begin(self) -> None:
        live, trainer = self._live, self._live.trainer
        live.lab.runs.begin(live.run)
        self._tell_start()
        for note in trainer.corpus.notes:
            live.note("text", note)
        if slow := trainer.compute.trouble or trainer.uncompiled:
            live.note("compute", slow)
        if trainer.compute.threads > usable_processors():
            live.note("compute", f"{trainer.compute.threads} threads wait for {usable_processors()} processors")
        if self._comes_from:
            live.note("resume", self._comes_from)
        if "text_facts" not in live.recorder.history.probes:
            live.recorder.record(live.prober.text())
        self._keep_for_trouble()
        for knob, value in self._knobs.items():
            live.turn(knob, value)
        live.stopwatch.run(True)
        live.check_budget()
        self._publish()

    def _end(self) -> End:
        live = self._live
        self._stop_dissecting()
        live.stopwatch.run(False)
        live.make_point()
        if live.reason in BUDGETS:
            self._evaluate(asked=True)
        updates, chars = live.trainer.counters.updates, live.trainer.chars
        path, unsaved = live.save_before_trouble() if live.status is Status.BROKEN else live.save("end")
        validations = live.recorder.history.validations
        end = End(
            reason=live.reason,
            run=live.run.name,
            checkpoint=path,
            update=updates,
            chars=chars,
            seconds=live.stopwatch.seconds,
            val_loss=validations[-1].loss if validations else None,
        )
        trouble = self._write_last_rows(end, UNSAVED if path is None else end.reason)
        live.recorder.tell(end)
        self._publish()
        if path is None:
            raise UserError(f"{end.run} ended at update {end.update:,} without a checkpoint of it: {unsaved}")
        if trouble:
            raise UserError(f"{trouble}; the last rows of {end.run} are not in it; its checkpoint is {path}")
        return end

    def _write_last_rows(self, end: End, status: str) -> str:
        """Bring the lab up to date, waiting for whoever locks it; returns what went wrong, or nothing."""
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
        live = self._live
        match command:
            case commands.Pause():
                return live.pause("paused")
            case commands.Continue():
                return live.go_on()
            case commands.Step():
                return live.step()
            case commands.Turn(knob, value):
                return live.turn(knob, value)
            case commands.CoolDown():
                return live.cool_down()
            case commands.Undo():
                return live.undo()
            case commands.Save():
                return live.save_by_key()
            case commands.Fork():
                return self._fork()
            case commands.Evaluate():
                live.evaluation_asked = True
                return "validation asked for"
            case commands.WriteSample(prime):
                self._writer.begin(f"update {live.trainer.counters.updates:,}", prime)
                return "sample begun"
            case commands.Measure(instrument):
                live.measure(instrument)
                return f"{instrument.replace('_', ' ')} measured"
            case commands.Hypothesise(idea):
                return live.hypothesise(idea)
            case commands.Conclude(number, status, conclusion):
                return live.conclude(number, status, conclusion)
            case commands.StartRace():
                return live.race(command)
            case commands.StopRace(number):
                return live.desk.stop(number)
            case commands.Dissect():
                return self._dissect()
            case commands.StopDissecting():
                return self._stop_dissecting()
            case commands.Quit(reason):
                live.reason = reason
                return "saving"

    def _fork(self) -> str:
        reply = self._live.fork()
        self._best_saved = None
        self._tell_start()
        return reply

    # --- what is due ---------------------------------------------------------------------------------------------

    def _do_what_is_due(self) -> None:
        live = self._live
        training = live.status is Status.TRAINING
        if training and (live.collector.due or not live.recorder.history.recent):
            live.make_point()
        if training and not live.reason:  # measuring how far an update moves the weights makes one
            self._measure_what_is_due()
        if live.evaluation_asked or (training and self._schedule.due("validation", live.stopwatch.seconds)):
            asked, live.evaluation_asked = live.evaluation_asked, False
            self._evaluate(asked=asked)
        if training and live.saver.is_due(live.trainer.counters.updates):
            live.save("auto")
        if training and self._keep_due.due():
            self._keep_for_trouble()
        self._write_sample()
        live.note_races()
        if self._autopsy is not None and self._autopsy.done:
            self._take_report(self._autopsy)
        if self._flush_due.due():
            written = live.recorder.flush()
            # Trying to write into a lab that is locked or full takes time from the training.
            self._flush_due.seconds = FLUSH_SECONDS if written else FLUSH_AGAIN_SECONDS
            self._flush_due.reset()
        if self._publish_due.due():
            self._publish()

    def _measure_what_is_due(self) -> None:
        """Have one instrument measure, the first that is due."""
        live, now = self._live, self._live.stopwatch.seconds
        an_update = now / max(1, live.trainer.counters.updates - self._began_at)
        for name, updates in INSTRUMENTS.items():
            if self._schedule.due(name, now, updates * an_update):
                if probe := live.measure(name):
                    self._schedule.took(name, probe.seconds, now)
                return

    def _evaluate(self, *, asked: bool) -> None:
        """Measure the validation loss, taking commands meanwhile.

        A command that changes the network gives it up; so does its price, where it was not asked for.
        """
        live, trainer, trained = self._live, self._live.trainer, self._live.stopwatch.seconds
        updates, begun, ending = trainer.counters.updates, time.monotonic(), bool(live.reason)

        def keep_going(share: float) -> bool:
            self._evaluating = share
            if not self._schedule.goes_on("validation", share, time.monotonic() - begun, trained, asked=asked):
                return False
            if self._publish_due.due():
                self._publish()
            if ending:
                return self._inbox.empty()
            self._take_commands(wait=False)
            return not live.reason and trainer.counters.updates == updates

        loss = evaluate(trainer.network, trainer.corpus.validation, trainer.compute, keep_going)
        self._evaluating = None
        self._schedule.took("validation", time.monotonic() - begun, trained, done=loss is not None)
        if loss is None:
            return
        if not math.isfinite(loss):
            live.note("validation", f"the validation loss is {loss}")
            return
        nats = loss * trainer.corpus.tokens_per_char
        live.recorder.record(Validation(updates, trainer.chars, nats))
        better = self._best_saved is None or nats < self._best_saved
        if better and live.status is not Status.BROKEN and live.save("best")[0] is not None:
            self._best_saved = nats

    # --- the autopsy ---------------------------------------------------------------------------------------------

    def _dissect(self) -> str:
        """Begin an autopsy beside the training, which keeps a processor for itself while it goes on."""
        live = self._live
        if self._autopsy is not None:
            raise UserError("an autopsy is under way already")
        live.make_point()
        live.recorder.flush(everything=True)
        case = case_of(live.lab, live.run, live.trainer.corpus, live.budget)
        left = usable_processors() - (live.status is Status.TRAINING)
        self._autopsy = Beside(case, place(HERE, max(1, left)))
        return "autopsy begun"

    def _take_report(self, ended: Beside) -> None:
        """Record what an autopsy found."""
        self._autopsy = None
        if ended.probe is not None:
            self._live.recorder.record(ended.probe)
            self._live.note("autopsy", f"{ended.probe.values['cause']}: {ended.probe.values['says']}")
        elif ended.failed:
            self._live.note("autopsy", ended.failed)

    def _stop_dissecting(self) -> str:
        ended, self._autopsy = self._autopsy, None
        if ended is None:
            return "no autopsy is under way"
        ended.stop()
        return "autopsy stopped"

    def _busy(self) -> tuple[str, float] | None:
        if self._evaluating is not None:
            return "validation", self._evaluating
        return None if self._autopsy is None else ("autopsy", self._autopsy.share)

    def _keep_for_trouble(self) -> None:
        """Keep a state in case of trouble, and the next one later."""
        self._keep_due.reset()
        self._keep_due.seconds = min(KEEP_SECONDS, 2 * self._keep_due.seconds)
        self._live.keep_for_trouble()

    def _write_sample(self) -> None:
        live, writer = self._live, self._writer
        training = live.status is Status.TRAINING
        if not self._writes_samples or not writer.due or (not writer.writing and not training):
            return
        counters, temperature = live.trainer.counters, live.trainer.settings.temperature
        if not writer.writing:
            writer.begin(f"update {counters.updates:,}")
        try:
            sample = writer.write(temperature)
        except ArithmeticError as error:
            live.note("sample", str(error))
            return
        if sample is not None:
            live.recorder.record(Sample(counters.updates, live.trainer.chars, temperature, sample))
            live.recorder.record(live.prober.words(sample))

    # --- telling -------------------------------------------------------------------------------------------------

    def _tell_start(self) -> None:
        live, trainer = self._live, self._live.trainer
        live.recorder.tell(
            Start(
                run=live.run.name,
                parent=live.run.parent,
                text=trainer.corpus.name,
                network=network_name(trainer.settings),
                parameters=trainer.network.size(),
                compute=str(trainer.compute),
                update=trainer.counters.updates,
                chars=trainer.chars,
                settings=trainer.settings.plain(),
                matrix_names=live.run.matrix_names,
                notes=trainer.corpus.notes,
            )
        )

    def _publish(self) -> None:
        self._publish_due.reset()
        live, trainer, recorder = self._live, self._live.trainer, self._live.recorder
        history, undo = recorder.history, live.undoable()
        self._publish_to(
            Snapshot(
                status=live.status,
                message=recorder.trouble or live.message,
                run=live.run.name,
                text=trainer.corpus.name,
                network=network_name(trainer.settings),
                parameters=trainer.network.size(),
                compute=str(trainer.compute),
                matrix_names=live.run.matrix_names,
                settings=trainer.settings,
                update=trainer.counters.updates,
                chars=trainer.chars,
                seconds=live.stopwatch.seconds,
                speed=history.speed() if live.status is Status.TRAINING else 0.0,
                lr=trainer.rate(live.course),
                progress=progress(live.budget, live.position),
                points=history.points(),
                recent=tuple(history.recent),
                validations=tuple(history.validations),
                best=history.best,
                probes=history.probes,
                findings=tuple(recorder.diagnosis.findings),
                places=tuple(trainer.places[:: -(-len(trainer.places) // MOST_PLACES)].tolist()),
                log=tuple(history.log),
                hypotheses=live.hypotheses,
                races=live.desk.views(),
                sample=self._writer.shown,
                sample_finished=not self._writer.writing,
                busy=self._busy(),
                undo="" if undo is None else undo.label,
                taken=self._taken,
                replies=tuple(self._replies),
            )
        )


def _comes_from(opened: Opened) -> str:
    """What a training that does not begin at its start goes on from; empty for one that does."""
    parent, there = opened.run.parent, f"goes on from update {opened.trainer.counters.updates:,}"
    if opened.continued:
        return there
    return f"{there} of {parent[0]}" if parent else ""
