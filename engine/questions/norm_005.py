"""Is a gradient norm of 0.05 vanishing?"""

from __future__ import annotations

from engine.questions import norms
from engine.questions.experiment.experiments import Experiments
from engine.questions.question import Answer

NORM = 0.05


def investigate(experiments: Experiments) -> Answer:
    """Compare the norm with those of trainings that learn."""
    return norms.investigate(experiments, NORM, "ask-norm-0.05")
