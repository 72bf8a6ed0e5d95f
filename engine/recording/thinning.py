"""Points merged so that a long run stays small and its curve keeps its shape."""

from __future__ import annotations

from engine.events import Point

SPAN = 1 / 1000
"""A merged point covers at least this share of the characters so far: ln(10⁹/10³)/SPAN ≈ 14,000 points at the very
most for a billion characters, evenly spread on a logarithmic axis."""


class Thinner:
    """Merges points until they cover enough."""

    def __init__(self) -> None:
        self._begin = 0
        self._merged: Point | None = None

    def add(self, point: Point) -> Point | None:
        """Take a point; returns the merged one once it covers `SPAN` of the characters so far."""
        if self._merged is None:
            self._merged = point
        else:
            self._merged = merge(self._merged, point, self._begin)
        if self._merged.chars - self._begin < SPAN * self._merged.chars:
            return None
        return self.flush()

    def flush(self) -> Point | None:
        """The points since the last merged one as one, however little they cover; None where there are none."""
        merged, self._merged = self._merged, None
        if merged is not None:
            self._begin = merged.chars
        return merged

    def restart(self, chars: int) -> None:
        """Forget what is not merged yet; the next point covers what lies behind `chars` characters."""
        self._begin, self._merged = chars, None


def merge(first: Point, second: Point, begin: int) -> Point:
    """Two points that follow each other as one; the first covers the characters since `begin`.

    The loss is weighted by characters, all other means by updates; a highest value stays what it was.
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
