"""What is trained, how, and how far it is."""

from __future__ import annotations

import math

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.widgets import Static

from engine.snapshot import Snapshot, Status
from tui.requests import Requests
from tui.safe_text import visible

GLYPHS = {
    Status.LOADING: ("…", "dim"),
    Status.TRAINING: ("▶", "bold green"),
    Status.PAUSED: ("‖", "bold yellow"),
    Status.BROKEN: ("✗", "bold red"),
    Status.FINISHED: ("■", "bold cyan"),
    Status.FAILED: ("✗", "bold red"),
    Status.ENDED: ("■", "dim"),
}

KNOBS = (("bptt", "bptt"), ("targets", "targets"), ("clip", "clip"), ("lr", "lr"), ("dropout", "drop"))
BAR = 12
WIDE = 116
"""From so many columns on the losses stand beside the knobs."""

ADVICE = {
    Status.PAUSED: "space goes on",
    Status.BROKEN: "u goes back, or change a knob and press space",
    Status.FINISHED: "space trains on",
    Status.FAILED: "q leaves",
}


class Header(Static):
    """The training, its knobs, its losses and the last message: three lines, or four where they are short."""

    def show(self, snapshot: Snapshot, requests: Requests, message: str) -> None:
        """Draw a snapshot; a message of the console's own stands in the third line when the engine has none."""
        if self.size.width >= WIDE:
            rows = [
                (_training(snapshot), _state(snapshot)),
                (_knobs(snapshot, requests), _losses(snapshot)),
                (_message(snapshot, message), _progress(snapshot)),
            ]
        else:
            rows = [
                (_training(snapshot), _state(snapshot)),
                (_knobs(snapshot, requests), Text()),
                (_losses(snapshot), _progress(snapshot)),
                (_message(snapshot, message), Text()),
            ]
        self.update(Group(*(_row(left, right) for left, right in rows)))


def _row(left: Text, right: Text) -> Table:
    """One line; where it is short, its left part is cut, or goes on in the next line if it asks for that."""
    table = Table.grid(expand=True)
    table.add_column(ratio=1, no_wrap=left.no_wrap is not False, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    table.add_row(left, right)
    return table


def _training(snapshot: Snapshot) -> Text:
    text = Text(visible(snapshot.text, lines=False), style="bold")
    if snapshot.network:
        text.append(f"  {snapshot.network}  {snapshot.parameters:,} params", style="not bold")
    if snapshot.run:
        text.append(f"  {visible(snapshot.run, lines=False)}", style="dim")
    return text


def _state(snapshot: Snapshot) -> Text:
    glyph, style = GLYPHS[snapshot.status]
    text = Text(f"{glyph} {snapshot.status}", style=style)
    if snapshot.status is Status.TRAINING:
        text.append(f"  {snapshot.speed:>7,.0f} char/s", style="not bold default")
    text.append(f"  {snapshot.compute}  {clock(snapshot.seconds)}", style="not bold default")
    return text


def _knobs(snapshot: Snapshot, requests: Requests) -> Text:
    parts = []
    for knob, label in KNOBS:
        text = Text(f"{label} ", style="dim")
        text.append(snapshot.settings.write(knob), style="not dim")
        if knob == "clip" and snapshot.settings.clip is not None:
            text.append(f" {snapshot.settings.clip_by}", style="dim")
        if (wanted := requests.pending(knob)) is not None:
            text.append(f" → {wanted} …", style="not dim bold yellow")
        parts.append(text)
    if snapshot.lr and not math.isclose(snapshot.lr, snapshot.settings.lr, rel_tol=1e-3):
        parts[3].append(f" ({snapshot.lr:.2g})", style="dim")
    return Text("  ").join(parts)


def _losses(snapshot: Snapshot) -> Text:
    text = Text()
    if snapshot.recent:
        loss = snapshot.recent[-1].loss
        text.append("loss ", style="dim")
        text.append(f"{loss:.4f}", style="bold")
        text.append(f" ({loss / math.log(2):.2f} bits)", style="dim")
    if snapshot.validations:
        text.append("  val ", style="dim").append(f"{snapshot.validations[-1].loss:.4f}")
        text.append(f"  best {snapshot.best:.4f}" if snapshot.best is not None else "", style="dim")
    return text


def _message(snapshot: Snapshot, message: str) -> Text:
    if snapshot.busy is not None:
        what, share = snapshot.busy
        return Text(f"{visible(what, lines=False)}  {_bar(share)} {share:.0%}", style="cyan")
    if not snapshot.message:
        return Text(visible(message, lines=False), style="dim")
    _, style = GLYPHS[snapshot.status]
    advice = ADVICE.get(snapshot.status, "")
    words = visible(snapshot.message, lines=False) + (f" — {advice}" if advice else "")
    return Text(words, style=style, no_wrap=False, overflow="fold")


def _progress(snapshot: Snapshot) -> Text:
    text = Text(f"update {snapshot.update:,}  {snapshot.chars:,} chars", style="dim")
    if snapshot.progress is not None:
        text.append(f"  {_bar(snapshot.progress)} {snapshot.progress:.0%}", style="not dim")
    return text


def _bar(share: float) -> str:
    full = round(min(1.0, max(0.0, share)) * BAR)
    return "━" * full + "╌" * (BAR - full)


def clock(seconds: float) -> str:
    """Such as 0:31 or 1:02:07."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
