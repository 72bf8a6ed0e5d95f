"""Which console each page of `charrnn-tui serve` gets: all of them show the same run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tui.command_line.attach import journal_of

if TYPE_CHECKING:
    from tui.command_line.web.tab import Tab


class ServedRun:
    """The run of a server. The first page's console trains it; those that are opened beside it are attached to it.

    The training ends with the page that trains it, as it does with a terminal. The next page resumes it.

    Args:
        lab: the lab's folder.
        begin: the arguments of `charrnn-tui` that begin the run.
        session: the options that a resumed run is given too: the lab, budgets and checkpoints.
        run: the run to resume, where there is one already.
    """

    def __init__(self, lab: Path, begin: Sequence[str], session: Sequence[str], run: str = "") -> None:
        self._lab, self._begin, self._session, self._run = lab.absolute(), begin, session, run
        self._trainer: Tab | None = None
        self._one_after_the_other = asyncio.Lock()

    async def open(self, tab: Tab, columns: int, rows: int) -> None:
        """Start the console of a page with so many columns and rows."""
        async with self._one_after_the_other:
            arguments = await self._arguments(tab)
            if not tab.leaving:
                await tab.begin(arguments, columns, rows)

    async def _arguments(self, tab: Tab) -> Sequence[str]:
        """The arguments of a tab's console, once it is known whether another one trains the run."""
        if (trainer := self._trainer) is not None:
            await trainer.told.wait()
            if not trainer.leaving:
                return self._attach(trainer.run_name)
            await trainer.ended.wait()
            self._run = trainer.run_name or self._run
            self._trainer = None
        if self._run and journal_of(self._lab, self._run) is not None:
            return self._attach(self._run)
        self._trainer = tab
        return ["resume", *self._session, "--", self._run] if self._run else self._begin

    def _attach(self, run: str) -> Sequence[str]:
        return ["attach", f"--lab={self._lab}", "--", run]


class NewestRun:
    """The newest training of a lab: each page is attached to the newest run, or the next that begins."""

    def __init__(self, lab: Path) -> None:
        self._lab = lab

    async def open(self, tab: Tab, columns: int, rows: int) -> None:
        """Start the console of a page with so many columns and rows."""
        await tab.begin(["attach", f"--lab={self._lab}"], columns, rows)
