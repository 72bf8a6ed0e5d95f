"""Assigns each command to the part of the session that carries it out."""

from __future__ import annotations

from pathlib import Path

from engine.events import CheckpointKind
from engine.session import commands
from engine.session.changes import Changes
from engine.session.commands import Command
from engine.session.dissection import Dissection
from engine.session.forking import fork_now
from engine.session.ideas import Ideas
from engine.session.live_run import LiveRun
from engine.session.measuring import Measuring
from engine.session.sample_writer import Writer


class Dispatcher:
    """Carries out commands, between two updates."""

    def __init__(
        self,
        *,
        live: LiveRun,
        changes: Changes,
        ideas: Ideas,
        measuring: Measuring,
        dissection: Dissection,
        writer: Writer,
    ) -> None:
        self._live, self._changes, self._ideas = live, changes, ideas
        self._measuring, self._dissection, self._writer = measuring, dissection, writer

    def obey(self, command: Command) -> str:
        """Carry out a command; return a line about what was done. Raises UserError where it cannot be done."""
        live, changes, ideas = self._live, self._changes, self._ideas
        match command:
            case commands.Pause():
                return live.pause("paused")
            case commands.Continue():
                return live.go_on()
            case commands.Step():
                return live.step()
            case commands.Turn(knob, value):
                return changes.turn(knob, value)
            case commands.CoolDown():
                return changes.cool_down()
            case commands.Undo():
                return changes.undo()
            case commands.Save():
                live.check_finite("not saved")
                return f"saved {Path(live.write_checkpoint(CheckpointKind.KEY)).name} in {live.saver.folder}"
            case commands.Fork():
                reply = fork_now(live, changes)
                self._measuring.begin_fork()
                return reply
            case commands.Evaluate():
                live.validation_asked = True
                return "measuring the validation loss"
            case commands.WriteSample(prime):
                self._writer.begin(f"update {live.trainer.counters.updates:,}", prime)
                return "sample begun"
            case commands.Measure(instrument):
                self._measuring.measure(instrument)
                return f"{instrument.replace('_', ' ')} measured"
            case commands.Hypothesise(idea):
                return ideas.hypothesise(idea)
            case commands.Conclude(number, status, conclusion):
                return ideas.conclude(number, status, conclusion)
            case commands.StartRace():
                return ideas.race(command)
            case commands.StopRace(number):
                return ideas.stop_race(number)
            case commands.Dissect():
                return self._dissection.begin()
            case commands.StopDissecting():
                return self._dissection.stop()
            case commands.Quit(reason):
                live.reason = reason
                return "saving"
