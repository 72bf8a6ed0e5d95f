"""Hypotheses, and everything that happened."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from engine.events import Change, Hypothesis, LogEntry, Note, Saved
from engine.snapshot import Snapshot
from tui.panes.pane import Pane
from tui.safe_text import visible

MOST = 500
"""Entries that are drawn; the lab has them all."""

SHARE = 3
"""The hypotheses take one row in so many, unless the pane stands alone."""

MARKS = {"open": ("?", "yellow"), "confirmed": ("✓", "green"), "refuted": ("✗", "red"), "undecided": ("~", "dim")}


class LogPane(Pane):
    """The lab's hypotheses, newest first, and below them the run's log, newest first."""

    TITLE = "Hypotheses"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static(id="log-text")

    def show(self, snapshot: Snapshot) -> None:
        """Draw a snapshot, if there is anything new."""
        width, height = self.scrollable_content_region.size
        room = None if self.is_maximized else (width, max(1, height // SHARE))
        what = (snapshot.hypotheses, len(snapshot.log), snapshot.log[-1:], room)
        if what == self._drawn:
            return
        self._drawn = what
        self.query_one("#log-text", Static).update(entries(snapshot, room))


def entries(snapshot: Snapshot, room: tuple[int, int] | None) -> Text:
    """The pane's lines; with `room` the hypotheses take no more than so many columns and rows."""
    most = MOST if room is None else room[1]
    written = [_hypothesis(each, snapshot.run) for each in reversed(snapshot.hypotheses[-most:])]
    if room is not None:
        for line in written:
            line.truncate(room[0], overflow="ellipsis")
        if (more := len(snapshot.hypotheses) - len(written)) > 0:
            written.append(Text(f"+ {more:,} more", style="dim"))
    lines = written + [_entry(each) for each in reversed(snapshot.log[-MOST:])]
    return Text("\n").join(lines) if lines else Text("h writes a hypothesis down", style="dim")


def _hypothesis(hypothesis: Hypothesis, run: str) -> Text:
    mark, style = MARKS[hypothesis.status]
    text = Text.assemble((f"H{hypothesis.number} {mark} {hypothesis.status}  ", style))
    if hypothesis.run != run:
        text.append(f"({visible(hypothesis.run, lines=False)})  ", style="dim")
    text.append(visible(hypothesis.claim, lines=False))
    if hypothesis.prediction:
        text.append(f"  ⇒ {visible(hypothesis.prediction, lines=False)}", style="dim")
    if hypothesis.conclusion:
        text.append(f"  ∴ {visible(hypothesis.conclusion, lines=False)}", style="italic")
    return text


def _entry(entry: LogEntry) -> Text:
    text = Text(f"{entry.update:>9,}  ", style="dim")
    match entry:
        case Change(knob=knob, old=old, new=new, undone=True):
            text.append(f"{knob} {old} → {new}", style="strike").append(" undone")
        case Change(knob=knob, old=old, new=new):
            text.append(f"{knob} {old} → {new}", style="not dim")
        case Saved(path=path):
            text.append(f"saved {visible(path.rsplit('/', 1)[-1], lines=False)}", style="not dim")
        case Note(kind=kind, text=note):
            style = "not dim red" if kind in ("not-finite", "checkpoint") else "not dim"
            text.append(f"{kind}  {visible(note, lines=False)}", style=style)
    return text
