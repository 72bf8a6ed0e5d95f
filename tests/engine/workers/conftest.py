"""Where the races of these tests are recorded."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return tmp_path / "lab"
