"""Short blocks of the training part that are never trained on: new text of the same kind as the text that is read.

The validation split is the end of a text, which may be of another kind. A network that does worse there and no worse on
these blocks has memorised nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK = 64
"""The length of a block."""

MOST, SHARE = 16, 0.02
"""The most blocks, and the largest share of the text that they may take."""

LONGEST = 2**22
"""The longest training part that has such blocks. A longer one is hardly read often enough to be memorised, and what is
left of it would have to be copied."""


def blocks(length: int) -> NDArray[np.int64]:
    """The place of the first entry of each block in a training part, ascending and evenly spread; none in a short one.

    Args:
        length: the entries of the training part, blocks included.
    """
    count = min(MOST, int(SHARE * length / BLOCK)) if length <= LONGEST else 0
    middles = (2 * np.arange(count, dtype=np.int64) + 1) * length // (2 * max(1, count))
    return middles - BLOCK // 2
