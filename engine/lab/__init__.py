"""The lab: a folder with runs, their events and checkpoints, and hypotheses, in a SQLite file and files beside it."""

from engine.lab.database import check_place
from engine.lab.lab import Lab
from engine.lab.past import Past
from engine.lab.run import Entry, Run
from engine.lab.target import check_target, names_a_run

__all__ = [
    "Entry",
    "Lab",
    "Past",
    "Run",
    "check_place",
    "check_target",
    "names_a_run",
]
