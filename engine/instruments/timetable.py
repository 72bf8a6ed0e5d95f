"""The timetable of the measurements: dense at the start, and a small share of the time in the end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

FIRST_MINUTE, FIRST_TEN_MINUTES, LATER = 0.08, 0.03, 0.02
"""The share of its time that all measurements may take of the first minute, of the first ten, and of what follows."""

DENSER = 0.7
"""The exponent by which the allowed time grows within the first minute. Below 1, measurements follow each other closely
at first and less so later: most that goes wrong does so at the start."""

SHARES: Mapping[str, float] = {
    "control": 0.44,
    "agreement": 0.15,
    "gradient_by_lag": 0.13,
    "validation": 0.1,
    "numerics": 0.1,
    "gates": 0.05,
    "clipping": 0.01,
    "update_ratio": 0.02,
}
"""The share of the allowed time that each measurement may take: about its share of a round of all of them, so that all
are made about as often."""

FIRST_SHARE = 0.05
"""The share of the time so far that a first measurement may take."""

FIRST_SECONDS = 0.3
"""The seconds after which a first measurement is tried."""

LEAST_SECONDS = 0.3
"""The shortest time between two measurements of one kind."""

SPARSE = 1 / 200
"""The same as a share of the time so far: a long run is measured a few hundred times per tenfold of its length."""

MOST_SECONDS = 15.0
"""The longest time that this share keeps two measurements apart: the validation loss is to be of now in a long run too.
"""

TIMED_SHARE = 0.05
"""The share of a measurement that must be done before its time predicts that of the whole."""

URGENT = 0.5
"""The share of what all measurements may have taken that an urgent one may take beyond its own share."""

MINUTE = 60.0


def allowed(now: float) -> float:
    """The seconds that all measurements together may have taken after `now` seconds of training."""
    first, ten = FIRST_MINUTE * MINUTE, FIRST_TEN_MINUTES * 10 * MINUTE
    if now <= MINUTE:
        return first * math.pow(now / MINUTE, DENSER)
    if now <= 10 * MINUTE:
        return first + (ten - first) * (now - MINUTE) / (9 * MINUTE)
    return ten + LATER * (now - 10 * MINUTE)


@dataclass(slots=True)
class _Account:
    """The share of the allowed time of one measurement, and the time that it takes and has taken, in seconds."""

    share: float
    takes: float | None = None
    spent: float = 0.0
    last: float = 0.0
    times: int = 0


class Schedule:
    """Says which measurements are due. All times are seconds of training so far."""

    def __init__(self, shares: Mapping[str, float] = SHARES) -> None:
        self._accounts = {name: _Account(share) for name, share in shares.items()}

    @property
    def spent(self) -> float:
        """The seconds that all measurements took."""
        return sum(account.spent for account in self._accounts.values())

    def due(self, name: str, now: float, guess: float = 0.0, *, urgent: bool = False) -> bool:
        """Whether a measurement fits into its share of the time.

        Args:
            name: the measurement.
            now: the time.
            guess: its duration until one has been made.
            urgent: whether a finding waits for it. It then may take what others have left.
        """
        account = self._accounts[name]
        takes = guess if account.takes is None else account.takes
        if not account.times:
            return now - account.last >= FIRST_SECONDS and takes <= max(FIRST_SHARE, URGENT * urgent) * now
        if now - account.last < (LEAST_SECONDS if urgent else min(MOST_SECONDS, max(LEAST_SECONDS, SPARSE * now))):
            return False
        if urgent and self.spent + takes <= allowed(now) and account.spent + takes <= URGENT * allowed(now):
            return True
        return account.spent + takes <= account.share * allowed(now)

    def goes_on(self, name: str, share: float, seconds: float, now: float, *, asked: bool) -> bool:
        """Whether a measurement that has done `share` of its work in `seconds` should go on; always where `asked`."""
        if share < TIMED_SHARE:
            return True
        account = self._accounts[name]
        account.takes = seconds / share
        affordable = FIRST_SHARE * now if not account.times else account.share * allowed(now) - account.spent
        return asked or account.takes <= affordable

    def took(self, name: str, seconds: float, now: float, *, done: bool = True) -> None:
        """Record a measurement of `seconds` that ended at `now`; `done` is False where it was given up."""
        account = self._accounts[name]
        account.spent += seconds
        account.last = now
        if done:
            account.takes = seconds
            account.times += 1
