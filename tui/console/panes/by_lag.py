"""The pane that shows how far back the gradient reaches."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from engine.events import Cause, Judged
from engine.session.snapshot import Snapshot
from engine.windows import LengthLaw
from tui.console.panes.text_pane import TextPane
from tui.drawing.bars import resampled, standing
from tui.drawing.log_bars import DECADES, LABEL, log_bars
from tui.drawing.sparklines import sparkline
from tui.words.numbers import percent, written
from tui.words.prose import wrapped
from tui.words.readings import last, number, numbers, series

FAINTEST, LARGEST = 1e-4, 1e12
"""A share below the first is that of a few units, and is not drawn; one above the second is drawn at that height."""

LEAST_LAGS = 16

LEAST_ROWS = 4
"""The fewest rows of the chart."""

TREND = 24
"""Columns of the half-life's history."""


class ByLagPane(TextPane):
    """The gradient with respect to the hidden state k characters back, over k, on a logarithmic scale."""

    TITLE = "Gradient by lag"
    HINT = "How much of the gradient arrives k characters back. If it falls, it vanishes; if it rises, it explodes."
    TERMS = ("by_lag", "half_life", "decay", "reach", "growth", "bptt")

    def text(self, snapshot: Snapshot, width: int, height: int) -> Text:
        """The pane's lines."""
        return by_lag(snapshot, width, height)


def by_lag(snapshot: Snapshot, width: int, height: int) -> Text:
    """A headline, the numbers, the chart, and how to read it."""
    probe = last(snapshot, "gradient_by_lag")
    if probe is None:
        return Text("not measured yet: that is done soon after the training has begun", style="dim")
    relative = numbers(probe, "relative")
    if not any(value > 0 for value in relative):
        return Text("there was no gradient, or it was not finite", style="yellow")
    ago = snapshot.update - probe.update
    history = series(snapshot, "gradient_by_lag", "half_life")
    lines = [
        Text(vanishing(snapshot), style="bold"),
        Text(headline(relative, number(probe, "reach")), style="bold"),
        Text.assemble(
            ("decay ", "dim"),
            f"×{written(number(probe, 'decay'))}",
            (" per character  half-life ", "dim"),
            half_life(number(probe, "half_life")),
        ),
        Text.assemble(("half-life so far ", "dim"), (sparkline(history, min(TREND, max(0, width - 64))), "cyan")),
    ]
    finite = [value for value in history if math.isfinite(value)]
    if finite:
        lines[-1].append(f"  {min(finite):.3g} … {max(finite):.3g}", style="dim")
    lines[-1].append(f"  measured at update {probe.update:,}{f', {ago:,} ago' if ago > 0 else ''}", style="dim")
    lines += chart(relative, snapshot.settings.bptt, width, max(LEAST_ROWS, height - len(lines) - 4))
    lines += wrapped(
        "How much of the gradient arrives k characters back. Falls: vanishing; rises: exploding.", width, "dim"
    )
    return Text("\n").join(lines)


def vanishing(snapshot: Snapshot) -> str:
    """Whether the gradient vanishes before it has to, in a sentence."""
    cause = Cause.VANISHING_GRADIENT
    if any(each.cause == cause and each.until_update is None for each in snapshot.findings):
        return "It vanishes too soon: F says why."
    judged = next((each for each in snapshot.judgements if each.cause == cause), None)
    if judged is not None and judged.judged is Judged.ABSENT:
        return "It does not vanish too soon: nothing that lies behind is missed."
    if judged is None or not judged.why:
        return "Whether it vanishes too soon is not judged yet."
    if judged.judged is Judged.CANNOT:
        return f"Whether it vanishes too soon cannot be judged here: {judged.why}."
    return f"Whether it vanishes too soon is known after {judged.why}."


def headline(relative: Sequence[float], reach: float) -> str:
    """The reading in a sentence."""
    largest = max((value for value in relative if not math.isnan(value)), default=math.nan)
    if largest > 10:
        lag = next(place for place, value in enumerate(relative) if value == largest)
        return f"It explodes: {lag} characters back it is {written(largest)} times as large as at lag 0."
    if math.isnan(reach):
        return "How far it reaches is not known."
    if reach >= len(relative):
        return f"Even {len(relative) - 1} characters back 1 % or more arrives."
    return f"Beyond {reach:.0f} characters less than 1 % arrives."


def half_life(characters: float) -> str:
    """Such as `9.2 chars`; infinite where nothing decays."""
    return f"{written(characters)} chars"


def chart(relative: Sequence[float], bptt: LengthLaw, width: int, height: int) -> list[Text]:
    """`height` rows of bars over k, with the window's end marked, and an axis."""
    relative = _worth_showing(relative, bptt.high)
    columns = max(1, width - LABEL)
    count = len(relative)
    if count < columns:
        columns -= columns % count
    logs = resampled([_log(value) for value in relative], columns)
    mark = bptt.high * columns // count if bptt.high < count else None
    lines = log_bars(logs, columns + LABEL, height, _power, mark=mark)
    return [*lines, *_axis(count, columns, mark, str(bptt))]


def mini(relative: Sequence[float], columns: int) -> str:
    """The same chart in one row."""
    relative = _worth_showing(relative, 0)
    logs = resampled([_log(value) for value in relative], min(columns, len(relative)))
    there = [value for value in logs if math.isfinite(value)]
    if not there:
        return ""
    high = max(there)
    return standing(logs, min(high - DECADES, min(there)), high, 1)[0]


def _worth_showing(relative: Sequence[float], window: int) -> Sequence[float]:
    """The lags up to a quarter beyond the window's end, or beyond the last lag at which anything arrives."""
    last_felt = max((lag for lag, value in enumerate(relative) if value >= FAINTEST), default=0)
    return relative[: max(LEAST_LAGS, 5 * max(window, last_felt) // 4 + 1)]


def _log(value: float) -> float:
    return math.log10(min(LARGEST, value)) if value >= FAINTEST else math.nan


def _power(power: int) -> str:
    """A share of the gradient at lag 0."""
    return percent(10.0**power) if -3 <= power <= 0 else f"×1e{power}" if power > 1 else f"1e{power}"


def _axis(count: int, columns: int, mark: int | None, bptt: str) -> list[Text]:
    """Round lags below the bars, and the window's end below those."""
    step = next(
        size for power in range(6) for factor in (1, 2, 5) if (size := factor * 10**power) * columns / count >= 8
    )
    numbers = [" "] * (columns + LABEL)
    for lag in range(0, count, step):
        place, digits = LABEL + lag * columns // count, str(lag)
        if place + len(digits) <= len(numbers):
            numbers[place : place + len(digits)] = digits
    lines = [Text("".join(numbers).rstrip(), style="dim")]
    word = f"bptt {bptt}"
    if mark is None:
        long = f"the window, {word}, is longer than the lags that were measured"
        # A narrow pane says it in fewer words, and never by half of one.
        below = long if len(long) <= columns else f"{word}: beyond"
        lines.append(Text(" " * LABEL + below, style="yellow"))
    elif mark + len(word) + 3 <= columns:
        lines.append(Text(f"{' ' * (LABEL + mark)}┊ {word}", style="yellow"))
    else:
        lines.append(Text(f"{' ' * max(0, LABEL + mark - len(word) - 1)}{word} ┊", style="yellow"))
    return lines
