"""The meaning of other tools' rules in our closed list of causes.

The tools name symptoms, we name causes. To keep the comparison fair, each rule has the set of all causes that can
bring its symptom about, however indirectly, and any of them counts as right. Where a rule means nearly
everything that makes a loss fall slowly, this is kinder than useful: a rule that is right about every second cause
tells its reader little. Whoever compares may weigh an alarm by the size of its set.
"""

from __future__ import annotations

from engine.diagnosis import causes

CAUSES = frozenset(map(str, causes.CAUSES))
"""Every cause that a finding can name."""

EXPLODING = frozenset({"exploding-gradient", "non-finite", "numerical-instability", "learning-rate-too-high"})
"""Numbers became too large, or not a number."""

VANISHING = frozenset({"vanishing-gradient", "saturated-units", "numerical-instability", "learning-rate-too-high"})
"""Hardly any gradient arrives: none comes through, units are stuck where a large step threw them, or it underflows."""

SATURATED = frozenset({"saturated-units", "vanishing-gradient", "learning-rate-too-high"})
"""Units are stuck at an end of their range."""

NOT_LEARNING = CAUSES - {"overfitting", "non-finite"}
"""The loss does not fall as it should: all causes but those that make it fall too far or leave no loss."""

GAP = frozenset({"overfitting", "data-shift"})
"""The validation loss is well above the training loss."""

LARGE_STEPS = frozenset({"learning-rate-too-high", "exploding-gradient", "numerical-instability", "noisy-updates"})
"""Updates are large beside the weights."""

SMALL_STEPS = frozenset(
    {
        "learning-rate-too-low",
        "clip-too-tight",
        "vanishing-gradient",
        "saturated-units",
        "sparse-targets",
        "plateau",
        "stuck-at-letter-frequencies",
    }
)
"""Updates are small beside the weights."""

UNSTEADY = LARGE_STEPS | {"data-shift", "sparse-targets"}
"""The training oscillates."""
