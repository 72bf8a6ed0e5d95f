"""The layouts of the console: which panes stand together."""

from __future__ import annotations

from enum import StrEnum


class Layout(StrEnum):
    """What a layout is for."""

    TRAINING = "training"
    DIAGNOSIS = "diagnosis"
    READING = "reading"
