"""Faults in how a program makes, freezes and hands over its modules, as its text shows them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from engine.diagnosis.loops.fault import Fault
from engine.diagnosis.loops.reading import called, names_in, nodes, site_of, within
from engine.events import Cause, Site

MAKES_MODULE = re.compile(r"^(torch\.)?nn\.[A-Z]\w*$")
"""The names of torch's modules, as programs write them."""

NOT_LEARNT = re.compile(r"(Loss|Dropout\w*|ReLU|Tanh|Sigmoid|GELU|Softmax|Flatten|Identity|Pool\w*)$")
"""Those without parameters."""


def faults_of(file: str, text: str) -> Iterator[tuple[Fault, Site]]:
    """The faults that a file or cell shows, each with its line."""
    for line, name in plain_lists(text):
        yield _not_registered(name), site_of(file, text, line)
    for line, model, other in twice_optimised(text):
        yield _same_parameters(model, other), site_of(file, text, line)
    for line, module, optimizer in replaced(text):
        yield _replaced(module, optimizer), site_of(file, text, line)
    for line, name in frozen_by_name(text):
        yield _nothing_frozen(name), site_of(file, text, line)
    for line, what in all_alike(text):
        yield _alike(what), site_of(file, text, line)


def plain_lists(text: str) -> Iterator[tuple[int, str]]:
    """The lines of an `__init__` that keep modules in a list or dictionary of Python's, with its name."""
    own = {each.name for each in nodes(text) if isinstance(each, ast.ClassDef) and _is_module(each)}
    for made in [each for each in nodes(text) if isinstance(each, ast.ClassDef) and _is_module(each)]:
        for method in [each for each in made.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]:
            whole = ast.unparse(method)
            for node in within(method):
                match node:
                    case ast.Assign(
                        targets=[ast.Attribute(attr=name, value=ast.Name(id="self"))],
                        value=ast.List() | ast.ListComp() | ast.Dict() | ast.DictComp() as value,
                    ) if _holds_modules(value, own) and not re.search(
                        rf"(ModuleList|ModuleDict|Sequential)\([^)]*self\.{name}\b|add_module|register_module", whole
                    ):
                        yield node.lineno, name
                    case _:
                        continue


def twice_optimised(text: str) -> Iterator[tuple[int, str, str]]:
    """The line of an optimiser that is made for the parameters of another one's model, while a second model has none.

    Returns:
        The line, the model, and the one that no optimiser has.
    """
    made: dict[str, tuple[str, int]] = {}
    for node in nodes(text):
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Call(args=[ast.Call(func=ast.Attribute(attr="parameters", value=owner)), *_]),
            ):
                made[name] = (ast.unparse(owner), node.lineno)
            case _:
                continue
    if text.count(".parameters()") != len(made):
        return  # There are others, made in another way.
    models = {
        name
        for node in nodes(text)
        if isinstance(node, ast.Assign) and any(isinstance(each, ast.Call) for each in _parts(node.value))
        for target in node.targets
        for name in names_in(target)
    }
    for name, (model, line) in made.items():
        if any(other != name and where == model and before < line for other, (where, before) in made.items()):
            suffix = re.split(r"_|(?=[A-Z])", name)[-1].lower()
            others = [each for each in models - made.keys() - {model} if suffix and each.lower().endswith(suffix)]
            stepped = all(f"{each}.step(" in text for each in made)
            if len(others) == 1 and stepped:
                yield line, model, others[0]


def replaced(text: str) -> Iterator[tuple[int, str, str]]:
    """The lines that give a model another module after its optimiser was made, with both their names."""
    for scope in [each for each in nodes(text) if isinstance(each, ast.Module | ast.FunctionDef)]:
        made: dict[str, tuple[str, int]] = {}
        for node in scope.body:
            match node:
                case ast.Assign(targets=[target], value=ast.Call(args=[ast.Call() as given, *_])) if ast.unparse(
                    given
                ).endswith(".parameters()"):
                    made[ast.unparse(given.func).removesuffix(".parameters")] = ast.unparse(target), node.lineno
                case ast.Assign(
                    targets=[ast.Attribute(value=ast.Name(id=model)) as module], value=ast.Call() as layer
                ) if model in made and _makes_module(layer, frozenset()):
                    later = "".join(ast.unparse(each) for each in scope.body if each.lineno > node.lineno)
                    if not re.search(rf"= .*\({model}\.parameters\(\)|add_param_group", later):
                        yield node.lineno, ast.unparse(module), made[model][0]
                case _:
                    continue


def frozen_by_name(text: str) -> Iterator[tuple[int, str]]:
    """The lines that set `requires_grad` of a module, which is no more than an attribute of that name."""
    modules = {
        ast.unparse(target).rpartition(".")[2]
        for node in nodes(text)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _makes_module(node.value, frozenset())
        for target in node.targets
    }
    for node in nodes(text):
        match node:
            case ast.Assign(
                targets=[ast.Attribute(attr="requires_grad", value=ast.Name() | ast.Attribute() as owner)],
                value=ast.Constant(value=bool()),
            ) if (name := ast.unparse(owner)).rpartition(".")[2] in modules:
                yield node.lineno, name
            case _:
                continue


def all_alike(text: str) -> Iterator[tuple[int, str]]:
    """The lines that set all weights of a network to one number, so that its units stay alike."""
    for loop in [each for each in nodes(text) if isinstance(each, ast.For)]:
        if not re.search(r"\.(named_)?parameters\(\)$", ast.unparse(loop.iter)) or len(loop.body) != 1:
            continue
        match loop.body[0]:
            case ast.Expr(value=ast.Call(func=function, args=args)):
                by_init = re.search(r"init\.(zeros_|ones_|constant_)$", ast.unparse(function))
                if by_init and args and ast.unparse(args[0]) in names_in(loop.target):
                    yield loop.body[0].lineno, ast.unparse(loop.iter)
            case _:
                continue


def _parts(value: ast.expr) -> list[ast.expr]:
    """The values of a tuple, or the one value."""
    return value.elts if isinstance(value, ast.Tuple) else [value]


def _is_module(made: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith("Module") for base in made.bases)


def _holds_modules(value: ast.expr, own: set[str]) -> bool:
    """Whether a list or dictionary is made of modules with parameters alone."""
    match value:
        case ast.List(elts=held):
            parts = held
        case ast.Dict(values=held):
            parts = held
        case ast.ListComp(elt=one):
            parts = [one]
        case ast.DictComp(value=one):
            parts = [one]
        case _:
            parts = []
    return bool(parts) and all(isinstance(each, ast.Call) and _makes_module(each, frozenset(own)) for each in parts)


def _makes_module(call: ast.Call, own: frozenset[str]) -> bool:
    name = ast.unparse(call.func)
    return (MAKES_MODULE.match(name) is not None and not NOT_LEARNT.search(name)) or called(call) in own


def _not_registered(name: str) -> Fault:
    return Fault(
        Cause.IN_NO_OPTIMIZER,
        f"`self.{name}` is a list of Python's, of which a module knows nothing: parameters() leaves out what is in it, "
        "and the optimiser never trains it.",
        f"self.{name} = nn.ModuleList([…])",
        least=1,
        line="",
    )


def _same_parameters(model: str, other: str) -> Fault:
    return Fault(
        Cause.OTHER_PARAMETERS,
        f"This optimiser is made for `{model}`, which another one trains already; no optimiser has `{other}`, and it "
        "stays as it was made.",
        f"{other}.parameters()",
        least=1,
        line="",
    )


def _replaced(module: str, optimizer: str) -> Fault:
    return Fault(
        Cause.OTHER_PARAMETERS,
        f"`{module}` is made after `{optimizer}`, which holds the parameters of the one before: the new one is never "
        "trained.",
        f"{module} = …  # before {optimizer} is made",
        least=1,
        line="",
    )


def _nothing_frozen(name: str) -> Fault:
    return Fault(
        Cause.NO_GRADIENT,
        f"`{name}` is a module: this sets an attribute of it, and leaves its parameters as they were.",
        f"{name}.requires_grad_(…)  # a call, which asks every parameter",
        least=1,
        line="",
    )


def _alike(what: str) -> Fault:
    return Fault(
        Cause.UNITS_ALIKE,
        f"All weights of `{what}` become one number: units that begin alike get the same gradient, and stay alike.",
        "nn.init.xavier_uniform_(weight)  # or what the layers begin with by themselves",
        least=1,
        line="",
    )
