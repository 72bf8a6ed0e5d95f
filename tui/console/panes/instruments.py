"""The pane of instruments: when each measured, how long that took, and its main number."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from itertools import pairwise
from statistics import median

from rich.text import Text

from engine.events import Note, NoteKind, Probe
from engine.session.snapshot import Snapshot
from tui.console.panes.text_pane import TextPane
from tui.words.findings import judged
from tui.words.numbers import percent, scientific, written
from tui.words.prose import wrapped
from tui.words.readings import last, number
from tui.words.safe_text import visible

INSTRUMENTS: dict[str, tuple[str, Callable[[Probe], str]]] = {
    "control": ("control samples", lambda probe: f"seen {written(number(probe, 'seen'), '.4g')} nats"),
    "gradient_by_lag": ("gradient by lag", lambda probe: f"half-life {written(number(probe, 'half_life'))} chars"),
    "update_ratio": ("update ratio", lambda probe: f"upd/w {scientific(number(probe, 'whole'))}"),
    "agreement": ("agreement", lambda probe: f"agreement {percent(number(probe, 'share'))}"),
    "gates": ("gates", lambda probe: f"saturated {percent(number(probe, 'share'))}"),
    "numerics": ("numerics", lambda probe: f"error {scientific(number(probe, 'gradient_error'))}"),
    "clipping": ("clipping", lambda probe: f"factor {written(number(probe, 'factor'))}"),
    "words": ("words", lambda probe: f"known {percent(number(probe, 'known'))}"),
    "text_facts": ("text", lambda probe: f"letters {written(number(probe, 'letter_entropy'))} nats"),
    "sharpness": ("sharpness", lambda probe: f"× rate / bound {written(number(probe, 'ratio'))}"),
}
"""Every instrument with its name in words and its main number."""

ONCE = {"text_facts": "once", "sharpness": "by S", "words": "sample"}
"""When an instrument measures that follows no timetable."""

BESIDE = "reference_levels"
"""Instruments that measure once, beside the training, and take none of its time."""

MOST_CHOICES = 6
"""The last changes of the way to compute that are listed."""

DETAILED = ("agreement", "sharpness", "text_facts")

WIDE, AGO = 90, 10
"""The fewest columns with which there is room to say how long ago an instrument measured, and the columns of that."""


class InstrumentsPane(TextPane):
    """One line per instrument."""

    TITLE = "Instruments"
    HINT = "Which instrument measured when, what that took, and which causes could be judged by it."
    TERMS = (
        "seen",
        "half_life",
        "update_ratio",
        "agreement",
        "saturated",
        "gradient_error",
        "clip_factor",
        "known",
        "letter_entropy",
        "sharpness",
        "agreement.cosine",
        "signal",
        "subnormal",
    )

    def text(self, snapshot: Snapshot, width: int, height: int) -> Text:  # noqa: ARG002 - what is lower is scrolled
        """The pane's lines."""
        return instruments(snapshot, width)


def instruments(snapshot: Snapshot, width: int) -> Text:
    """One line per instrument, their share of the time in total, and what they tell of every cause."""
    heading = f"{'instrument':<16}{'update':>11}{'measured' if width >= WIDE else '':>{AGO if width >= WIDE else 0}}"
    lines = [Text(f"{heading}{'every':>11}{'took':>8}{'of time':>8}  says", "bold")]
    others = [name for name in snapshot.probes if name not in (*INSTRUMENTS, BESIDE)]
    shares = []
    for name in [*INSTRUMENTS, *others]:
        probe = last(snapshot, name)
        label, says = INSTRUMENTS.get(name, (name, lambda _: ""))
        if probe is None:
            hint = ": S measures" if name == "sharpness" else ""
            lines.append(Text(f"{label:<16}{'not yet':>11}{hint}", style="dim"))
            continue
        probes = snapshot.probes[name]
        took = time_share(snapshot, probes)
        shares.append(took)
        line = Text(f"{visible(label, lines=False):<16}{probe.update:>11,}")
        if width >= WIDE:
            line.append(f"{_ago(snapshot, probe):>{AGO}}")
        line.append(f"{_every(name, probes):>11}")
        line.append(f"{_seconds(probe.seconds):>8}{percent(float(f'{took:.2g}')) if math.isfinite(took) else '–':>8}  ")
        line.append(says(probe), style="cyan")
        line.truncate(width, overflow="ellipsis")
        lines.append(line)
    total = sum(share for share in shares if math.isfinite(share))
    words = f"Together they take {percent(float(f'{total:.2g}'))} of the time. Each measures again, between two "
    words += "updates, when that fits into its share of the time; none changes the training."
    choices = [note for note in snapshot.log if isinstance(note, Note) and note.kind is NoteKind.COMPUTE]
    computes = [
        line
        for note in choices[: -MOST_CHOICES - 1 : -1]
        for line in wrapped(f"{note.update:,}  {visible(note.text, lines=False)}", width, "dim", indent=2)
    ]
    if computes:
        computes = [Text(), Text("How it computes, and since which update", style="bold"), *computes]
    causes = [line for known in judged(snapshot.judgements) for line in wrapped(known, width, indent=2)]
    about = wrapped(words, width, "dim")
    return Text("\n").join([*lines, *_details(snapshot, width), Text(), *about, Text(), *causes, *computes])


def _details(snapshot: Snapshot, width: int) -> list[Text]:
    """Every number of the instruments that no other pane shows."""
    lines = []
    for name in DETAILED:
        if (probe := last(snapshot, name)) is not None:
            there = {
                field: number(probe, field) for field, value in probe.values.items() if not isinstance(value, tuple)
            }
            numbers = ", ".join(
                f"{visible(field, lines=False).replace('_', ' ')} {_scalar(value)}" for field, value in there.items()
            )
            lines += wrapped(f"{INSTRUMENTS[name][0]}: {numbers}", width, indent=2)
    return [Text(), *lines] if lines else []


def _scalar(value: float) -> str:
    return f"{value:,.0f}" if math.isfinite(value) and abs(value) >= 1000 else written(value, ".4g")


def time_share(snapshot: Snapshot, probes: tuple[Probe, ...]) -> float:
    """The share of the training time in this process that these readings took; nan if unknown."""
    resumed = max(
        (entry.update for entry in snapshot.log if isinstance(entry, Note) and entry.kind is NoteKind.RESUME),
        default=-1,
    )
    here = [probe for probe in probes if probe.update > resumed or resumed < 0]
    # A snapshot keeps only the last readings; the time before the first of them must not count.
    begin = _seconds_at(snapshot, here[0].update) if len(here) == len(probes) and len(here) > 100 else 0.0
    elapsed = snapshot.seconds - begin
    return sum(probe.seconds for probe in here) / elapsed if elapsed > 0 else math.nan


def _seconds_at(snapshot: Snapshot, update: int) -> float:
    place = bisect_right(snapshot.points, update, key=lambda point: point.update)
    return snapshot.points[place - 1].seconds if place else 0.0


def _ago(snapshot: Snapshot, probe: Probe) -> str:
    seconds = snapshot.seconds - _seconds_at(snapshot, probe.update)
    return "now" if probe.update >= snapshot.update else f"{max(0.0, seconds):,.0f} s ago"


def _every(name: str, probes: tuple[Probe, ...]) -> str:
    """The median of the updates between the last readings, or the word of `ONCE`."""
    if name in ONCE:
        return ONCE[name]
    gaps = [after.update - before.update for before, after in pairwise(probes[-6:])]
    return f"{median(gaps):,.0f} upd" if gaps else "–"


def _seconds(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
