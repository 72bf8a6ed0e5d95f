"""Faults in what a program does with what its modules return, and in which mode, as its text shows them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from engine.diagnosis.loops.fault import Fault
from engine.diagnosis.loops.reading import called, functions, has_backward, names_in, nodes, site_of, within
from engine.events import Cause, Severity, Site

NOISY = re.compile(r"\b(Dropout\w*|BatchNorm\w*)\(")
"""Modules that do another thing in training than in evaluation."""

EVALUATES = re.compile(r"\.eval\(|\.train\([^)]")

DROPS = re.compile(r"(F|functional|(torch\.)?nn\.functional)\.dropout\d?d?")
"""Torch's functions that drop units, which do so in any mode."""

DROPS = re.compile(r"(F|functional|(torch\.)?nn\.functional)\.dropout\d?d?")
"""Torch's functions that drop units, which do so in any mode."""

RECURRENT = ("RNN", "GRU", "LSTM")

PADDING = re.compile(r"key_padding_mask$")


def faults_of(file: str, text: str) -> Iterator[tuple[Fault, Site]]:
    """The faults that a file or cell shows, each with its line."""
    for line, mask in inverted_masks(text):
        yield _inverted(mask), site_of(file, text, line)
    for line in never_evaluated(text):
        yield _in_train_mode(), site_of(file, text, line)
    for line, function in dropped_always(text):
        yield _dropped_always(function), site_of(file, text, line)
    for line, states in layers_mixed(text):
        yield _layers_mixed(states), site_of(file, text, line)
    for line, outputs in padding_read(text):
        yield _padding_read(outputs), site_of(file, text, line)
    for line, forcing in forced_in_evaluation(text):
        yield _forced(forcing), site_of(file, text, line)
    for line, given in no_logarithm(text):
        yield _no_logarithm(given), site_of(file, text, line)


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
                    case ast.Assign(targets=[ast.Name(id=name)], value=value) if re.search(
                        rf"\b{name} == ", ast.unparse(block)
                    ):
                        guess = value
                    case ast.Compare(left=value, ops=[ast.Eq()]):
                        guess = value
                    case _:
                        continue
                often = any(isinstance(each, ast.ListComp | ast.GeneratorExp) for each in ast.walk(guess))
                if "argmax" in ast.unparse(guess) and not often and _calls_model(guess):
                    yield guess.lineno


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


def recurrent(text: str) -> dict[str, ast.Call]:
    """How each recurrent layer of a program is made, by its name."""
    return {
        node.targets[0].attr: node.value
        for node in nodes(text)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and isinstance(node.targets[0], ast.Attribute)
        if called(node.value) in ("RNN", "GRU", "LSTM")
        and ast.unparse(node.value.func).startswith(("nn.", "torch.nn."))
    }


def layers_mixed(text: str) -> Iterator[tuple[int, str]]:
    """The lines that bring the last states of both directions to the examples by a view; with their name."""
    several = {
        name
        for name, made in recurrent(text).items()
        if any(each.arg == "bidirectional" and ast.unparse(each.value) == "True" for each in made.keywords)
    }
    for method in [each for each in functions(text) if each.name == "forward"]:
        states: set[str] = set()
        for node in within(method):
            match node:
                case ast.Assign(
                    targets=[ast.Tuple(elts=[_, ast.Name(id=last) | ast.Tuple(elts=[ast.Name(id=last), _])])],
                    value=ast.Call(func=ast.Attribute(attr=layer)),
                ) if layer in several:
                    states.add(last)
                case ast.Assign(targets=[ast.Name(id=name)]):
                    states.discard(name)
                case _:
                    continue
        for node in within(method):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="view" | "reshape", value=ast.Name(id=name)),
                    args=[_, ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1))],
                ) if name in states:
                    yield node.lineno, name
                case _:
                    continue


def padding_read(text: str) -> Iterator[tuple[int, str]]:
    """The lines that take the last step of padded sequences, whose lengths are given and not used; with the outputs."""
    if "pad_sequence" not in text:
        return
    layers = {
        name
        for name, made in recurrent(text).items()
        if any(each.arg == "batch_first" and ast.unparse(each.value) == "True" for each in made.keywords)
    }
    for method in [each for each in functions(text) if each.name == "forward"]:
        lengths = {each.arg for each in method.args.args if re.search(r"len", each.arg)}
        if not lengths or lengths & {each.id for each in ast.walk(method) if isinstance(each, ast.Name)}:
            continue
        outputs: set[str] = set()
        for node in within(method):
            match node:
                case ast.Assign(
                    targets=[ast.Tuple(elts=[ast.Name(id=name), _])], value=ast.Call(func=ast.Attribute(attr=layer))
                ) if layer in layers:
                    outputs.add(name)
                case ast.Subscript(value=ast.Name(id=name), slice=place) if name in outputs:
                    if ast.unparse(place).strip("()").startswith(":, -1"):
                        yield node.lineno, name
                case _:
                    continue


def forced_in_evaluation(text: str) -> Iterator[tuple[int, str]]:
    """The lines without gradient that leave a decoder its targets as inputs; with the argument that says so."""
    forcing = {
        (each.arg, place)
        for method in functions(text)
        if method.name == "forward"
        for each, value, place in _defaults(method)
        if re.search(r"forcing|teacher|^tf$|tf_ratio", each.arg)
        and ast.unparse(value) not in ("0", "0.0", "False", "None")
    }
    for function in functions(text) if len(forcing) == 1 else ():
        ((argument, place),) = forcing
        whole = ast.unparse(function)
        if ("no_grad" not in whole and "inference_mode" not in whole) or has_backward(function):
            continue
        for node in within(function):
            match node:
                case ast.Call(func=ast.Name(id=name), args=given, keywords=named) if re.search(
                    r"model|net|seq2seq", name
                ):
                    if 1 < len(given) < place and not any(each.arg in (argument, None) for each in named):
                        yield node.lineno, argument
                case _:
                    continue


def _defaults(method: ast.FunctionDef) -> Iterator[tuple[ast.arg, ast.expr, int]]:
    """The parameters that have a default, with it and their places among the arguments, from 0 on without `self`."""
    every, defaults = method.args.args, method.args.defaults
    first = len(every) - len(defaults)
    for place, value in enumerate(defaults):
        yield every[first + place], value, first + place


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


def _calls_model(guess: ast.expr) -> bool:
    """Whether a guess is what a call by a plain name or an attribute returns, such as `model(x)`."""
    return any(
        isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and bool(each.args) for each in ast.walk(guess)
    )


def _is_shares(value: ast.expr) -> bool:
    """Whether a value went through a softmax, and through no logarithm."""
    words = ast.unparse(value)
    return "softmax(" in words and "log" not in words.replace("logits", "")


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


def _layers_mixed(states: str) -> Fault:
    return Fault(
        Cause.BATCH_TAKEN_FOR_TIME,
        f"`{states}` is (layers and directions, batch, units): this view reads it in that order, and gives an example "
        "the states of others.",
        f"{states}.transpose(0, 1).flatten(1)",
        least=1,
        line="",
    )


def _padding_read(outputs: str) -> Fault:
    return Fault(
        Cause.PADDING_READ,
        f"The last step of `{outputs}` is one of padding in every sequence but the longest: the state has passed all "
        "of it by then. The lengths are given and not used.",
        f"{outputs}[torch.arange(len({outputs})), lengths - 1]  # or pack_padded_sequence",
        Severity.WARNING,
        least=1,
        line="",
    )


def _forced(argument: str) -> Fault:
    return Fault(
        Cause.TARGETS_ARE_INPUTS,
        f"`{argument}` has its default here, so that the decoder is given the targets that it is to find: what is "
        "measured is better than what it can do alone.",
        f"{argument}=0",
        Severity.WARNING,
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
