"""The seam between training and a screen: commands in, snapshots out."""

from __future__ import annotations

import itertools
import queue
from dataclasses import replace

from engine.events import End, Listener, RunStatus
from engine.session.commands import Command, Quit
from engine.session.garbage_collection import nothing_collected, nothing_old_collected
from engine.session.job import Job
from engine.session.snapshot import Snapshot, Status


class Session:
    """Trains in the thread that calls `run`; every other thread sends commands and reads snapshots.

    Attributes:
        is_here: whether the training is of this process.
    """

    is_here = True

    def __init__(self, job: Job, listener: Listener | None = None) -> None:
        self._job = job
        self._listener = listener
        self._commands: queue.SimpleQueue[tuple[int, Command]] = queue.SimpleQueue()
        self._tickets = itertools.count(1)
        self._snapshot = Snapshot(message="loading torch")

    def send(self, command: Command) -> int:
        """Send a command; return its ticket, which `Snapshot.taken` reaches once the command was dealt with."""
        # No lock: a signal handler may call this function between two of its own lines.
        ticket = next(self._tickets)
        self._commands.put((ticket, command))
        return ticket

    def snapshot(self) -> Snapshot:
        """The latest snapshot."""
        return self._snapshot

    def run(self) -> End:
        """Load, train until told to quit or until the budget is used up, and save.

        Raises:
            UserError: the training could not be opened, or its last checkpoint or rows could not be written.
        """
        try:
            with nothing_collected():
                # Torch takes seconds to load, and the screen should be up before that.
                from engine.network.model import enough_memory
                from engine.session.loop import Loop
                from engine.session.opening import open_training

                opened = open_training(self._job, self._loading)
            trainer = opened.trainer
            memory = enough_memory(trainer.settings, trainer.corpus.vocabulary.size)
            with opened.resources, memory, nothing_old_collected():
                end = Loop(opened, self._listener, self._commands, self._publish).run()
        except Cancelled as cancelled:
            self._publish(
                replace(self._snapshot, status=Status.ENDED, busy=None, message="cancelled before the training began")
            )
            return End(cancelled.reason, "", None, 0, 0, 0.0, None)
        except BaseException as error:
            self._publish(
                replace(self._snapshot, status=Status.FAILED, busy=None, message=str(error) or type(error).__name__)
            )
            raise
        self._publish(replace(self._snapshot, status=Status.ENDED))
        return end

    def _publish(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def _loading(self, what: str, share: float) -> None:
        """Publish the progress of loading, and give it up when asked to quit; other commands wait for the training."""
        self._publish(replace(self._snapshot, message=what, busy=(what, share)))
        waiting = []
        while not self._commands.empty():
            waiting.append(self._commands.get())
        for ticket, command in waiting:
            if isinstance(command, Quit):
                raise Cancelled(command.reason)
            self._commands.put((ticket, command))


class Cancelled(Exception):  # noqa: N818 - it is no error
    """The user asked to quit before the training had begun."""

    def __init__(self, reason: RunStatus) -> None:
        super().__init__(reason)
        self.reason = reason
