"""Findings in words."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from engine.events import Finding, Suspicion
from engine.numbers import counted
from engine.settings import setting
from tui.words.severity import COLOURS, SIGNS

FEW_LOOKS = 6
"""With fewer readings of the control samples, hardly any cause can be found."""


def headline(finding: Finding) -> Text:
    """Such as `▲ clip-too-tight, a warning, since update 1,240`."""
    until = "" if finding.until_update is None else f" until {finding.until_update:,}"
    return Text.assemble(
        (f"{SIGNS[finding.severity]} {finding.cause}", COLOURS[finding.severity]),
        f", a {finding.severity}, since update {finding.since_update:,}{until}",
    )


def advice(finding: Finding) -> str:
    """The change that would test a finding, as an option of the command line."""
    if finding.trial is None:
        return "no knob tests this"
    return f"to test it: {setting(finding.trial.knob).option} {finding.trial.value}"


def watching(suspicions: Iterable[Suspicion]) -> str:
    """Such as `watching: bptt-too-short (2 more looks)`; empty where nothing is suspected."""
    parts = ", ".join(f"{each.cause} ({each.missing})" for each in suspicions)
    return f"watching: {parts}" if parts else ""


def no_finding(looks: int, updates: int) -> str:
    """The sentence for a run without a finding; `looks` is the number of readings of the control samples."""
    history = counted(updates, "update")
    if looks < FEW_LOOKS:
        return f"too little was measured to tell: {looks} of the {FEW_LOOKS} readings needed, in {history}"
    return f"its history of {history} shows nothing wrong"
