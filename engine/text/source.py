"""Where a text comes from: a file, standard input, or the texts that we make."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from engine.errors import UserError
from engine.lab import Lab
from engine.text import made
from engine.text.cache import open_corpus
from engine.text.corpus import Corpus, read_corpus

Progress = Callable[[str, float], None]
"""Told what is being done, and the share done, 0 … 1."""


def read_text(text: str, content: bytes | None, cap: int, lab: Path, progress: Progress) -> tuple[Corpus, str]:
    """The corpus, and what to call its text when it is wanted again."""
    where: Path | bytes = Path(text)
    source = str(Path(text).absolute())
    if content is not None:
        where = content
    elif not Path(text).exists():
        if (found := made.find(text, lambda what, share: progress(what, share))) is None:
            raise UserError(
                f"there is no text {text}: name a file, - for standard input, or one that we make: "
                f"{', '.join(made.NAMES)}"
            )
        where, source = found, text
    name = text if content is not None else Path(text).name
    if isinstance(where, Path):
        return open_corpus(where, name, cap, _texts(lab), progress), source
    return read_corpus(where, name, cap, lambda share: progress(f"reading {name}", share)), source


def _texts(lab: Path) -> Path:
    """Where a lab keeps texts."""
    return lab.absolute() / "texts"


def keep_text(lab: Lab, content: bytes) -> Path:
    """What came through standard input comes but once: a resumed run reads it from the lab."""
    path = _texts(lab.folder) / f"{hashlib.sha256(content).hexdigest()[:16]}.txt"
    if not path.exists():
        beside = path.with_suffix(".part")
        try:
            path.parent.mkdir(exist_ok=True)
            beside.write_bytes(content)
            beside.replace(path)
        except OSError as error:
            raise UserError(f"the text could not be kept at {path}: {error.strerror or error}") from error
    return path
