"""The pages of the documentation that are written from the program's own tables, so that they cannot become stale."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

from engine.diagnosis.causes import CAUSES
from engine.events import Cause
from tui.command_line.cli import cli
from tui.console.keys import KEYS, Group, Key
from tui.words.causes import TITLES
from tui.words.glossary import TERMS, Term, find

FOLDER = Path(__file__).parents[2] / "docs"
RULES = Path(__file__).parents[2] / "engine" / "diagnosis"

WRITTEN_BY = "<!-- Written by `make pages` from {source}: change that, and not this page. -->"

SEEN: Mapping[Cause, str] = {
    Cause.LEARNING_RATE_TOO_HIGH: "The loss climbs on all text, or stays where it is although the gradients of "
    "different text agree; in the worst case it is above what letter frequencies give.",
    Cause.LEARNING_RATE_TOO_LOW: "The loss falls slowly and smoothly, and the gradient stays the same for very many "
    "updates.",
    Cause.CLIP_TOO_TIGHT: "Nearly every update is cut to almost nothing.",
    Cause.EXPLODING_GRADIENT: "The gradient is larger many characters back than at the character itself, or a single "
    "norm was huge at a usual learning rate.",
    Cause.VANISHING_GRADIENT: "A character within the window would help, the network does not use it, and hardly any "
    "gradient arrives there.",
    Cause.BPTT_TOO_SHORT: "A character before the beginning of the window would help, and the network does not use it.",
    Cause.SPARSE_TARGETS: "The loss is taken over the last character of each window alone.",
    Cause.DATA_SHIFT: "The training loss jumps at a place of the text, and text that was read before is predicted as "
    "well as ever; or the held-out end of the text is of another kind.",
    Cause.OVERFITTING: "The validation loss rises while the loss on text that was read before falls.",
    Cause.PLATEAU: "The loss stands still, although the text offers more; or weight decay takes back what is learnt.",
    Cause.SATURATED_UNITS: "Most units are at the end of their range, and were there from the beginning.",
    Cause.NUMERICAL_INSTABILITY: "The gradient is different from the gradient of the same window in float64.",
    Cause.NON_FINITE: "The loss or the gradient is infinite or nan. The update was not made, and the training waits.",
    Cause.NOISY_UPDATES: "The loss stands still, gradients of different text hardly agree, and steps are long; or much "
    "dropout makes the training loss far worse than the network is.",
    Cause.STUCK_AT_LETTER_FREQUENCIES: "The loss stays at what letter counts give, and predictions hardly depend on "
    "the text before them.",
}
"""Where each cause is seen, in words; its numbers come from the rules."""

CURES: Mapping[Cause, str] = {
    Cause.LEARNING_RATE_TOO_HIGH: "A tenth of the learning rate, or less where that is still above the optimiser's "
    "usual rate.",
    Cause.LEARNING_RATE_TOO_LOW: "Ten times the learning rate.",
    Cause.CLIP_TOO_TIGHT: "A bound at twice the usual size of the gradient.",
    Cause.EXPLODING_GRADIENT: "Clipping at 1; where the gradient is clipped already, a shorter window.",
    Cause.VANISHING_GRADIENT: "An LSTM instead of a tanh network; otherwise twice as many units. Neither can change "
    "while a network trains: it takes another run.",
    Cause.BPTT_TOO_SHORT: "A window that reaches that character.",
    Cause.SPARSE_TARGETS: "The loss over all characters.",
    Cause.DATA_SHIFT: "Nothing: the network is not at fault. Mix the text, or judge by another held-out part.",
    Cause.OVERFITTING: "More dropout. More text, or stopping where the validation loss is lowest, help too.",
    Cause.PLATEAU: "Less weight decay or dropout where that is much, a tenth of a rate that is far above the usual; "
    "otherwise a larger network, in another run.",
    Cause.SATURATED_UNITS: "Smaller initial weights or inputs, in another run. A rate three times as high may free the "
    "units.",
    Cause.NUMERICAL_INSTABILITY: "float32, in another run.",
    Cause.NON_FINITE: "`u` goes back to before the trouble. Then the old value of the knob that was raised; otherwise "
    "clipping at 1, or a tenth of the rate.",
    Cause.NOISY_UPDATES: "A tenth of the learning rate; less dropout where that makes the noise.",
    Cause.STUCK_AT_LETTER_FREQUENCIES: "Less weight decay or dropout where that is much; otherwise a learning rate "
    "nearer to the usual one.",
}
"""The change that tests each cause, in words; the rules choose its value."""


def causes_page() -> str:
    """Each cause of a finding: how it is seen, its numbers, its cure."""
    return "\n".join([*_causes()]).rstrip() + "\n"


def _causes() -> Iterator[str]:
    yield WRITTEN_BY.format(source="the engine's table of causes and its rules")
    yield ""
    yield "# The causes"
    yield ""
    yield (
        f"A finding names one of these {len(CAUSES)} causes. [How a finding comes about](diagnosis.md) has the "
        "thresholds of each rule and what they rest on; [Findings](findings.md) says what to do with one."
    )
    yield ""
    yield "| cause | in words |"
    yield "| --- | --- |"
    yield from (f"| [`{cause}`](#{cause}) | {TITLES[cause]} |" for cause in CAUSES)
    evidence = evidence_by_cause()
    for cause, description in CAUSES.items():
        yield from ("", f"## {cause}", "", f"**{TITLES[cause]}.** {description.means}", "")
        yield f"- **What is seen.** {SEEN[cause]}"
        yield f"- **Its cure.** {CURES[cause]}"
        if description.reference:
            yield f"- **Read more.** {description.reference}."
        yield from ("", "| its numbers | what it is | normal |", "| --- | --- | --- |")
        for name in evidence[cause]:
            yield _number(name)
    yield from ("", "Every other number on the screen is in [The numbers](numbers.md).")


def _number(name: str) -> str:
    term = find(name)
    shown = f"`{name.replace('_', ' ')}`"
    return f"| {shown} | {_cell(term.what)} | {_cell(term.normal)} |" if term else f"| {shown} | | |"


def evidence_by_cause() -> dict[Cause, tuple[str, ...]]:
    """The names of the numbers that the rules give as the evidence of each cause, in their order."""
    found: dict[Cause, dict[str, None]] = {cause: {} for cause in CAUSES}
    for file in sorted(RULES.glob("*.py")):
        if file.stem == "watched":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if _calls(node, "Symptom") and isinstance(node, ast.Call) and isinstance(node.args[0], ast.Attribute):
                names = [
                    keyword.arg
                    for each in ast.walk(node)
                    if isinstance(each, ast.Call) and _calls(each, "numbers")
                    for keyword in each.keywords
                ]
                found[Cause[node.args[0].attr]] |= dict.fromkeys(name for name in names if name is not None)
    return {cause: tuple(names) for cause, names in found.items()}


def _calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


# --- keys and numbers -------------------------------------------------------------------------------------------------


def keys_page() -> str:
    """Every key of the console."""
    lines = [
        WRITTEN_BY.format(source="the console's table of keys"),
        "",
        "# Keys",
        "",
        "`?` shows this table in the console, and searches it. `[keys]` in a settings file gives an action, by its "
        "name here, another key: see [Settings](settings.md#keys).",
    ]
    for group in Group:
        lines += ["", f"## {group}", "", "| key | name | what it does |", "| --- | --- | --- |"]
        lines += [f"| `{_shown(key)}` | {key.id} | {_cell(key.help)} |" for key in KEYS if key.group is group]
    lines += [
        "",
        "`tab` moves to the next pane, and `escape` leaves a dialog or a pane that fills the screen. In the loop of a "
        "[program of your own](watching.md#what-can-be-done) these keys do nothing: "
        + ", ".join(f"`{_shown(key)}`" for key in KEYS if not key.in_programs)
        + ".",
    ]
    return "\n".join(lines) + "\n"


def _shown(key: Key) -> str:
    """How a key is written where there is room."""
    return "space" if key.keys == "space" else key.shown


def numbers_page() -> str:
    """Every number on the screen."""
    lines = [
        WRITTEN_BY.format(source="the console's glossary"),
        "",
        "# The numbers",
        "",
        "`i` shows these explanations in the console, and begins with those of the pane that has the focus.",
        "",
        "| number | what it is | normal | otherwise |",
        "| --- | --- | --- | --- |",
        *(_term(term) for term in TERMS),
    ]
    return "\n".join(lines) + "\n"


def _term(term: Term) -> str:
    return f"| **{_cell(term.name)}** | {_cell(term.what)} | {_cell(term.normal)} | {_cell(term.do)} |"


# --- commands ---------------------------------------------------------------------------------------------------------


def commands_page() -> str:
    """Every command with its arguments and options, as `--help` has them."""
    lines = [
        WRITTEN_BY.format(source="the command line's own options"),
        "",
        "# Every command",
        "",
        "`charrnn-tui COMMAND --help` prints the same. [On the command line](command-line.md) says what they are for.",
        "",
        "| command | what it does |",
        "| --- | --- |",
        *(f"| [`{name}`](#{name}) | {_cell(_first(each))} |" for name, each in sorted(cli.commands.items())),
    ]
    for name, command in sorted(cli.commands.items()):
        lines += _command(name, command)
    return "\n".join(lines) + "\n"


def _command(name: str, command: click.Command) -> Iterator[str]:
    # With its parent: a command keeps the names of its help option from the first context that asks for them.
    context = click.Context(command, info_name=name, parent=click.Context(cli, **cli.context_settings))
    yield from ("", f"## {name}", "", "```")
    yield f"charrnn-tui {name} {' '.join(command.collect_usage_pieces(context))}"
    yield from ("```", "")
    yield re.sub(r"\n(?!\n)", " ", re.sub(r"\n{2,}", "\n\n", _help(command))).replace("\n ", "\n\n")
    rows = [each.get_help_record(context) for each in command.get_params(context) if isinstance(each, click.Option)]
    yield from ("", "| option | what it does |", "| --- | --- |")
    for row in rows:
        if row is not None:
            # An escaped bar within backticks is shown with its backslash by some readers.
            yield f"| <code>{html.escape(row[0]).replace('|', '&#124;')}</code> | {_cell(row[1])} |"


def _help(command: click.Command) -> str:
    return "\n".join(line.strip() for line in (command.help or "").strip().splitlines())


def _first(command: click.Command) -> str:
    return _help(command).split("\n\n")[0].replace("\n", " ")


def _cell(text: str) -> str:
    """A text that stands in a cell of a table."""
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()


PAGES: Mapping[str, Callable[[], str]] = {
    "causes.md": causes_page,
    "commands.md": commands_page,
    "keys.md": keys_page,
    "numbers.md": numbers_page,
}
"""Every generated page by the name of its file."""
