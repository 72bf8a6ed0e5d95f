"""Faults in how a program carries a state from window to window, as its text shows them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from engine.diagnosis.loops.fault import Fault
from engine.diagnosis.loops.reading import called, functions, has_backward, names_in, nodes, site_of, within
from engine.events import Cause, Severity, Site

DRAWS = re.compile(r"multinomial|argmax|choice\(|\.sample\(|topk")
"""The functions that choose the next character of a text."""

STATE = re.compile(r"h|hs|hx|hn|h_n|hid|hidden\w*|states?|new_\w+|memory")
"""Names of what a recurrent network carries."""


def faults_of(file: str, text: str) -> Iterator[tuple[Fault, Site]]:
    """The faults that a file or cell shows, each with its line."""
    for line, loader, state in over_shuffled(text):
        yield _shuffled(loader, state), site_of(file, text, line)
    for line, state, new in not_kept(text):
        yield _not_kept(state, new), site_of(file, text, line)
    for line, kept in half_kept(text):
        yield _half_kept(kept), site_of(file, text, line)
    for line, state in written_without(text):
        yield _written_without(state), site_of(file, text, line)
    for line, check, state in left_behind(text):
        yield _left_behind(check, state), site_of(file, text, line)


def over_shuffled(text: str) -> Iterator[tuple[int, str, str]]:
    """The lines that give the state of one batch to the next, where batches come in a random order.

    Returns:
        The line, the loader, and the state.
    """
    shuffled = {
        ast.unparse(target).rpartition(".")[2]
        for made in nodes(text)
        if isinstance(made, ast.Assign) and isinstance(made.value, ast.Call) and called(made.value) == "DataLoader"
        for target in made.targets
        if any(each.arg == "shuffle" and ast.unparse(each.value) == "True" for each in made.value.keywords)
    }
    for loop in [each for each in nodes(text) if isinstance(each, ast.For) and has_backward(each)]:
        loader = _goes_through(loop)
        if loader not in shuffled:
            continue
        for call, state in _carried(loop):
            yield call.lineno, loader, state


def not_kept(text: str) -> Iterator[tuple[int, str, str]]:
    """The lines that read one window of several with a state from before all of them, and drop what they return.

    Returns:
        The line, the state, and the name of the one that is dropped.
    """
    for scope in [each for each in nodes(text) if isinstance(each, ast.Module | ast.FunctionDef)]:
        for loop in [each for each in within(scope) if isinstance(each, ast.For) and _cuts_windows(each)]:
            assigned = {ast.unparse(each) for node in within(loop) for each in _targets(node)}
            loaded = [
                each.id for each in ast.walk(loop) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)
            ]
            for node in within(loop):
                match node:
                    case ast.Assign(
                        targets=[ast.Tuple(elts=[_, ast.Name(id=new)])],
                        value=ast.Call(args=[_, ast.expr() as given, *_]),
                    ):
                        state = _plain(given)
                        begun = any(state in map(ast.unparse, _targets(each)) for each in within(scope))
                        if state and begun and state not in assigned and new not in loaded:
                            yield node.lineno, state, new
                    case _:
                        continue


def half_kept(text: str) -> Iterator[tuple[int, str]]:
    """The lines in a loop that give a cell a pair of states and keep one of those that it returns; with the other."""
    for loop in [each for each in nodes(text) if isinstance(each, ast.For)]:
        assigned = {ast.unparse(each) for node in within(loop) for each in _targets(node)}
        for node in within(loop):
            match node:
                case ast.Assign(
                    targets=[ast.Tuple(elts=[ast.Name(id=first), ast.Name()])],
                    value=ast.Call(args=[_, ast.Tuple(elts=[ast.Name(id=state), ast.Name(id=other)])]),
                ) if first == state and other not in assigned:
                    yield node.lineno, other
                case _:
                    continue


def written_without(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a loop that writes a text and gives the network no state, though it returns one; with its name."""
    for function in functions(text):
        loaded = {
            each.id for each in ast.walk(function) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)
        }
        for loop in [each for each in within(function) if isinstance(each, ast.For | ast.While)]:
            if has_backward(loop) or not DRAWS.search(ast.unparse(loop)):
                continue
            for node in within(loop):
                match node:
                    case ast.Assign(
                        targets=[ast.Tuple(elts=[_, ast.Name(id=state)])], value=ast.Call(args=[_], keywords=[])
                    ) if STATE.fullmatch(state) and state not in loaded:
                        yield node.lineno, state
                    case _:
                        continue


def left_behind(text: str) -> Iterator[tuple[int, str, str]]:
    """The lines between two windows that measure with a model which keeps its state, and leave another state in it.

    Returns:
        The line, what is called there, and the state.
    """
    states = {
        ast.unparse(target)
        for method in functions(text)
        if method.name == "forward"
        for node in within(method)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if ast.unparse(target).startswith("self.") and _reads(method, target)
    }
    if not states:
        return
    checks = {each.name for each in functions(text) if _only_measures(each, states)}
    for loop in [each for each in nodes(text) if isinstance(each, ast.For | ast.While)]:
        direct = [each for each in loop.body if not isinstance(each, ast.For | ast.While)]
        trains = any(has_backward(each) for each in direct)
        if not trains or any("reset" in ast.unparse(each) or "state" in _set_in(each) for each in direct):
            continue
        for statement in direct:
            for node in ast.walk(statement):
                if isinstance(node, ast.Call) and called(node) in checks:
                    yield node.lineno, called(node), min(states).removeprefix("self.")


def _goes_through(loop: ast.For) -> str:
    """The last name of what a loop goes through, `enumerate` and progress bars left out."""
    through = loop.iter
    while isinstance(through, ast.Call) and through.args:
        through = through.args[0]
    return ast.unparse(through).rpartition(".")[2]


def _carried(loop: ast.For) -> Iterator[tuple[ast.Assign, str]]:
    """The calls in a loop that are given a state which they, or what is made of their result, set for the next one."""
    inside = [each for each in within(loop) if isinstance(each, ast.Assign)]
    for call in inside:
        match call:
            case ast.Assign(targets=[ast.Tuple(elts=[_, target])], value=ast.Call(args=[_, ast.expr() as given, *_])):
                state, new = _plain(given), ast.unparse(target)
                sets = [each for each in inside if state in map(ast.unparse, _targets(each))]
                others = [each for each in sets if each is not call and new not in ast.unparse(each.value)]
                if state and not others and (state == new or any(each is not call for each in sets)):
                    yield call, state
            case _:
                continue


def _cuts_windows(loop: ast.For) -> bool:
    """Whether a loop takes stretches of sequences one after the other: its variable begins a slice of a later axis."""
    if not isinstance(loop.target, ast.Name):
        return False
    for node in ast.walk(loop):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
            for axis in node.slice.elts[1:]:
                if isinstance(axis, ast.Slice) and axis.lower is not None and loop.target.id in names_in(axis.lower):
                    return True
    return False


def _plain(given: ast.expr) -> str:
    """The name of a state, with or without a `detach`; empty where it is anything else."""
    match given:
        case ast.Call(func=ast.Attribute(attr="detach", value=value), args=[]):
            given = value
        case _:
            pass
    return ast.unparse(given) if isinstance(given, ast.Name | ast.Attribute) else ""


def _targets(node: ast.AST) -> list[ast.expr]:
    """The targets of a statement, the parts of a tuple one by one."""
    if not isinstance(node, ast.Assign):
        return []
    return [part for each in node.targets for part in (each.elts if isinstance(each, ast.Tuple) else [each])]


def _reads(method: ast.FunctionDef, state: ast.expr) -> bool:
    """Whether a method gives a state to what it calls."""
    return any(
        isinstance(each, ast.Call) and ast.unparse(state) in map(ast.unparse, each.args) for each in within(method)
    )


def _only_measures(function: ast.FunctionDef, states: set[str]) -> bool:
    """Whether a function computes without gradient, and begins with a fresh state that it does not give back."""
    words = ast.unparse(function)
    if ("no_grad" not in words and "inference_mode" not in words) or has_backward(function):
        return False
    kept = any(each.removeprefix("self") in words for each in states)
    return "reset" in words and not kept


def _set_in(statement: ast.stmt) -> str:
    """The attributes that a statement assigns to."""
    return " ".join(ast.unparse(each) for each in _targets(statement) if isinstance(each, ast.Attribute))


def _shuffled(loader: str, state: str) -> Fault:
    return Fault(
        Cause.STATE_OF_ANOTHER_TEXT,
        f"`{loader}` shuffles, so that the batch before has other sequences: `{state}` tells of those.",
        "output, hidden = model(x)  # without a state; or shuffle=False, and windows that follow each other",
        Severity.WARNING,
        least=1,
        line="",
    )


def _not_kept(state: str, new: str) -> Fault:
    return Fault(
        Cause.STATE_THROWN_AWAY,
        f"Each window begins with `{state}` from before the first one, and `{new}` is used nowhere: nothing that was "
        "read before is known.",
        f"{state} = {new}.detach()  # after the step",
        least=1,
        line="",
    )


def _half_kept(kept: str) -> Fault:
    return Fault(
        Cause.STATE_THROWN_AWAY,
        f"The cell returns two states, and `{kept}` is given back to it as it was at the beginning: what an LSTM "
        "remembers for long is lost at each step.",
        f"h, {kept} = cell(x, (h, {kept}))",
        least=1,
        line="",
    )


def _written_without(state: str) -> Fault:
    return Fault(
        Cause.STATE_THROWN_AWAY,
        f"`{state}` is not given to the next call: each character is written as if none had been before it.",
        f"logits, {state} = model(x, {state})",
        Severity.WARNING,
        least=1,
        line="",
    )


def _left_behind(check: str, state: str) -> Fault:
    return Fault(
        Cause.STATE_OF_ANOTHER_TEXT,
        f"`{check}()` reads other sequences between two windows and leaves its state in `{state}`: the next window "
        "goes on from there.",
        f"kept = model.{state}; {check}(); model.{state} = kept",
        Severity.WARNING,
        least=1,
        line="",
    )
