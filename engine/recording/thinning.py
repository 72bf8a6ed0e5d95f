"""Merges points, so that a long run stays small and its curve keeps its shape."""

from __future__ import annotations

from engine.events import Point

SPAN = 1 / 1000
"""The share of the characters so far that a merged point covers at least. A billion characters have at most
ln(10⁹/10³)/SPAN ≈ 14,000 points, evenly spread on a logarithmic axis."""


class Thinner:
    """Merges points until they cover enough characters."""

    def __init__(self) -> None:
        self._begin = 0
        self._merged: Point | None = None

    def add(self, point: Point) -> Point | None:
        """Add a point; return the merged one once it covers `SPAN` of the characters so far, otherwise None."""
        if self._merged is None:
            self._merged = point
        else:
            self._merged = merge(self._merged, point, self._begin)
        if self._merged.chars - self._begin < SPAN * self._merged.chars:
            return None
        return self.flush()

    def flush(self) -> Point | None:
        """Return the points since the last merged one as one, however little they cover; None where there are none."""
        merged, self._merged = self._merged, None
        if merged is not None:
            self._begin = merged.chars
        return merged

    def restart(self, chars: int) -> None:
        """Forget the points that are not merged yet; the next point covers the characters after the first `chars`."""
        self._begin, self._merged = chars, None


def merge(first: Point, second: Point, begin: int) -> Point:
    """Merge two consecutive points into one; the first covers the characters since `begin`.

    The loss is weighted by characters, all other means by updates. Largest values are the larger of the two.
    """
    chars = second.chars - begin
    share = (second.chars - first.chars) / chars if chars else 0.5
    updates = first.updates + second.updates
    part = second.updates / updates
    worst = max(first, second, key=lambda point: point.worst_loss)
    return Point(
        update=second.update,
        chars=second.chars,
        seconds=second.seconds,
        loss=_mix(first.loss, second.loss, share),
        grad_norm=_mix(first.grad_norm, second.grad_norm, part),
        grad_norm_max=max(first.grad_norm_max, second.grad_norm_max),
        clipped=_mix(first.clipped, second.clipped, part),
        norms=tuple(_mix(one, other, part) for one, other in zip(first.norms, second.norms, strict=True)),
        lr=second.lr,
        updates=updates,
        loss_spread=_mix(first.loss_spread, second.loss_spread, part),
        worst_loss=worst.worst_loss,
        worst_place=worst.worst_place,
        clip_factor=_mix(first.clip_factor, second.clip_factor, part),
        rate_used=_mix(first.rate_used, second.rate_used, part),
    )


def _mix(first: float, second: float, share: float) -> float:
    return first + (second - first) * share
