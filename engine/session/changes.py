"""Changes to a running training, each recorded, and undoable through the state kept before it."""

from __future__ import annotations

import math
from collections.abc import Callable

from engine.autopsy.trouble import begins
from engine.budget import CoolDownSpan
from engine.checkpoints.checkpoint import Origin
from engine.checkpoints.ring import Ring
from engine.clock import Every
from engine.errors import UserError
from engine.events import Change, CheckpointKind, NoteKind
from engine.numbers import counted
from engine.session.commands import Turn
from engine.session.live_run import LiveRun
from engine.session.snapshot import Status
from engine.session.undo import Kept, KeptStates
from engine.settings import NOT_TRAINED_WITH, Value, setting
from engine.text.corpus import check_window
from engine.training.state import State, finite

FIRST_KEEP_SECONDS, KEEP_SECONDS = 0.5, 15.0
"""The seconds from the start to the first state that is kept in case an update is not finite, and the longest time
between two later ones. The time doubles in between."""

COOL_DOWN_SHARE = 0.25
SHORTEST_COOL_DOWN = 200
"""A cool-down lasts a quarter of the updates so far, and at least this many."""


class Changes:
    """Turns knobs, keeps the states before that, and goes back to them.

    The methods for commands return a line about what was done, and raise UserError where it cannot be done.
    """

    def __init__(self, live: LiveRun, origin: Origin) -> None:
        self._live = live
        self._kept = KeptStates()
        self._keep_due = Every(FIRST_KEEP_SECONDS)
        counters = live.trainer.counters
        self._ring = Ring(live.saver.folder, origin)
        self._ring.forget_behind(counters.updates, counters.changes)
        self._ring_failed = False

    # --- knobs ---------------------------------------------------------------------------------------------------

    def turn(self, knob: str, value: Value) -> str:
        """Set a knob to another value."""
        trainer, write = self._live.trainer, setting(knob).kind.write
        old, settings = trainer.settings, trainer.settings.with_knob(knob, value)
        check_window(trainer.corpus, settings.streams, settings.bptt)
        if settings == old:
            return f"{knob} is already {write(value)}"
        self._keep_before(Turn(knob, old.value(knob)), f"{knob} {old.write(knob)} → {write(value)}")
        reply = self._apply(knob, old.write(knob), write(value), lambda: trainer.turn(settings))
        if warning := setting(knob).warning(value):
            self._live.note(NoteKind.UNUSUAL, warning)
        return reply

    def cool_down(self) -> str:
        """Begin a cool-down of the learning rate, or end the current one."""
        trainer, counters = self._live.trainer, self._live.trainer.counters
        length = max(SHORTEST_COOL_DOWN, round(COOL_DOWN_SHARE * counters.updates))
        span = None if counters.cool_down else CoolDownSpan(counters.updates, length)
        old, new = (counted(each.length, "update") if each else "off" for each in (counters.cool_down, span))
        self._keep_before(None, f"cool-down {old} → {new}")
        return self._apply("cool-down", old, new, lambda: trainer.cool_down(span))

    def _keep_before(self, turn_back: Turn | None, label: str) -> None:
        """Keep the means to undo a change: a turn back where no update depends on the knob, otherwise the state."""
        if turn_back is not None and turn_back.knob in NOT_TRAINED_WITH:
            self._kept.push(Kept(label, turn_back, by_change=True))
        elif finite(state := self._live.trainer.state()):
            self._kept.push(Kept(label, state, by_change=True))
            self._keep_on_disk(state)

    def _apply(self, knob: str, old: str, new: str, apply: Callable[[], None]) -> str:
        """Apply a change and record it."""
        live = self._live
        live.make_point()
        before = live.trainer.uncompiled
        apply()
        if (why := live.trainer.uncompiled) and not before:
            live.note(NoteKind.COMPUTE, why)
        counters = live.trainer.counters
        live.recorder.record(Change(counters.updates, live.trainer.chars, counters.changes, knob, old, new))
        return f"{knob} {old} → {new}"

    # --- undo ----------------------------------------------------------------------------------------------------

    def undo(self) -> str:
        """Undo the change, or the trouble, that `undoable` names."""
        kept = self.undoable()
        if kept is None:
            raise UserError("there is nothing to undo in this session")
        self._kept.drop_from(kept)
        if isinstance(kept.back, State):
            return self._go_back(kept.label, kept.back)
        knob, trainer = kept.back.knob, self._live.trainer
        settings = trainer.settings.with_knob(knob, kept.back.value)
        return self._apply(knob, trainer.settings.write(knob), settings.write(knob), lambda: trainer.turn(settings))

    def undoable(self) -> Kept | None:
        """The entry that undo goes back to: after trouble the newest state, otherwise that before the last change."""
        broken = self._live.status is Status.BROKEN
        return self._kept.last_state() if broken else self._kept.last_change()

    def _go_back(self, label: str, state: State) -> str:
        live, counters = self._live, state.counters
        live.make_point()
        if finite(live.trainer.state()):
            # A user who wants this state after all can resume that file.
            live.save(CheckpointKind.UNDONE)
        live.trainer.restore(state)
        self._ring.forget_behind(counters.updates, counters.changes)
        live.recorder.go_back(counters.updates, counters.changes)
        if live.status in (Status.BROKEN, Status.FINISHED):
            live.set_status(Status.PAUSED, f"back at update {counters.updates:,}")
        message = f"back at update {counters.updates:,}, before {label}"
        live.note(NoteKind.UNDO, message)
        # The newest checkpoint is still of the state that was undone.
        live.save(CheckpointKind.AUTO)
        return message

    def go_back_to_finite(self) -> None:
        """Restore the last finite state where the current one is not finite."""
        kept = self._kept.last_state()
        if not finite(self._live.trainer.state()) and kept is not None and isinstance(kept.back, State):
            self._live.trainer.restore(kept.back)

    # --- states in case of trouble -------------------------------------------------------------------------------

    def keep_if_due(self) -> None:
        """Keep the state if it is time, in case an update is not finite."""
        if self._keep_due.due():
            self.keep_for_trouble()

    def keep_for_trouble(self) -> None:
        """Keep the state in case an update is not finite, and double the time to the next one."""
        self._keep_due.reset()
        self._keep_due.seconds = min(KEEP_SECONDS, 2 * self._keep_due.seconds)
        state = self._live.trainer.state()
        if finite(state):
            self._kept.push(Kept(f"the trouble after update {state.counters.updates:,}", state, by_change=False))
            self._keep_on_disk(state)

    def forget(self) -> None:
        """Forget all kept states, since another run begins here, and keep the current one."""
        self._kept = KeptStates()
        self.keep_for_trouble()

    def _keep_on_disk(self, state: State) -> None:
        """Keep a state for an autopsy if one is due; where that fails, say so once and go on."""
        if not self._ring.due:
            return
        ceiling = math.log(self._live.trainer.corpus.vocabulary.size)
        try:
            self._ring.keep(state, begins(self._live.recorder.history.points(), ceiling))
        except UserError as error:
            if not self._ring_failed:
                self._live.note(NoteKind.CHECKPOINT, str(error))
            self._ring_failed = True
