"""What is to be said where nothing was found."""

from __future__ import annotations

FEW_LOOKS = 6
"""With fewer readings of the control samples hardly anything can be found."""


def no_finding(looks: int, updates: int) -> str:
    """What is to be said where nothing was found, by how often the control samples were read."""
    if looks < FEW_LOOKS:
        return f"too little was measured to tell: {looks} looks of the {FEW_LOOKS} it takes, in {updates:,} updates"
    return f"nothing is wrong that its history of {updates:,} updates shows"
