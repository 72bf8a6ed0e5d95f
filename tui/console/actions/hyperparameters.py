"""Keys that change a hyperparameter while the network trains."""

from __future__ import annotations

from textual.screen import Screen

from engine.errors import UserError
from engine.events import Trial
from engine.session.commands import Turn
from engine.session.snapshot import Snapshot
from engine.settings import Settings, Value, setting
from tui.console.conversation import Conversation
from tui.console.screens.knobs import KnobDialog


class Hyperparameters:
    """Turns knobs: by one rung, off and on, to an exact value, or to the value that a finding proposes."""

    def __init__(self, screen: Screen[None], conversation: Conversation) -> None:
        self._screen = screen
        self._conversation = conversation
        self._last_clip = Settings().clip

    def notice(self, snapshot: Snapshot) -> None:
        """Remember the clip bound, so that it can be restored after clipping was off."""
        if snapshot.settings.clip is not None:
            self._last_clip = snapshot.settings.clip

    def step(self, knob: str, direction: int) -> None:
        """Turn a knob by one rung, from the value that was requested last."""
        if self._conversation.refuses_values() or self._conversation.refuses_knob(knob):
            return
        kind = setting(knob).kind
        value = self._conversation.value(knob)
        stepped = kind.step(value, direction)
        if stepped == value:
            self._conversation.say(f"{knob} {kind.write(value)} is as far as the key goes; e sets any value")
        else:
            self._conversation.turn(knob, stepped)

    def toggle_clip(self) -> None:
        """Turn clipping off, or on at the last bound."""
        if self._conversation.refuses_values() or self._conversation.refuses_knob("clip"):
            return
        is_off = self._conversation.value("clip") is None
        self._conversation.turn("clip", self._last_clip if is_off else None)

    def edit(self) -> None:
        """Open the dialog that takes an exact value for any knob."""
        if not self._conversation.refuses_values():
            snapshot = self._conversation.snapshot()
            values = {
                name: snapshot.own[name] if name in snapshot.own else snapshot.settings.write(name)
                for name in snapshot.knobs
            }
            self._screen.app.push_screen(KnobDialog(values, self._stepped), self._edited)

    def try_out(self, trial: Trial) -> None:
        """Turn a knob to the value that a finding or an autopsy proposes."""
        if self._conversation.refuses_values() or self._conversation.refuses_knob(trial.knob):
            return
        try:
            value = setting(trial.knob).read(trial.value)
        except UserError as error:
            self._conversation.refuse(str(error))
            return
        self._conversation.try_out(Turn(trial.knob, value))

    def _stepped(self, knob: str, value: Value) -> None:
        if not self._conversation.refuses_values():
            self._conversation.turn(knob, value)

    def _edited(self, result: Turn | None) -> None:
        if result is not None and not self._conversation.refuses_values():
            self._conversation.turn(result.knob, result.value)
