"""The files of an export: written beside their places first, and put there once all of them are complete."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from engine.errors import UserError

Step = Callable[[], object]
"""Is called once for each step that is done."""

LONGEST_NAME = 100
"""Characters of a file's name that are taken from a run's or race's."""

DRAFT = ".charrnn-export-"
"""How the folder's name begins in which an export is made."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One file.

    Attributes:
        path: where in the export's folder.
        write: writes it to a path, and says so of each of its steps.
        steps: how many these are.
    """

    path: PurePosixPath
    write: Callable[[Path, Step], None]
    steps: int = 1


@dataclass(frozen=True, slots=True)
class Origin:
    """What an export is of: files of the same origin are replaced, no others.

    Attributes:
        kind: `run` or `race`.
        name: of the run or race.
        target: the name of the export's form, such as `csv`.
        identity: what tells it from others of that name.
    """

    kind: str
    name: str
    target: str
    identity: str


def file_name(name: str) -> str:
    """A name that a file can have, whatever the lab says that something is called."""
    return re.sub(r"[^\w.+ -]|(?<!\w)\.", "_", name).strip()[:LONGEST_NAME] or "_"


def write_files(folder: Path, origin: Origin, pieces: Sequence[Piece], step: Step) -> list[Path]:
    """Write all files or none; returns their paths.

    Files of an earlier export of the same origin are replaced, and those that are not written any more removed. Which
    these are, and their digests, stands in a hidden file beside them.

    Raises:
        UserError: a file is in the way that the last export of this origin did not leave just so, or the disk fails;
            everything is as it was before.
    """
    with _errors(folder), _made(folder):
        before = _recorded(folder, origin)
        _check(folder, [piece.path for piece in pieces], before, origin)
        with tempfile.TemporaryDirectory(prefix=DRAFT, dir=folder) as made:
            draft = Path(made)
            now = {}
            for piece in pieces:
                (draft / piece.path).parent.mkdir(parents=True, exist_ok=True)
                piece.write(draft / piece.path, step)
                now[str(piece.path)] = _digest(draft / piece.path)
            record = _record_path(draft, origin)
            record.write_text(json.dumps({"identity": origin.identity, "files": now}, indent=1), encoding="ascii")
            _check(folder, [piece.path for piece in pieces], before, origin)
            for path in (piece.path for piece in pieces):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (draft / path).replace(folder / path)
            record.replace(_record_path(folder, origin))
        for name in before.keys() - now.keys():
            _remove(folder, name, before[name])
    return [folder / piece.path for piece in pieces]


def _check(folder: Path, paths: Sequence[PurePosixPath], known: Mapping[str, str], origin: Origin) -> None:
    """Raises UserError where a file would be lost that is not ours to replace."""
    for path in paths:
        place = folder / path
        if not os.path.lexists(place):
            continue
        mend = "move it, or name another folder with --out"
        if str(path) not in known or not place.is_file():
            raise UserError(
                f"{place} is in the way, and no {origin.target} export of {origin.kind} {origin.name}: {mend}"
            )
        if _digest(place) != known[str(path)]:
            raise UserError(f"{place} was changed since it was exported: {mend}")


def _remove(folder: Path, path: str, digest: str) -> None:
    """Remove a file that an earlier export left, unless somebody has changed it since."""
    place = folder / path
    inside = not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts
    if inside and place.is_file() and _digest(place) == digest:
        place.unlink()


def _record_path(folder: Path, origin: Origin) -> Path:
    return folder / f".{file_name(origin.name)}-{origin.target}.json"


def _recorded(folder: Path, origin: Origin) -> dict[str, str]:
    """The files that the last export of the same origin left, with their digests; none where that cannot be read."""
    try:
        found = json.loads(_record_path(folder, origin).read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict) or found.get("identity") != origin.identity:
        return {}
    files = found.get("files")
    return {str(path): str(digest) for path, digest in files.items()} if isinstance(files, dict) else {}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder; where what follows fails, remove what was made for it."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for path in missing:
            with suppress(OSError):
                path.rmdir()
        raise


@contextmanager
def _errors(folder: Path) -> Iterator[None]:
    """Within it, whatever the disk says becomes a UserError of one line."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(f"the disk is full: nothing was exported to {folder}; name another with --out") from error
        where = error.filename if error.filename and DRAFT not in str(error.filename) else folder
        if isinstance(error, FileExistsError | NotADirectoryError):
            raise UserError(f"{where} is no folder: name another with --out") from error
        raise UserError(
            f"{where} cannot be written: {error.strerror or error}; name another folder with --out"
        ) from error
