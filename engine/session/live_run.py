"""A run while it is trained, and what can be done to it between two updates."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from engine.autopsy.trouble import begins
from engine.budget import Budget, CoolDownSpan, Position
from engine.checkpoints.ring import Ring
from engine.checkpoints.saver import Saver
from engine.clock import Pace, Stopwatch
from engine.errors import UserError
from engine.events import Change, Idea, Listener, Note, Probe, Saved
from engine.instruments.prober import Prober
from engine.network.compute import usable_processors
from engine.race.desk import Desk
from engine.race.earlier import earlier
from engine.race.opening import prepared, write_down
from engine.race.plan import Plan, grid
from engine.race.statistics.sentence import primary, sentence
from engine.race.view import RaceView
from engine.recording.collector import Collector
from engine.recording.recorder import Recorder
from engine.session.commands import StartRace, Turn
from engine.session.job import Job
from engine.session.opening import Opened, fork
from engine.session.snapshot import Status
from engine.session.thread_watch import Watch
from engine.session.undo import Kept, KeptStates
from engine.settings import NOT_TRAINED_WITH
from engine.text.corpus import check_window
from engine.training.annealing import Course
from engine.training.state import State, finite

AT_ONCE_SECONDS = 0.02
"""How long updates are made before a command is looked for: long beside a call, short beside a keystroke."""

FORKED = "forked"
"""The status of a run whose process went on in a fork of it."""

COOL_DOWN_SHARE = 0.25
SHORTEST_COOL_DOWN = 200
"""A cool-down lasts a quarter of the updates so far, and not less than this many."""


class LiveRun:
    """A run while it is trained; its owner says when to do what.

    What may be asked by key returns a line about what was done, and raises UserError where it cannot be done.

    Attributes:
        lab: open for writing.
        run: which run it is there; another one once it was forked.
        trainer: with its corpus, network and settings.
        recorder: takes all that happens.
        collector: gathers updates into the next point.
        prober: every instrument.
        saver: writes its checkpoints.
        stopwatch: seconds of training in this process.
        status: what the session is doing.
        message: one line about it.
        budget: where the training ends.
        reason: why the session ends; empty while it does not.
        evaluation_asked: whether the validation loss is wanted now.
        hypotheses: of the whole lab.
        desk: runs its races.
    """

    def __init__(self, job: Job, opened: Opened, listener: Listener | None) -> None:
        self.lab, self.run = opened.lab, opened.run
        self.trainer = trainer = opened.trainer
        if opened.continued:
            self.lab.events.mark_undone(self.run, trainer.counters.updates, trainer.counters.changes)
        self.recorder = Recorder(self.lab, self.run, listener)
        self.collector = Collector(trainer.settings.optimizer)
        self.prober = Prober(trainer)
        self.saver = Saver(self.lab.runs.checkpoint_folder(self.run), opened.origin, job.checkpoint_every)
        self.stopwatch = Stopwatch()
        self.status = Status.TRAINING
        self.message = ""
        self.budget: Budget = opened.origin.budget
        self.reason = ""
        self.evaluation_asked = False
        self.hypotheses = tuple(self.lab.hypotheses.all())
        self.desk = Desk(self.lab.folder, trainer.corpus, self._earlier_races() if job.interactive else ())

        self._paused_for_races = False
        self._interactive = job.interactive
        self._held = opened.held
        self._kept = KeptStates()
        self._ring = Ring(self.saver.folder, opened.origin)
        self._ring.forget_behind(trainer.counters.updates, trainer.counters.changes)
        self._ring_failed = False
        self._steps = 0
        """Single updates that are still to be made before the next pause."""
        self._pace = Pace(AT_ONCE_SECONDS)
        self._watch = _watch(opened)
        self._warm_seconds = 0.0

    @property
    def position(self) -> Position:
        """How far the training is."""
        return Position(self.trainer.counters.updates, self.trainer.chars, self.stopwatch.seconds)

    @property
    def course(self) -> Course:
        """Where the training is to end."""
        return Course(self.budget, self.stopwatch.seconds, self._warm_seconds)

    # --- updates -------------------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Make as many updates at once as there may be, and whatever follows from them."""
        self._train(self._at_once())

    def _at_once(self) -> int:
        """How many updates to make before looking at anything else: no more than up to where something is due."""
        updates = self.trainer.counters.updates
        count = min(self._steps, self._pace.updates) if self._steps else self._pace.updates
        if (until_saved := self.saver.updates_left(updates)) is not None:
            count = min(count, until_saved)
        if span := self.trainer.counters.cool_down:
            left = span.start + span.length - updates
            count = min(count, left) if left > 0 else count
        return count

    def _train(self, most: int) -> None:
        trainer = self.trainer
        begun = time.monotonic()
        measured = trainer.train(most, self.course)
        seconds = time.monotonic() - begun
        self._pace.took(seconds, measured.updates)
        if self._watch is not None and (why := self._watch.took(measured.length * trainer.settings.streams, seconds)):
            trainer.use_threads(self._watch.threads)
            self.note("compute", why)
        self.collector.add(measured)
        if measured.broken:
            self._break(measured.broken)
            return
        if trainer.counters.updates <= trainer.settings.warmup:
            self._warm_seconds = self.stopwatch.seconds
        if self._steps:
            self._steps = max(0, self._steps - measured.updates)
            if not self._steps:
                self.pause("one update made")
        self.check_budget()
        self._check_cool_down()

    def _break(self, what: str) -> None:
        """Stop at an update that was not made, and say what was seen and since when."""
        self._steps = 0
        self.make_point()
        message = f"update {self.trainer.counters.updates + 1:,} was not made: {what}"
        if surge := self.recorder.history.surge():
            point, usual = surge
            message += (
                f"; since update {point.update:,} the gradient norm is {point.grad_norm_max:.3g}, was {usual:.3g}"
            )
        self._set(Status.BROKEN, message)
        self.note("not-finite", message)
        if not self._interactive:
            self.reason = "not-finite"

    def check_budget(self) -> None:
        """Finish where the budget is used up: end, or wait for a decision where somebody watches."""
        reached = self.budget.reached(self.position)
        if reached is None or self.status is not Status.TRAINING:
            return
        if not self._interactive:
            self.reason = reached
            return
        self.make_point()
        self._set(Status.FINISHED, f"the budget is used up ({reached})")
        self.note("budget", self.message)
        self.evaluation_asked = True
        self.save("auto")

    def _check_cool_down(self) -> None:
        span = self.trainer.counters.cool_down
        if span is not None and self.trainer.counters.updates == span.start + span.length:
            self.evaluation_asked = True
            self.pause("the cool-down is over: the rate is at its floor")

    # --- what is recorded ----------------------------------------------------------------------------------------

    def make_point(self) -> None:
        """Record what the updates since the last point measured."""
        now = self.position
        point = self.collector.point(now.updates, now.chars, now.seconds, self.trainer.places)
        if point is not None:
            self.recorder.record(point)

    def measure(self, instrument: str) -> Probe | None:
        """Have an instrument measure. That of the weights' change makes an update, and None where there was none."""
        if instrument == "update_ratio":
            probe = self.prober.around(lambda: self._train(1))
            if self.status is Status.BROKEN:
                return None
        else:
            probe = self.prober.measure(instrument)
        self.recorder.record(probe)
        return probe

    def note(self, kind: str, text: str) -> None:
        """Record what is worth a line in the log."""
        self.recorder.record(Note(self.trainer.counters.updates, self.trainer.chars, kind, text))

    # --- what is asked -------------------------------------------------------------------------------------------

    def pause(self, message: str) -> str:
        """Stop before the next update; `message` says why."""
        self._steps = 0
        if self.status is Status.TRAINING:
            self.make_point()
            self._set(Status.PAUSED, message)
        return message

    def go_on(self) -> str:
        """Train, after a pause, a finished budget, or an update that was not finite."""
        self._paused_for_races = False
        if self.budget.reached(self.position):
            self.budget = Budget()
        self._set(Status.TRAINING, "")
        return "training"

    def step(self) -> str:
        """Make one update, then pause; those asked for meanwhile are all made."""
        self._steps += 1
        return self.go_on()

    def _set(self, status: Status, message: str) -> None:
        self.status, self.message = status, message
        self.stopwatch.run(status is Status.TRAINING)

    def turn(self, knob: str, text: str) -> str:
        """Give a knob another value, written as the user would type it."""
        trainer = self.trainer
        old, settings = trainer.settings, trainer.settings.with_knob(knob, text)
        check_window(trainer.corpus, settings.streams, settings.bptt)
        if settings == old:
            return f"{knob} is {old.write(knob)} already"
        return self._change(knob, old.write(knob), settings.write(knob), lambda: trainer.turn(settings))

    def cool_down(self) -> str:
        """Begin a cool-down of the rate; end the one that is under way."""
        trainer, counters = self.trainer, self.trainer.counters
        length = max(SHORTEST_COOL_DOWN, round(COOL_DOWN_SHARE * counters.updates))
        span = None if counters.cool_down else CoolDownSpan(counters.updates, length)
        old, new = (f"{each.length:,} updates" if each else "off" for each in (counters.cool_down, span))
        return self._change("cool-down", old, new, lambda: trainer.cool_down(span))

    def _change(self, knob: str, old: str, new: str, apply: Callable[[], None]) -> str:
        """Keep what undoes a change, and apply it."""
        back: State | Turn = Turn(knob, old) if knob in NOT_TRAINED_WITH else self.trainer.state()
        if isinstance(back, Turn) or finite(back):
            self._kept.push(Kept(f"{knob} {old} → {new}", back, by_change=True))
        if isinstance(back, State) and finite(back):
            self._keep_on_disk(back)
        return self._apply(knob, old, new, apply)

    def _apply(self, knob: str, old: str, new: str, apply: Callable[[], None]) -> str:
        """Apply a change and record it."""
        self.make_point()
        before = self.trainer.uncompiled
        apply()
        if (why := self.trainer.uncompiled) and not before:
            self.note("compute", why)
        counters = self.trainer.counters
        self.recorder.record(Change(counters.updates, self.trainer.chars, counters.changes, knob, old, new))
        return f"{knob} {old} → {new}"

    def undo(self) -> str:
        """Go back to what is `undoable`."""
        kept = self.undoable()
        if kept is None:
            raise UserError("there is nothing to undo in this session")
        self._kept.drop_from(kept)
        if isinstance(kept.back, State):
            return self._go_back(kept.label, kept.back)
        knob, value = kept.back.knob, kept.back.value
        settings = self.trainer.settings.with_text(knob, value)
        return self._apply(knob, self.trainer.settings.write(knob), value, lambda: self.trainer.turn(settings))

    def undoable(self) -> Kept | None:
        """What undo goes back to: after trouble the newest state, and else the one before the last change."""
        return self._kept.last_state() if self.status is Status.BROKEN else self._kept.last_change()

    def _go_back(self, label: str, state: State) -> str:
        self.make_point()
        if finite(self.trainer.state()):
            # Whoever wants it after all resumes that file.
            self.save("undone")
        self.trainer.restore(state)
        counters = state.counters
        self._ring.forget_behind(counters.updates, counters.changes)
        self.recorder.go_back(counters.updates, counters.changes)
        if self.status in (Status.BROKEN, Status.FINISHED):
            self._set(Status.PAUSED, f"back at update {counters.updates:,}")
        message = f"back at update {counters.updates:,}, before {label}"
        self.note("undo", message)
        # Until now the newest checkpoint is of a state that is no longer wanted.
        self.save("auto")
        return message

    def save_by_key(self) -> str:
        """Write a checkpoint that stays."""
        if self.status is Status.BROKEN:
            raise UserError("not saved: the last update was not finite; go back with undo, or change a knob and go on")
        return f"saved {Path(self._write_checkpoint('key')).name} in {self.saver.folder}"

    def fork(self) -> str:
        """Finish this run, and go on from its very state in a new one that has its past; undo ends there."""
        if self.status is Status.BROKEN:
            raise UserError("not forked: the last update was not finite; go back with undo, or change a knob and go on")
        self.make_point()
        path = Path(self._write_checkpoint("end"))
        if not self.recorder.flush(everything=True):
            raise UserError(f"not forked: {self.recorder.trouble}")
        parent, now = self.run, self.position
        with ExitStack() as held:
            run = fork(self.lab, self.trainer, None, parent, path)
            held.enter_context(self.lab.runs.hold(run))
            self._held.close()
            self._held.enter_context(held.pop_all())
        self.run = run
        self.recorder.go_on_in(run)
        self.saver = self.saver.of_fork(self.lab.runs.checkpoint_folder(run), run.name)
        self._kept = KeptStates()
        self.keep_for_trouble()
        self.note("fork", f"begins at update {now.updates:,} of {parent.name}")
        try:
            self.lab.runs.begin(run, now.seconds)
            self.lab.runs.finish(parent, status=FORKED, update=now.updates, chars=now.chars, seconds=now.seconds)
        except UserError as error:
            self.note("lab", str(error))
        return f"{run.name} goes on from update {now.updates:,} of {parent.name}, which is saved"

    def hypothesise(self, idea: Idea) -> str:
        """Write a hypothesis down, beside where the run is now."""
        written = self.lab.hypotheses.add(idea, self.run.name, self.trainer.counters.updates)
        self.hypotheses = tuple(self.lab.hypotheses.all())
        return f"H{written.number} written down"

    def conclude(self, number: int, status: str, conclusion: str) -> str:
        """Set a hypothesis' status, and what is concluded from it."""
        concluded = self.lab.hypotheses.conclude(number, status, conclusion)
        self.hypotheses = tuple(self.lab.hypotheses.all())
        return f"H{number} is {concluded.status}"

    # --- races ---------------------------------------------------------------------------------------------------

    def race(self, wanted: StartRace) -> str:
        """Race variants of this training, from its state now or from fresh networks."""
        corpus, settings = self.trainer.corpus, self.trainer.settings
        start = None if wanted.fresh else self.saver.checkpoint(self.trainer.state())
        if start is not None and not finite(start.state):
            raise UserError("the network's numbers are not finite: race from fresh networks, or go back with undo")
        plan = prepared(
            Plan(
                settings=settings,
                variants=grid(wanted.vary),
                budget=Budget(chars=wanted.chars),
                seeds=wanted.seeds,
                min_effect=wanted.min_effect,
            ),
            corpus,
            start,
        )
        race = write_down(self.lab, plan, corpus, self.saver.source, start)
        if (tested := wanted.hypothesis) is not None:
            if isinstance(tested, Idea):
                tested = self.lab.hypotheses.add(tested, self.run.name, self.trainer.counters.updates).number
            self.lab.hypotheses.test(tested, race.number)
            self.hypotheses = tuple(self.lab.hypotheses.all())
        instead = wanted.instead and self.status is Status.TRAINING
        if instead:
            self.pause(f"{race.name} is raced meanwhile")
            self._paused_for_races = True
        trains, idle = self.status is Status.TRAINING, self.desk.idle
        self.desk.submit(race, None if start is None else start.state, max(1, usable_processors() - trains))
        return f"{race.name} begins" if idle else f"{race.name} waits for its turn"

    def _earlier_races(self) -> list[RaceView]:
        try:
            return earlier(self.lab, self.trainer.corpus.digest)
        except UserError as error:  # a damaged race keeps nobody from training
            self.note("race", str(error))
            return []

    def note_races(self) -> None:
        """Record what became of races that have ended, and go on where they were waited for."""
        ended = self.desk.ended()
        for view in ended:
            words = [sentence(view.plan, each) for each in primary(view.results)]
            self.note("race", f"{view.name} {view.status}: {'; '.join(words) or view.says or 'nothing was measured'}")
        if ended:
            self.hypotheses = tuple(self.lab.hypotheses.all())
        if self._paused_for_races and self.desk.idle:
            self._paused_for_races = False
            if self.status is Status.PAUSED:
                self.go_on()

    # --- keeping -------------------------------------------------------------------------------------------------

    def keep_for_trouble(self) -> None:
        """Keep the state, in case an update is not finite."""
        state = self.trainer.state()
        if finite(state):
            self._kept.push(Kept(f"what followed update {state.counters.updates:,}", state, by_change=False))
            self._keep_on_disk(state)

    def _keep_on_disk(self, state: State) -> None:
        """Keep a state for an autopsy, if there is time for it; where that fails say so once, and go on."""
        if not self._ring.due:
            return
        ceiling = math.log(self.trainer.corpus.vocabulary.size)
        try:
            self._ring.keep(state, begins(self.recorder.history.points(), ceiling))
        except UserError as error:
            if not self._ring_failed:
                self.note("checkpoint", str(error))
            self._ring_failed = True

    def save(self, kind: str) -> tuple[str | None, str]:
        """Write a checkpoint; where that fails say so in the log, and go on. Returns its path, or why there is none."""
        try:
            return self._write_checkpoint(kind), ""
        except UserError as error:
            self.note("checkpoint", str(error))
            return None, str(error)

    def save_before_trouble(self) -> tuple[str | None, str]:
        """Write a checkpoint of the last state that is finite, which the next update need not be."""
        state, kept = self.trainer.state(), self._kept.last_state()
        if not finite(state) and kept is not None and isinstance(kept.back, State):
            self.trainer.restore(kept.back)
        return self.save("broken")

    def _write_checkpoint(self, kind: str) -> str:
        """Write a checkpoint; returns its path. Raises UserError where that fails or the state is not finite."""
        counters = self.trainer.counters
        history = self.recorder.history
        # A fork's past may hold a lower loss than that of the best state which it has saved itself.
        best = history.validations[-1].loss if kind == "best" else history.best
        path = str(self.saver.write(self.trainer.state(), kind, best))
        self.recorder.record(Saved(counters.updates, self.trainer.chars, kind, path))
        return path


def _watch(opened: Opened) -> Watch | None:
    """A look at several threads, where they were chosen by measuring and not by the user."""
    rates, threads = opened.choice.rates, opened.choice.compute.threads
    by_user = opened.trainer.settings.threads is not None
    return None if rates is None or by_user or threads == 1 else Watch(threads, rates.alone)
