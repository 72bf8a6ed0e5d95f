"""The schedule of the measurements, so that all instruments together take little of the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SHARES: Mapping[str, float] = {
    "validation": 0.004,
    "control": 0.007,
    "gradient_by_lag": 0.003,
    "agreement": 0.0035,
    "numerics": 0.001,
    "gates": 0.001,
    "clipping": 0.0003,
    "update_ratio": 0.001,
}
"""The share of the time that each instrument may take; 2.1 % in total, which leaves time for the diagnosis."""

AHEAD_SECONDS = 20.0
"""The seconds at the start in which each instrument may take twice its share, so that a short run is measured too. Over
the first minute this makes 2.8 %."""

FIRST_SHARE = 0.05
"""The share of the time so far that a first measurement may take."""

FIRST_SECONDS = 0.3
"""The seconds after which a first measurement is tried."""

LEAST_SECONDS = 0.3
"""The shortest time between two measurements of one kind."""

SPARSE = 1 / 200
"""The same as a share of the time so far: a long run is measured a few hundred times per tenfold of its length."""

TIMED_SHARE = 0.05
"""The share of a measurement that must be done before its time predicts that of the whole."""


@dataclass(slots=True)
class _Account:
    """The time that one instrument may take and has taken, in seconds."""

    share: float
    takes: float | None = None
    spent: float = 0.0
    last: float = 0.0
    times: int = 0

    def allowed(self, now: float) -> float:
        """The seconds that the instrument may have taken by `now`."""
        return self.share * (now + min(now, AHEAD_SECONDS))


class Schedule:
    """Says which measurements are due. All times are seconds of training so far."""

    def __init__(self, shares: Mapping[str, float] = SHARES) -> None:
        self._accounts = {name: _Account(share) for name, share in shares.items()}

    @property
    def spent(self) -> float:
        """The seconds that all measurements took."""
        return sum(account.spent for account in self._accounts.values())

    def due(self, name: str, now: float, guess: float = 0.0) -> bool:
        """Whether a measurement fits into its share of the time; `guess` is its duration until one has been made."""
        account = self._accounts[name]
        takes = guess if account.takes is None else account.takes
        if not account.times:
            return now - account.last >= FIRST_SECONDS and takes <= FIRST_SHARE * now
        rested = now - account.last >= max(LEAST_SECONDS, SPARSE * now)
        return rested and account.spent + takes <= account.allowed(now)

    def goes_on(self, name: str, share: float, seconds: float, now: float, *, asked: bool) -> bool:
        """Whether a measurement that has done `share` of its work in `seconds` should go on; always where `asked`."""
        if share < TIMED_SHARE:
            return True
        account = self._accounts[name]
        account.takes = seconds / share
        affordable = FIRST_SHARE * now if not account.times else account.allowed(now) - account.spent
        return asked or account.takes <= affordable

    def took(self, name: str, seconds: float, now: float, *, done: bool = True) -> None:
        """Record a measurement of `seconds` that ended at `now`; `done` is False where it was given up."""
        account = self._accounts[name]
        account.spent += seconds
        account.last = now
        if done:
            account.takes = seconds
            account.times += 1
