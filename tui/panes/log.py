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
        what = (snapshot.hypotheses, len(snapshot.log), snapshot.log[-1:])
        if what == self._drawn:
            return
        self._drawn = what
        self.query_one("#log-text", Static).update(entries(snapshot))


def entries(snapshot: Snapshot) -> Text:
    """The pane's lines."""
    lines = [_hypothesis(each) for each in reversed(snapshot.hypotheses[-MOST:])]
    lines += [_entry(each) for each in reversed(snapshot.log[-MOST:])]
    return Text("\n").join(lines) if lines else Text("h writes a hypothesis down", style="dim")


def _hypothesis(hypothesis: Hypothesis) -> Text:
    mark, style = MARKS[hypothesis.status]
    text = Text.assemble((f"H{hypothesis.number} {mark} {hypothesis.status}  ", style))
    text.append(visible(hypothesis.claim, lines=False))
    if hypothesis.prediction:
        text.append(f"  ⇒ {visible(hypothesis.prediction, lines=False)}", style="dim")
    if hypothesis.conclusion:
        text.append(f"  ∴ {visible(hypothesis.conclusion, lines=False)}", style="italic")
    return text


def _entry(entry: LogEntry) -> Text:
    text = Text(f"{entry.update:>9,}  ", style="dim")
    match entry:
        case Change(knob=knob, old=old, new=new):
            text.append(f"{knob} {old} → {new}", style="not dim")
        case Saved(kind=kind, path=path):
            text.append(f"checkpoint ({kind}) {visible(path.rsplit('/', 1)[-1], lines=False)}", style="not dim")
        case Note(kind=kind, text=note):
            style = "not dim red" if kind in ("not-finite", "checkpoint") else "not dim"
            text.append(f"{kind}  {visible(note, lines=False)}", style=style)
    return text
