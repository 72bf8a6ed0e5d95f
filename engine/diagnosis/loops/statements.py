"""Faults that a few statements of a program show: schedules that look the wrong way, and tensors that are detached."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from engine.diagnosis.loops.fault import Fault
from engine.diagnosis.loops.reading import called, functions, has_backward, nodes, site_of
from engine.events import Cause, Severity, Site

HIGHER = frozenset(
    {"acc", "accuracy", "f1", "auc", "hits", "score", "precision", "recall", "bleu", "reward", "r2", "iou", "map"}
)
"""Words for what is the better the higher it is."""

LOWER = frozenset({"loss", "err", "error", "mse", "mae", "rmse", "perplexity", "ppl", "nll", "bpc", "cost"})
"""Words for what is the better the lower it is."""


def faults_of(file: str, text: str) -> Iterator[tuple[Fault, Site]]:
    """The faults that a file or cell shows, each with its line."""
    for line, mode, measured in plateaus(text):
        yield _plateau(mode, measured), site_of(file, text, line)
    for line, name in cut_states(text):
        yield _cut(name), site_of(file, text, line)


def plateaus(text: str) -> Iterator[tuple[int, str, str]]:
    """The lines at which a schedule that waits for a plateau is given what moves the other way.

    Returns:
        The line, the schedule's mode, and what it is given.
    """
    modes = {
        ast.unparse(target): _mode(node.value)
        for node in nodes(text)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        for target in node.targets
        if ast.unparse(node.value.func).endswith("ReduceLROnPlateau")
    }
    for node in nodes(text):
        match node:
            case ast.Call(func=ast.Attribute(attr="step", value=schedule), args=[ast.expr() as given, *_]) if (
                mode := modes.get(ast.unparse(schedule))
            ) is not None and isinstance(given, ast.Name | ast.Attribute | ast.Subscript):
                words = {*re.split(r"[^a-z0-9]+|_", ast.unparse(given).lower())}
                wrong, right = (HIGHER, LOWER) if mode == "min" else (LOWER, HIGHER)
                if words & wrong and not words & right:
                    yield node.lineno, mode, ast.unparse(given)
            case _:
                continue


def cut_states(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a function that detach a state at each single step of a sequence; with the state's name.

    A loop over stretches of several steps may cut it between them, and one with a condition now and then. It may be cut
    as well where there is no gradient, and where updates are made at each step.
    """
    # Other methods of a network may act, or write a text.
    others = {
        part.lineno
        for each in nodes(text)
        if isinstance(each, ast.ClassDef)
        for part in each.body
        if isinstance(part, ast.FunctionDef) and part.name != "forward"
    }
    for function in functions(text):
        words = ast.unparse(function)
        has_gradient = "no_grad" not in words and "inference_mode" not in words
        if function.lineno in others or has_backward(function) or not has_gradient:
            continue
        for loop in [each for each in ast.walk(function) if isinstance(each, ast.For)]:
            if _takes_single_steps(loop):
                yield from _cut_in(loop)


def detached_loss(text: str, line: int) -> tuple[int, str] | None:
    """The line that makes a loss from something detached, whose backward pass is the last before a line.

    Returns:
        The line, and the loss' name; None where nothing is detached.
    """
    parts = list(nodes(text))
    passes = [
        (each.lineno, each.func.value.id)
        for each in parts
        if isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr == "backward"
        and isinstance(each.func.value, ast.Name)
        and each.lineno <= line
    ]
    if not passes:
        return None
    last, loss = max(passes)
    made = [
        each
        for each in parts
        if isinstance(each, ast.Assign) and each.lineno < last and loss in map(ast.unparse, each.targets)
    ]
    newest = max(made, key=lambda each: each.lineno, default=None)
    return (newest.lineno, loss) if newest is not None and ".detach()" in ast.unparse(newest.value) else None


def evaluates(text: str, line: int) -> bool:
    """Whether a line stands in a function that brings a model into its evaluation mode before, and trains nothing."""
    around = [each for each in functions(text) if each.lineno <= line <= (each.end_lineno or each.lineno)]
    if not around or has_backward(inner := max(around, key=lambda each: each.lineno)):
        return False
    return any(
        isinstance(each, ast.Call) and called(each) == "eval" and not each.args and each.lineno <= line
        for each in ast.walk(inner)
    )


def detached_within(file: str, text: str) -> Site | None:
    """The only line of a `forward` that detaches what one of its modules returns, outside of any loop; else None."""
    lines = [
        node.lineno
        for method in functions(text)
        if method.name == "forward"
        for node in method.body
        if isinstance(node, ast.Assign) and ast.unparse(node.value).endswith(".detach()")
        if "self." in ast.unparse(node.value)
        and not any(ast.unparse(each).startswith("self.") for each in node.targets)
    ]
    return site_of(file, text, lines[0]) if len(lines) == 1 else None


def detached(file: str, text: str, line: int) -> tuple[Fault, Site] | None:
    """The fault that a loss is made from something detached, where none of an optimiser's parameters has a gradient."""
    if (found := detached_loss(text, line)) is None:
        return None
    place, loss = found
    site = site_of(file, text, place)
    fault = Fault(
        Cause.LOSS_WITHOUT_ITS_GRAPH,
        f"`{loss}` is made from a tensor that is detached in this line: its gradient ends there, and reaches none of "
        "the parameters that the step is to change.",
        site.code.partition("#")[0].strip().replace(".detach()", ""),
        line="",
    )
    return fault, site


def roots(file: str, text: str) -> Iterator[tuple[Fault, Site]]:
    """The only line that takes a square root of what may be 0, where its gradient is infinite; of several, none."""
    lines = {}
    for node in nodes(text):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sqrt":
            inside = node.args[0] if ast.unparse(node.func.value) == "torch" and node.args else node.func.value
            guarded = any(isinstance(each, ast.Add) for each in ast.walk(inside)) or "clamp" in ast.unparse(inside)
            if not guarded and ast.unparse(node.func.value) not in ("math", "np", "numpy"):
                lines[node.lineno] = ast.unparse(inside)
    if len(lines) == 1:
        ((line, under),) = lines.items()
        fault = Fault(
            Cause.NON_FINITE,
            f"This line takes the square root of `{under}`: where that is 0, the gradient is infinite, and what it is "
            "multiplied with makes it no number.",
            f"({under} + 1e-8).sqrt()",
            Severity.WARNING,
            least=1,
            line="",
        )
        yield fault, site_of(file, text, line)


def _mode(made: ast.expr) -> str:
    """The mode of a schedule that waits for a plateau; empty where it is not written there."""
    assert isinstance(made, ast.Call)
    given = [each.value for each in made.keywords if each.arg == "mode"] or made.args[1:2]
    if not given:
        return "" if any(each.arg is None for each in made.keywords) else "min"
    return str(given[0].value) if isinstance(given[0], ast.Constant) else ""


def _takes_single_steps(loop: ast.For) -> bool:
    """Whether a loop takes one step of a sequence at a time: by its number, or out of what `unbind` returns."""
    names = {each.id for each in ast.walk(loop.target) if isinstance(each, ast.Name)}
    if ".unbind(" in ast.unparse(loop.iter):
        return True
    for node in ast.walk(loop):
        if isinstance(node, ast.Subscript):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            if any(isinstance(each, ast.Name) and each.id in names for each in parts):
                return True
    return False


def _cut_in(loop: ast.For) -> Iterator[tuple[int, str]]:
    for statement in loop.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=made):
                alone = ast.unparse(made) == f"{name}.detach()" and _is_made_in(loop, name)
                if alone or (ast.unparse(made) != f"{name}.detach()" and _is_cut_off(made, name)):
                    yield statement.lineno, name
            case _:
                continue


def _is_cut_off(made: ast.expr, name: str) -> bool:
    """Whether a state is made of the one before, and only of that without its graph."""
    uses = [each for each in ast.walk(made) if isinstance(each, ast.Name) and each.id == name]
    return bool(uses) and len(uses) == ast.unparse(made).count(f"{name}.detach()")


def _is_made_in(loop: ast.For, name: str) -> bool:
    """Whether each pass of a loop makes a state out of the one before."""
    for each in loop.body:
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Call):
            targets = {one.id for target in each.targets for one in ast.walk(target) if isinstance(one, ast.Name)}
            given = {one.id for arg in each.value.args for one in ast.walk(arg) if isinstance(one, ast.Name)}
            if name in targets & given:
                return True
    return False


def _plateau(mode: str, measured: str) -> Fault:
    better = "higher" if mode == "min" else "lower"
    other = "max" if mode == "min" else "min"
    return Fault(
        Cause.RATE_GONE,
        f"The schedule is in its mode `{mode}`, and `{measured}` is the better the {better} it is: each improvement "
        "counts as none, and takes the learning rate away.",
        f'ReduceLROnPlateau(optimizer, mode="{other}")',
        Severity.WARNING,
        least=1,
        line="",
    )


def _cut(name: str) -> Fault:
    return Fault(
        Cause.BPTT_TOO_SHORT,
        f"`{name}` is detached at each step: the gradient goes back a single one, and what was read before it is not "
        "learnt to be kept.",
        f"{name}  # detach it between windows, and not within one",
        Severity.WARNING,
        least=1,
        line="",
    )
