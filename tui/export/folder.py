"""The files of an export: written to a draft folder first, and moved to their places once all are complete."""

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
"""Called after each step."""

LONGEST_NAME = 100
"""The most characters of a run's or race's name that are used in a file's name."""

DRAFT = ".charrnn-export-"
"""The beginning of the draft folder's name."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One file.

    Attributes:
        path: its place in the export's folder.
        write: writes it to a path, and calls the given function after each of its steps.
        steps: the number of steps.
    """

    path: PurePosixPath
    write: Callable[[Path, Step], None]
    steps: int = 1


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of an export. An export replaces files of its own origin, and no others.

    Attributes:
        kind: `run` or `race`.
        name: the name of the run or race.
        target: the name of the export's form, such as `csv`.
        identity: distinguishes the run or race from others of the same name.
    """

    kind: str
    name: str
    target: str
    identity: str


def file_name(name: str) -> str:
    """A name that a file can have, made from any name in the lab."""
    return re.sub(r"[^\w.+ -]|(?<!\w)\.", "_", name).strip()[:LONGEST_NAME] or "_"


def write_files(folder: Path, origin: Origin, pieces: Sequence[Piece], step: Step) -> list[Path]:
    """Write all files or none; return their paths.

    Files of an earlier export of the same origin are replaced, and those that are no longer written are removed. A
    hidden file beside them records their names and digests.

    Raises:
        UserError: a file is in the way that is not exactly as the last export of this origin left it, or the disk
            fails. Everything is then as it was before.
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
    """Raise UserError where the export would replace a file that is not exactly as an earlier export left it."""
    for path in paths:
        place = folder / path
        if not os.path.lexists(place):
            continue
        mend = "move it, or name another folder with --out"
        if str(path) not in known or not place.is_file():
            raise UserError(
                f"{place} is in the way: it is not from a {origin.target} export of {origin.kind} {origin.name}; {mend}"
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
    """The files that the last export of the same origin left, with their digests; empty where no record can be read."""
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
    """Make a folder, and remove it again if an exception is raised within this context."""
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
    """Within this context, an error of the disk becomes a UserError of one line."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(f"the disk is full: nothing was exported to {folder}; name another with --out") from error
        where = error.filename if error.filename and DRAFT not in str(error.filename) else folder
        if isinstance(error, FileExistsError | NotADirectoryError):
            raise UserError(f"{where} is not a folder: name another with --out") from error
        raise UserError(
            f"{where} cannot be written: {error.strerror or error}; name another folder with --out"
        ) from error
