"""The timetable of the measurements: dense at the start, and a small share of the time in the end."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median_low

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

LEAST_SECONDS = 0.3
"""The shortest time between two measurements of one kind, and before the first."""

SPARSE = 1 / 200
"""The same as a share of the time so far: a long run is measured a few hundred times per tenfold of its length."""

SPARSE_URGENT = 0.02
"""The same for one that a finding waits for: over twice as long it must be seen, however often it is looked for."""

MOST_SECONDS = 15.0
"""The longest time that this share keeps two measurements apart: the validation loss is to be of now in a long run too.
"""

TIMED_SHARE = 0.05
"""The share of a measurement that must be done before its time predicts that of the whole."""

URGENT = 0.5
"""The share of the allowed time that an urgent measurement may take, where that is more than its own."""

KEPT = 0.6
"""The part of its share that each measurement keeps where an urgent one takes more than its own."""

AHEAD = 30.0
"""The seconds whose share of the time an urgent measurement may take in advance, within the same minute or ten."""

RECENT = 9
"""The last measurements of one kind whose median tells what the next one takes."""

MINUTE = 60.0


def allowed(now: float) -> float:
    """The seconds that all measurements together may have taken after `now` seconds of training."""
    first, ten = FIRST_MINUTE * MINUTE, FIRST_TEN_MINUTES * 10 * MINUTE
    if now <= MINUTE:
        return first * math.pow(now / MINUTE, DENSER)
    if now <= 10 * MINUTE:
        return first + (ten - first) * (now - MINUTE) / (9 * MINUTE)
    return ten + LATER * (now - 10 * MINUTE)


def _ahead(now: float) -> float:
    """A later time, up to which the share of the time that may be taken is the same as now."""
    end = next((end for end in (MINUTE, 10 * MINUTE) if now < end), math.inf)
    return min(now + AHEAD, end)


@dataclass(slots=True)
class _Account:
    """The time that one measurement takes and took, in seconds.

    Attributes:
        share: its share of the allowed time.
        times: how often it was made.
        recent: the time of each of the last ones that were made, after what one was expected to take at first.
        charged: the time that all of them would have taken if nobody else had used the machine meanwhile: where a busy
            machine held one of them up, that must not cost the next ones.
        first: what the first one was charged.
        expected: what the next one takes, where one that was given up has shown that.
        last: when the last one ended.
    """

    share: float
    times: int = 0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    charged: float = 0.0
    first: float = 0.0
    expected: float | None = None
    last: float = 0.0

    @property
    def usual(self) -> float:
        """The time that one takes if nobody else uses the machine meanwhile."""
        return median_low(self.recent or [0.0])


class Schedule:
    """Says which measurements are due. All times are seconds of training so far."""

    def __init__(self, shares: Mapping[str, float] = SHARES) -> None:
        self._accounts = {name: _Account(share) for name, share in shares.items()}

    def expect(self, name: str, seconds: float) -> None:
        """Say what a measurement will take: the first one says too little, since much is done for the first time."""
        self._accounts[name].recent.append(seconds)

    def due(self, name: str, now: float, *, urgent: bool = False) -> bool:
        """Whether a measurement fits into its share of the time.

        Args:
            name: the measurement.
            now: the time.
            urgent: whether a finding waits for it. It then may take what others have left.
        """
        account = self._accounts[name]
        apart = LEAST_SECONDS if not account.times else max(LEAST_SECONDS, (SPARSE_URGENT if urgent else SPARSE) * now)
        if now - account.last < min(MOST_SECONDS, apart):
            return False
        takes = account.usual if account.expected is None else account.expected
        if not account.times:
            return takes <= max(FIRST_SHARE, URGENT * urgent) * now
        ahead = allowed(_ahead(now))
        # A first one is made even where it takes long, and keeps none of the others from being made again.
        if sum(each.charged - each.first for each in self._accounts.values()) + takes > ahead:
            return False
        if account.charged + takes <= account.share * allowed(now):
            return True
        return urgent and account.charged + takes <= min(URGENT * ahead, ahead - self._kept(name, ahead))

    def _kept(self, name: str, ahead: float) -> float:
        """The seconds, of those allowed until later, that all but one measurement have taken or are to have left."""
        others = (each for other, each in self._accounts.items() if other != name)
        return sum(max(each.charged - each.first, KEPT * each.share * ahead) for each in others)

    def goes_on(self, name: str, share: float, seconds: float, now: float, *, asked: bool) -> bool:
        """Whether a measurement that has done `share` of its work in `seconds` should go on; always where `asked`."""
        if share < TIMED_SHARE:
            return True
        account = self._accounts[name]
        account.expected = seconds / share
        affordable = FIRST_SHARE * now if not account.times else account.share * allowed(now) - account.charged
        return asked or account.expected <= affordable

    def took(self, name: str, seconds: float, now: float, *, done: bool = True) -> None:
        """Record a measurement of `seconds` that ended at `now`; `done` is False where it was given up."""
        account = self._accounts[name]
        account.last = now
        if not done:
            account.charged += seconds
            return
        account.recent.append(seconds)
        account.charged += account.usual
        account.first = account.first if account.times else account.usual
        account.times += 1
        account.expected = None
