"""How reading a text, and other long work, says how far it is."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[str, float], None]
"""Called with the current activity in words, and the share of it that is done, 0 … 1."""
