"""The pane of the text: how well it is predicted, by place and by kind of character, and what is left unused."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from engine.events import Probe
from engine.session.snapshot import Snapshot
from tui.console.panes.text_pane import TextPane
from tui.drawing.bars import lying, standing
from tui.words.numbers import mean, nats, percent, written
from tui.words.prose import wrapped
from tui.words.readings import last, number, numbers, words
from tui.words.safe_text import visible

CLASSES = ("lower", "upper", "digit", "space", "line end", "punctuation", "other")
"""The classes of characters, in the order of the instrument `control`."""

RECENT = 5
"""The number of last points among which the worst stream is looked for."""

LABEL = 8
"""Columns at the left of the strip."""

MOST_ROWS, OTHER_ROWS = 10, 14
"""The most rows of bars, and the rows of everything else."""

INDENT = 6
"""Columns by which continued lines are indented."""

TOP_LAGS = 3
HARDER = 1.2
"""A region is hard if its loss is more than this many times the mean."""

LEAST_MISSED = 0.001
"""The fewest missed nats per character that are mentioned."""


class ReadingPane(TextPane):
    """A strip of the text, with the streams above the loss by region, and the other numbers of the control samples."""

    TITLE = "What is read"
    HINT = "Where in the text the streams are, and how well it is predicted there."
    TERMS = (
        "places",
        "by_region",
        "worst_loss",
        "loss_spread",
        "seen",
        "held_out",
        "gap",
        "classes",
        "rarest",
        "by_context",
        "missed",
        "known",
        "names",
        "invented",
        "letter_entropy",
        "pair_entropy",
    )

    def text(self, snapshot: Snapshot, width: int, height: int) -> Text:
        """The pane's lines."""
        return reading(snapshot, width, height)


def reading(snapshot: Snapshot, width: int, height: int) -> Text:
    """The pane's lines; with more height the bars are higher."""
    control = last(snapshot, "control")
    lines = strip(snapshot, control, width, rows=max(2, min(MOST_ROWS, height - OTHER_ROWS)))
    lines += _worst(snapshot, width)
    if control is None:
        lines.append(Text("the control samples are not read yet", style="dim"))
    else:
        lines += [_losses(snapshot, control, width), *_classes(control, width), *missed(control, width)]
    return Text("\n").join([*lines, *known_words(snapshot, width)])


def strip(snapshot: Snapshot, control: Probe | None, width: int, rows: int) -> list[Text]:
    """The text from its beginning to its end: where the streams are, and the loss by region."""
    columns = max(1, width - LABEL)
    counts = [0] * columns
    for place in snapshot.places:
        if math.isfinite(place):
            counts[min(columns - 1, max(0, int(place * columns)))] += 1
    marks = "".join(" " if not count else "▾" if count == 1 else "▼" for count in counts)
    lines = [Text.assemble((f"{'streams':<{LABEL}}", "dim"), (marks, "bold"))]
    by_region, regions = numbers(control, "by_region"), numbers(control, "regions")
    values = _by_column(by_region, regions, columns)
    there = [value for value in values if math.isfinite(value)]
    if there:
        low, high = min(there), max(there)
        # The bars begin somewhat below the lowest loss, so that small differences show, but do not look large.
        bottom = max(0.0, low - max(0.15 * (high - low), 0.1 * high))
        bars = standing(values, bottom, high, rows)
        labels = [f"{high:.2f}", *[""] * (rows - 2), f"{bottom:.2f}"] if rows > 1 else [f"{high:.2f}"]
        lines += [
            Text.assemble((f"{label:<{LABEL}}", "dim"), (bar, "cyan")) for label, bar in zip(labels, bars, strict=True)
        ]
    middle = f"the training text{' · loss by region in nats' if there and columns > 50 else ''}"
    axis = f"0 %{middle:^{max(0, columns - 8)}}100 %"
    lines.append(Text(f"{' ' * LABEL}{axis[:columns]}", style="dim"))
    if there:
        lines += wrapped(_hardest(by_region, regions), width)
    return lines


def missed(control: Probe, width: int) -> list[Text]:
    """The lags at which most is left unused."""
    gains = numbers(control, "missed")
    order = sorted((place for place in range(len(gains)) if math.isfinite(gains[place])), key=lambda at: -gains[at])
    top = [place for place in order[:TOP_LAGS] if gains[place] >= LEAST_MISSED]
    if not gains:
        return []
    if not top:
        return [Text(f"missed nothing, up to {len(gains)} characters back", style="dim")]
    parts = " · ".join(f"{place + 1} back {gains[place]:.3f}" for place in top)
    return wrapped(f"missed {parts} nats per character are left unused", width, indent=INDENT)


def known_words(snapshot: Snapshot, width: int) -> list[Text]:
    """The words and names of the last sample that the text has, and those that it lacks."""
    probe = last(snapshot, "words")
    if probe is None:
        return [Text("words no sample is complete yet", style="dim")]
    text = f"words {percent(number(probe, 'known'))} known of {written(number(probe, 'words'), '.0f')} in the sample"
    text += f" · names {written(number(probe, 'names'), '.0f')} of {written(number(probe, 'names_in_text'), '.0f')}"
    if invented := words(probe, "invented"):
        text += f" · invented: {', '.join(visible(word, lines=False) for word in invented)}"
    return wrapped(text, width, indent=INDENT)


def _worst(snapshot: Snapshot, width: int) -> list[Text]:
    points = [point for point in snapshot.recent[-RECENT:] if not math.isnan(point.worst_loss) and point.worst_loss]
    if not points:
        return []
    worst = max(points, key=lambda point: point.worst_loss)
    text = f"worst stream at {percent(round(worst.worst_place, 3))}: {nats(worst.worst_loss)} nats"
    text += f", mean of all {nats(worst.loss)}"
    spread = mean([point.loss_spread for point in points])
    return wrapped(f"{text}; updates vary by {written(spread)}" if spread > 0 else text, width)


def _hardest(by_region: Sequence[float], regions: Sequence[float]) -> str:
    pairs = [(loss, place) for loss, place in zip(by_region, regions, strict=False) if not math.isnan(loss)]
    usual = mean(by_region)
    loss, place = max(pairs)
    if not usual > 0 or not loss > HARDER * usual:
        return "no region is much harder than the others"
    times = written(loss / usual, ".2g")
    return (
        f"hardest at {percent(round(place, 3))}: {written(loss)} nats, {times} times the mean; the text is hard there"
    )


def _losses(snapshot: Snapshot, control: Probe, width: int) -> Text:
    seen, held_out = number(control, "seen"), number(control, "held_out")
    text = Text.assemble(
        ("seen ", "dim"), (_short_nats(seen), "bold"), ("  held-out ", "dim"), (_short_nats(held_out), "bold")
    )
    text.append("  gap ", style="dim").append(_short_nats(held_out - seen, "+.3f"))
    if math.isfinite(context := number(control, "by_context")):
        text.append("  by context ", style="dim").append(f"{context:.2f}")
    facts = last(snapshot, "text_facts")
    letters, pairs = number(facts, "letter_entropy"), number(facts, "pair_entropy")
    known = f"  letters alone {letters:.2f}, pairs {pairs:.2f}"
    # The numbers of the text never change, so they are left out first.
    if math.isfinite(letters) and math.isfinite(pairs) and text.cell_len + len(known) <= width:
        text.append(known, style="dim")
    return text


def _classes(control: Probe, width: int) -> list[Text]:
    """The loss by kind of character, with two bars per line where there is room."""
    losses = [*zip(CLASSES, numbers(control, "classes"), strict=False), ("rarest", number(control, "rarest"))]
    there = [(name, loss) for name, loss in losses if not math.isnan(loss)]
    if not there:
        return []
    high = max((loss for _, loss in there if math.isfinite(loss)), default=1.0)
    a_line = 2 if width >= 56 else 1
    bars = max(1, width // a_line - 21)
    cells = [f"{name:<11} {_short_nats(loss, '6.3f'):>6} {lying(loss, high, bars)}" for name, loss in there]
    half = -(-len(cells) // a_line)
    lines = []
    for place in range(half):
        row = [cells[at] for at in range(place, len(cells), half)]
        lines.append(Text("  ".join(row).rstrip()))
    return lines


def _by_column(by_region: Sequence[float], regions: Sequence[float], columns: int) -> list[float]:
    """For each column the loss of the region that is nearest to it."""
    known = [(place, loss) for place, loss in zip(regions, by_region, strict=False) if math.isfinite(place)]
    if not known:
        return []
    return [min(known, key=lambda pair: abs(pair[0] - (column + 0.5) / columns))[1] for column in range(columns)]


def _short_nats(loss: float, form: str = ".3f") -> str:
    """A loss in few columns, or the sign for an unknown one."""
    return written(loss, form if abs(loss) < 1000 else ".2e")
