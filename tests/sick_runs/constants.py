"""The numbers that the rules decide by: the upper-case constants of a package, found in its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

RULES, AUTOPSY = "engine.diagnosis", "engine.autopsy"
"""The packages whose numbers docs/diagnosis.md accounts for."""

Value = int | float | tuple[int | float, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A number with a name.

    Attributes:
        module: the module that defines it.
        name: its name there.
        value: a number, or a tuple of numbers.
        says: the docstring below it; empty without one.
    """

    module: str
    name: str
    value: Value
    says: str

    def __str__(self) -> str:
        """The name with that of its file, such as `rate.WORSE`."""
        return f"{self.module.rpartition('.')[2]}.{self.name}"

    def times(self, factor: float) -> Value:
        """The value times a factor; a whole number stays one, and is 1 at least."""
        if isinstance(self.value, tuple):
            return tuple(_times(each, factor) for each in self.value)
        return _times(self.value, factor)

    def holders(self) -> list[ModuleType]:
        """The modules of both packages that know it by its name."""
        imported = [name for name in (*modules(RULES), *modules(AUTOPSY)) if self.name in _taken(name, self.module)]
        return [import_module(name) for name in (self.module, *imported)]


@contextmanager
def changed(constant: Constant, value: Value) -> Iterator[None]:
    """Give a constant another value in every module that knows it."""
    with ExitStack() as stack:
        for module in constant.holders():
            stack.enter_context(patch.object(module, constant.name, value))
        yield


def modules(package: str) -> list[str]:
    """The names of a package's modules."""
    return [f"{package}.{path.stem}" for path in sorted(_folder(package).glob("[!_]*.py"))]


def constants(*packages: str) -> list[Constant]:
    """Every upper-case constant of some packages whose value is a number or a tuple of numbers."""
    return [constant for package in packages for module in modules(package) for constant in _constants(module)]


@cache
def tree(module: str) -> ast.Module:
    """The source of a module, parsed."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(module)
    return ast.parse(Path(spec.origin).read_text())


def _constants(module: str) -> Iterator[Constant]:
    body = tree(module).body
    values = vars(import_module(module))
    for statement, following in zip(body, [*body[1:], None], strict=True):
        if not isinstance(statement, ast.Assign | ast.AnnAssign):
            continue
        for name in _names(statement):
            if name.isupper() and _is_number(values[name]):
                yield Constant(module, name, values[name], _text(following))


def _text(statement: ast.stmt | None) -> str:
    """The docstring that a statement is; empty where it is none."""
    match statement:
        case ast.Expr(ast.Constant(str(text))):
            return text
    return ""


def _names(statement: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    targets: Sequence[ast.expr] = statement.targets if isinstance(statement, ast.Assign) else (statement.target,)
    return (each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))


def _is_number(value: object) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(_is_number(each) for each in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _times(value: int | float, factor: float) -> int | float:
    return max(1, round(value * factor)) if isinstance(value, int) else value * factor


def _taken(module: str, source: str) -> set[str]:
    """The names that a module takes from another one."""
    return {
        alias.name
        for statement in tree(module).body
        if isinstance(statement, ast.ImportFrom) and statement.module == source
        for alias in statement.names
    }


def _folder(package: str) -> Path:
    (path,) = import_module(package).__path__
    return Path(path)
