"""Notifications: a bell, a message of the terminal, and a command of the user's, on what happens in a training."""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.errors import UserError
from engine.events import End, Event, Finding, RunStatus, Start
from engine.numbers import counted
from engine.race.plan import Plan
from engine.race.result import Comparison
from engine.race.statistics.sentence import primary, sentence
from tui.preferences.preferences import Preferences, user_file
from tui.preferences.settings_file import Entry, Source, Table
from tui.words.causes import title
from tui.words.numbers import nats
from tui.words.safe_text import visible
from tui.words.severity import first_sentence


class Occasion(StrEnum):
    """Events that a user may be told of."""

    FINDING = "finding"
    VERDICT = "verdict"
    END = "end"


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a user wants to be told.

    Attributes:
        bell: whether the terminal rings and shows a message.
        commands: the command of each occasion that has one, in words.
    """

    bell: bool = False
    commands: Mapping[Occasion, tuple[str, ...]] = field(default_factory=dict)


NO_WISHES = Wishes()

COMMANDS = {f"on_{occasion}": occasion for occasion in Occasion}
"""The settings that name a command."""

BELL = "bell"


def read_wishes(preferences: Preferences, asked: bool | None = None) -> Wishes:
    """The wishes in the settings files, with the bell if `asked`, and none at all if that is False.

    Raises UserError where `[notify]` has something that is wrong.
    """
    found = {entry.name: check(entry) for entry in preferences.of(Table.NOTIFY)}
    if asked is False:
        return NO_WISHES
    commands = {occasion: found[name] for name, occasion in COMMANDS.items() if name in found}
    return Wishes(asked or found.get(BELL, False), commands)


def check(entry: Entry) -> Any:
    """The value of a setting in `[notify]`; raises UserError where there is no such setting, or no such value."""
    if entry.name == BELL:
        if not isinstance(entry.value, bool):
            raise entry.wrong("true or false")
        return entry.value
    if entry.name not in COMMANDS:
        raise entry.unknown([BELL, *COMMANDS])
    if entry.source is not Source.USER:
        # Whoever trains in a folder of somebody else's has not agreed to run that person's commands.
        raise UserError(f"{entry.place}: {entry.name} starts a command: only your own file may, {user_file()}")
    if not isinstance(entry.value, str):
        raise entry.wrong("a command, such as \"notify-send 'A finding'\"")
    try:
        words = tuple(shlex.split(entry.value))
    except ValueError as error:
        raise entry.wrong(f"a command as a shell reads it: {str(error).lower()}") from error
    if not words or "\0" in entry.value:
        raise entry.wrong("a command, such as \"notify-send 'A finding'\"; leave the line out for none")
    return words


class Notifier:
    """Tells a user what happens, as that user wishes. Nothing waits for it.

    Args:
        wishes: how the user wants to be told.
        ring: has the terminal ring and show a line.
        failed: called, in any thread, with a line that says why a command did not do its work.
    """

    def __init__(self, wishes: Wishes, ring: Callable[[str], object], failed: Callable[[str], object]) -> None:
        self._wishes, self._ring, self._failed = wishes, ring, failed
        self._told: set[object] = set()

    def finding(self, run: str, found: Finding) -> None:
        """Tell a finding, once."""
        which = (run, found.cause, found.since_update, found.site)
        if which not in self._told:
            self._told.add(which)
            self.tell(Occasion.FINDING, run, f"Finding in {run}: {title(found.cause)}. {first_sentence(found.says)}")

    def tell(self, occasion: Occasion, run: str, text: str) -> None:
        """Ring, and start the command for an occasion.

        Args:
            occasion: what has happened.
            run: the run or the race that it has happened to.
            text: what to say; may hold text from outside.
        """
        shown = visible(text, lines=False)
        if self._wishes.bell:
            self._ring(shown)
        if command := self._wishes.commands.get(occasion):
            self._start(occasion, [*command, shown], visible(run, lines=False))

    def _start(self, occasion: Occasion, command: list[str], run: str) -> None:
        """Start a command in a session of its own, and have a thread await its end, so that no zombie is left."""
        try:
            process = subprocess.Popen(
                command,
                env={**os.environ, "CHARRNN_RUN": run, "CHARRNN_EVENT": str(occasion)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            self._failed(f"on_{occasion}: {command[0]} could not be started: {error.strerror}")
            return
        awaiting = threading.Thread(
            target=self._await, args=(occasion, command[0], process), name=f"on_{occasion}", daemon=True
        )
        awaiting.start()

    def _await(self, occasion: Occasion, program: str, process: subprocess.Popen[bytes]) -> None:
        if code := process.wait():
            ended = f"was ended by signal {-code}" if code < 0 else f"has ended with code {code}"
            self._failed(f"on_{occasion}: {program} {ended}")


def noticing(notifier: Notifier, run: str = "") -> Callable[[Event], None]:
    """A listener that tells each finding, and the end."""

    def listen(event: Event) -> None:
        nonlocal run
        match event:
            case Start():
                run = event.run
            case Finding(until_update=None):
                notifier.finding(run, event)
            case End():
                notifier.tell(Occasion.END, event.run, end_in_words(event))
            case _:
                return

    return listen


def end_in_words(end: End) -> str:
    """Such as `The end of notes-1 after 400 updates (updates): validation loss 1.62 nats/char`."""
    loss = "" if end.val_loss is None else f": validation loss {nats(end.val_loss)} nats/char"
    why = "an update was not finite" if end.reason is RunStatus.NOT_FINITE else str(end.reason)
    return f"The end of {end.run} after {counted(end.update, 'update')} ({why}){loss}"


def verdict_in_words(race: str, plan: Plan, results: Sequence[Comparison]) -> str:
    """Such as `Verdict of R3: clip off is worse than clip 1 by 0.45 nats per character (…)`."""
    return f"Verdict of {race}: {'; '.join(sentence(plan, each) for each in primary(results)) or 'nothing is known'}"
