"""The header: what is trained, how, and how far it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from rich.text import Text

from engine.session.snapshot import Snapshot, Status
from tui.console.panes.cached_text import CachedText
from tui.console.requests import Requests
from tui.words.numbers import HUGE_LOSS, clock, held_out, nats, percent, short
from tui.words.safe_text import visible
from tui.words.standing import of_snapshot

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
LONGEST_NAME = 24
"""The most columns of the text's name, so that there is room for the names of the network and the run."""

BAR = 12
GAP = 2
"""Columns between the left and the right part of a row."""

EIGHT_DIGITS = 10_000_000
"""The lowest number of updates that is shortened where there is little room."""

WIDE = 116
"""The fewest columns with which the losses stand beside the knobs."""


class Header(CachedText):
    """The training, its knobs, its losses, and how it goes: three lines, or four on a narrow screen.

    What the console has to say of a key stands in place of the last one for some seconds.

    Args:
        named: by the name of a key that the user has moved the name of the one that does its work now.
    """

    def __init__(self, named: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__()
        self._named = named

    def show(self, snapshot: Snapshot, requests: Requests, message: str) -> None:
        """Draw a snapshot."""
        width, said = self.content_size.width, _message(snapshot, message)
        if self.size.width >= WIDE:
            progress = _join(_progress(snapshot), _characters(snapshot), _budget(snapshot))
            training = _join(_text(snapshot), _network(snapshot), _size(snapshot), _run(snapshot))
            rows = [
                (training, _join(_state(snapshot), Text(snapshot.compute), _clock(snapshot))),
                (_knobs(snapshot, requests), _losses(snapshot)),
                (said or _standing(snapshot, width - progress.cell_len - GAP, self._named), progress),
            ]
        else:
            rows = [
                (_join(_text(snapshot), _run(snapshot)), _join(_state(snapshot), _clock(snapshot))),
                (_knobs(snapshot, requests), _network(snapshot)),
                (_losses(snapshot), _join(_short_progress(snapshot), _share(snapshot) or _short_characters(snapshot))),
                (said or _standing(snapshot, width, self._named), Text()),
            ]
        self.draw(Text("\n").join(self._row(left, right, width) for left, right in rows))

    def _row(self, left: Text, right: Text, width: int) -> Text:
        """One line; where it lacks room, its left part is cut, or wrapped where its `no_wrap` is False."""
        room = max(1, width - right.cell_len - GAP) if right else width
        if left.no_wrap is False:
            first, *rest = left.wrap(self.app.console, room) or [Text()]
        else:
            first, rest = left.copy(), []
        first.truncate(room, overflow="ellipsis", pad=bool(right))
        line = Text.assemble(first, " " * GAP, right) if right else first
        return Text("\n").join([line, *rest])


def _standing(snapshot: Snapshot, room: int, named: Mapping[str, str]) -> Text:
    """How it goes, in a sentence of at most `room` columns, with the keys that do something about it."""
    for found in of_snapshot(snapshot).shorter():
        text = found.with_keys(named)
        if text.cell_len <= room:
            return text
    if snapshot.status in (Status.BROKEN, Status.FAILED):
        text.no_wrap, text.overflow = False, "fold"  # What happened may be long, and all of it is to be read.
    return text


def _join(*parts: Text) -> Text:
    """The parts that are not empty, with gaps between them."""
    return Text("  ").join(part for part in parts if part)


def _text(snapshot: Snapshot) -> Text:
    text = Text(visible(snapshot.text, lines=False), style="bold")
    text.truncate(LONGEST_NAME, overflow="ellipsis")
    return text


def _network(snapshot: Snapshot) -> Text:
    return Text(snapshot.network)


def _size(snapshot: Snapshot) -> Text:
    return Text(f"{snapshot.parameters:,} params" if snapshot.parameters else "")


def _run(snapshot: Snapshot) -> Text:
    return Text(visible(snapshot.run, lines=False), style="dim")


def _state(snapshot: Snapshot) -> Text:
    glyph, style = GLYPHS[snapshot.status]
    text = Text(f"{glyph} {snapshot.status}", style=style)
    if snapshot.status is Status.TRAINING:
        what = "targets/s" if snapshot.watched else "char/s"
        text.append(f"  {snapshot.speed:>7,.0f} {what}", style="not bold default")
    return text


def _clock(snapshot: Snapshot) -> Text:
    return Text(clock(snapshot.seconds))


def _knobs(snapshot: Snapshot, requests: Requests) -> Text:
    if not snapshot.network:
        # The settings of a run are unknown while it is loading.
        return Text()
    parts = []
    for knob, label in [each for each in KNOBS if each[0] in snapshot.knobs or not snapshot.watched]:
        text = Text(f"{label} ", style="dim")
        text.append(snapshot.settings.write(knob), style="not dim")
        if knob == "clip" and snapshot.settings.clip is not None:
            text.append(f" {snapshot.settings.clip_by}", style="dim")
        if (wanted := requests.pending(knob)) is not None:
            text.append(f" → {wanted} …", style="not dim bold yellow")
        if knob == "lr" and snapshot.lr and not math.isclose(snapshot.lr, snapshot.settings.lr, rel_tol=1e-3):
            text.append(f" ({snapshot.lr:.2g})", style="dim")
        parts.append(text)
    return Text("  ").join(parts)


def _losses(snapshot: Snapshot) -> Text:
    text = Text()
    if snapshot.recent:
        loss = snapshot.recent[-1].loss
        text.append("loss ", style="dim")
        text.append(nats(loss), style="bold")
        text.append(f" ({loss / math.log(2):.2f} bits)" if loss < HUGE_LOSS else "", style="dim")
    if snapshot.validations:
        last = snapshot.validations[-1]
        text.append("  val ", style="dim").append(held_out(last.loss, last.error))
        # The best loss is of the whole split, which is measured less often: above a newer sample's it is out of date.
        if snapshot.best is not None and (last.error is None or snapshot.best <= last.loss + last.error):
            text.append(f"  best {nats(snapshot.best)}", style="dim")
    return text


def _message(snapshot: Snapshot, message: str) -> Text:
    own = Text(visible(message, lines=False), style="dim")
    if snapshot.busy is not None:
        what, share = snapshot.busy
        busy = Text(f"{visible(what, lines=False)}  {_bar(share)} {percent(share)}", style="cyan")
        return _join(busy, own)
    return own


def _progress(snapshot: Snapshot) -> Text:
    return Text(f"update {snapshot.update:,}", style="dim")


def _short_progress(snapshot: Snapshot) -> Text:
    long = snapshot.update >= EIGHT_DIGITS
    return Text(f"update {short(snapshot.update)}", style="dim") if long else _progress(snapshot)


def _characters(snapshot: Snapshot) -> Text:
    return Text(f"{snapshot.chars:,} chars", style="dim")


def _short_characters(snapshot: Snapshot) -> Text:
    return Text(f"{short(snapshot.chars)} chars", style="dim")


def _share(snapshot: Snapshot) -> Text:
    return Text("" if snapshot.progress is None else percent(snapshot.progress))


def _budget(snapshot: Snapshot) -> Text:
    return Text("" if snapshot.progress is None else f"{_bar(snapshot.progress)} {percent(snapshot.progress)}")


def _bar(share: float) -> str:
    full = round(min(1.0, max(0.0, share)) * BAR)
    return "━" * full + "╌" * (BAR - full)
