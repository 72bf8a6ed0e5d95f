"""The pane of findings, hypotheses and the log."""

from __future__ import annotations

from enum import StrEnum

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from engine.events import Change, Finding, Hypothesis, HypothesisStatus, Idea, LogEntry, Note, NoteKind, Saved
from engine.race.ideas import ideas
from engine.session.snapshot import Snapshot
from tui.console.panes.pane import Pane
from tui.words.findings import judged
from tui.words.prose import wrapped
from tui.words.safe_text import visible
from tui.words.severity import COLOURS, SIGNS, first_sentence, gravest_first

MOST = 500
"""The most entries that are drawn; the lab has them all."""

SHARE = 3
"""Open findings take at most a third of the rows, and hypotheses too, unless the pane is maximised."""

MOST_OPEN = 3
"""The most open findings at the top, unless the pane is maximised."""

MARKS = {
    HypothesisStatus.OPEN: ("?", "yellow"),
    HypothesisStatus.CONFIRMED: ("✓", "green"),
    HypothesisStatus.REFUTED: ("✗", "red"),
    HypothesisStatus.UNDECIDED: ("~", "dim"),
}


class Tab(StrEnum):
    """The parts of the pane, of which one is shown."""

    HYPOTHESES = "Hypotheses"
    LOG = "Log"

    @property
    def other(self) -> Tab:
        """The one that is not shown."""
        return Tab.LOG if self is Tab.HYPOTHESES else Tab.HYPOTHESES


class LogPane(Pane):
    """The open findings, gravest first, and below them one of two tabs.

    One has the lab's hypotheses, newest first, and common ones that would fit this run; the other has the run's log,
    newest first.
    """

    TITLE = "Hypotheses"
    HINT = "Open findings, hypotheses, and what happened, the newest first; j changes between the last two."

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._drawn: object = None
        self.tab = Tab.HYPOTHESES

    def compose(self) -> ComposeResult:
        """The pane's text."""
        yield Static(id="log-text")

    def show(self, snapshot: Snapshot) -> None:
        """Draw a snapshot, if there is anything new."""
        width, height = self.scrollable_content_region.size
        self.frame(f"{self.tab} ─ j {self.tab.other}", "")
        room = None if self.is_maximized else (width, max(1, height))
        what = (snapshot.findings, snapshot.hypotheses, len(snapshot.log), snapshot.log[-1:], room, self.tab, width)
        if what == self._drawn:
            return
        self._drawn = what
        self.query_one("#log-text", Static).update(entries(snapshot, self.tab, room))


def entries(snapshot: Snapshot, tab: Tab, room: tuple[int, int] | None) -> Text:
    """The pane's lines.

    Args:
        snapshot: what they are about.
        tab: the part that is shown below the open findings.
        room: the columns and rows of the pane; None for no limit.
    """
    lines = _open(snapshot, None if room is None else (room[0], max(1, room[1] // SHARE)))
    if tab is Tab.LOG:
        lines += _log(snapshot, room)
        return Text("\n").join(lines) if lines else Text("nothing has happened yet", style="dim")
    lines += _hypotheses(snapshot, room)
    if room is None:
        return Text("\n").join(lines)
    causes = [line for words in judged(snapshot.judgements) for line in wrapped(words, room[0], "dim", indent=2)]
    for title, more in (("Log", _log(snapshot, room)), ("Causes", causes)):
        if more and (left := room[1] - len(lines) - 1) > 1:
            lines += [Text(title, style="bold dim"), *more[:left]]
    return Text("\n").join(lines)


def _hypotheses(snapshot: Snapshot, room: tuple[int, int] | None) -> list[Text]:
    """The hypotheses that were written down, and those that others have had about trainings with these settings."""
    most = MOST if room is None else max(1, room[1] // SHARE)
    lines = [_hypothesis(each, snapshot.run) for each in reversed(snapshot.hypotheses[-most:])]
    if (more := len(snapshot.hypotheses) - len(lines)) > 0:
        lines.append(Text(f"+ {more:,} more", style="dim"))
    if not lines:
        lines = [Text("No hypothesis yet: h writes one down.", style="dim")]
    claimed = {each.claim for each in snapshot.hypotheses}
    proposed = [] if snapshot.watched else [each for each in ideas(snapshot.settings) if each.claim not in claimed]
    if proposed:
        lines.append(Text("Choose in h:", style="dim"))
        lines += [_proposed(each, room) for each in proposed]
    if room is not None:
        for line in lines:
            line.truncate(room[0], overflow="ellipsis")
    return lines


def _proposed(idea: Idea, room: tuple[int, int] | None) -> Text:
    """A hypothesis to be chosen. Where it lacks room, what varies stands alone: claims differ at their ends."""
    line = Text.assemble(("· ", "dim"), idea.claim, (f"  {idea.vary}", "dim"))
    if room is None or len(idea.claim) + 2 <= room[0]:
        return line
    return Text.assemble(("· ", "dim"), idea.vary)


def _open(snapshot: Snapshot, room: tuple[int, int] | None) -> list[Text]:
    """The open findings, the gravest first."""
    there = gravest_first(snapshot.findings)
    shown = there if room is None else there[: max(1, min(room[1], MOST_OPEN))]
    lines = []
    for finding in shown:
        text = _finding(finding).append(f"  since update {finding.since_update:,}", style="dim")
        if room is not None:
            text.append("  F: why", style="dim")
            text.truncate(room[0], overflow="ellipsis")
        lines.append(text)
    if (more := len(there) - len(shown)) > 0:
        lines[-1].append(f"  + {more}", style="dim")
        if room is not None:
            lines[-1].truncate(room[0], overflow="ellipsis")
    return lines


def _log(snapshot: Snapshot, room: tuple[int, int] | None) -> list[Text]:
    """The log, newest first, with each finding at the update at which it was found."""
    waiting = list(snapshot.findings[-MOST:])
    lines = []
    for entry in reversed(snapshot.log[-MOST:]):
        if isinstance(entry, Note) and entry.kind is NoteKind.COMPUTE:
            continue  # The pane of instruments has it.
        # The log is in the order of time: a return to an earlier update stands where it happened.
        while waiting and waiting[-1].found_update >= entry.update:
            lines.append(_found(waiting.pop(), room))
        lines.append(_entry(entry))
    return [*lines, *(_found(finding, room) for finding in reversed(waiting))]


def _found(finding: Finding, room: tuple[int, int] | None) -> Text:
    """A finding as an entry of the log."""
    line = Text(f"{finding.found_update:>9,}  ", style="dim").append_text(_finding(finding))
    if finding.until_update is not None:
        line.append(f"  ended at update {finding.until_update:,}", style="dim")
    line.append(f"  {visible(first_sentence(finding.says), lines=False)}", style="not dim")
    if room is not None:
        line.truncate(room[0], overflow="ellipsis")
    return line


def _finding(finding: Finding) -> Text:
    style = COLOURS[finding.severity] if finding.until_update is None else "dim"
    return Text.assemble((f"{SIGNS[finding.severity]} {visible(finding.cause, lines=False)}", f"not dim {style}"))


def _hypothesis(hypothesis: Hypothesis, run: str) -> Text:
    mark, style = MARKS[hypothesis.status]
    text = Text.assemble((f"H{hypothesis.number} {mark} {hypothesis.status}  ", style))
    if hypothesis.run != run:
        text.append(f"({visible(hypothesis.run, lines=False)})  ", style="dim")
    text.append(visible(hypothesis.claim, lines=False))
    if hypothesis.prediction:
        text.append(f"  ⇒ {visible(hypothesis.prediction, lines=False)}", style="dim")
    if hypothesis.evidence:
        text.append(
            f"  {hypothesis.race and f'R{hypothesis.race}: '}{visible(hypothesis.evidence, lines=False)}",
            style="not dim",
        )
    if hypothesis.conclusion:
        text.append(f"  ∴ {visible(hypothesis.conclusion, lines=False)}", style="italic")
    return text


def _entry(entry: LogEntry) -> Text:
    text = Text(f"{entry.update:>9,}  ", style="dim")
    match entry:
        case Change(number=number, knob=knob, old=old, new=new, undone=True):
            text.append(f"┊{number} ").append(f"{knob} {old} → {new}", style="strike").append(" undone")
        case Change(number=number, knob=knob, old=old, new=new):
            text.append(f"┊{number} ", style="not dim yellow").append(f"{knob} {old} → {new}", style="not dim")
        case Saved(path=path):
            text.append(f"saved {visible(path.rsplit('/', 1)[-1], lines=False)}", style="not dim")
        case Note(kind=kind, text=note):
            style = "not dim red" if kind in (NoteKind.NOT_FINITE, NoteKind.CHECKPOINT) else "not dim"
            text.append(f"{kind}  {visible(note, lines=False)}", style=style)
    return text
