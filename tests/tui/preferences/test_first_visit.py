"""The first visit, of which there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.preferences.first_visit import is_first_visit, marker


def test_a_first_visit_comes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "new"))
    assert [is_first_visit() for _ in range(3)] == [True, False, False]
    assert marker().is_file()


def test_where_that_cannot_be_kept_nobody_is_asked_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert [is_first_visit() for _ in range(2)] == [False, False]
