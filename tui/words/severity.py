"""The severity of findings as signs and colours, and the open findings in its order."""

from __future__ import annotations

from collections.abc import Iterable

from engine.events import Finding, Severity

SIGNS = {Severity.NOTE: "●", Severity.WARNING: "▲", Severity.PROBLEM: "■"}
"""The signs of the severities, which differ without colour too."""

COLOURS = {Severity.NOTE: "cyan", Severity.WARNING: "yellow", Severity.PROBLEM: "red"}


def gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    """The open findings, the gravest first; of equally grave ones, faults of the loop first, since they explain others.

    Then come the oldest.
    """
    there = [finding for finding in findings if finding.until_update is None]
    return sorted(there, key=lambda finding: (-finding.severity.rank, not finding.instead))


def first_sentence(words: str) -> str:
    """The text up to the first full stop that a space follows, or all of it."""
    head, stop, _ = words.partition(". ")
    return head + "." if stop else words
