"""Whether somebody sees the console for the first time."""

from __future__ import annotations

from pathlib import Path


def marker() -> Path:
    """The file that says that a console was opened here before."""
    # Imported here: it takes some milliseconds.
    from platformdirs import user_state_path

    return user_state_path("charrnn-tui") / "welcomed"


def is_first_visit() -> bool:
    """Whether no console was opened here before; true once, and never where that cannot be kept."""
    try:
        path = marker()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=False)
    except OSError:
        return False
    return True
