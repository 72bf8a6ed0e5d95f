"""Races that earlier sessions left in the lab."""

from __future__ import annotations

from engine.lab import Lab
from engine.race.lanes import stored_lane
from engine.race.result import RaceStatus
from engine.race.store import Races
from engine.race.view import RaceView

MOST = 4
"""The most races that are looked up: the latest ones."""


def earlier(lab: Lab, digest: str) -> list[RaceView]:
    """The latest races on the text with this digest, oldest first, without those that a process is running.

    A race that has not ended, because it was interrupted or never began, counts as stopped. Raises UserError where the
    lab fails.
    """
    races = [race for race in Races(lab).all() if race.digest == digest and race.status != RaceStatus.RUNNING]
    views = []
    for race in races[-MOST:]:
        lanes = tuple(stored_lane(lab, race.plan, run) for run in lab.runs.of_race(race.number))
        status = race.status if race.status.is_over else RaceStatus.STOPPED
        views.append(RaceView(race.number, race.plan, status, race.says, lanes, race.results, own=False))
    return views
