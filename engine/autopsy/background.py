"""An autopsy beside a training, in its own thread, which waits for worker processes."""

from __future__ import annotations

import threading
import time

from engine.autopsy.case import Case
from engine.autopsy.conductor import Autopsy
from engine.autopsy.judgement import judge
from engine.autopsy.outcome import probe_of
from engine.autopsy.replayer import Stopped
from engine.errors import UserError
from engine.events import Probe
from engine.workers.place import Place


class BackgroundAutopsy:
    """An autopsy that begins at once. Its owner checks now and then whether it is done.

    Args:
        case: the case to explain.
        place: the place where replays are computed.

    Attributes:
        share: the share of it that is done, 0 … 1.
        probe: the report as the lab stores it; None where there is none yet.
        failed: the reason why it failed; empty where it did not.
    """

    def __init__(self, case: Case, place: Place) -> None:
        self.share = 0.0
        self.probe: Probe | None = None
        self.failed = ""
        self._case = case
        self._autopsy = Autopsy(case, place, self._tell)
        self._thread = threading.Thread(target=self._run, name="autopsy")
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it has ended: with a report, by an error, or because it was stopped."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Stop it, and wait until it has ended."""
        self._autopsy.stop()
        self._thread.join()

    def _run(self) -> None:
        begun = time.monotonic()
        try:
            report = judge(self._autopsy.run(), bool(self._case.trouble.broken))
        except Stopped:
            return
        except UserError as error:
            self.failed = str(error)
            return
        except Exception as error:  # noqa: BLE001 - nothing that fails here may end the training beside it
            self.failed = f"the autopsy failed: {type(error).__name__}: {error}"
            return
        self.probe = probe_of(report, time.monotonic() - begun)

    def _tell(self, _what: str, share: float) -> None:
        self.share = share
