"""How grave a finding is, as a sign and a colour, and which findings are open."""

from __future__ import annotations

from collections.abc import Iterable

from engine.events import Finding, Severity

SIGNS = {Severity.NOTE: "●", Severity.WARNING: "▲", Severity.PROBLEM: "■"}
"""How severities are told apart, with and without colour."""

COLOURS = {Severity.NOTE: "cyan", Severity.WARNING: "yellow", Severity.PROBLEM: "red"}


def gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    """Those that hold, the gravest first and of equals the oldest."""
    there = [finding for finding in findings if finding.until_update is None]
    return sorted(there, key=lambda finding: -finding.severity.rank)


def first_sentence(words: str) -> str:
    """Up to the first full stop that ends one: behind it stands a space, or nothing."""
    head, stop, _ = words.partition(". ")
    return head + "." if stop else words
