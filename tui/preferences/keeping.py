"""Settings that the console keeps in the user's file."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from engine.errors import UserError
from tui.preferences.preferences import user_file
from tui.preferences.settings_file import Table, read_text

MODE = 0o644


def keep(table: Table, name: str, value: str) -> None:
    """Write a value into the user's file and leave all else in it as it is, comments included.

    Raises UserError where the file cannot be read or written. It is then as it was.
    """
    # Imported here: it takes as long to load as the rest of this folder many times over.
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    path = user_file()
    try:
        document = tomlkit.parse(read_text(path))
        section = document.setdefault(table, tomlkit.table())
        section[name] = value
        text = tomlkit.dumps(document)
    except (TOMLKitError, TypeError, ValueError, RecursionError) as error:
        raise UserError(f"{name} is not kept: {path} is no settings file: {error}") from error
    try:
        # Of a link, as those who share their settings between machines have it, the file that it leads to.
        _replace(path.resolve(), text)
    except OSError as error:
        raise UserError(f"{name} is not kept: {path} cannot be written: {error.strerror}") from error


def _replace(path: Path, text: str) -> None:
    """Write a file so that it is the old one or the new one at any time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else MODE
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.chmod(mode)
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
