"""The command line's options, made from the descriptions of the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from engine.schedule import BUDGETS, Budget
from engine.settings import PRESETS, Setting, Settings, settings

Command = TypeVar("Command", bound=Callable[..., Any])

COMPUTE = ("dtype", "threads", "device")
"""The settings that may be others when a run goes on, since they belong to the machine."""


def training(command: Command) -> Command:
    """Every hyperparameter, and `--preset` and `--name`."""
    for described in reversed(list(settings())):
        command = _setting_option(described)(command)
    command = click.option("--name", metavar="NAME", help="The run's name; made from the text's name by default.")(
        command
    )
    return click.option(
        "--preset",
        type=click.Choice(list(PRESETS)),
        default="standard",
        show_default=True,
        help="Streams, BPTT length and targets that go together; each option overrides it.",
    )(command)


def compute(command: Command) -> Command:
    """Where and how a run that goes on computes."""
    for described in reversed([described for described in settings() if described.name in COMPUTE]):
        command = _setting_option(described, default="as before")(command)
    return command


def session(command: Command) -> Command:
    """The lab, the budgets and how often a checkpoint is written."""
    command = click.option(
        "--checkpoint-every",
        type=click.IntRange(min=1),
        metavar="UPDATES",
        help="Updates between two automatic checkpoints; every half minute by default.",
    )(command)
    command = click.option(
        "--seconds", type=float, metavar="N", help="End after so many seconds of training in this process."
    )(command)
    command = click.option(
        "--chars", type=int, metavar="N", help="End after so many characters since the run's start."
    )(command)
    command = click.option("--updates", type=int, metavar="N", help="End after so many updates since the run's start.")(
        command
    )
    return lab(command)


def lab(command: Command) -> Command:
    """The lab's folder."""
    return click.option(
        "--lab",
        type=click.Path(path_type=Path),
        default=Path("charrnn-lab"),
        show_default=True,
        metavar="DIR",
        help="The folder that keeps runs, checkpoints and hypotheses.",
    )(command)


def read_settings(preset: str, given: Mapping[str, Any]) -> Settings:
    """The settings of a preset, and what was given over it; raises UserError where a value is out of range."""
    changes: dict[str, Any] = dict(PRESETS[preset])
    chosen = replace(Settings(), **changes)
    for described in settings():
        if (text := given.get(described.name)) is not None:
            chosen = chosen.with_text(described.name, text)
    return chosen


def read_budget(given: Mapping[str, Any]) -> Budget:
    """The budget that was given; raises UserError where it is no positive number."""
    return Budget(**{name: given[name] for name in BUDGETS})


def _setting_option(described: Setting, default: str = "") -> Callable[[Command], Command]:
    unit = f" ({described.unit})" if described.unit else ""
    shown = default or Settings().write(described.name)
    return click.option(
        described.option,
        described.name,
        metavar=described.name.split("_")[-1].upper(),
        help=f"{described.help} Expects {described.kind.expects}{unit}.  [default: {shown}]",
    )
