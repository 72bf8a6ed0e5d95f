"""Faults in how a program makes its batches, as its text shows them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from engine.diagnosis.loops.fault import Fault
from engine.diagnosis.loops.reading import called, functions, has_backward, names_in, nodes, site_of, within
from engine.events import Cause, Severity, Site

TURNED = ("reverse", "reversed", "[::-1]", "flip", "insert(0", "appendleft")
"""The ways to bring a list that was made from its end into order."""

ORDERED = ("shuffle", "sampler")
"""The arguments with which each pass through a loader has another first batch."""

SORTS = frozenset({"sort", "argsort", "randperm", "permutation"})
"""Functions that return an order, or one beside what was sorted."""

DRAWS = ("randperm(", "permutation(", "shuffle(")

LABELS = re.compile(r"label|target|tag|class|^(y|ys|yb|lab|cls)$|^y_")
"""Names of what is to be predicted."""

IN_PLACE = frozenset({"add_", "mul_", "sub_", "div_", "normal_", "clamp_", "copy_", "fill_", "masked_fill_"})


def faults_of(file: str, text: str) -> Iterator[tuple[Fault, Site]]:
    """The faults that a file or cell shows, each with its line."""
    for node, loader in first_batches(text):
        yield _first(loader), site_of(file, text, node.lineno)
    for node in sorted_apart(text):
        yield _apart(ast.unparse(node.targets[0])), site_of(file, text, node.lineno)
    for line, name in left_in_order(text):
        yield _some(name), site_of(file, text, line)
    for line, name in order_of_some(text):
        yield _some(name), site_of(file, text, line)
    for line, first, other in mixed_apart(text):
        yield _mixed(first, other), site_of(file, text, line)
    for line, name in windows_split(text):
        yield _split(name), site_of(file, text, line)
    for line, name in changed_data(text):
        yield _changed(name), site_of(file, text, line)
    for line, name in never_turned(text):
        yield _backwards(name), site_of(file, text, line)


def first_batches(text: str) -> Iterator[tuple[ast.stmt, str]]:
    """The statements in a loop that take the first batch of a loader which gives the same one each time."""
    fixed = {
        ast.unparse(target).rpartition(".")[2]
        for made in nodes(text)
        if isinstance(made, ast.Assign) and isinstance(made.value, ast.Call) and called(made.value) == "DataLoader"
        for target in made.targets
        if not any(each.arg is None or ORDERED[0] in each.arg or ORDERED[1] in each.arg for each in made.value.keywords)
        and len(made.value.args) < 3  # the third is `shuffle`
    }
    for loop in [each for each in nodes(text) if isinstance(each, ast.For | ast.While)]:
        for statement in [each for each in within(loop) if isinstance(each, ast.Assign)]:
            match statement.value:
                case ast.Call(func=ast.Name(id="next"), args=[ast.Call(func=ast.Name(id="iter"), args=[loader])]):
                    name = ast.unparse(loader).rpartition(".")[2]
                    if name in fixed and has_backward(loop):
                        yield statement, name
                case _:
                    continue


def sorted_apart(text: str) -> Iterator[ast.Assign]:
    """The statements of a function that sort one part of each example of a batch, and leave another part as it was."""
    for function in functions(text):
        given = {each.arg for each in function.args.args}
        made = [each for each in within(function) if isinstance(each, ast.Assign)]
        parts = {id(each): _part_of(each.value, given) for each in made}
        for statement in made:
            match statement.value:
                case ast.Call(func=ast.Name(id="sorted"), args=[ast.ListComp() | ast.GeneratorExp() as part, *_]):
                    batch = _source(part, given)
                    others = [each for each in made if each is not statement and parts[id(each)] == batch]
                    if batch and others and not _sorts_again(function, statement):
                        yield statement
                case _:
                    continue


def left_in_order(text: str) -> Iterator[tuple[int, str]]:
    """The lines that take one part of a batch as it is, and others from the same batch sorted; with the part's name."""
    for function in functions(text):
        copies = {
            target.id: ast.unparse(node.value.args[0])
            for node in within(function)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and called(node.value) == "sorted"
            for target in node.targets
            if isinstance(target, ast.Name) and node.value.args and isinstance(node.value.args[0], ast.Name)
        }
        parts = [each for each in within(function) if isinstance(each, ast.ListComp | ast.GeneratorExp)]
        taken = {ast.unparse(each.generators[0].iter) for each in parts}
        for node in within(function):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                for part in [
                    each for each in ast.walk(node.value) if isinstance(each, ast.ListComp | ast.GeneratorExp)
                ]:
                    source = ast.unparse(part.generators[0].iter)
                    if any(copy != source == whole and copy in taken for copy, whole in copies.items()):
                        yield node.lineno, ast.unparse(node.targets[0])


def order_of_some(text: str) -> Iterator[tuple[int, str]]:
    """The lines that give back some parts of a batch in a new order and its labels in the old one, with their name."""
    for function in functions(text):
        orders: dict[str, set[str]] = {}
        for node in within(function):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and called(node.value) in SORTS:
                made = names_in(ast.Tuple(elts=node.targets))
                orders |= dict.fromkeys(made, made)
        for node in within(function):
            match node:
                case ast.Return(value=ast.Tuple(elts=parts)) | ast.Yield(value=ast.Tuple(elts=parts)):
                    used = {
                        each.slice.id
                        for each in parts
                        if isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Name)
                    } & orders.keys()
                    left = [each.id for each in parts if isinstance(each, ast.Name) and LABELS.search(each.id)]
                    assigned = {name for order in used for name in orders[order]}
                    for name in left:
                        if used and name not in assigned and not _is_reordered(function, name, used):
                            yield node.lineno, name
                case _:
                    continue


def mixed_apart(text: str) -> Iterator[tuple[int, str, str]]:
    """The lines that bring two things into two random orders, each of its own; with their names."""
    drawing = {
        each.name
        for each in functions(text)
        if len(each.args.args) == 1
        and any(words in ast.unparse(each) for words in DRAWS)
        and "seed" not in ast.unparse(each)
    }
    for scope in [each for each in nodes(text) if isinstance(each, ast.Module | ast.FunctionDef | ast.For)]:
        before: tuple[int, str] | None = None
        for statement in scope.body:
            mixed = _mixed_in(statement, drawing)
            if len(mixed) > 1:
                yield statement.lineno, mixed[0], mixed[1]
            elif mixed and before is not None and before[1] != mixed[0] and LABELS.search(mixed[0]):
                yield statement.lineno, before[1], mixed[0]
            before = (statement.lineno, mixed[0]) if len(mixed) == 1 else None


def windows_split(text: str) -> Iterator[tuple[int, str]]:
    """The lines that share out at random windows of one series which overlap, with their name."""
    for scope in [each for each in nodes(text) if isinstance(each, ast.Module | ast.FunctionDef)]:
        parts = list(within(scope))
        windows = {name for loop in parts if isinstance(loop, ast.For) for name in _overlapping(loop)}
        for node in parts:  # What is made of them, in the order of the text.
            if isinstance(node, ast.Assign) and windows & names_in(node.value) and not _makes_model(node.value):
                windows |= names_in(ast.Tuple(elts=node.targets))
        for node in parts:
            match node:
                case ast.Assign(targets=[ast.Name(id=order)], value=ast.Call() as drawn) if called(drawn) in (
                    "randperm",
                    "permutation",
                ) and windows & names_in(drawn):
                    words = ast.unparse(scope)
                    if re.search(rf"\b{order}\[:[^\]]+\]", words) and re.search(rf"\b{order}\[[^\]:]+:\]", words):
                        yield node.lineno, min(windows & names_in(drawn))
                case ast.Assign(value=ast.Call() as split) if (
                    called(split) in ("random_split", "train_test_split")
                    and windows & names_in(split)
                    and "shuffle=False" not in ast.unparse(split)
                ):
                    yield node.lineno, min(windows & names_in(split))
                case _:
                    continue


def _overlapping(loop: ast.For) -> Iterator[str]:
    """The lists to which a loop adds a window of a series at each of its places."""
    match loop:
        case ast.For(target=ast.Name(id=place), iter=ast.Call(func=ast.Name(id="range"), args=[*ends])) if (
            len(ends) < 3
        ):
            for node in within(loop):
                match node:
                    case ast.Call(
                        func=ast.Attribute(attr="append", value=ast.Name(id=kept)),
                        args=[ast.Subscript(slice=ast.Slice(lower=ast.Name(id=begin), upper=ast.BinOp(op=ast.Add())))],
                    ) if begin == place:
                        yield kept
                    case _:
                        continue
        case _:
            return


def _makes_model(value: ast.expr) -> bool:
    """Whether a value is made by calling a class: it is no data any more."""
    return isinstance(value, ast.Call) and called(value)[:1].isupper() and "Dataset" not in called(value)


def _mixed_in(statement: ast.stmt, drawing: set[str]) -> list[str]:
    """The names of what a statement brings into a random order, each by a draw of its own."""
    found = []
    match statement:
        case ast.Assign(targets=targets, value=value):
            names = names_in(ast.Tuple(elts=targets))
            for node in ast.walk(value):
                match node:
                    case ast.Call(func=ast.Name(id=function), args=[ast.Name(id=name)]) if (
                        function in drawing and name in names
                    ):
                        found.append(name)
                    case ast.Subscript(value=ast.Name(id=name), slice=ast.Call() as order) if name in names and called(
                        order
                    ) in ("randperm", "permutation"):
                        found.append(name)
        case ast.Expr(value=ast.Call(args=[ast.Name(id=name)]) as call) if called(call) == "shuffle":
            found.append(name)
        case _:
            pass
    return found


def changed_data(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a `__getitem__` that change in place what it has taken out of a stored array, with its name."""
    for method in [each for each in functions(text) if each.name == "__getitem__"]:
        taken: dict[str, str] = {}
        for node in within(method):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Subscript(value=stored)) if ast.unparse(
                    stored
                ).startswith("self."):
                    taken[name] = ast.unparse(stored)
                case ast.Assign(targets=[ast.Name(id=name)]):
                    taken.pop(name, None)  # Most often a copy, and another one where it is not.
                case (
                    ast.AugAssign(target=ast.Name(id=name))
                    | ast.AugAssign(target=ast.Subscript(value=ast.Name(id=name)))
                    | ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name))])
                ) if name in taken:
                    yield node.lineno, taken.pop(name)
                case ast.Expr(value=ast.Call(func=ast.Attribute(attr=how, value=ast.Name(id=name)))) if (
                    name in taken and how in IN_PLACE
                ):
                    yield node.lineno, taken.pop(name)
                case _:
                    continue


def never_turned(text: str) -> Iterator[tuple[int, str]]:
    """The lines that add to a list while they go backwards through another, where nothing turns the list round."""
    for scope in [each for each in nodes(text) if isinstance(each, ast.FunctionDef | ast.Module)]:
        for loop in [each for each in within(scope) if isinstance(each, ast.For)]:
            backwards = ast.unparse(loop.iter)
            if not (backwards.startswith("reversed(") or backwards.endswith("[::-1]")):
                continue
            for node in within(loop):
                match node:
                    case ast.Call(
                        func=ast.Attribute(attr="append", value=ast.Name(id=name)), args=[ast.Name(id=total)]
                    ) if _accumulates(loop, total) and not _is_turned(scope, loop, name):
                        yield node.lineno, name
                    case _:
                        continue


def _source(part: ast.ListComp | ast.GeneratorExp, given: set[str]) -> str:
    """The parameter of a function whose examples a comprehension goes through; empty where it is none."""
    name = ast.unparse(part.generators[0].iter)
    return name if name in given else ""


def _part_of(value: ast.expr, given: set[str]) -> str:
    """The parameter whose examples a value takes one part each of, in their order."""
    inside = [each for each in ast.walk(value) if isinstance(each, ast.ListComp | ast.GeneratorExp)]
    return _source(inside[0], given) if inside and "sorted(" not in ast.unparse(value) else ""


def _sorts_again(function: ast.FunctionDef, statement: ast.Assign) -> bool:
    """Whether a function sorts anything else: then the other part may be brought into the same order."""
    rest = [each for each in function.body if each is not statement]
    return any(words in ast.unparse(each) for each in rest for words in ("sort", "argsort", "perm"))


def _is_reordered(function: ast.FunctionDef, name: str, orders: set[str]) -> bool:
    """Whether a name is given what it stands for in a new order."""
    return any(
        isinstance(each, ast.Assign) and name in map(ast.unparse, each.targets) and bool(orders & names_in(each.value))
        for each in within(function)
    )


def _accumulates(loop: ast.For, name: str) -> bool:
    """Whether each pass of a loop makes a value out of the one before, as a discounted sum is made."""
    for node in within(loop):
        if isinstance(node, ast.Assign) and name in map(ast.unparse, node.targets):
            return name in names_in(node.value)
    return False


def _is_turned(scope: ast.AST, loop: ast.For, name: str) -> bool:
    """Whether a list is turned round after a loop, or read from its end."""
    end = loop.end_lineno or 0
    for node in ast.walk(scope):
        if isinstance(node, ast.stmt) and node.lineno > end and not isinstance(node, ast.For | ast.FunctionDef):
            words = ast.unparse(node)
            if name in words and any(each in words for each in TURNED):
                return True
        if isinstance(node, ast.For) and node.lineno > end:
            words = ast.unparse(node.iter)
            if name in words and any(each in words for each in TURNED):
                return True
    return False


def _first(loader: str) -> Fault:
    return Fault(
        Cause.SAME_BATCH,
        f"`iter({loader})` begins a new pass each time, and the loader does not shuffle: each update gets the very "
        "first batch, and nothing else is ever learnt from.",
        f"for x, y in {loader}: …  # or one iterator, made before the loop",
        least=1,
    )


def _apart(name: str) -> Fault:
    return Fault(
        Cause.LABELS_OF_OTHERS,
        f"`{name}` is sorted and the other part of the batch is not: each example gets the label of another one.",
        "batch = sorted(batch, key=…)  # before it is taken apart",
        least=1,
        line="",
    )


def _some(name: str) -> Fault:
    return Fault(
        Cause.LABELS_OF_OTHERS,
        f"The other parts of the batch are brought into a new order here, and `{name}` is left in the old one: each "
        "example gets the label of another one.",
        f"{name}[order]  # the same order for all of them",
        least=1,
        line="",
    )


def _mixed(first: str, other: str) -> Fault:
    return Fault(
        Cause.LABELS_OF_OTHERS,
        f"`{first}` and `{other}` are each brought into a random order of their own: what belongs together no longer "
        "stands together.",
        f"order = torch.randperm(len({first})); {first}, {other} = {first}[order], {other}[order]",
        least=1,
        line="",
    )


def _split(name: str) -> Fault:
    return Fault(
        Cause.VALIDATION_TRAINED,
        f"`{name}` are windows of one series, each of which holds most of the next. Shared out at random, those that "
        "are kept apart are nearly all in the training part as well: what is measured on them is untrue.",
        f"n = int(0.8 * len({name})); train, test = {name}[:n], {name}[n + window:]  # a later stretch of time",
        Severity.WARNING,
        least=1,
        line="",
    )


def _changed(stored: str) -> Fault:
    return Fault(
        Cause.CHANGED_IN_PLACE,
        f"This changes `{stored}` itself, of which it holds a part and no copy: what is added once stays, and more "
        "comes in each epoch.",
        f"{stored}[i].clone()  # a numpy array's: .copy()",
        least=1,
        line="",
    )


def _backwards(name: str) -> Fault:
    return Fault(
        Cause.LABELS_OF_OTHERS,
        f"`{name}` is filled from the last step to the first and never turned round: each step gets what belongs to "
        "another one.",
        f"{name}.reverse()  # after the loop; or {name}.insert(0, …) in it",
        Severity.WARNING,
        least=1,
        line="",
    )
