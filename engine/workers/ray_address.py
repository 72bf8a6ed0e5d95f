"""The address of a Ray cluster."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import Final

from engine.errors import UserError

RAY: Final = "ray"

LOCAL: Final = "local"
"""The address of a cluster that is still to be started, on this machine."""

NOTED: Final = "auto"
"""The address of the cluster that `ray start` has started on this machine; Ray also finds its credentials by it."""

CLIENT: Final = "ray://"
"""The beginning of the address of a cluster that is reached from outside."""

CLIENT_PORT: Final = 10001
"""The port of such a cluster, unless its address names another one."""

ANSWER_SECONDS: Final = 5.0
"""The seconds that a machine may take to answer; Ray itself would wait for minutes."""


def address_of(name: str) -> str:
    """The address that `ray` or `ray://HOST:PORT` means: `ray://HOST:PORT`, `HOST:PORT`, `NOTED` or `LOCAL`.

    `ray` is the cluster that RAY_ADDRESS names, or the one that `ray start` has started on this machine, or otherwise
    a new one. Raises UserError where `name` is not an address.
    """
    if name != RAY:
        return _whole(name, name)
    named = os.environ.get("RAY_ADDRESS", "").strip()
    if named == LOCAL:
        return LOCAL
    if named not in ("", NOTED):
        return _whole(named, f"RAY_ADDRESS {named}")
    # Ray's note of a cluster stays when the cluster is killed.
    return NOTED if _answers(_note()) is None else LOCAL


def check_answers(address: str) -> None:
    """Raise UserError where nothing answers at an address."""
    if address != LOCAL and (why := _answers(_note() if address == NOTED else address)):
        raise UserError(f"there is no Ray cluster {named(address)} ({why}): name one that runs, or start another")


def named(address: str) -> str:
    """An address as a part of a sentence."""
    return "on this machine" if address in (LOCAL, NOTED) else f"at {address}"


def _note() -> str:
    """The address of the cluster that `ray start` has started here; empty where it has started none."""
    note = Path(os.environ.get("RAY_TMPDIR", tempfile.gettempdir()), "ray", "ray_current_cluster")
    try:
        return note.read_text().strip()
    except OSError:
        return ""


def _answers(address: str) -> str | None:
    """The reason why nothing answers at an address; None where something does."""
    if not address:
        return "none was started"
    host, port = _parts(address)
    try:
        socket.create_connection((host.strip("[]"), port), ANSWER_SECONDS).close()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _whole(address: str, shown: str) -> str:
    """An address with its port; raises UserError where it is not an address."""
    host, port = _parts(address)
    if not host or "/" in host or not 0 < port < 65536:
        raise UserError(f"{shown}: expected {CLIENT}HOST:PORT, with a port from 1 to 65535")
    return f"{CLIENT if address.startswith(CLIENT) else ''}{host}:{port}"


def _parts(address: str) -> tuple[str, int]:
    """Host and port; a port that is not a number is 0."""
    host, found, port = address.removeprefix(CLIENT).rstrip("/").rpartition(":")
    if not found and address.startswith(CLIENT):
        return port, CLIENT_PORT
    return host, int(port) if port.isascii() and port.isdecimal() else 0
