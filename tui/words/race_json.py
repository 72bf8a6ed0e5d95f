"""Races as JSON objects."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from engine.events import HUGE
from engine.race.plan import Plan
from engine.race.result import Comparison, Lane
from engine.race.store import Race


def race_object(found: Race) -> dict[str, Any]:
    """A race as a JSON object."""
    return {
        "event": "race",
        "race": found.name,
        "text": found.text,
        "digest": found.digest,
        "created": found.created,
        "status": found.status,
        "says": found.says,
        "plan": found.plan.plain(),
        "results": [result_object(found.plan, each) for each in found.results],
    }


def result_object(plan: Plan, found: Comparison) -> dict[str, Any]:
    """A comparison as a JSON object; `HUGE` stands for infinity, which JSON lacks."""
    bounds = {name: max(-HUGE, min(HUGE, getattr(found, name))) for name in ("estimate", "low", "high")}
    labels = {"variant": plan.variants[found.variant].label, "against": plan.variants[0].label}
    return {**asdict(found), **bounds, **labels}


def lane_object(lane: Lane) -> dict[str, Any]:
    """A lane as a JSON object."""
    return {"event": "lane", **asdict(lane)}
