"""One training, as the lab knows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from engine.errors import UserError
from engine.events import RunStatus
from engine.settings import PlainValue

LONGEST_NAME = 64
COMPRESSED = (".gz", ".xz", ".zst")


@dataclass(frozen=True, slots=True)
class Entry:
    """Which part of a race a run is.

    Attributes:
        race: the race's number.
        variant: the variant's place in the plan, from 0 on.
        replicate: the seed's place, from 0 on.
    """

    race: int
    variant: int
    replicate: int


@dataclass(frozen=True, slots=True)
class Run:
    """One training.

    Attributes:
        number: its place in the lab, from 1 on.
        name: unique in the lab; its checkpoints lie in a folder of that name.
        text: the corpus' name.
        digest: sha256 of the text.
        settings: as they were at the run's start, and of a fork with its parent's past at that one's.
        parent: for a fork the run it began from, and at which update.
        created: when it began, ISO 8601 in UTC.
        status: how it stands, or why it ended.
        update: updates made.
        chars: characters trained on.
        seconds: seconds of training, over all its processes.
        val_loss: the last validation loss in nats per character.
        best: the lowest one.
        compute: such as `cpu bf16 ×1`.
        network: such as `lstm 1×256`.
        parameters: how many numbers the network learns.
        matrix_names: the weight matrices, in the order of `Point.norms`.
        race: which part of a race it is; None for a training of its own.
    """

    number: int
    name: str
    text: str
    digest: str
    settings: Mapping[str, PlainValue]
    parent: tuple[str, int] | None
    created: str
    status: RunStatus
    update: int
    chars: int
    seconds: float
    val_loss: float | None
    best: float | None
    compute: str
    network: str
    parameters: int
    matrix_names: tuple[str, ...]
    race: Entry | None = None


def check_name(name: str) -> str:
    """The name itself; raises UserError where it could not be a folder's name, or would be taken for a number."""
    usable = re.fullmatch(r"[^\W_][\w.+ -]*", name) and not name.isdecimal() and name == name.strip()
    if not usable or len(name) > LONGEST_NAME:
        raise UserError(
            f"--name {name!r}: expected a letter or digit and then letters, digits or . _ + - and spaces, "
            f"at most {LONGEST_NAME} in all, not digits alone"
        )
    return name


def default_name(text: str, number: int) -> str:
    """A run's name made from its text's."""
    path = PurePath(text)
    plain = path.with_suffix("") if path.suffix in COMPRESSED else path
    stem = re.sub(r"[^\w+-]+", "-", plain.stem, flags=re.ASCII).strip("-_+")[:40]
    return f"{stem or 'run'}-{number}"
