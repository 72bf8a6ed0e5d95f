"""Totals over the rows of the ladders."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from statistics import median

from engine.events import Cause
from engine.numbers import counted
from tests.ladders.measured import Row

WITHIN = 40.0
"""The seconds after the onset within which a sick training is to be named."""

SICK, CLEARLY_SICK = 0.05, 0.2
"""The worth of the cure from which a training counts as sick, and as clearly sick, in nats per character."""


def told(row: Row) -> str:
    """A row as a line."""
    worth = "" if math.isnan(row.worth) else f"{row.worth:+.2f} nats"
    said = ", ".join(f"{each.finding.cause} {each.since_onset:.0f} s" for each in row.sick.said)
    noted = ", ".join(f"({each.finding.cause} {each.since_onset:.0f} s)" for each in row.sick.noted)
    sick = row.worth >= SICK
    mark = "✓" if (row.right and row.delay <= WITHIN if sick else not row.sick.said or row.right) else "✗"
    line = f"{mark} {row.cause or 'healthy':<27} {row.size:<32} {worth:<12} "
    line += f"{' '.join(filter(None, (said, noted))) or 'silence'}  | {row.name}; "
    line += f"loss {row.sick.loss:.2f} after {row.sick.updates:,} updates"
    if row.helped is not None:
        line += f"; t {'helps' if row.helped else 'does not help'}"
    if row.cured:
        wrong = ", ".join(f"{each.finding.cause} {each.since_onset:.0f} s" for each in row.cured.said)
        line += f"; cured {row.cured.validation:.2f}" + (f" ✗ {wrong}" if wrong else "")
    return line


def summed(rows: Sequence[Row]) -> list[str]:
    """The shares that are named, by how sick they are; each cause's weakest rung named; and all false words."""
    sick = [row for row in rows if row.worth >= SICK]
    clearly = [row for row in sick if row.worth >= CLEARLY_SICK]
    slightly = [row for row in sick if row.worth < CLEARLY_SICK]
    lines = [_share("clearly sick (0.2 nats or more)", clearly), _share("slightly sick (0.05 to 0.2)", slightly)]
    for cause in Cause:
        lines += _ladder(cause, [row for row in sick if row.cause is cause])
    lines += _tried(sick)
    healthy = [row.sick for row in rows if row.cause is None] + [row.cured for row in rows if row.cured]
    warned = [row.sick for row in rows if row.cause is None and row.sick.said]
    warned += [row.cured for row in rows if row.cured and row.cured.said]
    words = Counter(each.said[0].finding.cause for each in warned)
    told = ", ".join(f"{cause} {count}" for cause, count in words.most_common())
    lines.append(f"healthy or cured: {len(warned)} of {len(healthy)} warned" + (f": {told}" if told else ""))
    wrong = Counter(f"{row.cause} taken for {row.first}" for row in sick if row.first and not row.right)
    return [*lines, *(f"{words}: {count}" for words, count in wrong.most_common())]


def _share(name: str, rows: Sequence[Row]) -> str:
    named = [row for row in rows if row.right and row.delay <= WITHIN]
    if not rows:
        return f"{name}: none"
    delay = f", median delay {median(row.delay for row in named):.0f} s" if named else ""
    return f"{name}: {len(named)} of {len(rows)} named first within {WITHIN:g} s ({len(named) / len(rows):.0%}){delay}"


def _ladder(cause: Cause, rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    named = [row for row in rows if row.right and row.delay <= WITHIN]
    weakest = min(named, key=lambda row: row.worth, default=None)
    if weakest is None:
        return [f"  {cause}: 0 of {counted(len(rows), 'rung')}"]
    delays = f"{median(row.delay for row in named):.0f} s, {median(_updates(row) for row in named):,.0f} updates"
    return [
        f"  {cause}: {len(named)} of {counted(len(rows), 'rung')}, weakest {weakest.size} "
        f"({weakest.worth:.2f} nats), median delay {delays}"
    ]


def _tried(rows: Sequence[Row]) -> list[str]:
    tried = [row for row in rows if row.helped is not None]
    told = ", ".join(
        f"{cause} {sum(row.helped is True for row in tried if row.first is cause)} of {count}"
        for cause, count in Counter(row.first for row in tried).most_common()
    )
    return [f"what a first word proposes makes the loss lower: {told}"] if told else []


def _updates(row: Row) -> int:
    finding = row.sick.said[0].finding
    return finding.found_update - finding.since_update
