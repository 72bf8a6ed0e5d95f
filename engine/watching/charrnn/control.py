"""Requests of consoles to a program: to wait, to go on, to change something, to go back, to write a checkpoint."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, ref

from charrnn import states
from charrnn.journal import Reader, Writer, commands, is_alive
from charrnn.knobs import Knobs, RefusedError
from charrnn.models import models_of
from charrnn.states import State

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

POLL_SECONDS = 0.1
"""The seconds between two looks for commands."""

ALIVE_SECONDS = 0.5
"""The seconds between two looks whether the console that paused a program still runs."""

MOST_KEPT = 8
"""The most states that are kept to go back to."""

MEMORY_SHARE = 1 / 8
"""The most memory that kept states may take, as a share of the machine's."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A state before a change.

    Attributes:
        label: the change.
        update, targets: how far the training was.
        changes: the number of changes before it.
        knobs: the knobs before it.
        state: the rest; None where it was too large to be kept.
    """

    label: str
    update: int
    targets: int
    changes: int
    knobs: tuple[tuple[float, float] | None, float | None, int | None]
    state: State | None


@dataclass(slots=True)
class Control:
    """Takes commands from a journal between two updates, and carries them out.

    Attributes:
        journal: where replies are written.
        checkpoints: the folder of the checkpoints.
        knobs: what consoles have set.
        optimizers: the program's optimisers, which live no longer than it lets them; first the one whose updates are
            counted, of which knobs are turned.
        place: the updates made and their targets.
        due: when the next look for commands is due.
        goes_back: called with these where the training goes back.
        waited: called with the seconds of each pause.
        flush: called before one, to write down what is known by then.
    """

    journal: Writer
    checkpoints: Path
    goes_back: Callable[[int, int], object]
    waited: Callable[[float], object]
    flush: Callable[[], object]
    knobs: Knobs = field(default_factory=Knobs)
    optimizers: tuple[ReferenceType[Optimizer], ...] = ()
    place: tuple[int, int] = (0, 0)
    due: float = 0.0
    _kept: list[Kept] = field(default_factory=list)
    _changes: int = 0
    _paused: bool = False
    _steps: int = 0
    _console: int = 0
    _commands: Reader | None = None

    def begin(self, optimizers: Sequence[Optimizer]) -> None:
        """Another optimiser is there: knobs are of the first from now on, and nothing is kept of what was before."""
        if self._known() is not optimizers[0]:
            self.knobs.end()
            self.knobs.rate = self.knobs.clip = self.knobs.window = None
            self._kept.clear()
        self.optimizers = tuple(map(ref, optimizers))

    def update_ended(self, update: int, targets: int) -> None:
        """Take what consoles have asked for meanwhile; wait as long as the training is paused."""
        self.place = (update, targets)
        if self._paused:
            self._steps -= self._steps > 0
        elif time.monotonic() < self.due:
            return
        self._poll()
        if self._paused and not self._steps:
            self._wait()
        if self._paused:
            self.due = 0.0  # It waits again after the update that was asked for.

    def _wait(self) -> None:
        begun = time.monotonic()
        alive = begun + ALIVE_SECONDS
        self.flush()
        self.journal.write("status", status="paused")
        try:
            while self._paused and not self._steps:
                time.sleep(POLL_SECONDS)
                self._poll()
                if time.monotonic() > alive:
                    alive += ALIVE_SECONDS
                    # The training goes on where the console that paused it was killed, and cannot say so.
                    self._paused &= is_alive(self._console)
        except BaseException:  # Ctrl-C, above all: it is meant for the program, which is to go on.
            self._paused = False
            raise
        finally:
            self.journal.write("status", status="training")
            self.waited(time.monotonic() - begun)

    def _poll(self) -> None:
        self.due = time.monotonic() + POLL_SECONDS
        if self._commands is None:
            self._commands = commands(self.journal.folder)
        try:
            asked = list(self._commands.new()) if self._commands.has_new() else ()
        except OSError:
            return  # The folder was removed: nobody can ask for anything.
        for command in asked:
            self._obey(command)

    def _obey(self, command: Mapping[str, Any]) -> None:
        try:
            text, failed = self._do(command), False
        except RefusedError as refusal:
            text, failed = str(refusal), True
        except (OSError, KeyError, TypeError, ValueError, ArithmeticError, RuntimeError) as error:
            text, failed = f"{command['command']}: {error}", True
        self.journal.write("reply", ticket=str(command.get("ticket", "")), text=text, failed=failed)

    def _do(self, command: Mapping[str, Any]) -> str:
        match command["command"]:
            case "pause":
                self._paused, self._steps, self._console = True, 0, int(command.get("process", 0))
                return "paused"
            case "continue":
                self._paused = False
                return "training"
            case "step":
                self._paused, self._console = True, int(command.get("process", 0))
                self._steps += 1
                return "one update"
            case "turn":
                return self._turn(str(command["knob"]), str(command["value"]))
            case "undo":
                return self._undo()
            case "save":
                return self._save()
            case other:
                raise RefusedError(f"{other} cannot be done to a program's own loop")

    def _turn(self, knob: str, value: str) -> str:
        optimizer = self._need()
        optimizers, models = self._training()
        knobs, groups = (self.knobs.rate, self.knobs.clip, self.knobs.window), states.groups_of(optimizers)
        old, new = self.knobs.turn(knob, value, optimizer)
        if old == new:
            return f"{knob} is already {new}"
        label = f"{knob} {old} → {new}"
        # A turn has changed settings alone: the rest is still as it was before.
        state = State.of(optimizers, models, groups) if self._has_room(optimizers, models) else None
        self._kept.append(Kept(label, *self.place, self._changes, knobs, state))
        self._changes += 1
        update, targets = self.place
        self.journal.write("change", update=update, targets=targets, number=self._changes, knob=knob, old=old, new=new)
        return label

    def _known(self) -> Optimizer | None:
        """The optimiser whose knobs are turned; None where there was none, or it is gone."""
        return self.optimizers[0]() if self.optimizers else None

    def _need(self) -> Optimizer:
        if (known := self._known()) is None:
            raise RefusedError("no optimiser has made an update yet")
        return known

    def _training(self) -> tuple[list[Optimizer], list[nn.Module]]:
        """The optimisers that are left, and the models whose parameters they update."""
        optimizers = [each for held in self.optimizers if (each := held()) is not None]
        parameters = [each for one in optimizers for group in one.param_groups for each in group["params"]]
        return optimizers, models_of(parameters)

    def _has_room(self, optimizers: Sequence[Optimizer], models: Sequence[nn.Module]) -> bool:
        """Whether another state can be kept; the oldest ones are dropped where there is no room for all."""
        if (size := states.size_of(optimizers, models)) > (room := MEMORY_SHARE * _memory()):
            return False
        most = max(1, min(MOST_KEPT, int(room / max(1, size))))
        del self._kept[: max(0, len(self._kept) + 1 - most)]
        return True

    def _undo(self) -> str:
        if not self._kept:
            raise RefusedError(
                "there is nothing to undo" if not self._changes else "the state before the change is gone"
            )
        kept = self._kept.pop()
        if kept.state is None:
            raise RefusedError("the state before the change is gone")
        kept.state.restore()
        self.knobs.rate, self.knobs.clip, self.knobs.window = kept.knobs
        self.place, self._changes = (kept.update, kept.targets), kept.changes
        self.goes_back(kept.update, kept.targets)
        text = (
            f"back at update {kept.update:,}, before {kept.label}: model, optimiser and random numbers; the program's "
            "own variables, such as its counters and its place in the data, stay"
        )
        self.journal.write("undo", update=kept.update, targets=kept.targets, changes=kept.changes, text=text)
        return text

    def _save(self) -> str:
        self._need()
        update, targets = self.place
        path = self.checkpoints / f"update-{update:09}.safetensors"
        states.write(path, *self._training(), {"update": str(update), "targets": str(targets)})
        self.journal.write("saved", update=update, targets=targets, path=str(path))
        return f"saved {path.name}"


def _memory() -> float:
    """The machine's memory in bytes."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError, AttributeError):
        return float(8 << 30)
