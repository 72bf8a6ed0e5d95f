"""Lanes as the lab stores them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from engine.budget import Position
from engine.events import Note, NoteKind, Point, RunStatus, Stored, Validation
from engine.lab import Lab, Run
from engine.race.ladder import share
from engine.race.plan import Plan
from engine.race.result import Lane, Rung


def stored_lane(lab: Lab, plan: Plan, run: Run) -> Lane:
    """A race's run as a lane; raises UserError where the lab fails, ValueError where the run is part of no race."""
    return lane_of(plan, run, lab.events.all(run))


def lane_of(plan: Plan, run: Run, events: Sequence[Stored]) -> Lane:
    """The lane of a race's run, from the run's events; raises ValueError where the run belongs to no race."""
    if run.race is None:
        raise ValueError(f"{run.name} is part of no race")
    points = [event for event in events if isinstance(event, Point)]
    validations = [event for event in events if isinstance(event, Validation)]
    broken = ""
    if run.status is RunStatus.NOT_FINITE:
        broken = next(
            (event.text for event in events if isinstance(event, Note) and event.kind is NoteKind.NOT_FINITE), "?"
        )
    rungs = rungs_of(plan, points, validations)
    last = points[-1] if points else None
    now = Position() if last is None else relative(plan, last.update, last.chars, last.seconds)
    done = 1.0 if run.status is RunStatus.DONE else min(share(plan, now), 0.999)
    return Lane(run.race.variant, run.race.replicate, run.name, done, rungs, broken, mean_rate(points))


def rungs_of(plan: Plan, points: list[Point], validations: list[Validation]) -> tuple[Rung, ...]:
    """The rungs of a lane: each validation loss, with the seconds of the point that was made at the same update."""
    seconds = {point.update: point.seconds for point in points}
    return tuple(rung(plan, each, seconds[each.update]) for each in validations if each.update in seconds)


def rung(plan: Plan, validation: Validation, seconds: float) -> Rung:
    """The rung of one validation loss, counted from the lane's start."""
    place = relative(plan, validation.update, validation.chars, seconds)
    return Rung(place.updates, place.chars, seconds, validation.loss)


def relative(plan: Plan, update: int, chars: int, seconds: float) -> Position:
    """The position of `update` and `chars` counted from the lane's start instead of the run's."""
    origin = plan.origin
    return Position(update - (origin.update if origin else 0), chars - (origin.chars if origin else 0), seconds)


def mean_rate(points: list[Point]) -> float:
    """The mean effective learning rate over all updates, clipping included; 0 without any update."""
    return fmean((point.rate_used for point in points), [point.updates for point in points]) if points else 0.0
