"""The documentation: its generated pages are fresh, its links lead somewhere, and its commands exist."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from engine.diagnosis.causes import CAUSES
from tests.docs.pages import CURES, FOLDER, PAGES, SEEN, evidence_by_cause
from tui.command_line.cli import cli

ROOT = FOLDER.parent
MARKDOWN = sorted([*ROOT.glob("*.md"), *FOLDER.glob("*.md")])
FIRST_VISIT = 120
"""The most lines of the README."""


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_fresh(name: str) -> None:
    fresh = PAGES[name]() == (FOLDER / name).read_text(encoding="utf-8")
    assert fresh, f"docs/{name} is stale: write it anew with `make pages`, read it, and commit it"


def test_writing_the_pages_leaves_the_commands_as_they_are() -> None:
    PAGES["commands.md"]()
    for command in cli.commands.values():
        context = click.Context(command, parent=click.Context(cli, **cli.context_settings))
        asks_for_help = command.get_help_option(context)
        assert asks_for_help is not None
        assert asks_for_help.opts == ["-h", "--help"], command.name


def test_every_cause_has_its_words_and_its_numbers() -> None:
    assert set(SEEN) == set(CURES) == set(CAUSES)
    assert all(evidence_by_cause().values())


def test_the_readme_is_for_a_first_visit() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= FIRST_VISIT
    assert any(line.startswith("make test ") for line in lines)


def test_the_readme_leads_to_every_page() -> None:
    linked = {target.partition("#")[0] for target in links(ROOT / "README.md")}
    pages = {f"docs/{page.name}" for page in FOLDER.glob("*.md")} - {"docs/index.md"}
    assert pages <= linked


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if re.match(r"https?:|mailto:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name} links to {link}"
        assert target.is_relative_to(ROOT), f"{page.name} links to {link}, outside of the repository"
        if anchor:
            assert anchor in anchors(target), f"{page.name} links to {link}, which has no such heading"


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: page.name)
def test_commands_and_options_exist(page: Path) -> None:
    for command, options in typed(page):
        assert command in cli.commands, f"{page.name}: charrnn-tui {command}"
        known = {option for each in cli.commands[command].params for option in (*each.opts, *each.secondary_opts)}
        # What follows a script is that script's own.
        unknown = set() if command == "watch" else set(options) - known - {"--help"}
        assert not unknown, f"{page.name}: charrnn-tui {command} {unknown}"


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: page.name)
def test_targets_of_make_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in code(page):
        if found := re.match(r"(?:\w+=\S+ )*make ([a-z]+)(?!\S)", line):
            assert found[1] in targets, f"{page.name}: {line}"


def links(page: Path) -> list[str]:
    """The targets of a page's links and pictures."""
    return re.findall(r"\]\(([^)\s]+)\)", _without_code(page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.+)$", _without_blocks(page.read_text(encoding="utf-8")), re.MULTILINE)
    return {_slug(each) for each in headings}


def _slug(heading: str) -> str:
    plain = unicodedata.normalize("NFKD", heading.replace("`", "")).lower()
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", plain).strip())


def code(page: Path) -> Iterator[str]:
    """The lines of a page's blocks of code, and its code within lines."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", _without_blocks(text))


def typed(page: Path) -> Iterator[tuple[str, list[str]]]:
    """The commands that a page shows, each with its options."""
    for line in code(page):
        if found := re.match(r"charrnn-tui ((?!-)\S+)(.*)", line):
            word = found[1].strip("…")
            rest = re.split(r"\s{3,}|  #|; ", found[2])[0]
            if word.islower() and word.isalpha():
                yield word, re.findall(r"(?<!\S)(--[a-z][a-z-]*)", rest)
            elif "." in word:
                yield "console", re.findall(r"(?<!\S)(--[a-z][a-z-]*)", rest)


def _without_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def _without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", _without_blocks(text))
