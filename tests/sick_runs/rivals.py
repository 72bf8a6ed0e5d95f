"""Two other tools that watch trainings, for comparison: their published rules with default parameters on a history.

Nothing of theirs is installed or copied: the rules are written from their documentation, each parameter beside its
source. Each rule has the set of our causes that its name can mean, and any of them counts as right (see `meanings`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tests.sick_runs.autotrainer import autotrainer
from tests.sick_runs.meanings import CAUSES
from tests.sick_runs.sagemaker_debugger import sagemaker_debugger
from tests.sick_runs.steps import Alarm, Step

__all__ = ["CAUSES", "RIVALS", "Alarm", "Step"]

RIVALS: Mapping[str, Callable[[Sequence[Step]], list[Alarm]]] = {
    "SageMaker Debugger": sagemaker_debugger,
    "AutoTrainer": autotrainer,
}
"""By the tool's name; each takes a whole history and returns every rule's first alarm, the earliest first."""
