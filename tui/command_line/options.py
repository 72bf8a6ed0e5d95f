"""The command line's arguments and options, made from the descriptions of the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from charrnn.watching import LAB_VARIABLE
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from engine.budget import BUDGETS, Budget
from engine.errors import UserError
from engine.questions.question import ALL, QUESTIONS, find
from engine.settings import (
    PRESETS,
    Choice,
    Kind,
    Number,
    Setting,
    Settings,
    Value,
    knobs,
    read_value,
    setting,
    settings,
)
from engine.text import made
from tui.export.targets import TARGETS
from tui.words.shell_commands import DEFAULT_LAB

if TYPE_CHECKING:
    from tui.preferences.notifications import Wishes

    ParamType = click.ParamType[Any]
else:
    # In the oldest versions of click that are supported, this class takes no type argument.
    ParamType = click.ParamType

Command = TypeVar("Command", bound=Callable[..., Any])


class Missing(Enum):
    """The value of an option that was not given. None will not do: it is a value, such as clipping that is off."""

    MISSING = "missing"


MISSING = Missing.MISSING

COMPUTE = ("dtype", "threads", "device")
"""The settings that may change when a run is resumed, because they belong to the machine."""

ASKED = (
    "cell",
    "hidden",
    "layers",
    "embedding",
    "encoding",
    "vocabulary",
    "streams",
    "bptt",
    "targets",
    "clip",
    "optimizer",
    "lr",
    "warmup",
    "weight_decay",
    "seed",
)
"""The settings that the user may choose for a question's experiment. An experiment may override them."""


class ValueType(ParamType):
    """A value of a kind that settings have. It is read, refused and completed in the same way."""

    name = "value"

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def convert(self, value: Any, param: click.Parameter | None, _ctx: click.Context | None) -> Any:
        """The value; raises UserError where the text is not of this kind."""
        option = param.opts[-1] if param is not None else self.name
        return read_value(option, self.kind, value) if isinstance(value, str) else value

    def shell_complete(self, _ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The words that the value may be."""
        return _beginning(_words(self.kind), incomplete)


class TextName(ParamType):
    """A text file, or the name of a built-in text."""

    name = "text"

    def convert(self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None) -> str:
        """The text's name; raises UserError where it is empty."""
        if not value:
            raise UserError(f"TEXT is empty: name a file, or one of {', '.join(made.NAMES)}")
        return str(value)

    def shell_complete(self, _ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The built-in texts, and the files in this folder."""
        return complete_text(incomplete)


class RunName(ParamType):
    """A run's name or number; with `files` also a checkpoint file, and with `races` also a race's name."""

    name = "run"

    def __init__(self, *, files: bool, races: bool = False) -> None:
        self._files, self._races = files, races

    def convert(self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None) -> str:
        """The name; raises UserError where it is empty."""
        if not value:
            raise UserError("RUN is empty: name a run, as `charrnn-tui runs` lists them")
        return str(value)

    def shell_complete(self, ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The lab's runs and races, and the checkpoint files in this folder."""
        folder = ctx.params.get("lab") or DEFAULT_LAB
        items = _beginning([*_runs(folder), *(_race_names(folder) if self._races else ())], incomplete)
        if not self._files:
            return items
        items += _beginning((path for path in _paths(incomplete) if path.endswith(".safetensors")), incomplete)
        return items or [CompletionItem(incomplete, type="file")]


class QuestionName(ParamType):
    """The name of one of the eight questions, or `all`."""

    name = "question"

    def convert(self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None) -> str:
        """The name; raises UserError where there is no such question."""
        find(str(value))
        return str(value)

    def shell_complete(self, _ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The questions."""
        return _beginning([*(question.name for question in QUESTIONS), ALL], incomplete)


class Folder(ParamType):
    """A folder, which need not exist yet."""

    name = "folder"

    def convert(self, value: Any, param: click.Parameter | None, _ctx: click.Context | None) -> Path:
        """The folder's path; raises UserError where it is empty."""
        if not str(value):
            raise UserError(f"{param.opts[-1] if param is not None else self.name} '': expected a folder's name")
        return Path(value)

    def shell_complete(self, _ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The existing folders, which the shell completes itself."""
        return [CompletionItem(incomplete, type="dir")]


def training(command: Command) -> Command:
    """Add every hyperparameter, `--preset` and `--name`."""
    return hyperparameters(run_name(command))


def hyperparameters(command: Command) -> Command:
    """Add every hyperparameter and `--preset`."""
    for described in reversed(list(settings())):
        command = _setting_option(described)(command)
    return value(
        "--preset",
        Choice(tuple(PRESETS)),
        "standard",
        "Settings that belong together; other options override them. quality takes ten minutes and more.",
        metavar="PRESET",
    )(command)


def asking(command: Command) -> Command:
    """Add the hyperparameters that the user may choose for a question's experiment."""
    for described in reversed([described for described in settings() if described.name in ASKED]):
        command = _setting_option(described, default="chosen by the question")(command)
    return command


def run_name(command: Command) -> Command:
    """Add `--name`, the name of a new run."""
    return click.option("--name", metavar="NAME", help="The run's name; made from the text's name by default.")(command)


def forking(command: Command) -> Command:
    """Add `--set` and `--name`: the settings that a fork overrides, and its name."""
    return click.option(
        "--set",
        "knobs",
        multiple=True,
        metavar="KNOB=VALUE",
        help="Set a hyperparameter before the first update, such as lr=0.001; may be given several times.",
        shell_complete=lambda _ctx, _param, incomplete: _beginning(
            (f"{described.name}=" for described in knobs()), incomplete
        ),
    )(run_name(command))


def going_on(command: Command) -> Command:
    """Add `--headless`, `--json`, `--text`, and the settings that may change when a run is resumed."""
    for described in reversed([described for described in settings() if described.name in COMPUTE]):
        command = _setting_option(described, default="as before")(command)
    command = click.option("--text", type=TextName(), metavar="TEXT", help="Where the text is now, if it has moved.")(
        command
    )
    command = click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object per line, without the console."
    )(command)
    return click.option("--headless", is_flag=True, help="Without the console.")(command)


def session(command: Command) -> Command:
    """Add `--lab`, the budgets and `--checkpoint-every`."""
    command = value(
        "--checkpoint-every",
        BUDGETS["updates"],
        None,
        "Updates between two automatic checkpoints; every half minute by default.",
        metavar="UPDATES",
    )(command)
    for name, ends in reversed(
        {
            "updates": "N updates since the run's start",
            "chars": "N characters since the run's start",
            "seconds": "N seconds of training in this process",
        }.items()
    ):
        command = value(f"--{name}", BUDGETS[name], None, f"End after {ends}.")(command)
    return notify(lab(command))


def notify(command: Command) -> Command:
    """Add `--notify`, which is given to the command as what the user wants to be told, and how."""
    return click.option(
        "--notify/--no-notify",
        default=None,
        callback=_read_wishes,
        help="Ring on a finding, a verdict and the end; [notify] in a settings file is the default, and has commands.",
    )(command)


def _read_wishes(ctx: click.Context, _param: click.Parameter, asked: bool | None) -> Wishes:
    from tui.preferences.notifications import read_wishes

    return read_wishes(ctx.find_root().obj.preferences, asked)


def racing(command: Command) -> Command:
    """Add the budgets of a race's variants, `--min-effect` and `--seeds`."""
    from engine.race.plan import CHARS, EFFECT_KIND, MIN_EFFECT, SEEDS, SEEDS_KIND

    for name, ends in reversed(
        {
            "updates": "Train each variant for N updates.",
            "chars": f"Train each variant on N characters; {CHARS:,} where no end is given.",
            "seconds": "Train each variant for N seconds.",
        }.items()
    ):
        command = value(f"--{name}", BUDGETS[name], None, ends)(command)
    command = value("--min-effect", EFFECT_KIND, MIN_EFFECT, "The smallest difference in loss that matters.")(command)
    return value("--seeds", SEEDS_KIND, SEEDS, "The most networks of each variant; fewer if the verdict is clear.")(
        command
    )


def sampling(command: Command) -> Command:
    """Add the options of writing: `--chars`, `--prime`, `--seed`, and how characters are drawn."""
    temperature, seed = setting("temperature"), setting("seed")
    for name in ("min_p", "top_p", "top_k"):
        command = value(setting(name).option, setting(name).kind, Settings().value(name), setting(name).help)(command)
    command = value(seed.option, seed.kind, 0, "Seed of the random draws.")(command)
    command = click.option("--prime", default="", metavar="TEXT", help="The text that the network reads first.")(
        command
    )
    command = value(
        temperature.option, temperature.kind, 0.8, "How boldly it writes: 0 takes the likeliest character."
    )(command)
    return value("--chars", Number(1, 10_000_000, whole=True), 500, "How many characters to write.")(command)


def export_target(command: Command) -> Command:
    """Add `--to`, the form of an export."""
    return click.option(
        "--to",
        "target",
        type=ValueType(Choice(tuple(TARGETS))),
        required=True,
        metavar="TARGET",
        help="; ".join(f"{target.name}: {target.about}" for target in TARGETS.values()) + ".",
    )(command)


def lab(command: Command) -> Command:
    """Add `--lab`, the lab's folder."""
    return click.option(
        "--lab",
        type=Folder(),
        default=DEFAULT_LAB,
        envvar=LAB_VARIABLE,
        show_default=True,
        show_envvar=True,
        metavar="DIR",
        help="The folder that keeps runs, checkpoints and hypotheses.",
    )(command)


def value(option: str, kind: Kind, default: Any, help: str, metavar: str = "N") -> Callable[[Command], Command]:
    """A decorator that adds an option; its value is of `kind`, and `default` where it is not given."""
    return click.option(
        option,
        type=ValueType(kind),
        default=default,
        show_default=default is not None,
        metavar=metavar,
        help=f"{help} Expects {kind.expects}.",
    )


def read_settings(preset: str, given: Mapping[str, Any]) -> Settings:
    """The settings of a preset, overridden by the given ones; raises UserError where a value is out of range.

    A preset that was typed goes before the values of a settings file.
    """
    chosen = given_settings(given)
    if is_typed("preset"):
        chosen = {name: value for name, value in chosen.items() if name not in PRESETS[preset] or is_typed(name)}
    changes: dict[str, Any] = {**PRESETS[preset], **chosen}
    return replace(Settings(), **changes)


def is_typed(name: str) -> bool:
    """Whether an option of the command that runs stands on the command line, and is not of a settings file."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def given_settings(given: Mapping[str, Any]) -> dict[str, Value]:
    """The settings that were given, by their names."""
    names = (described.name for described in settings())
    return {name: given[name] for name in names if given.get(name, MISSING) is not MISSING}


def read_knobs(given: Sequence[str]) -> dict[str, Value]:
    """The values of knobs by name, from texts such as `lr=0.001`.

    Raises UserError where a name is no knob, or where a value is not allowed for its knob.
    """
    there = {described.name: described for described in knobs()}
    values: dict[str, Value] = {}
    for each in given:
        name, equals, text = each.partition("=")
        name = name.strip().lstrip("-").replace("-", "_")
        if not equals:
            raise UserError(f"--set {each}: expected KNOB=VALUE, such as lr=0.001")
        if name not in there:
            why = f"{name} cannot change while training" if name in _names() else f"there is no knob {name}"
            raise UserError(f"--set {each}: {why}; the knobs are {', '.join(there)}")
        values[name] = read_value(f"--set {name}", there[name].kind, text)
    return values


def read_budget(given: Mapping[str, Any]) -> Budget:
    """The budget that was given; an end that was typed goes before all those of a settings file."""
    typed = [name for name in BUDGETS if is_typed(name)]
    return Budget(**{name: given[name] for name in typed or BUDGETS})


def complete_text(incomplete: str, others: Sequence[CompletionItem] = ()) -> list[CompletionItem]:
    """The completions of a text's name; `others` are further words that may stand there."""
    words = [*others, *_beginning(made.NAMES, incomplete)]
    if not words:
        return [CompletionItem(incomplete, type="file")]
    # A shell that is given words completes no files by itself.
    known = {item.value for item in words}
    return words + [item for item in _beginning(_paths(incomplete), incomplete) if item.value not in known]


def _setting_option(described: Setting, default: str = "") -> Callable[[Command], Command]:
    unit = f" ({described.unit})" if described.unit else ""
    shown = default or Settings().write(described.name)
    return click.option(
        described.option,
        described.name,
        type=ValueType(described.kind),
        default=MISSING,
        metavar=described.name.split("_")[-1].upper(),
        help=f"{described.help} Expects {described.kind.expects}{unit}.  [default: {shown}]",
    )


def _names() -> list[str]:
    return [described.name for described in settings()]


def _words(kind: Kind) -> tuple[str, ...]:
    match kind:
        case Choice(words=words):
            return words
        case Number(word=word) if word:
            return (word,)
    return ()


def _beginning(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def _paths(incomplete: str) -> list[str]:
    """The files and folders in the folder that an incomplete path names, as complete paths."""
    head = incomplete[: incomplete.rfind("/") + 1]
    try:
        return sorted(f"{head}{path.name}{'/' if path.is_dir() else ''}" for path in Path(head or ".").iterdir())
    except OSError:
        return []


def _runs(folder: Path) -> list[str]:
    from engine.lab import Lab

    try:
        with Lab.open_existing(folder) as lab:
            return [run.name for run in lab.runs.standalone()]
    except UserError:
        return []


def _race_names(folder: Path) -> list[str]:
    from engine.lab import Lab
    from engine.race.store import Races

    try:
        with Lab.open_existing(folder) as lab:
            return [race.name for race in Races(lab).all()]
    except UserError:
        return []
