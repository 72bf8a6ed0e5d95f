"""Journals that a test writes in place of a program, as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from charrnn.journal import COMMANDS, RECORDS, Writer, new_folder

Record = Mapping[str, Any]

TARGETS = 64
"""The targets of each update."""

BEGIN: Record = {"record": "begin", "version": 2, "program": "train", "process": 1}
END: Record = {"record": "end"}


class Journal:
    """The journal of a program that lives until `die` is called.

    Attributes:
        folder: its folder.
    """

    _every: ClassVar[list[Journal]] = []

    def __init__(self, lab: Path, *records: Record) -> None:
        self._every.append(self)
        self._writer = Writer(new_folder(lab, "train"))
        self.folder = self._writer.folder
        self.write(*records)

    def write(self, *records: Record | bytes) -> None:
        """Append records, or lines that are none."""
        with (self.folder / RECORDS).open("ab") as file:
            for each in records:
                file.write(each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n")

    def text(self) -> bytes:
        return (self.folder / RECORDS).read_bytes()

    def asked(self) -> list[Record]:
        """The commands that consoles have sent."""
        lines = (self.folder / COMMANDS).read_text().splitlines()
        return [json.loads(line) for line in lines]

    def reply(self, ticket: str, text: str, *, failed: bool = False) -> None:
        self.write({"record": "reply", "ticket": ticket, "text": text, "failed": failed})

    def die(self) -> None:
        """The program is gone, as if it were killed."""
        self._writer.close()

    def end(self) -> None:
        """The program ends by itself."""
        self.write(END)
        self.die()

    @classmethod
    def end_all(cls) -> None:
        """End every process that still lives after a test."""
        for each in cls._every:
            each.die()
        cls._every.clear()


def training(number: int = 1, parameters: int = 100, **other: Any) -> Record:
    values = {"training": number, "optimizer": "Adam", "parameters": parameters, "tensors": 2}
    network = {"network": "lstm 1×8", "matrices": ["embedding", "head"], "compute": "cpu float32"}
    return {"record": "training", **values, **network, **other}


def settings(lr: float = 0.1, number: int = 1, update: int = 1, **other: Any) -> Record:
    group = {"lr": lr, "weight_decay": 0.01, "betas": [0.9, 0.999], **other}
    return {"record": "settings", "training": number, "update": update, "groups": [group]}


def point(update: int, number: int = 1, **other: Any) -> Record:
    values = {"targets": TARGETS * update, "seconds": update / 100, "updates": 1, "loss": 1 + 1 / update, "lr": 0.1}
    norms = {"grad_norm": 0.5, "grad_norm_max": 0.6, "norms": [0.3, 0.4]}
    clipping = {"clipped": 0.0, "clip": None, "clip_factor": 1.0}
    return {"record": "point", "training": number, "update": update, **values, **norms, **clipping, **other}


def validation(loss: float) -> Record:
    return {"record": "validation", "loss": loss, "targets": 640, "seconds": 1.0}


def change(update: int, number: int, old: str, new: str, knob: str = "lr") -> Record:
    place = {"update": update, "targets": TARGETS * update, "number": number}
    return {"record": "change", **place, "knob": knob, "old": old, "new": new}


def undo(update: int, changes: int) -> Record:
    place = {"update": update, "targets": TARGETS * update, "changes": changes}
    return {"record": "undo", **place, "text": f"back at update {update}"}


def saved(update: int) -> Record:
    return {"record": "saved", "update": update, "targets": TARGETS * update, "path": f"/there/{update}.safetensors"}


def probe(update: int, instrument: str = "update_ratio", **values: Any) -> Record:
    place = {"update": update, "targets": TARGETS * update}
    return {"record": "probe", **place, "instrument": instrument, "seconds": 0.01, "values": values or {"whole": 2e-3}}
