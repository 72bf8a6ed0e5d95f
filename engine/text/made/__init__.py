"""The built-in texts: `TEXT` may name one of them where the working directory has no file of that name."""

from __future__ import annotations

from pathlib import Path

from engine.text.made import shakespeare, synthetic
from engine.text.progress import Tell

NAMES = (shakespeare.NAME, *synthetic.TEXTS)


def find(name: str, progress: Tell | None = None) -> Path | bytes | None:
    """The built-in text of that name, built where it is not there yet; None for a name that is not in `NAMES`.

    Raises UserError where Shakespeare's plays could not be fetched.
    """
    if name == shakespeare.NAME:
        return shakespeare.find(progress or (lambda _what, _share: None))
    make = synthetic.TEXTS.get(name)
    return make().encode() if make is not None else None
