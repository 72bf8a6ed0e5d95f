"""Settings that the console keeps: the rest of the user's file stays as it was."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from engine.errors import UserError
from tui.preferences.keeping import keep
from tui.preferences.preferences import load, user_file
from tui.preferences.settings_file import Table

MINE = """\
# my settings
[train]
hidden = 512   # a large one

[console]
# my theme
theme = "textual-light"   # for the day
layout = 'reading'
"""


@pytest.fixture
def mine() -> Path:
    path = user_file()
    path.parent.mkdir(parents=True)
    path.write_text(MINE)
    return path


def test_the_first_setting_makes_the_file() -> None:
    keep(Table.CONSOLE, "theme", "nord")
    assert user_file().read_text() == '[console]\ntheme = "nord"\n'
    (entry,) = load().entries
    assert (entry.name, entry.value) == ("theme", "nord")


def test_all_else_stays_as_it_was(mine: Path) -> None:
    mine.chmod(0o600)
    keep(Table.CONSOLE, "theme", "nord")
    assert mine.read_text() == MINE.replace("textual-light", "nord")
    assert stat.S_IMODE(mine.stat().st_mode) == 0o600
    assert list(mine.parent.iterdir()) == [mine]


def test_a_link_stays_one(mine: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared.toml"
    mine.replace(shared)
    mine.symlink_to(shared)
    keep(Table.CONSOLE, "theme", "nord")
    assert mine.is_symlink()
    assert 'theme = "nord"   # for the day' in shared.read_text()


@pytest.mark.parametrize("content", ["[console\n", "console = 3\n", "[[console]]\n", "[console]\nx = " + "[" * 5000])
def test_a_broken_file_stays_as_it_was(mine: Path, content: str) -> None:
    mine.write_text(content)
    with pytest.raises(UserError, match=r"theme is not kept: .* is no settings file: "):
        keep(Table.CONSOLE, "theme", "nord")
    assert mine.read_text() == content


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"theme is not kept: .* cannot be written: Not a directory"):
        keep(Table.CONSOLE, "theme", "nord")
