"""Trains character-level recurrent networks and measures them; knows no screen.

Nothing here imports textual, rich, plotext or `tui`. The modules that a screen needs before a network exists
(`settings`, `windows`, `events`, `session.commands`, `session.snapshot`, `errors`, `lab`) do not import torch either,
so that the first paint need not wait for it.
"""

import os

# An OpenMP pool that spins while it waits collapses when another program takes a core; one that waits passively does
# not. The policy is read once, when the runtime is loaded, so it is set before anything can import torch.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
