"""Trainings with nothing wrong with them: nothing is to be said about them."""

from __future__ import annotations

from tests.ladders.fault import Fault
from tests.ladders.texts import KINDS

WAYS: tuple[dict[str, str], ...] = (
    {},
    {"cell": "gru"},
    {"cell": "rnn", "lr": "2e-3"},
    {"optimizer": "sgd", "lr": "0.5"},
    {"streams": "1", "lr": "1e-3"},
    {"streams": "4", "layers": "2", "lr": "2e-3"},
    {"optimizer": "rmsprop", "lr": "1e-3"},
    {"bptt": "20-80", "dropout": "0.2"},
    {"hidden": "256"},
    {"hidden": "48", "streams": "32"},
)
"""Settings that learn any of the texts."""

HEALTHY: tuple[Fault, ...] = tuple(
    Fault(f"{kind}, {' '.join(f'{name} {value}' for name, value in way.items()) or 'as it comes'}", (), way, text)
    for place, (kind, text) in enumerate(KINDS.items())
    for way in (WAYS[place % len(WAYS)], WAYS[(place + 3) % len(WAYS)], WAYS[(place + 6) % len(WAYS)])
)
"""Each kind of text in three ways, so that each way has several texts."""
