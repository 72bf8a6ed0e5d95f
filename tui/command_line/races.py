"""`charrnn-tui races`: the lab's races, or one of them with its verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from engine.lab import Lab
from engine.race.plan import Plan
from engine.race.result import Verdict
from engine.race.statistics.sentence import primary
from engine.race.store import Race, Races
from tui.command_line.output import one_line, standard_output
from tui.words.json_lines import line
from tui.words.race_json import lane_object, race_object
from tui.words.races import MEASURED_IN, VERDICT_COLOURS, conditions_text, interval_text, limits, ranked, verdict_text
from tui.words.safe_text import visible

if TYPE_CHECKING:
    from engine.race.statistics.standing import Standing


def list_races(folder: Path, *, as_json: bool) -> int:
    """Print every race of the lab, oldest first; return the exit code."""
    with Lab.open_existing(folder) as lab:
        found = Races(lab).all()
    if as_json:
        for each in found:
            print(line(race_object(each)))
        return 0
    console = standard_output()
    for each in found:
        console.print(one_line(f"{each.name:<5} {summary(each)}"), soft_wrap=True)
    return 0


def show_race(folder: Path, key: str, *, as_json: bool) -> int:
    """Print one race: its variants, its results so far, and its limits; return the exit code."""
    from engine.race.lanes import stored_lane
    from engine.race.statistics.standing import standing

    with Lab.open_existing(folder) as lab:
        found = Races(lab).get(key)
        lanes = [stored_lane(lab, found.plan, run) for run in lab.runs.of_race(found.number)]
    stands = standing(found.plan, lanes)
    if as_json:
        print(line(race_object(found)))
        for lane in stands.lanes:
            print(line(lane_object(lane)))
    else:
        report(found, stands, folder)
    return 0


def summary(found: Race) -> str:
    """A race in one line: its status, text, variants and verdicts."""
    sides = " · ".join(variant.label for variant in found.plan.variants)
    words = [
        f"{found.plan.variants[each.variant].label} {verdict_text(each.verdict)} ({interval_text(each)})"
        for each in primary(found.results)
    ]
    return f"{found.status:<11} {found.text}  {sides}  {'; '.join(words) or 'no seed is complete'}"


def report(found: Race, stands: Standing, folder: Path) -> None:
    """Print the variants, ordered by loss, with what is known of their differences from the first."""
    from engine.race.statistics.conditions import confounds

    plan, results = found.plan, stands.results
    console = standard_output()
    became = f"{found.status}: {found.says}" if found.says else found.status
    console.print(one_line(f"{about(found)}: {became}", "bold"), soft_wrap=True)
    console.print(_table(plan, stands))
    for measure in ("chars", "updates", "seconds"):
        others = [each for each in results if each.measure == measure and each not in primary(results)]
        for each in others:
            label = plan.variants[each.variant].label
            words = f"at equal {MEASURED_IN[measure]} {label}: {interval_text(each)} → {each.verdict}"
            console.print(one_line(words), soft_wrap=True)
    for sentence in confounds(plan, stands.lanes):
        console.print(one_line(sentence, "dim"), soft_wrap=True)
    for sentence in limits(found, stands, folder):
        console.print(one_line(sentence, "dim"), soft_wrap=True)


def about(found: Race) -> str:
    """A race in a few words: its text, how its variants begin, and how long they train."""
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
            against, verdict = (
                Text("–"),
                Text(verdict_text(Verdict.UNDECIDED), style=VERDICT_COLOURS[Verdict.UNDECIDED]),
            )
        label = one_line(each.label)
        table.add_row(label, Text(each.loss_text), against, verdict, Text(each.seeds_text))
    return table
