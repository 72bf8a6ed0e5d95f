"""The whole state of a training in one file.

The file is in the safetensors format: tensors, and JSON in its header. Nothing in it is unpickled, so a file from a
stranger cannot run code. A digest of all its content shows whether a file is damaged.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from engine.budget import Budget, CoolDownSpan
from engine.errors import UserError
from engine.network.model import check_parameters
from engine.settings import Settings
from engine.text.vocabulary import Vocabulary
from engine.training.randomness import RandomState
from engine.training.state import COMPILED, DTYPES, Counters, State, parameters

FORMAT = 1
"""The version of the format; a file of any other version is refused."""

HEADER = "charrnn-tui"
HEADER_KEYS = frozenset(
    ("format", "run", "text", "source", "digest", "vocabulary", "budget", "best", "settings", "counters", "lengths")
)
DIGEST = "sha256"
DROPOUT_RANDOM = "random.dropout"


@dataclass(frozen=True, slots=True)
class Origin:
    """The run and the text that a checkpoint comes from.

    Attributes:
        run: the run's name.
        text: the corpus' name.
        source: the place of the text: an absolute path, or the name of a built-in text.
        digest: the SHA-256 of the text, in hexadecimal.
        vocabulary: the characters that the ids stand for.
        budget: the planned end of the training.
        best: the lowest validation loss so far, in nats per character; None before the first validation.
    """

    run: str
    text: str
    source: str
    digest: str
    vocabulary: Vocabulary
    budget: Budget
    best: float | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The content of a checkpoint file."""

    origin: Origin
    state: State


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write the file next to `path`, flush it to the disk, and only then rename it to `path`.

    Raises:
        UserError: the file could not be written; the file that was at `path` before is still there.
    """
    content = _content(checkpoint)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise UserError(f"the checkpoint {path} could not be written: {error.strerror or error}") from error


def load(path: Path) -> Checkpoint:
    """Read a file that `save` wrote; raises UserError of one line where it is damaged or not such a file."""
    _check_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata: Mapping[str, str] = file.metadata() or {}
            names: Iterable[str] = file.keys()
            tensors = {name: file.get_tensor(name) for name in names} if HEADER in metadata else {}
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise UserError(f"{path}: the checkpoint is damaged or cut short") from error
    if HEADER not in metadata:
        raise UserError(f"{path}: a .safetensors file, but not a checkpoint of charrnn-tui")
    text = metadata[HEADER]
    if metadata.get(DIGEST) != _digest(text, tensors):
        raise UserError(f"{path}: the checkpoint is damaged: its digest does not match")
    try:
        return _checkpoint(_header(text), tensors)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def whole_in(folder: Path) -> Iterator[Path]:
    """The checkpoints in a folder that can be loaded, newest first."""
    for path in sorted(folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime, reverse=True):
        with suppress(UserError):
            load(path)
            yield path


def _content(checkpoint: Checkpoint) -> bytes:
    origin, state = checkpoint.origin, checkpoint.state
    header = {
        "format": FORMAT,
        "run": origin.run,
        "text": origin.text,
        "source": origin.source,
        "digest": origin.digest,
        "vocabulary": origin.vocabulary.plain(),
        "budget": asdict(origin.budget),
        "best": origin.best,
        "settings": state.settings.plain(),
        "counters": asdict(state.counters),
        "lengths": state.random.lengths,
    }
    text = json.dumps(header, allow_nan=False)
    tensors = {name: tensor.contiguous() for name, tensor in state.tensors.items()}
    tensors[DROPOUT_RANDOM] = state.random.dropout
    return to_bytes(tensors, {HEADER: text, DIGEST: _digest(text, tensors)})


def _checkpoint(header: dict[str, Any], tensors: dict[str, Tensor]) -> Checkpoint:
    _check_keys("header", header, HEADER_KEYS)
    best = header["best"]
    if best is not None and (isinstance(best, bool) or not isinstance(best, int | float) or not 0 <= best < math.inf):
        raise UserError("the checkpoint's best loss is not a number")
    origin = Origin(
        run=_text(header, "run"),
        text=_text(header, "text"),
        source=_text(header, "source"),
        digest=_text(header, "digest"),
        vocabulary=Vocabulary.from_plain(header["vocabulary"]),
        budget=Budget(**_values("budget", header["budget"], Budget)),
        best=best,
    )
    # Versions before 0.3 did not share out their streams, nor compile their passes, nor keep the number type.
    older = {"shards": 1, "compiled": 0, "dtype": None}
    header["counters"] = {**older, **header["counters"]} if isinstance(header["counters"], dict) else None
    counters = _values("counters", header["counters"], Counters)
    span, dtype = counters.pop("cool_down"), counters.pop("dtype")
    if dtype is not None and not (isinstance(dtype, str) and dtype in DTYPES):
        raise UserError(f"the checkpoint's number type is not one of {', '.join(DTYPES)}")
    cool_down = None if span is None else CoolDownSpan(**_counts(_values("cool-down", span, CoolDownSpan)))
    if DROPOUT_RANDOM not in tensors:
        raise UserError(f"the checkpoint has no tensor {DROPOUT_RANDOM}")
    if counters["compiled"] not in (0, *COMPILED):
        raise UserError("the checkpoint's passes were made by loops that this program does not have")
    state = State(
        settings=Settings.from_plain(_values("settings", header["settings"], Settings)),
        counters=Counters(**_counts(counters), cool_down=cool_down, dtype=dtype),
        random=RandomState(_generator(header["lengths"]), tensors.pop(DROPOUT_RANDOM)),
        tensors=tensors,
    )
    check_parameters(state.settings, origin.vocabulary.size, parameters(state))
    return Checkpoint(origin, state)


def _header(text: str) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        raise UserError("the checkpoint's header is not JSON") from None
    if not isinstance(header, dict) or "format" not in header:
        raise UserError("the checkpoint's header is not one of charrnn-tui")
    if header["format"] != FORMAT:
        raise UserError(
            f"the checkpoint has format {header['format']}, and this program reads format {FORMAT}: use the version of "
            "charrnn-tui that wrote it"
        )
    return header


def _values(what: str, found: object, kind: type[Budget | Counters | CoolDownSpan | Settings]) -> dict[str, Any]:
    """The values in a part of the header, which must be exactly the fields of a dataclass."""
    if not isinstance(found, dict):
        raise UserError(f"the checkpoint's {what} is not an object")
    _check_keys(what, found, {field.name for field in fields(kind)})
    return dict(found)


def _check_keys(what: str, found: Mapping[str, Any], expected: Set[str]) -> None:
    if missing := sorted(expected - found.keys()):
        raise UserError(f"the checkpoint's {what}: {', '.join(missing)} is missing")
    if unknown := sorted(found.keys() - expected):
        raise UserError(f"the checkpoint's {what}: {', '.join(unknown)} is unknown to this program")


def _counts(values: Mapping[str, Any]) -> dict[str, int]:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
            raise UserError(f"the checkpoint's {name} is {str(value)[:20]!r}, and not a whole number")
    return dict(values)


def _generator(found: Any) -> dict[str, Any]:
    try:
        np.random.PCG64().state = found
    except (ValueError, KeyError, TypeError, OverflowError):
        raise UserError("the checkpoint's random generator for window lengths is damaged") from None
    return dict(found)


def _text(header: Mapping[str, Any], name: str) -> str:
    value = header[name]
    if not isinstance(value, str):
        raise UserError(f"the checkpoint's {name} is not text")
    return value


def _digest(header: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(header.encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _check_file(path: Path) -> None:
    try:
        kind = path.stat()
        if not stat.S_ISREG(kind.st_mode):
            raise UserError(f"{path}: not a regular file; a checkpoint is a .safetensors file")
        with path.open("rb") as file:
            start = file.read(9)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error
    if start.startswith((b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        raise UserError(f"{path}: a pickle, which could run code; only .safetensors checkpoints are opened")
    if start[8:9] != b"{":
        raise UserError(f"{path}: not a .safetensors file, or its start is damaged")


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder, and journals its entries.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
