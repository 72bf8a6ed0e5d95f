"""The built-in texts: `TEXT` may name one of them where the working directory has no file of that name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.text.made import shakespeare, synthetic

NAMES = (shakespeare.NAME, *synthetic.TEXTS)

Progress = Callable[[str, float], None]
"""Called with the current activity in words, and the share of it that is done, 0 … 1."""


def find(name: str, progress: Progress | None = None) -> Path | bytes | None:
    """The built-in text of that name, built where it is not there yet; None for a name that is not in `NAMES`.

    Raises UserError where Shakespeare's plays could not be fetched.
    """
    if name == shakespeare.NAME:
        return shakespeare.find(progress or (lambda _what, _share: None))
    make = synthetic.TEXTS.get(name)
    return make().encode() if make is not None else None
