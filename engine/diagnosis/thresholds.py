"""Thresholds that the rules of several families share; docs/diagnosis.md says what each of them rests on.

A threshold of one family stands at the top of that family's file.
"""

from __future__ import annotations

# --- the loss --------------------------------------------------------------------------------------------------------

LEAST_RISE = 0.05
"""The least rise of a level of the loss that counts, in nats per character. Smaller ones readings show by chance."""

CLEAR_RISE = 0.1
"""The rise of the loss that accuses the network, in nats per character. A hard passage can cause a smaller one."""

STALLED = 0.015
"""The share of itself by which the loss has to fall over the last half of the time. With less it stands still."""

# --- what is left to be learnt ---------------------------------------------------------------------------------------

NEAR_LAGS = 8
"""The characters up to this lag are near: every network learns first what they tell."""

EASY_OFFER = 0.01
"""What a near character may still offer, in nats per character, where what the near ones tell is learnt."""

CLEAR_OFFER = 0.03
"""What a near character has to offer, in nats per character, before a network that stands still has missed something.
"""

# --- time and streams ------------------------------------------------------------------------------------------------

LEAST_AGE = 150
"""Updates with the same knobs before which nobody can say that a training gets nowhere."""

MANY_STREAMS = 4
"""So many streams read different places, and do not come to a hard passage together."""

# --- steps -----------------------------------------------------------------------------------------------------------

AS_SET = 0.5
"""The share of the learning rate that annealing has to leave. A rate below it is low on purpose."""

LONG_STEP = 4e-3
"""The change by one update, as a share of the weights, from which a step is long. About 1e-3 is usual."""

NOISE_AGREEMENT = 0.03
"""The share of a gradient on which different text agrees below which the gradient is mostly noise."""

EXPLODES = 10.0
"""The gradient at some lag, as a multiple of that at lag 0, from which it explodes through time."""

CUT_ALWAYS = 0.9
"""The share of clipped updates from which clipping is no exception any more, but a smaller learning rate."""

GRADIENT_ERROR = 0.2
"""The error of a gradient, as a share of itself, from which digits are lost. bfloat16 usually has 0.01, and ten times
as much where little is left to be learnt."""

GRADIENT_ERROR_FLOAT32 = 0.05
"""The same where float32 was asked for, which usually has less than 1e-5."""

MUCH_DROPOUT = 0.6
"""More dropout than this share is a cause of noise, and no rule proposes more."""

# --- what is proposed ------------------------------------------------------------------------------------------------

RATE_FACTOR = 10
"""By how much a learning rate that is wrong is divided or multiplied."""

SMALL_RATE_FACTOR = 3
"""The same where the rate may be right, and only longer steps lead out of where the network is."""

SIZE_FACTOR = 2
"""By how much a network that is too small is enlarged."""

USUAL_CLIP = 1.0
"""The gradient norm at which clipping is proposed where there is none. It is the default."""

USUAL_DROPOUT = 0.2
"""The dropout that is proposed where there is far too much."""
