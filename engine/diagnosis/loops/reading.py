"""How the text of a program is read: its parts, its scopes, and the site of a line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard

from engine.events import Site


def nodes(text: str) -> Iterator[ast.AST]:
    """The parts of a program; none where it cannot be read."""
    try:
        yield from ast.walk(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return


def functions(text: str) -> Iterator[ast.FunctionDef]:
    """Its functions and methods."""
    for node in nodes(text):
        if isinstance(node, ast.FunctionDef):
            yield node


def scopes(text: str) -> Iterator[ast.AST]:
    """The program itself, and each of its functions: a name means another thing in each."""
    for node in nodes(text):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def within(scope: ast.AST) -> Iterator[ast.AST]:
    """The parts of a scope without those of the functions in it."""
    for node in ast.iter_child_nodes(scope):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield node
            yield from within(node)


def called(call: ast.Call) -> str:
    """The last part of the name of what is called, such as `DataLoader`."""
    return ast.unparse(call.func).rpartition(".")[2]


def names_in(node: ast.AST) -> set[str]:
    """The plain names in a part of a program."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def is_method(node: ast.AST, name: str) -> TypeGuard[ast.Attribute]:
    """Whether this is an attribute of that name of anything."""
    return isinstance(node, ast.Attribute) and node.attr == name


def has_backward(node: ast.AST) -> bool:
    """Whether a part of a program has a backward pass."""
    return any(is_method(each, "backward") for each in ast.walk(node))


def site_of(file: str, text: str, line: int) -> Site:
    """The site of a line."""
    return Site(file, line, text.splitlines()[line - 1].strip())
