"""The statements of `docs/architecture.md` about the code are true."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text()

MOST_BETWEEN = 8
"""Files that a setting may enter between the command line and the update."""


@dataclass(frozen=True)
class Step:
    """A row of a table: a function, and the number of the row whose function calls it."""

    file: str
    function: str
    caller: str


ROW = re.compile(r"^\| (\S+) \| `([^`]+\.py)` \| `([\w.]+)` \| (\S+) \|$", re.MULTILINE)


def steps(heading: str) -> list[tuple[str, Step]]:
    """The rows of the table below a heading, each with its first cell."""
    section = PAGE.split(f"### {heading}\n")[1].split("\n#")[0]
    return [(found[1].strip("`"), Step(found[2], found[3], found[4])) for found in ROW.finditer(section)]


BY_OPTION, BY_KEY = dict(steps("From the command line")), dict(steps("From a key"))
ENDS = steps("Where it ends")


def definitions(file: str) -> dict[str, ast.AST]:
    """The functions of a file by name, those of classes as `Class.function`."""
    found: dict[str, ast.AST] = {}
    for node in ast.parse((ROOT / file).read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[node.name] = node
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}": each for each in node.body if isinstance(each, ast.FunctionDef)}
    return found


def calls(file: str, function: str) -> set[str]:
    """The names that a function calls, itself or through others of its file, without leading underscores."""
    there, seen, waiting, called = definitions(file), set[str](), [function], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for node in ast.walk(there[name]):
            if isinstance(node, ast.Call):
                target = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                called.add(target.lstrip("_"))
                waiting += [each for each in there if each.split(".")[-1] == target]
    return called


def check(step: Step, caller: Step | None) -> None:
    assert step.function in definitions(step.file), step
    if caller is not None:
        assert step.function.split(".")[-1] in calls(caller.file, caller.function), (caller, step)


@pytest.mark.parametrize("way", [BY_OPTION, BY_KEY], ids=["option", "key"])
def test_each_function_on_a_settings_way_exists_and_is_called_by_the_one_before(way: dict[str, Step]) -> None:
    assert len(way) == 9
    for step in way.values():
        check(step, None if step.caller == "–" else way[step.caller])


def test_each_setting_ends_where_the_page_says() -> None:
    assert {setting for setting, _ in ENDS} == {"lr", "clip", "bptt"}
    for _, step in ENDS:
        check(step, BY_OPTION[step.caller])


def test_a_setting_enters_few_files_on_its_way() -> None:
    first, *between, last = [step.file for step in BY_OPTION.values()]
    assert (first, last) == ("tui/command_line/cli.py", "engine/training/autograd.py")
    assert len(set(between)) <= MOST_BETWEEN


def test_every_file_and_folder_that_the_page_names_exists() -> None:
    for name in re.findall(r"`((?:engine|tui|tests|docs)/[\w/.]*)`", PAGE):
        assert (ROOT / name).exists(), name


def test_the_folders_are_few() -> None:
    def folders(package: str) -> list[Path]:
        return [each for each in (ROOT / package).iterdir() if (each / "__init__.py").exists()]

    def modules(package: str) -> list[Path]:
        return [each for each in (ROOT / package).glob("*.py") if each.name != "__init__.py"]

    assert len(folders("engine")) <= 15
    assert len(folders("tui")) <= 6
    assert len(modules("engine")) <= 8
    assert len(modules("tui")) <= 2
