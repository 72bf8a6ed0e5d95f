"""The target from which a training continues: a run of the lab, or a checkpoint's file."""

from __future__ import annotations

from pathlib import Path

from engine.errors import UserError
from engine.lab.lab import Lab


def names_a_run(target: str) -> bool:
    """Whether `target` names a run of the lab; otherwise it is a file's path."""
    return Path(target).suffix != ".safetensors" and not Path(target).is_file()


def check_target(target: str, folder: Path) -> None:
    """Raise UserError where there is no such run or file; creates nothing."""
    if names_a_run(target):
        with Lab.open_existing(folder) as lab:
            lab.runs.own(target)
    elif not Path(target).exists():
        raise UserError(f"{target}: there is no such file")
