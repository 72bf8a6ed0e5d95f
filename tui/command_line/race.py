"""`charrnn-tui race`: run a race to its verdict, and show its progress."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from engine.errors import UserError
from engine.race.plan import Plan
from engine.race.result import Lane, RaceStatus
from engine.race.statistics.sentence import primary
from engine.race.store import Race, Races
from tui.command_line.races import about, report
from tui.preferences.notifications import Notifier, Occasion, Wishes, verdict_in_words
from tui.terminal import complain, on_signals, ring
from tui.words.json_lines import line
from tui.words.numbers import nats
from tui.words.race_json import lane_object, race_object
from tui.words.races import interval_text
from tui.words.safe_text import visible
from tui.words.shell_commands import command_line

if TYPE_CHECKING:
    from engine.race.opening import NewRace, ResumedRace
    from engine.race.statistics.standing import Standing


def race(
    task: NewRace | ResumedRace, folder: Path, wishes: Wishes, *, on: str, workers: int | None, as_json: bool
) -> int:
    """Run a race to its verdict, and notify of it as wished; return the exit code.

    Raises UserError where the race cannot begin or go on.
    """
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
                raise UserError(f"{error}; `{goes_on}` continues it") from error
        found = Races(opened.lab).get(opened.race.name)
    shown.end(found, stands, folder)
    if found.status is RaceStatus.DONE:
        Notifier(wishes, ring, complain).tell(
            Occasion.VERDICT, found.name, verdict_in_words(found.name, found.plan, stands.results)
        )
    return 128 + stopped[0] if stopped else 0


class _Json:
    """Prints one object per line: the race, each lane that has advanced, and the race again with its verdict."""

    def __init__(self) -> None:
        self._told: dict[tuple[int, int], Lane] = {}

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def loading(self, what: str, share: float) -> None:
        """Print nothing: JSON has no object for the progress of loading."""

    def begin(self, found: Race, _place: str, _size: int) -> None:
        """Print the plan."""
        print(line(race_object(found)), flush=True)

    def show(self, stands: Standing) -> None:
        """Print the lanes that have changed."""
        for lane in stands.lanes:
            key = lane.variant, lane.replicate
            if self._told.get(key) != lane:
                self._told[key] = lane
                print(line(lane_object(lane)), flush=True)

    def end(self, found: Race, _stands: Standing, _folder: Path) -> None:
        """Print the race with its results."""
        print(line({**race_object(found), "event": "end"}), flush=True)


class _Bars:
    """Shows a bar for each variant on standard error, and prints the report on standard output."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[numbers]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_interactive,
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
        """Show the current activity before the race begins."""
        if self._loading is not None:
            self._progress.update(self._loading, description=visible(what, lines=False))

    def begin(self, found: Race, place: str, size: int) -> None:
        """Say what is raced, and add a bar for each variant."""
        from engine.race.statistics.standing import fewest_seeds

        self._plan = found.plan
        if self._loading is not None:
            self._progress.remove_task(self._loading)
        begins = "begins" if found.status is RaceStatus.QUEUED else "continues"
        self._say(f"{about(found)}: {begins}, {size} at once ({place})")
        if found.plan.seeds < (fewest := fewest_seeds(found.plan)):
            self._say(
                f"{len(found.plan.variants)} variants need at least {fewest} seeds for a verdict: "
                f"with --seeds {found.plan.seeds} the race stays undecided"
            )
        for variant in found.plan.variants:
            name = visible(variant.label, lines=False)
            self._tasks.append(self._progress.add_task(name, total=1, numbers="waits"))

    def show(self, stands: Standing) -> None:
        """Show how far the current seed of each variant is, and the results so far."""
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
            if not self._console.is_interactive:
                self._say(f"after {pairs} seed{'s' if pairs != 1 else ''}  {'; '.join(words)}")

    def end(self, found: Race, stands: Standing, folder: Path) -> None:
        """Print the report."""
        report(found, stands, folder)

    def _say(self, text: str) -> None:
        self._console.print(Text(visible(text, lines=False)), soft_wrap=True)
