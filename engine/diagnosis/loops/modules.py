"""Faults in how a program makes, freezes, masks and measures its modules, as its text shows them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from engine.diagnosis.loops.fault import Fault
from engine.diagnosis.loops.reading import called, functions, names_in, nodes, site_of, within
from engine.events import Cause, Severity, Site

MAKES_MODULE = re.compile(r"^(torch\.)?nn\.[A-Z]\w*$")
"""What makes one of torch's modules."""

NOT_LEARNT = re.compile(r"(Loss|Dropout\w*|ReLU|Tanh|Sigmoid|GELU|Softmax|Flatten|Identity|Pool\w*)$")
"""Those without parameters."""

NOISY = re.compile(r"\b(Dropout\w*|BatchNorm\w*)\(")
"""Modules that do another thing in training than in evaluation."""

EVALUATES = re.compile(r"\.eval\(|\.train\(False\)|\.train\(mode=False|\.train\(\w+\)")

DROPS = re.compile(r"(F|functional|(torch\.)?nn\.functional)\.dropout\d?d?")
"""Torch's functions that drop units, which do so in any mode."""

PADDING = re.compile(r"key_padding_mask$")


def faults_of(file: str, text: str) -> Iterator[tuple[Fault, Site]]:
    """The faults that a file or cell shows, each with its line."""
    for line, name in plain_lists(text):
        yield _not_registered(name), site_of(file, text, line)
    for line, model, other in twice_optimised(text):
        yield _same_parameters(model, other), site_of(file, text, line)
    for line, name in frozen_by_name(text):
        yield _nothing_frozen(name), site_of(file, text, line)
    for line, mask in inverted_masks(text):
        yield _inverted(mask), site_of(file, text, line)
    for line in never_evaluated(text):
        yield _in_train_mode(), site_of(file, text, line)
    for line, function in dropped_always(text):
        yield _dropped_always(function), site_of(file, text, line)
    for line, what in all_alike(text):
        yield _alike(what), site_of(file, text, line)
    for line, given in no_logarithm(text):
        yield _no_logarithm(given), site_of(file, text, line)


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


def inverted_masks(text: str) -> Iterator[tuple[int, str]]:
    """The lines that make a mask of padding which is true of everything else, with its name."""
    given = {
        ast.unparse(each.value)
        for node in nodes(text)
        if isinstance(node, ast.Call)
        for each in node.keywords
        if each.arg and PADDING.search(each.arg)
    }
    for node in nodes(text):
        match node:
            case ast.Assign(targets=[ast.Name(id=mask)], value=value) if mask in given and _is_true_of_words(value):
                if not re.search(rf"~\s*{mask}\b|logical_not\({mask}|{mask} == (0|False)|{mask}\.eq\(0", text):
                    yield node.lineno, mask
            case _:
                continue


def never_evaluated(text: str) -> Iterator[int]:
    """The lines without gradient that measure how often a model is right, which is never in its evaluation mode."""
    if not NOISY.search(text) or EVALUATES.search(text):
        return
    for function in functions(text):
        decorated = "no_grad" in " ".join(map(ast.unparse, function.decorator_list))
        blocks: list[ast.AST] = [function] if decorated else []
        blocks += [each for each in within(function) if isinstance(each, ast.With) and "no_grad" in ast.unparse(each)]
        for block in blocks:
            for node in within(block):
                match node:
                    case ast.Assign(targets=[ast.Name(id=name)], value=value) if (
                        "argmax" in ast.unparse(value)
                        and not any(isinstance(each, ast.ListComp | ast.GeneratorExp) for each in ast.walk(value))
                        and re.search(rf"\b{name} == ", ast.unparse(block))
                    ):
                        yield node.lineno
                    case _:
                        continue


def dropped_always(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a `forward` that drop units whatever the mode: `functional.dropout` does not know it by itself."""
    for method in functions(text):
        for node in within(method) if method.name == "forward" else ():
            match node:
                case ast.Call(func=function, args=args, keywords=named) if DROPS.fullmatch(ast.unparse(function)):
                    if len(args) < 3 and not any(each.arg in ("training", None) for each in named):
                        yield node.lineno, ast.unparse(function)
                case _:
                    continue


def all_alike(text: str) -> Iterator[tuple[int, str]]:
    """The lines that set all weights of a network to one number, so that its units stay alike."""
    for loop in [each for each in nodes(text) if isinstance(each, ast.For)]:
        if not re.search(r"\.(named_)?parameters\(\)$", ast.unparse(loop.iter)) or len(loop.body) != 1:
            continue
        match loop.body[0]:
            case ast.Expr(value=ast.Call(func=function, args=args)):
                words, names = ast.unparse(function), names_in(loop.target)
                by_init = re.search(r"init\.(zeros_|ones_|constant_)$", words) and ast.unparse(args[0]) in names
                if by_init:
                    yield loop.body[0].lineno, ast.unparse(loop.iter)
            case _:
                continue


def no_logarithm(text: str) -> Iterator[tuple[int, str]]:
    """The lines that give `kl_div` probabilities, of which it expects the logarithms."""
    for scope in [each for each in nodes(text) if isinstance(each, ast.Module | ast.FunctionDef)]:
        shares = {
            target.id
            for each in within(scope)
            if isinstance(each, ast.Assign) and _is_shares(each.value)
            for target in each.targets
            if isinstance(target, ast.Name)
        }
        for node in within(scope):
            match node:
                case ast.Call(func=function, args=[first, *_]) if ast.unparse(function).endswith("kl_div"):
                    if ast.unparse(first) in shares or _is_shares(first):
                        yield node.lineno, ast.unparse(first)
                case _:
                    continue


def _is_shares(value: ast.expr) -> bool:
    """Whether a value went through a softmax, and through no logarithm."""
    words = ast.unparse(value)
    return "softmax(" in words and "log" not in words.replace("logits", "")


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


def _is_true_of_words(value: ast.expr) -> bool:
    """Whether a mask is true where there is no padding: `tokens != PAD`, or `tokens > 0`."""
    match value:
        case ast.Compare(ops=[ast.NotEq()], comparators=[against]):
            words = ast.unparse(against).lower()
            return "pad" in words or words == "0"
        case ast.Compare(ops=[ast.Gt()], comparators=[ast.Constant(value=0)]):
            return bool(names_in(value))
        case ast.Call(func=ast.Attribute(attr="ne"), args=[against]):
            return "pad" in ast.unparse(against).lower() or ast.unparse(against) == "0"
        case _:
            return False


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


def _nothing_frozen(name: str) -> Fault:
    return Fault(
        Cause.NO_GRADIENT,
        f"`{name}` is a module: this sets an attribute of it, and leaves its parameters as they were.",
        f"{name}.requires_grad_(…)  # a call, which asks every parameter",
        least=1,
        line="",
    )


def _inverted(mask: str) -> Fault:
    return Fault(
        Cause.SPARSE_TARGETS,
        f"`{mask}` is true of what is no padding, and attention leaves out where its mask of padding is true: it looks "
        "at the padding alone.",
        f"{mask} = tokens == padding",
        least=1,
        line="",
    )


def _in_train_mode() -> Fault:
    return Fault(
        Cause.VALIDATION_IN_TRAIN_MODE,
        "The model is never in its evaluation mode: dropout makes it worse here than it is, and batch normalisation "
        "takes its means from these very examples.",
        "model.eval()  # before this, and model.train() after it",
        Severity.WARNING,
        least=1,
        line="",
    )


def _dropped_always(function: str) -> Fault:
    return Fault(
        Cause.VALIDATION_IN_TRAIN_MODE,
        f"`{function}` drops units in evaluation mode as well: a function knows nothing of the model's mode.",
        f"{function}(x, p, training=self.training)  # or nn.Dropout(p)",
        Severity.WARNING,
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


def _no_logarithm(given: str) -> Fault:
    return Fault(
        Cause.NO_LOG_SOFTMAX,
        f"kl_div expects logarithms, and `{given}` are probabilities: it can be made as low as one likes.",
        "functional.kl_div(logits.log_softmax(-1), targets)",
        least=1,
        line="",
    )
