"""The sources of a text: a file, standard input, or a built-in text."""

from __future__ import annotations

import hashlib
from pathlib import Path

from engine.errors import UserError
from engine.lab import Lab
from engine.settings import Settings
from engine.text import made
from engine.text.cache import open_corpus
from engine.text.corpus import Corpus, read_corpus
from engine.text.progress import Tell


def read_text(text: str, content: bytes | None, settings: Settings, lab: Path, progress: Tell) -> tuple[Corpus, str]:
    """The corpus, and the source under which its text is found again.

    Args:
        text: a file's path or a built-in text's name; for standard input the name to show.
        content: the bytes of standard input; None otherwise.
        settings: say its encoding, and how large the vocabulary may be.
        lab: the lab's folder, which holds the cache of large texts.
        progress: called as the work advances.

    Raises:
        UserError: there is no such text, it cannot be read, or it is too short to train on.
    """
    where: Path | bytes = Path(text)
    source = str(Path(text).absolute())
    if content is not None:
        where = content
    elif not Path(text).exists():
        if (found := made.find(text, lambda what, share: progress(what, share))) is None:
            raise UserError(
                f"there is no text {text}: name a file, - for standard input, or a text that comes with the program: "
                f"{', '.join(made.NAMES)}"
            )
        where, source = found, text
    name = text if content is not None else Path(text).name
    if isinstance(where, Path):
        return open_corpus(where, name, settings.vocabulary, _texts(lab), progress, settings.encoding), source
    return (
        read_corpus(
            where, name, settings.vocabulary, lambda share: progress(f"reading {name}", share), settings.encoding
        ),
        source,
    )


def check_source(source: str) -> None:
    """Raises UserError where the text that a run was trained on is no longer at this source."""
    if not Path(source).exists() and source not in made.NAMES:
        raise UserError(f"there is no text {source}: give its present path with --text")


def _texts(lab: Path) -> Path:
    """The folder in which a lab keeps texts."""
    return lab.absolute() / "texts"


def keep_text(lab: Lab, content: bytes) -> Path:
    """Keep a text from standard input in the lab, so that a resumed run can read it; return its path.

    Raises UserError where it cannot be written.
    """
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
