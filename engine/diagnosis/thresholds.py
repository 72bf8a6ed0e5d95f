"""Thresholds that the rules of several families share; docs/diagnosis.md gives the evidence for each.

A threshold of one family is at the top of that family's file.
"""

from __future__ import annotations

# --- the loss --------------------------------------------------------------------------------------------------------

LEAST_RISE = 0.05
"""The least rise of a level of the loss that counts, in nats per character. Readings show smaller ones by chance."""

CLEAR_RISE = 0.1
"""The rise of the loss that accuses the network, in nats per character. A hard passage can cause a smaller one."""

STALLED = 0.015
"""The least relative fall of the loss over the last half of the time. With less, it has stalled."""

# --- what is left to learn -------------------------------------------------------------------------------------------

NEAR_LAGS = 8
"""The characters up to this lag are near: every network learns from them first."""

EASY_OFFER = 0.01
"""The most that a near character still offers, in nats per character, where the near ones have been learnt."""

CLEAR_OFFER = 0.03
"""The least offer of a near character that a stalled network has missed, in nats per character."""

REST_OFFER = 0.09
"""The least offer of a near character to a loss at rest, in nats per character: a table or another text that never
repeats itself offers two thirds of that to any network. Where weight decay or dropout may hold it there, `EASY_OFFER`
is enough."""

COUNTED = 0.1
"""The least amount by which a loss is above what the last few characters leave uncertain, as counted in the text, where
there is more to learn, in nats per character."""

# --- time and streams ------------------------------------------------------------------------------------------------

LEAST_AGE = 150
"""The updates with unchanged knobs before which it is too early to say that a training gets nowhere."""

FEW_POINTS = 8
"""The points with unchanged knobs before which a loss says too little. They are a second and a half at least."""

MANY_STREAMS = 4
"""The number of streams from which they do not all come to a hard passage together."""

# --- steps -----------------------------------------------------------------------------------------------------------

AS_SET = 0.5
"""The share of the set learning rate below which annealing has lowered it. Such a rate is low on purpose."""

LONG_STEP = 4e-3
"""The change by one update, as a share of the weights, from which a step is long. About 1e-3 is usual."""

SATURATED_AT_START = 0.6
"""The share of saturated units at the first look from which they were saturated at the start, and not by learning."""

DRIVEN = 0.7
"""The share of saturated units from which long steps have driven the network into saturation."""

RUINED = 0.95
"""The share of saturated units from which a network recovers slowly, if at all."""

NOISE_AGREEMENT = 0.03
"""The share of a gradient on which different text agrees, below which the gradient is mostly noise."""

EXPLODES = 10.0
"""The gradient at some lag, as a multiple of that at lag 0, from which it explodes through time."""

CUT_ALWAYS = 0.9
"""The share of clipped updates from which clipping is no longer an exception, but acts as a lower learning rate."""

GRADIENT_ERROR = 0.2
"""The relative error of a gradient from which digits are lost. It is usually 0.01 in bfloat16, and ten times as much
where little is left to learn."""

GRADIENT_ERROR_FLOAT32 = 0.05
"""The same where float32 was asked for, in which the error is usually below 1e-5."""

MUCH_DROPOUT = 0.6
"""The dropout above which it is a cause of noise. No rule proposes more."""

EXTREME_DROPOUT, EXTREME_COST = 0.8, 0.08
"""The dropout from which so little is left that there is no need to wait until the loss rests; and the rise of the
training loss by it from which it is to blame, in nats per character."""

# --- proposals -------------------------------------------------------------------------------------------------------

RATE_FACTOR = 10
"""The factor by which a wrong learning rate is divided or multiplied."""

SMALL_RATE_FACTOR = 3
"""The same where the rate may be right, but only longer steps lead out of the present state."""

SIZE_FACTOR = 2
"""The factor by which a network that is too small is enlarged."""

USUAL_CLIP = 1.0
"""The gradient norm at which clipping is proposed where there is none. It is the default."""

USUAL_DROPOUT = 0.2
"""The dropout that is proposed where there is far too much."""
