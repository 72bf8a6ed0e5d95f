"""What the console knows of the engine."""

from __future__ import annotations

from typing import Protocol

from engine.commands import Command
from engine.snapshot import Snapshot


class Engine(Protocol):
    """A session, seen from the screen. `send` and `snapshot` never wait."""

    def send(self, command: Command) -> int:
        """Ask for something; returns a ticket."""

    def snapshot(self) -> Snapshot:
        """The latest of what there is to know."""

    def run(self) -> object:
        """Train, in the calling thread, until told to quit."""
