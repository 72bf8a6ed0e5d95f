"""An autopsy of the running training, in separate processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import UserError
from engine.events import NoteKind
from engine.network.compute import usable_processors
from engine.session.live_run import LiveRun
from engine.workers.places import HERE, place

if TYPE_CHECKING:
    from engine.autopsy.background import BackgroundAutopsy


class Dissection:
    """Begins an autopsy of a run, and records its result."""

    def __init__(self, live: LiveRun) -> None:
        self._live = live
        self._under_way: BackgroundAutopsy | None = None

    @property
    def share(self) -> float | None:
        """The share of the current autopsy that is done, 0 … 1; None while none is running."""
        return None if self._under_way is None else self._under_way.share

    def begin(self) -> str:
        """Begin an autopsy; a training that goes on keeps one processor. Raises UserError where one is running."""
        # Most trainings have no autopsy, and each would begin the later for loading what one needs.
        from engine.autopsy.background import BackgroundAutopsy
        from engine.autopsy.case import case_of

        live = self._live
        if self._under_way is not None:
            raise UserError("an autopsy is already running")
        live.make_point()
        live.recorder.flush(everything=True)
        case = case_of(live.lab, live.run, live.trainer.corpus, live.budget)
        self._under_way = BackgroundAutopsy(case, place(HERE, max(1, usable_processors() - live.training)))
        return "autopsy begun"

    def stop(self) -> str:
        """Give up the current autopsy."""
        ended, self._under_way = self._under_way, None
        if ended is None:
            return "no autopsy is running"
        ended.stop()
        return "autopsy stopped"

    def take_report(self) -> None:
        """Record the result of the autopsy once it is done."""
        ended = self._under_way
        if ended is None or not ended.done:
            return
        self._under_way = None
        if ended.probe is not None:
            self._live.recorder.record(ended.probe)
            self._live.note(NoteKind.AUTOPSY, f"{ended.probe.values['cause']}: {ended.probe.values['says']}")
        elif ended.failed:
            self._live.note(NoteKind.AUTOPSY, ended.failed)
