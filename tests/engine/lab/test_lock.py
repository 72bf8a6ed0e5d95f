"""Lock files: one process holds each, and the others see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UserError
from engine.lab.lock import hold, is_held


def test_a_held_lock_is_seen_and_refused_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "runs" / ".lock"
    assert not is_held(path)
    assert not path.parent.exists()
    with hold(path, tmp_path, "somebody works on it"):
        assert is_held(path)
        with pytest.raises(UserError, match=r"^somebody works on it$"), hold(path, tmp_path, "somebody works on it"):
            pass
    assert not is_held(path)


def test_a_lock_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match=r"^the lab .* cannot be used: .*; name another with --lab$"),
        hold(tmp_path / "file" / ".lock", tmp_path, ""),
    ):
        pass
