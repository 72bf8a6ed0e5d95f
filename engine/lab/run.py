"""One run, as the lab stores it."""

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
    """The part of a race that a run is.

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
    """One run.

    Attributes:
        number: its place in the lab, from 1 on.
        name: its name, unique in the lab; its checkpoints lie in a folder of that name.
        text: the corpus' name.
        digest: sha256 of the text.
        settings: the settings at the run's start; for a fork with its parent's past, those at the parent's start.
        parent: for a fork, the name of the run and the update that it began from; None otherwise.
        created: the time at which it began, ISO 8601 in UTC.
        status: its present status, or the reason of its end.
        update: updates made.
        chars: characters trained on.
        seconds: seconds of training, over all its processes.
        val_loss: the last validation loss in nats per character; None before the first.
        best: the lowest validation loss, likewise.
        compute: the way to compute, such as `cpu bf16 ×1`.
        network: the architecture, such as `lstm 1×256`.
        parameters: the number of parameters.
        matrix_names: the weight matrices, in the order of `Point.norms`.
        race: the part of a race that it is; None where it belongs to none.
        journal: of a watched program, the name of its journal, whose loop is not ours: `text` is the program, and the
            settings are those that are known of it. None for a run of ours.
        question: the question that it was made for, as `ask` names it; None where it was made for none.
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
    journal: str | None = None
    question: str | None = None


def check_name(name: str) -> str:
    """Return the name; raises UserError where it cannot be a folder's name, or could be taken for a number."""
    usable = re.fullmatch(r"[^\W_][\w.+ -]*", name) and not name.isdecimal() and name == name.strip()
    if not usable or len(name) > LONGEST_NAME:
        raise UserError(
            f"--name {name!r}: expected a letter or digit, then letters, digits, spaces or . _ + -, "
            f"at most {LONGEST_NAME} characters in total, and not only digits"
        )
    return name


def default_name(text: str, number: int) -> str:
    """A run's name, made from its text's name."""
    path = PurePath(text)
    plain = path.with_suffix("") if path.suffix in COMPRESSED else path
    stem = re.sub(r"[^\w+-]+", "-", plain.stem, flags=re.ASCII).strip("-_+")[:40]
    return f"{stem or 'run'}-{number}"
