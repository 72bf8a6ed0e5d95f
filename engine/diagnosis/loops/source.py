"""The faults that the text of a program shows by itself."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TypeGuard

from engine.diagnosis.loops.fault import Fault
from engine.diagnosis.loops.reading import is_method, nodes, scopes, site_of, within
from engine.events import Cause, Severity, Site

NEEDS_A_CALL = ("zero_grad", "step", "backward", "eval", "train")
"""Methods that do nothing unless they are called."""


OPTIMISER = r"\boptim\.\w+\(|\b(Adam|AdamW|SGD|RMSprop|Adagrad|NAdam|Adadelta)\("

RELATIONS: Mapping[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}

SELDOM = 0.55
"""The share of the passes that make an update above which a random choice leaves nearly all."""

SPLITS = ("random_split", "train_test_split")
"""Functions that split data in two."""

LINES: Mapping[Cause, str] = {
    Cause.DOUBLE_SOFTMAX: r"\bsoftmax\(|\bSoftmax\(|\blog_softmax\(|\bLogSoftmax\(|\bsigmoid\(|\bSigmoid\(",
    Cause.TRAINING_IN_EVAL_MODE: r"\.eval\(\)",
    Cause.OTHER_PARAMETERS: OPTIMISER,
    Cause.IN_NO_OPTIMIZER: OPTIMISER,
    Cause.OPTIMIZER_ANEW: OPTIMISER,
    Cause.ZEROED_BEFORE_STEP: r"\.zero_grad\(",
    Cause.BATCH_TAKEN_FOR_TIME: r"\bnn\.(RNN|GRU|LSTM)\(|\.view\(",
    Cause.LAYER_REPEATED: r"\] \* ",
}
"""A pattern for the line that is to be changed, where that is not the line in which a fault shows."""


def line_to_change(fault: Fault, file: str, text: str, names: str = "") -> Site | None:
    """The only line of a program that is to be changed for a fault to be gone; None where several may be, or none.

    Args:
        fault: the fault.
        file, text: a file of the program.
        names: the names of parameters that it is about, or nothing.
    """
    pattern = LINES.get(fault.cause) if fault.line is None else fault.line
    if fault.cause is Cause.NO_GRADIENT and names:
        layer = names.partition(",")[0].rpartition(".")[0].partition(".")[0]
        pattern = rf"\b{re.escape(layer)} = " if layer else None
    if not pattern:
        return None
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if re.search(pattern, _code(line))]
    return Site(file, lines[0][0], lines[0][1].strip()) if len(lines) == 1 else None


def _code(line: str) -> str:
    """A line without its comment."""
    return line.partition("#")[0]


def faults_of(file: str, text: str) -> Iterator[tuple[Fault, Site]]:
    """The faults that a file or cell shows, each with its line."""
    for site in dropped_detaches(file, text):
        yield _dropped(site), site
    for site, numbers in random_intervals(file, text):
        yield _at_random(numbers), site
    for site in not_called(file, text):
        yield _not_called(site), site
    for site, total, loss in losses_kept(file, text):
        yield _kept(total, loss), site
    for site, loss in last_losses(file, text):
        yield _last(loss), site
    for site, name in weights_not_copied(file, text):
        yield _not_copied(name), site
    for site, name in names_not_weights(file, text):
        yield _name_only(name), site
    for site in objects_repeated(file, text):
        yield _repeated(site), site
    for site, part, whole in splits_not_used(file, text):
        yield _not_used(part, whole), site


def dropped_detaches(file: str, text: str) -> Iterator[Site]:
    """The statements of a program that call `detach` and drop its result; none where the text cannot be read."""
    for node in nodes(text):
        match node:
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="detach"), args=[])):
                yield site_of(file, text, node.lineno)
            case _:
                continue


def random_intervals(file: str, text: str) -> Iterator[tuple[Site, int]]:
    """The conditions that let a random number decide about an update, and of how many numbers one makes it.

    `random.randint(0, 10)` draws from eleven numbers: both ends are included, unlike elsewhere.
    """
    known = {
        target.id: node.value.value
        for node in nodes(text)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in nodes(text):
        match node:
            case ast.If(
                test=ast.Compare(
                    left=ast.Call(
                        func=ast.Attribute(attr="randint", value=ast.Name(id="random")) | ast.Name(id="randint"),
                        args=[ast.Constant(value=int(low)), ast.Constant(value=int(high))],
                    ),
                    ops=[relation],
                    comparators=[against],
                ),
                body=body,
            ):
                value = known.get(against.id) if isinstance(against, ast.Name) else getattr(against, "value", None)
                compare = RELATIONS.get(type(relation))
                if compare is None or not isinstance(value, int | float):
                    continue
                share = sum(compare(each, value) for each in range(low, high + 1)) / (high - low + 1)
                if isinstance(body[-1], ast.Continue):
                    share = 1 - share
                elif not any(_updates(each) for each in body):
                    continue
                if 0 < share < SELDOM:
                    yield site_of(file, text, node.lineno), round(1 / share)
            case _:
                continue


def _updates(node: ast.AST) -> bool:
    """Whether a statement makes a backward pass or a step."""
    return any(isinstance(each, ast.Attribute) and each.attr in ("backward", "step") for each in ast.walk(node))


def not_called(file: str, text: str) -> Iterator[Site]:
    """The statements that name a method and do not call it, such as `optimizer.zero_grad`."""
    for node in nodes(text):
        match node:
            case ast.Expr(value=ast.Attribute(attr=name)) if name in NEEDS_A_CALL:
                # Several statements may stand in the line.
                yield replace(site_of(file, text, node.lineno), code=ast.unparse(node))
            case _:
                continue


def losses_kept(file: str, text: str) -> Iterator[tuple[Site, str, str]]:
    """The statements that add a loss with its graph to a sum, whose own gradient nobody asks for.

    Returns:
        The line, the name of the sum, and that of the loss.
    """
    for scope in scopes(text):
        parts = list(within(scope))
        roots = {ast.unparse(each.value) for each in parts if is_method(each, "backward")}
        plain = {
            ast.unparse(target)
            for each in parts
            if isinstance(each, ast.Assign) and ".item()" in ast.unparse(each.value)
            for target in each.targets
        }
        makers = {
            ast.unparse(each.value.func)
            for each in parts
            if isinstance(each, ast.Assign) and isinstance(each.value, ast.Call)
            for target in each.targets
            if ast.unparse(target) in roots
        }
        if any(isinstance(each, ast.With) and "no_grad" in ast.unparse(each.items[0]) for each in parts):
            makers = set()  # It is not known here what stands within it.
        for node in parts:
            match node:
                case ast.AugAssign(target=total, op=ast.Add(), value=ast.Name(id=loss)) if (
                    loss in roots - plain and ast.unparse(total) not in roots
                ):
                    yield site_of(file, text, node.lineno), ast.unparse(total), loss
                case ast.Expr(
                    value=ast.Call(func=ast.Attribute(attr="append", value=kept), args=[ast.Name(id=loss)])
                ) if loss in roots - plain and not _is_added_up(parts, ast.unparse(kept), roots):
                    yield site_of(file, text, node.lineno), ast.unparse(kept), loss
                case ast.Expr(
                    value=ast.Call(func=ast.Attribute(attr="append", value=kept), args=[ast.Call() as made])
                ) if ast.unparse(made.func) in makers and not _is_added_up(parts, ast.unparse(kept), roots):
                    yield site_of(file, text, node.lineno), ast.unparse(kept), ast.unparse(made)
                # A sum of such losses is kept where it is added to a list.
                case ast.AugAssign(target=ast.Name(id=total), op=ast.Add(), value=ast.Call() as made) if (
                    ast.unparse(made.func) in makers and total not in roots | plain
                ):
                    for line in _kept_in_list(parts, total):
                        yield site_of(file, text, line), total, f"{ast.unparse(made)}"
                # A smoothed loss is a sum as well.
                case ast.Assign(targets=[ast.Name(id=total)], value=value) if total not in roots | plain:
                    names = {each.id for each in ast.walk(value) if isinstance(each, ast.Name)}
                    plainly = any(words in ast.unparse(value) for words in (".item()", "float(", ".detach()", ".data"))
                    if total in names and (losses := names & (roots - plain)) and not plainly:
                        yield site_of(file, text, node.lineno), total, min(losses)
                case _:
                    continue


def _kept_in_list(parts: list[ast.AST], total: str) -> Iterator[int]:
    """The lines that add a value to a list as it is."""
    for node in parts:
        match node:
            case ast.Call(func=ast.Attribute(attr="append"), args=[ast.Name(id=name)]) if name == total:
                yield node.lineno
            case _:
                continue


def _is_added_up(parts: list[ast.AST], kept: str, roots: set[str]) -> bool:
    """Whether a list of losses becomes one whose gradient is asked for."""
    return any(
        isinstance(each, ast.Assign) and kept in ast.unparse(each.value) and roots & {*map(ast.unparse, each.targets)}
        for each in parts
    ) or any(kept in root for root in roots)


def last_losses(file: str, text: str) -> Iterator[tuple[Site, str]]:
    """The statements in a loop that assign a loss anew, of which only the last one's gradient is asked for after it."""
    for scope in scopes(text):
        for loop in [each for each in within(scope) if isinstance(each, ast.For)]:
            inside = list(within(loop))
            asked = {ast.unparse(each.value) for each in inside if is_method(each, "backward")}
            outside = [each for each in within(scope) if each not in inside and is_method(each, "backward")]
            after = {ast.unparse(each.value) for each in outside if each.lineno > (loop.end_lineno or 0)} - asked
            for node in inside:
                match node:
                    case ast.Assign(targets=[ast.Name(id=loss)], value=ast.Call()) if loss in after:
                        uses = [each for each in inside if isinstance(each, ast.Name) and each.id == loss]
                        if len(uses) == 1:
                            yield site_of(file, text, node.lineno), loss
                    case _:
                        continue


def weights_not_copied(file: str, text: str) -> Iterator[tuple[Site, str]]:
    """The statements in a loop that keep a model's weights and do not copy them, which are loaded after the loop.

    `state_dict` returns the very tensors that the next update changes.
    """
    for scope in scopes(text):
        loads = [each for each in within(scope) if _is_load(each)]
        for loop in [each for each in within(scope) if isinstance(each, ast.For | ast.While)]:
            for node in within(loop):
                match node:
                    case ast.Assign(
                        targets=[ast.Name(id=name)], value=ast.Call(func=ast.Attribute(attr="state_dict"), args=[])
                    ) if any(
                        each.lineno > (loop.end_lineno or 0) and ast.unparse(each.args[0]) == name for each in loads
                    ):
                        yield site_of(file, text, node.lineno), name
                    case _:
                        continue


def names_not_weights(file: str, text: str) -> Iterator[tuple[Site, str]]:
    """The statements in a loop over weights that give a weight's name to a new tensor, which nothing uses.

    `p = p - rate * p.grad` leaves the weight as it was; `p -= rate * p.grad` changes it.
    """
    for loop in [each for each in nodes(text) if isinstance(each, ast.For)]:
        names = {each.id for each in ast.walk(loop.target) if isinstance(each, ast.Name)}
        inside = list(within(loop))
        for node in inside:
            match node:
                case ast.Assign(
                    targets=[ast.Name(id=name)], value=ast.BinOp(left=ast.Name(id=left), op=ast.Sub() | ast.Add())
                ) if name == left and name in names and _is_of_gradients(loop, name):
                    later = [each for each in inside if isinstance(each, ast.Name) and each.id == name]
                    if all(each.lineno <= node.lineno for each in later):
                        yield site_of(file, text, node.lineno), name
                case _:
                    continue


def _is_of_gradients(loop: ast.For, name: str) -> bool:
    """Whether a loop uses the gradient of what has this name."""
    return any(is_method(each, "grad") and ast.unparse(each.value) == name for each in ast.walk(loop))


def objects_repeated(file: str, text: str) -> Iterator[Site]:
    """The lists that hold one network several times, as `[Network()] * 5` does."""
    own = {
        each.name
        for each in nodes(text)
        if isinstance(each, ast.ClassDef) and any("Module" in ast.unparse(base) for base in each.bases)
    }
    for statement in [each for each in nodes(text) if isinstance(each, ast.Assign | ast.Return | ast.Expr)]:
        for node in ast.walk(statement):
            match node:
                case ast.BinOp(left=ast.List(elts=[ast.Call(func=made)]), op=ast.Mult()) if ast.unparse(
                    made
                ) in own or ast.unparse(made).startswith(("nn.", "torch.nn.")):
                    yield site_of(file, text, statement.lineno)
                case _:
                    continue


def splits_not_used(file: str, text: str) -> Iterator[tuple[Site, str, str]]:
    """The lines that use all data after it was split, where the first part of the split is used nowhere.

    Returns:
        The line, the name of the part, and that of the whole.
    """
    names = [each for each in nodes(text) if isinstance(each, ast.Name)]
    loaded = {each.id for each in names if isinstance(each.ctx, ast.Load)}
    for statement in [each for each in nodes(text) if isinstance(each, ast.Assign)]:
        parts = _split(statement)
        if parts is None or parts[0] in loaded or parts[1] not in loaded:
            continue
        part, _, whole = parts
        inside = {id(each) for each in ast.walk(statement)}
        later = [
            each
            for each in names
            if each.id == whole
            and isinstance(each.ctx, ast.Load)
            and id(each) not in inside
            and each.lineno > statement.lineno
        ]
        calls = [each for each in nodes(text) if isinstance(each, ast.Call) and "DataLoader" in ast.unparse(each.func)]
        used = [each for each in later if any(each in ast.walk(call) for call in calls)] or later
        if used:
            yield Site(file, used[0].lineno, text.splitlines()[used[0].lineno - 1].strip()), part, whole


def _split(statement: ast.Assign) -> tuple[str, str, str] | None:
    """The names of the first part, of the second, and of the whole, where a statement splits data in two."""
    match statement:
        case ast.Assign(
            targets=[ast.Tuple(elts=[ast.Name(id=part), ast.Name(id=other)])],
            value=ast.Call(func=function, args=[ast.Name(id=whole), *_]),
        ) if ast.unparse(function).rpartition(".")[2] in SPLITS:
            return part, other, whole
        case ast.Assign(
            targets=[ast.Tuple(elts=[ast.Name(id=part), ast.Name(id=other)])],
            value=ast.Tuple(
                elts=[
                    ast.Subscript(value=ast.Name(id=whole), slice=ast.Slice(lower=None, upper=end)),
                    ast.Subscript(value=ast.Name(id=rest), slice=ast.Slice(lower=begin, upper=None)),
                ]
            ),
        ) if whole == rest and end is not None and begin is not None and ast.unparse(end) == ast.unparse(begin):
            return part, other, whole
        case _:
            return None


def _is_load(node: ast.AST) -> TypeGuard[ast.Call]:
    """Whether this calls `load_state_dict` with something."""
    return isinstance(node, ast.Call) and is_method(node.func, "load_state_dict") and bool(node.args)


def _dropped(site: Site) -> Fault:
    name = site.code.partition(".detach")[0].strip()
    return Fault(
        Cause.DETACH_DROPPED,
        f"`{site.code}` changes nothing: detach returns a new tensor, and this line drops it. The old one keeps its "
        "graph, and the next backward pass goes back into the windows before.",
        f"{name} = {name}.detach()  # an LSTM's: {name} = tuple(each.detach() for each in {name})",
        least=1,
    )


def _at_random(numbers: int) -> Fault:
    return Fault(
        Cause.RANDOM_INTERVAL,
        f"An update is made at one pass in {numbers:,}, since so many numbers are drawn from. The passes in between "
        "are wasted, unless their losses are added up.",
        "an update at every pass; a window of random length where that is what is meant",
        Severity.NOTE,
        least=1,
    )


def _not_called(site: Site) -> Fault:
    return Fault(
        Cause.NOT_CALLED,
        f"`{site.code}` names a method and does not call it: nothing happens.",
        f"{site.code}()",
        least=1,
    )


def _last(loss: str) -> Fault:
    return Fault(
        Cause.SPARSE_TARGETS,
        f"`{loss}` is assigned anew at each step, and its gradient is asked for after the last: the losses of all "
        "other steps are dropped.",
        f"{loss} = 0 before the loop, and in it: {loss} += criterion(…)",
        Severity.WARNING,
        least=1,
    )


def _kept(total: str, loss: str) -> Fault:
    return Fault(
        Cause.LOSSES_KEPT,
        f"`{total}` grows by losses with their graphs, so that memory grows with each update and nothing of it is let "
        "go.",
        f"{total} += {loss}.item()",
        Severity.WARNING,
        least=1,
    )


def _not_copied(name: str) -> Fault:
    return Fault(
        Cause.WEIGHTS_NOT_COPIED,
        f"`{name}` is no copy: state_dict returns the very weights that go on being trained. What is loaded after the "
        "loop is what the last update has left.",
        f"{name} = copy.deepcopy(model.state_dict())",
        Severity.WARNING,
        least=1,
    )


def _name_only(name: str) -> Fault:
    return Fault(
        Cause.STEP_NEVER_CALLED,
        f"This makes a new tensor and calls it `{name}`: the weight itself is not changed, and nothing is learnt.",
        f"{name} -= …  # in place; or {name}.copy_(…)",
        least=1,
    )


def _repeated(site: Site) -> Fault:
    return Fault(
        Cause.LAYER_REPEATED,
        f"`{site.code}` makes one network, and a list in which it stands several times.",
        "[make() for _ in range(n)]",
        Severity.WARNING,
        least=1,
    )


def _not_used(part: str, whole: str) -> Fault:
    return Fault(
        Cause.VALIDATION_TRAINED,
        f"`{whole}` is all data, the validation part included; `{part}`, which was made to train on, is used nowhere. "
        "The validation loss then says nothing of other data, and cannot show overfitting.",
        f"{part} instead of {whole}",
        Severity.WARNING,
        least=1,
    )
