"""The race that the command line asks for."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.budget import Budget
from engine.errors import UserError
from engine.race.opening import NewRace, ResumedRace
from engine.race.plan import CHARS, Plan, grid
from engine.settings import Settings, setting
from tui.command_line import options
from tui.command_line.newest import newest


def race_task(
    text: str | None,
    vary: Sequence[str],
    origin: str | None,
    resumed: str | None,
    lab: Path,
    given: Mapping[str, Any],
) -> NewRace | ResumedRace:
    """The race that the options describe; raises UserError where they describe none."""
    if resumed is not None:
        if vary or origin:
            raise UserError("--resume continues a race as it was planned: leave --vary and --from out")
        return ResumedRace(resumed, text)
    if not vary:
        raise UserError("nothing varies: name a setting and its values, as in --vary clip=1,off")
    if origin is not None:
        return _from_origin(origin, text, vary, lab, given)
    if text is None:
        raise UserError("TEXT is missing: name a file, - for standard input, or a built-in text")
    settings = options.read_settings(given["preset"], given)
    plan = _plan(settings, vary, given)
    return NewRace(plan, "stdin", sys.stdin.buffer.read()) if text == "-" else NewRace(plan, text)


def _from_origin(target: str, text: str | None, vary: Sequence[str], lab: Path, given: Mapping[str, Any]) -> NewRace:
    typed = filter(options.is_typed, options.given_settings(given))
    if others := [setting(name).option for name in typed]:
        raise UserError(f"--from uses the checkpoint's own settings: leave {others[0]} out, or vary it")
    start = newest(target, lab)
    return NewRace(_plan(start.state.settings, vary, given), text or start.origin.source, start=start)


def _plan(base: Settings, vary: Sequence[str], given: Mapping[str, Any]) -> Plan:
    budget = options.read_budget(given)
    return Plan(
        settings=base,
        variants=grid(vary),
        budget=Budget(chars=CHARS) if budget == Budget() else budget,
        seeds=given["seeds"],
        min_effect=given["min_effect"],
        anneal=given["anneal"],
    )
