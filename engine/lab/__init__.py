"""The folder that holds runs, points, changes, hypotheses and checkpoints: one SQLite file and files beside it."""

from engine.lab.lab import Lab
from engine.lab.run import Run

__all__ = ["Lab", "Run"]
