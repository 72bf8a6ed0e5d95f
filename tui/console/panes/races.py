"""The pane of races: the running one with its curves and results, then those that wait or are over."""

from __future__ import annotations

import math

from rich.text import Text

from engine.numbers import counted
from engine.race.result import Comparison, RaceStatus, Verdict, level
from engine.race.statistics.sentence import primary, sentence
from engine.race.view import RaceView
from engine.session.snapshot import Snapshot
from tui.console.panes.text_pane import TextPane
from tui.drawing.bars import lying
from tui.drawing.curves import STYLES, SYMBOLS
from tui.drawing.race_chart import race_chart
from tui.words.numbers import nats
from tui.words.prose import wrapped
from tui.words.races import VERDICT_COLOURS, VERDICT_SIGNS, interval_text, verdict_text
from tui.words.safe_text import visible

CHART_SHARE = 0.5
"""The share of the pane's height that the curves take."""

MARKS = {
    RaceStatus.QUEUED: "…",
    RaceStatus.RUNNING: "▶",
    RaceStatus.DONE: "✓",
    RaceStatus.STOPPED: "■",
    RaceStatus.INTERRUPTED: "■",
    RaceStatus.FAILED: "✗",
}
"""The sign before a race, by its status."""


class RacesPane(TextPane):
    """The races of this session, and the last ones before it."""

    TITLE = "Races"
    HINT = "Variants side by side, over seeds, until the difference is known. r begins one, R stops one."
    TERMS = ("race", "verdict", "interval", "val")

    def text(self, snapshot: Snapshot, width: int, height: int) -> Text:
        """The pane's lines."""
        if not snapshot.races:
            return Text("no race on this text yet: r races two values of a setting against each other", style="dim")
        shown = current(snapshot)
        lines = [_headline(shown)]
        rows = max(6, int(CHART_SHARE * height))
        lines += race_chart(shown.plan, shown.lanes, width, rows).split("\n")
        lines += _variants(shown)
        lines += [line for each in primary(shown.results) for line in _verdict(shown, each, width)]
        if shown.says:
            lines += wrapped(visible(shown.says, lines=False), width, "red")
        if shown.status.is_over and shown.status != RaceStatus.DONE:
            lines += wrapped(f"not decided: `charrnn-tui race --resume {shown.name}` continues it", width)
        others = [each for each in reversed(snapshot.races) if each is not shown]
        if others:
            lines += [Text(), *(_headline(each) for each in others)]
        for line in lines:
            line.truncate(width, overflow="ellipsis")
        return Text("\n").join(lines)


def current(snapshot: Snapshot) -> RaceView:
    """The race that runs, or else the last one."""
    return next((each for each in snapshot.races if each.status == RaceStatus.RUNNING), snapshot.races[-1])


def _headline(race: RaceView) -> Text:
    sides = " · ".join(visible(variant.label, lines=False) for variant in race.plan.variants)
    text = Text.assemble((f"{race.name} {MARKS[race.status]} {race.status}  ", "bold"), sides)
    if not race.status.is_over:
        seeds = max((lane.replicate + 1 for lane in race.lanes), default=0)
        text.append(f"  seed {seeds} of {race.plan.seeds} at most  {lying(race.share, 1, 12)}▏", style="dim")
    for each in primary(race.results):
        label = visible(race.plan.variants[each.variant].label, lines=False)
        text.append(f"  {label} {verdict_text(each.verdict)}", style=VERDICT_COLOURS[each.verdict])
    return text


def _variants(race: RaceView) -> list[Text]:
    """A line for each variant: its mark in the chart, its loss so far, and its difference from the first."""
    lines = []
    results = {each.variant: each for each in primary(race.results)}
    width = max(len(visible(variant.label, lines=False)) for variant in race.plan.variants)
    for place, variant in enumerate(race.plan.variants):
        mine = [lane for lane in race.lanes if lane.variant == place]
        done = [lane for lane in mine if lane.done]
        loss = level(race.lanes, primary(race.results), place)
        label = visible(variant.label, lines=False)
        text = Text.assemble((f"{SYMBOLS[place % len(SYMBOLS)]} {label:<{width}}  ", STYLES[place % len(STYLES)]))
        text.append(
            f"{nats(loss) if math.isfinite(loss) else '–':>8}  {counted(len(done), 'seed')}",
            style="not dim",
        )
        if broken := sum(bool(lane.broken) for lane in done):
            text.append(f", {broken} diverged", style="red")
        running = next((lane for lane in mine if not lane.done), None)
        if running is not None and not race.status.is_over:
            text.append(f"  {lying(running.share, 1, 8)}▏", style="dim")
        if place in results:
            text.append(f"  {interval_text(results[place])}", style="not dim")
        elif place:
            text.append(f"  {VERDICT_SIGNS[Verdict.UNDECIDED]} no seed is complete", style="dim")
        lines.append(text)
    return lines


def _verdict(race: RaceView, found: Comparison, width: int) -> list[Text]:
    if not race.status.is_over and not math.isfinite(found.high - found.low):
        return []
    return wrapped(visible(sentence(race.plan, found), lines=False), width)
