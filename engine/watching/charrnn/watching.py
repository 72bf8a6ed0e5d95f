"""The beginning and the end of watching a process."""

from __future__ import annotations

import atexit
import os
import shlex
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from charrnn import late
from charrnn.journal import VERSION, Writer, new_folder

if TYPE_CHECKING:
    from charrnn.hooks import Hooks
    from charrnn.loop import Loop
    from charrnn.program import Program

LAB = "charrnn-lab"
"""The lab, a folder beside the program, where nothing else is said: the one that `charrnn-tui` uses."""

CHECKPOINTS = "checkpoints"
"""The folder of all checkpoints in a lab."""

LAB_VARIABLE, JOURNAL_VARIABLE, OUTPUT_VARIABLE = "CHARRNN_LAB", "CHARRNN_JOURNAL", "CHARRNN_OUTPUT"
"""The environment variables that name another lab, and the folder of a journal that was made already, and that say that
standard output is a file that somebody reads as it grows."""


class Watch:
    """A process that is watched, until it ends or `stop` is called. It can be used in a `with` statement.

    Attributes:
        journal: the folder of its journal; None before torch is there, and where it could not be made.
        trouble: why nothing is watched any more; empty while all is well.
    """

    def __init__(self, lab: Path, name: str) -> None:
        self.journal: Path | None = None
        self.trouble = ""
        self._lab, self._name = lab, name
        self._writer: Writer | None = None
        self._program: Program | None = None
        self._loop: Loop | None = None
        self._hooks: Hooks | None = None
        self._stopped = False
        self._chosen: WeakSet[Any] = WeakSet()
        late.when_imported("torch", self._begin)
        atexit.register(self.stop)

    def stop(self) -> None:
        """Watch no longer. It can be called again."""
        self._stopped = True
        atexit.unregister(self.stop)
        if self._hooks is not None:
            self._hooks.end()
            self._hooks.remove()
        if self._program is not None and self._writer is not None:
            self._program.end()
            self._writer.write("end")
            self._writer.close()
        self._hooks = self._program = self._loop = self._writer = None
        _forget(self)

    def raised(self, error: BaseException) -> None:
        """Write down that an exception ends the program."""
        if self._loop is not None and isinstance(error, Exception):
            try:
                self._loop.raised(error)
            except Exception as ours:  # noqa: BLE001 -- the program's own exception is the one to be shown
                self._failed(ours)

    def __repr__(self) -> str:
        """The text that a notebook shows below the cell: how to look at the training."""
        if self.trouble or self._stopped:
            return f"<not watching{': ' + self.trouble.strip().splitlines()[-1] if self.trouble else ''}>"
        return f"<watching; in a terminal: charrnn-tui attach --lab {shlex.quote(str(self._lab))}>"

    def choose(self, *chosen: object) -> None:
        """Show the training of these optimisers or models, where the program has several."""
        self._chosen.update(chosen)
        if self._program is not None:
            self._program.choose(self._chosen)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _begin(self) -> None:
        """Open the journal and hook into torch, which is imported."""
        if self._stopped:
            return
        try:
            given = os.environ.pop(JOURNAL_VARIABLE, "")
            folder = Path(given) if given else new_folder(self._lab, self._name)
            self._writer = Writer(folder)
        except OSError as error:
            self.trouble = f"the lab {self._lab} could not be written: {error.strerror}"
            print(f"charrnn: {self.trouble}; nothing is watched", file=sys.stderr)
            return
        import torch

        # They take several times as long to import as all the rest, and are of no use before torch is there.
        from charrnn.hooks import Hooks
        from charrnn.loop import Loop
        from charrnn.program import Program

        self.journal = folder
        self._writer.write(
            "begin",
            version=VERSION,
            program=self._name,
            arguments=sys.argv,
            folder=str(Path.cwd()),
            process=os.getpid(),
            python=sys.version.split()[0],
            torch=str(torch.__version__),
        )
        self._loop = Loop(self._writer)
        self._program = Program(self._writer, folder.parent.parent / CHECKPOINTS / folder.name, self._loop)
        self._program.choose(self._chosen)
        self._hooks = Hooks(self._program, self._loop, self._failed)

    def _failed(self, error: Exception) -> None:
        """Something of ours failed: tell it to the journal, and leave the program alone."""
        self.trouble = "".join(traceback.format_exception(error))
        if self._writer is not None:
            self._writer.write("trouble", trouble=self.trouble)


_current: Watch | None = None


def watch(*chosen: object, name: str | None = None, lab: str | os.PathLike[str] | None = None) -> Watch:
    """Watch every training of this process from now on; where it is watched already, go on.

    Args:
        chosen: an optimiser or a model, where the program has several: its training is the one that is shown.
        name: what it is called; the program's name by default.
        lab: the folder of the lab; by default `CHARRNN_LAB`, or `charrnn-lab` in the working directory.
    """
    global _current
    if _current is None:
        folder = Path(lab if lab is not None else os.environ.get(LAB_VARIABLE, LAB))
        _current = Watch(folder.absolute(), name or _program())
    if chosen:
        _current.choose(*chosen)
    return _current


def _program() -> str:
    """The name of the program that runs."""
    if "ipykernel" in sys.modules:
        return "notebook"
    return Path(sys.argv[0]).stem or "python"


def _forget(stopped: Watch) -> None:
    global _current
    if _current is stopped:
        _current = None
