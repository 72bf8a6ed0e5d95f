"""The values under the cursor of the loss chart, in a line."""

from __future__ import annotations

from collections.abc import Sequence

from engine.events import Change
from engine.session.snapshot import Snapshot
from tui.words.numbers import duration, nats, short
from tui.words.safe_text import visible


def under_cursor(snapshot: Snapshot, chars: float, step: float, room: int) -> str:
    """The nearest point, the validation loss before it, and the changes in the cursor's column.

    Args:
        snapshot: the run.
        chars: the cursor's place, in characters trained on.
        step: the characters from one column of the chart to the next.
        room: columns; what is least needed is left out where all of it does not fit.
    """
    points = snapshot.recent if snapshot.recent and chars >= snapshot.recent[0].chars else snapshot.points
    if not points:
        return ""
    point = min(points, key=lambda each: abs(each.chars - chars))
    parts = [f"{short(point.chars)} chars: loss {nats(point.loss)}"]
    before = [each for each in snapshot.validations if each.chars <= chars + step / 2]
    if before:
        parts.append(f"val {nats(before[-1].loss)}")
    parts += _changes([entry for entry in snapshot.log if isinstance(entry, Change)], chars, step)
    parts += [f"norm {point.grad_norm:.3g}", f"update {point.update:,}", duration(point.seconds)]
    while len(parts) > 1 and sum(map(len, parts)) + 3 * (len(parts) - 1) > room:
        parts.pop()
    return " · ".join(parts)


def _changes(changes: Sequence[Change], chars: float, step: float) -> list[str]:
    return [
        f"┊{each.number} {each.knob} {visible(each.old, lines=False)} → {visible(each.new, lines=False)}"
        for each in changes
        if not each.undone and abs(each.chars - chars) <= step / 2
    ]
