"""A race on the command line: its progress, its verdict, and the list of all races."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from engine.errors import UserError
from engine.lab import Lab
from engine.race.plan import Plan
from engine.race.result import UNDECIDED, Lane
from engine.race.statistics.sentence import primary
from engine.race.store import QUEUED, Race, Races
from tui.command_line.json_lines import line
from tui.terminal import on_signals
from tui.words.numbers import nats
from tui.words.race_json import lane_object, race_object
from tui.words.races import MEASURED_IN, VERDICT_COLOURS, conditions_text, interval_text, limits, ranked, verdict_text
from tui.words.safe_text import visible
from tui.words.shell_commands import command_line

if TYPE_CHECKING:
    from engine.race.opening import NewRace, ResumedRace
    from engine.race.statistics.standing import Standing


def race(task: NewRace | ResumedRace, folder: Path, *, on: str, workers: int | None, as_json: bool) -> int:
    """Run a race to its verdict; returns the exit code. Raises UserError where it cannot begin or go on."""
    from engine.race.opening import open_race
    from engine.race.race import Racing
    from engine.workers.places import place

    where = place(on, workers)
    shown: _Json | _Bars = _Json() if as_json else _Bars()
    with shown, open_race(task, folder, shown.loading) as opened:
        shown.begin(opened.race, where.name, where.size)
        racing = Racing(opened.lab, opened.race, opened.corpus, opened.origin, where, shown.show)
        with on_signals(lambda _number: racing.stop()) as stopped:
            try:
                stands = racing.run()
            except UserError as error:
                goes_on = command_line("race", "--resume", opened.race.name, lab=folder)
                raise UserError(f"{error}; `{goes_on}` goes on") from error
        found = Races(opened.lab).race(opened.race.name)
    shown.end(found, stands, folder)
    return 128 + stopped[0] if stopped else 0


def list_races(folder: Path, *, as_json: bool) -> int:
    """Every race of the lab, oldest first."""
    with Lab.open_existing(folder) as lab:
        found = Races(lab).all()
    if as_json:
        for each in found:
            print(line(race_object(each)))
        return 0
    console = Console(width=None if sys.stdout.isatty() else sys.maxsize // 2)
    for each in found:
        console.print(Text(visible(f"{each.name:<5} {summary(each)}", lines=False)), soft_wrap=True)
    return 0


def show_race(folder: Path, key: str, *, as_json: bool) -> int:
    """One race: its plan, how it stands, and its runs."""
    from engine.race.lanes import stored_lane
    from engine.race.statistics.standing import standing

    with Lab.open_existing(folder) as lab:
        found = Races(lab).race(key)
        lanes = [stored_lane(lab, found.plan, run) for run in lab.runs(found.number)]
    stands = standing(found.plan, lanes)
    if as_json:
        print(line(race_object(found)))
        for lane in stands.lanes:
            print(line(lane_object(lane)))
    else:
        report(Console(), found, stands, folder)
    return 0


def summary(found: Race) -> str:
    """A race in one line: what it varied, on what, and what became of it."""
    sides = " · ".join(variant.label for variant in found.plan.variants)
    words = [
        f"{found.plan.variants[each.variant].label} {verdict_text(each.verdict)} ({interval_text(each)})"
        for each in primary(found.results)
    ]
    return f"{found.status:<11} {found.text}  {sides}  {'; '.join(words) or 'no seed is complete'}"


def report(console: Console, found: Race, stands: Standing, folder: Path) -> None:
    """The variants by their loss, each with what is known of its difference from the first."""
    from engine.race.statistics.conditions import confounds

    plan, results = found.plan, stands.results
    if not console.is_terminal:
        console.width = sys.maxsize // 2
    became = f"{found.status}: {found.says}" if found.says else found.status
    console.print(Text(visible(f"{_about(found)}: {became}", lines=False), style="bold"), soft_wrap=True)
    console.print(_table(plan, stands))
    for measure in ("chars", "updates", "seconds"):
        others = [each for each in results if each.measure == measure and each not in primary(results)]
        for each in others:
            label = plan.variants[each.variant].label
            words = f"at equal {MEASURED_IN[measure]} {label}: {interval_text(each)} → {each.verdict}"
            console.print(Text(visible(words, lines=False)), soft_wrap=True)
    for sentence in confounds(plan, stands.lanes):
        console.print(Text(visible(sentence, lines=False), style="dim"), soft_wrap=True)
    for sentence in limits(found, stands, folder):
        console.print(Text(visible(sentence, lines=False), style="dim"), soft_wrap=True)


def _about(found: Race) -> str:
    return f"{found.name}  {found.text}  {conditions_text(found.plan)}"


def _table(plan: Plan, stands: Standing) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for title in ("variant", "loss", f"against {visible(plan.variants[0].label, lines=False)}", "verdict", "seeds"):
        table.add_column(title, overflow="fold")
    for each in ranked(plan, stands):
        if each.variant == 0:
            against, verdict = Text("–"), Text("what the others are compared with", style="dim")
        elif each.found is not None:
            against, word = Text(interval_text(each.found)), each.found.verdict
            verdict = Text(verdict_text(word), style=VERDICT_COLOURS[word])
        else:
            against, verdict = Text("–"), Text(verdict_text(UNDECIDED), style=VERDICT_COLOURS[UNDECIDED])
        label = Text(visible(each.label, lines=False))
        table.add_row(label, Text(each.loss_text), against, verdict, Text(each.seeds_text))
    return table


class _Json:
    """An object a line: the race, each lane as it goes on, and the race again with its verdict."""

    def __init__(self) -> None:
        self._told: dict[tuple[int, int], Lane] = {}

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def loading(self, what: str, share: float) -> None:
        """Nobody reads how far loading is."""

    def begin(self, found: Race, _place: str, _size: int) -> None:
        """Print the plan."""
        print(line(race_object(found)), flush=True)

    def show(self, stands: Standing) -> None:
        """Print what is new."""
        for lane in stands.lanes:
            key = lane.variant, lane.replicate
            if self._told.get(key) != lane:
                self._told[key] = lane
                print(line(lane_object(lane)), flush=True)

    def end(self, found: Race, _stands: Standing, _folder: Path) -> None:
        """Print what was found."""
        print(line({**race_object(found), "event": "end"}), flush=True)


class _Bars:
    """A bar for each variant on standard error, and the report on standard output."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[numbers]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._tasks: list[TaskID] = []
        self._plan: Plan | None = None
        self._pairs = -1
        self._loading: TaskID | None = None

    def __enter__(self) -> None:
        self._progress.start()
        self._loading = self._progress.add_task("loading", total=None, numbers="")

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def loading(self, what: str, _share: float) -> None:
        """What is done before the race."""
        if self._loading is not None:
            self._progress.update(self._loading, description=visible(what, lines=False))

    def begin(self, found: Race, place: str, size: int) -> None:
        """A bar for each variant."""
        from engine.race.statistics.standing import fewest_seeds

        self._plan = found.plan
        if self._loading is not None:
            self._progress.remove_task(self._loading)
        self._say(f"{_about(found)}: {'begins' if found.status == QUEUED else 'goes on'}, {size} at once ({place})")
        if found.plan.seeds < (fewest := fewest_seeds(found.plan)):
            self._say(
                f"{len(found.plan.variants)} variants take {fewest} seeds at least for a verdict: "
                f"--seeds {found.plan.seeds} will say how it looks, and no more"
            )
        for variant in found.plan.variants:
            name = visible(variant.label, lines=False)
            self._tasks.append(self._progress.add_task(name, total=1, numbers="waits"))

    def show(self, stands: Standing) -> None:
        """How far the seed is that each variant trains, and what is known."""
        if self._plan is None:
            return
        results = {each.variant: each for each in primary(stands.results)}
        for variant, task in enumerate(self._tasks):
            mine = [lane for lane in stands.lanes if lane.variant == variant]
            if not mine:
                continue
            lane = next((lane for lane in mine if not lane.done), mine[-1])
            loss = nats(lane.rungs[-1].loss) if lane.rungs else "–"
            numbers = f"seed {lane.replicate + 1}  loss {lane.broken or loss}"
            if variant in results:
                numbers += f"  {results[variant].verdict} ({interval_text(results[variant])})"
            self._progress.update(task, completed=lane.share, numbers=visible(numbers, lines=False))
        pairs = min((each.pairs for each in results.values()), default=0)
        if pairs != self._pairs and results:
            self._pairs = pairs
            words = (f"{self._plan.variants[key].label}: {interval_text(each)}" for key, each in results.items())
            if not self._console.is_terminal:
                self._say(f"after {pairs} seed{'s' if pairs != 1 else ''}  {'; '.join(words)}")

    def end(self, found: Race, stands: Standing, folder: Path) -> None:
        """The report."""
        report(Console(), found, stands, folder)

    def _say(self, text: str) -> None:
        self._console.print(Text(visible(text, lines=False)), soft_wrap=True)
