"""The severity of findings as signs and colours, and the open findings in its order."""

from __future__ import annotations

from collections.abc import Iterable

from engine.events import SEVERITIES, Finding

SIGNS = {"note": "●", "warning": "▲", "problem": "■"}
"""The signs of the severities, which differ without colour too."""

COLOURS = {"note": "cyan", "warning": "yellow", "problem": "red"}


def gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    """The open findings, the gravest first; of equally grave ones, the oldest first."""
    there = [finding for finding in findings if finding.until_update is None]
    return sorted(there, key=lambda finding: -SEVERITIES.index(finding.severity))


def first_sentence(words: str) -> str:
    """The text up to the first full stop that a space follows, or all of it."""
    head, stop, _ = words.partition(". ")
    return head + "." if stop else words
