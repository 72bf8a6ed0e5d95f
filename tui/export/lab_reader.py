"""Reads from the lab, and checks, the contents of an export: a run, or a race with all its runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from engine.diagnosis import watched
from engine.diagnosis.diagnosis import Diagnosis, diagnosed
from engine.diagnosis.watched import WatchedDiagnosis
from engine.errors import UserError
from engine.events import Change, Hypothesis, Point, Stored
from engine.lab import Lab, Run
from engine.race.lanes import lane_of
from engine.race.plan import Plan
from engine.race.result import Lane
from engine.race.statistics.standing import standing
from engine.race.store import Race, Races, race_number
from engine.settings import Settings, knob_named
from tui.export.race_data import RaceData
from tui.export.run_data import RunData

TYPES: Mapping[object, type | tuple[type, ...]] = {"int": int, "float": (int, float), "str": str, "bool": bool}


@dataclass(frozen=True, slots=True)
class Selection:
    """The run or the race that is exported.

    Attributes:
        name: the name of the run or race.
        identity: distinguishes it from others of the same name.
        runs: the run itself, or those of the race that have begun, ordered by variant and seed.
        race: the race; None for a run.
    """

    name: str
    identity: str
    runs: Sequence[RunData]
    race: RaceData | None


def find(lab: Lab, key: str) -> Selection:
    """A run by its name or number, or else a race by its name, such as `R3`.

    Raises UserError where there is neither, or where the lab is damaged.
    """
    if race_number(key) is not None and not _is_a_run(lab, key):
        race = Races(lab).get(key)
        runs, data = read_race(lab, race)
        return Selection(race.name, f"{race.created} {race.digest}", runs, data)
    run = read_run(lab, key)
    return Selection(run.run.name, f"{run.run.created} {run.run.digest}", [run], None)


def read_run(lab: Lab, key: str) -> RunData:
    """A run by its name or number; raises UserError as `find` does."""
    run = lab.runs.get(key)
    events = _events(lab, run)
    hypotheses = [each for each in lab.hypotheses.all() if each.run == run.name]
    tested = {each.race for each in hypotheses if each.race is not None}
    races = [_race_data(lab, race) for race in (Races(lab).all() if tested else ()) if race.number in tested]
    plan = Races(lab).get(f"R{run.race.race}").plan if run.race and run.parent else None
    return _run_data(lab, run, events, hypotheses, races, plan)


def read_race(lab: Lab, race: Race) -> tuple[list[RunData], RaceData]:
    """A race with its runs, ordered by variant and seed; raises UserError as `find` does."""
    runs = [(run, _events(lab, run)) for run in lab.runs.of_race(race.number)]
    data = _race_data(lab, race, runs)
    places = {lane.run: place for place, lane in enumerate(data.standing.lanes)}
    found = [_run_data(lab, run, events, [], [], race.plan) for run, events in runs if run.name in places]
    return sorted(found, key=lambda each: places[each.run.name]), data


def _run_data(
    lab: Lab,
    run: Run,
    events: Sequence[Stored],
    hypotheses: Sequence[Hypothesis],
    races: Sequence[RaceData],
    plan: Plan | None,
) -> RunData:
    _check(lab, f"run {run.name}", all(map(_is_whole, hypotheses)))
    settings = Settings.from_plain(run.settings)
    origin = plan.origin if plan else None
    diagnosis: Diagnosis | WatchedDiagnosis
    diagnosis = diagnosed(settings, events) if run.journal is None else watched.diagnosed(events)
    return RunData(run, settings, events, diagnosis.findings, diagnosis.judgements, hypotheses, races, origin)


def _race_data(lab: Lab, race: Race, runs: Sequence[tuple[Run, Sequence[Stored]]] | None = None) -> RaceData:
    """A race with its lanes, which are made from `runs`; without them, from the lab."""
    plan = race.plan
    hypotheses = [each for each in lab.hypotheses.all() if each.race == race.number]
    parts = [race, *plan.variants, *([plan.origin] if plan.origin else []), *hypotheses]
    _check(lab, f"race {race.name}", all(map(_is_whole, parts)))
    if runs is None:
        runs = [(run, _events(lab, run)) for run in lab.runs.of_race(race.number)]
    lanes = [lane_of(plan, run, events) for run, events in runs]
    _check(lab, f"race {race.name}", all(_can_race(plan, lane) for lane in lanes))
    return RaceData(race, standing(plan, lanes), hypotheses)


def _is_a_run(lab: Lab, key: str) -> bool:
    # A key such as `R3` is not a number, so only a run of that name can be meant.
    return any(run.name == key for run in lab.runs.outside_races())


def _events(lab: Lab, run: Run) -> list[Stored]:
    events = lab.events.all(run)
    parts = [run, *([run.race] if run.race else []), *events]
    _check(lab, f"run {run.name}", all(map(_is_whole, parts)) and _fit(run.matrix_names, events))
    return events


def _check(lab: Lab, what: str, right: bool) -> None:
    if not right:
        raise UserError(f"the lab {lab.folder} is damaged: what it holds of {what} cannot be what was stored")


def _can_race(plan: Plan, lane: Lane) -> bool:
    """Whether the plan has this lane, its losses were measured after its start, and it has one if it is done."""
    there = 0 <= lane.variant < len(plan.variants) and 0 <= lane.replicate < plan.seeds
    measured = all(rung.chars > 0 and rung.updates > 0 for rung in lane.rungs)
    return there and measured and (bool(lane.rungs) or bool(lane.broken) or not lane.done)


def _is_whole(row: Any) -> bool:
    """Whether every field has its type, which SQLite does not check, and whether a change's values fit its knob."""
    right = all(isinstance(getattr(row, each.name), TYPES.get(each.type, object)) for each in fields(row))
    return right and (not isinstance(row, Change) or _can_be(row))


def _can_be(change: Change) -> bool:
    """Whether both values of a change are allowed for its knob."""
    try:
        kind = knob_named(change.knob).kind
        kind.read(change.old)
        kind.read(change.new)
    except (UserError, ValueError):
        return False
    return True


def _fit(matrix_names: Sequence[str], events: Iterable[Stored]) -> bool:
    """Whether each point has a norm for each matrix."""
    return all(len(event.norms) == len(matrix_names) for event in events if isinstance(event, Point))
