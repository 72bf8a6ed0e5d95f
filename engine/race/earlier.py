"""The races that other sessions have left in the lab."""

from __future__ import annotations

from engine.lab import Lab
from engine.race.lanes import stored_lane
from engine.race.result import RaceStatus
from engine.race.store import Races
from engine.race.view import RaceView

MOST = 4
"""How many are looked up, the last ones."""


def earlier(lab: Lab, digest: str) -> list[RaceView]:
    """The last races of a text that no process runs, oldest first; what was interrupted is stopped.

    Raises UserError where the lab fails.
    """
    races = [race for race in Races(lab).all() if race.digest == digest and race.status != RaceStatus.RUNNING]
    views = []
    for race in races[-MOST:]:
        lanes = tuple(stored_lane(lab, race.plan, run) for run in lab.runs.of_race(race.number))
        status = race.status if race.status.is_over else RaceStatus.STOPPED
        views.append(RaceView(race.number, race.plan, status, race.says, lanes, race.results, own=False))
    return views
