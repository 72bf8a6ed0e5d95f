"""Every number that a rule decides by has a name, and docs/diagnosis.md accounts for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sick_runs.climbs import ALL_CLIMBS
from tests.sick_runs.constants import AUTOPSY, RULES, constants, modules, tree
from tests.sick_runs.recipes import RECIPES
from tests.sick_runs.thresholds import NONE_DECIDES, ROW

PAGE = Path(__file__).parents[3] / "docs" / "diagnosis.md"

PLAIN = frozenset({0, 1, 2})
"""Numbers of plain arithmetic."""

WRITING = frozenset({"symptom.percent", "judgement._percent"})
"""Functions whose numbers say how a share is written, and decide nothing."""

UNMEASURED = "not measured"


def bare_numbers(module: str) -> Iterator[str]:
    """The numbers in a module's functions that have no name; the exponent of a square root needs none."""
    for function in ast.walk(tree(module)):
        if not isinstance(function, ast.FunctionDef | ast.Lambda) or _name(module, function) in WRITING:
            continue
        nodes = list(ast.walk(function))
        roots = [each.right for each in nodes if isinstance(each, ast.BinOp) and ast.unparse(each).endswith("** 0.5")]
        numbers = [each for each in nodes if isinstance(each, ast.Constant) and isinstance(each.value, int | float)]
        for each in numbers:
            if each.value not in PLAIN and each not in roots:
                yield f"line {each.lineno}: {ast.unparse(each)}"


def _name(module: str, function: ast.FunctionDef | ast.Lambda) -> str:
    name = function.name if isinstance(function, ast.FunctionDef) else "lambda"
    return f"{module.rpartition('.')[2]}.{name}"


def rows() -> list[list[str]]:
    """The cells of each threshold's row on the page: name, value, what it guards against, and three measured."""
    lines = [line for line in PAGE.read_text().splitlines() if ROW.match(line)]
    return [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in lines]


def numbers_of(cell: str) -> list[float]:
    """The numbers that a cell begins with, such as those of `3, 10 times`."""
    written = re.match(r"[\d.]+(, [\d.]+)*", cell)
    return [float(each) for each in written[0].split(", ")] if written else []


@pytest.mark.parametrize("module", [*modules(RULES), *modules(AUTOPSY)])
def test_a_rule_holds_no_bare_number(module: str) -> None:
    assert list(bare_numbers(module)) == []


def test_every_threshold_says_what_it_bounds() -> None:
    assert [str(each) for each in constants(RULES, AUTOPSY) if not each.says.strip().endswith(".")] == []


def test_the_page_has_every_threshold_once_with_its_value() -> None:
    values = {
        f"`{each}`": list(each.value) if isinstance(each.value, tuple) else [each.value]
        for each in constants(RULES, AUTOPSY)
    }
    assert sorted(cells[0] for cells in rows()) == sorted(values)
    for name, value, *_ in rows():
        assert numbers_of(value) == pytest.approx(values[name], rel=1e-3), name


def test_the_page_names_recipes_that_there_are() -> None:
    names = {recipe.name for recipe in (*RECIPES, *ALL_CLIMBS)}
    for *_, speak, _half, _twice in rows():
        if not speak.startswith((NONE_DECIDES, UNMEASURED)):
            assert set(re.sub(r" and \d+ more$", "", speak).split("; ")) <= names


def test_the_page_says_so_where_no_recipe_decides() -> None:
    effects = r"(loses|gains|warns of healthy|details of) \d+"
    for name, _, _, speak, half, twice in rows():
        assert re.fullmatch(rf"nothing|{UNMEASURED}|{effects}(, {effects})*", half), name
        assert re.fullmatch(rf"nothing|{UNMEASURED}|{effects}(, {effects})*", twice), name
        decides = re.search("loses|warns", half + twice) is not None
        assert decides != speak.startswith((NONE_DECIDES, UNMEASURED)), name
