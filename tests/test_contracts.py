"""Which way imports point."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def test_the_engine_knows_no_screen_and_the_screen_no_tensor() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command, "--no-cache"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        (["engine.session.session", "engine.lab"], ["torch", "textual", "rich", "plotext"]),
        (["engine.session.loop", "engine.session.opening"], ["textual", "rich", "plotext", "tui", "alembic"]),
        (["tui.command_line.cli"], ["torch", "textual", "plotext", "sqlalchemy"]),
        (["tui.console.app", "tui.export.export"], ["torch", "matplotlib", "jinja2", "tensorboard", "alembic"]),
    ],
)
def test_importing_brings_nothing_that_does_not_belong(modules: list[str], absent: list[str]) -> None:
    code = f"import sys, {', '.join(modules)}; print([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


SLOW_TO_LOAD = ("torch._dynamo", "scipy.optimize")
"""Torch's compiler, and what judges a race. Together they take longer to load than torch."""

LOADED = f"""
import sys
from tui.command_line.cli import main
for optimizer in ("adamw", "adam", "rmsprop", "sgd"):
    sys.argv[-1] = optimizer
    try:
        main()
    except SystemExit as done:
        assert not done.code
print([name for name in {SLOW_TO_LOAD} if name in sys.modules])
"""


def test_a_training_loads_nothing_slow_that_it_does_not_need(text: Path, tmp_path: Path) -> None:
    options = ["--updates", "3", "--hidden", "12", "--streams", "2", "--lab", str(tmp_path), "--optimizer", ""]
    command = [sys.executable, "-c", LOADED, "train", str(text), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
