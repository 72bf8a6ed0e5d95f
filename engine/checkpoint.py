"""The whole state of a training in one file.

The file is in the safetensors format: tensors, and JSON in its header. Nothing in it is unpickled, so that a file from
a stranger cannot run code. A digest over everything tells a damaged file from a whole one.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from engine.errors import UserError
from engine.model import check_parameters
from engine.randomness import RandomState
from engine.schedule import Budget, CoolDownSpan
from engine.settings import Settings
from engine.trainer import Counters, State, parameters
from engine.vocabulary import Vocabulary

FORMAT = 1
"""The number of the format; a file of a higher one is refused."""

HEADER = "charrnn-tui"
DIGEST = "sha256"
DROPOUT_RANDOM = "random.dropout"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a checkpoint comes from.

    Attributes:
        run: the run's name.
        text: the corpus' name.
        source: how to find the text again: an absolute path, or the name of a text that we make.
        digest: sha256 of the text.
        vocabulary: the entries behind the ids.
        budget: where the training was to end.
        best: the lowest validation loss so far, in nats per character.
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
    """What a file holds."""

    origin: Origin
    state: State


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write the file beside `path`, flush it to the disk, and only then put it in the place of `path`.

    Raises:
        UserError: it could not be written; what was at `path` before is there still.
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
    """Read a file that `save` wrote; raises UserError with one line where it is not whole or none of ours."""
    _check_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata: Mapping[str, str] = file.metadata() or {}
            names: Iterable[str] = file.keys()
            tensors = {name: file.get_tensor(name) for name in names} if HEADER in metadata else {}
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise UserError(f"{path}: the checkpoint is damaged or cut short ({error}); use another one") from error
    if HEADER not in metadata:
        raise UserError(f"{path}: a .safetensors file, but no checkpoint of charrnn-tui")
    text = metadata[HEADER]
    if metadata.get(DIGEST) != _digest(text, tensors):
        raise UserError(f"{path}: the checkpoint is damaged (its digest does not match); use another one")
    try:
        return _checkpoint(json.loads(text), tensors)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: the checkpoint's header is not one of charrnn-tui ({error})") from error


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


def _checkpoint(header: Any, tensors: dict[str, Tensor]) -> Checkpoint:
    if not isinstance(header, dict):
        raise TypeError("it is no object")
    if header["format"] != FORMAT:
        raise UserError(f"the checkpoint has format {header['format']}, this program reads format {FORMAT}: upgrade it")
    origin = Origin(
        run=_text(header["run"]),
        text=_text(header["text"]),
        source=_text(header["source"]),
        digest=_text(header["digest"]),
        vocabulary=Vocabulary.from_plain(header["vocabulary"]),
        budget=Budget(**header["budget"]),
        best=None if header["best"] is None else float(header["best"]),
    )
    counters = dict(header["counters"])
    span = counters.pop("cool_down")
    cool_down = None if span is None else CoolDownSpan(**_whole_numbers(span))
    state = State(
        settings=Settings.from_plain(header["settings"]),
        counters=Counters(**_whole_numbers(counters), cool_down=cool_down),
        random=RandomState(header["lengths"], tensors.pop(DROPOUT_RANDOM)),
        tensors=tensors,
    )
    check_parameters(state.settings, origin.vocabulary.size, parameters(state))
    return Checkpoint(origin, state)


def _whole_numbers(values: Mapping[str, Any]) -> dict[str, int]:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{name} is {value!r}")
    return dict(values)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {type(value).__name__}")
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
            raise UserError(f"{path}: no regular file; a checkpoint is a .safetensors file")
        with path.open("rb") as file:
            start = file.read(9)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error
    if start.startswith((b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        raise UserError(f"{path}: a pickle, which could run code; only .safetensors checkpoints are opened")
    if start[8:9] != b"{":
        raise UserError(f"{path}: no .safetensors file, or its start is damaged")


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # a folder cannot be opened there, and its entries are journalled
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
