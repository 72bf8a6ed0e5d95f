"""Faults that leave no doubt: each is to be named within seconds, on any machine."""

from __future__ import annotations

from engine.events import Cause
from tests.ladders import texts
from tests.ladders.fault import Fault

LOW, HIGH = (Cause.LEARNING_RATE_TOO_LOW,), (Cause.LEARNING_RATE_TOO_HIGH,)
TIGHT, SHIFT, SHORT = (Cause.CLIP_TOO_TIGHT,), (Cause.DATA_SHIFT,), (Cause.BPTT_TOO_SHORT,)

BLATANT: tuple[Fault, ...] = (
    Fault("adamw at 1e-6", LOW, {"lr": "1e-6"}),
    Fault("adamw at 5e-6", LOW, {"lr": "5e-6"}),
    Fault("sgd at 1e-4", LOW, {"optimizer": "sgd", "lr": "1e-4"}),
    Fault("tanh, adam at 5e-2", HIGH, {"cell": "rnn", "optimizer": "adam", "lr": "5e-2"}),
    Fault("adamw at 0.1", HIGH, {"lr": "0.1"}),
    Fault("one character at a time at 3e-2", HIGH, {"lr": "3e-2"}, preset="online"),
    Fault("sgd 0.5, clipped to 1e-4", TIGHT, {"optimizer": "sgd", "lr": "0.5", "clip": "1e-4"}),
    Fault("sgd 0.5, clipped to 1e-2", TIGHT, {"optimizer": "sgd", "lr": "0.5", "clip": "1e-2"}),
    Fault("clipped by value to 1e-5", TIGHT, {"clip": "1e-5", "clip_by": "value"}),
    Fault(
        "prose, then digits, one stream",
        SHIFT,
        {"streams": "1"},
        texts.then((texts.prose, 150_000), (texts.digits, 150_000)),
        onset=150_000,
    ),
    Fault(
        "prose with base64 inside",
        SHIFT,
        {"streams": "4"},
        texts.then((texts.prose, 180_000), (texts.noise, 40_000), (texts.prose, 180_000)),
    ),
    Fault(
        "one language, then another script",
        SHIFT,
        {"streams": "1"},
        texts.then((texts.accented, 150_000), (texts.unspaced, 150_000)),
        onset=150_000,
    ),
    Fault("20,000 characters by heart", (Cause.OVERFITTING,), {"hidden": "256"}, size=20_000),
    Fault("the last of 80 characters a target", (Cause.SPARSE_TARGETS,), {"targets": "last", "bptt": "80"}),
    Fault("dropout 0.95", (Cause.NOISY_UPDATES, Cause.STUCK_AT_LETTER_FREQUENCIES), {"dropout": "0.95"}),
    Fault("windows of 8, recall 20", SHORT, {"bptt": "8", "streams": "32"}, texts.recall(20)),
    Fault("windows of 10, recall 30", SHORT, {"bptt": "10", "streams": "32"}, texts.recall(30)),
    Fault("tanh, recall 30", (Cause.VANISHING_GRADIENT,), {"cell": "rnn", "bptt": "64"}, texts.recall(30)),
    Fault("one character at a time", SHORT, preset="online"),
    Fault("windows of 2", SHORT, {"bptt": "2"}),
)
