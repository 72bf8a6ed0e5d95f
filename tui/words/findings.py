"""Findings in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath

from rich.text import Text

from engine.events import Finding, Judged, Judgement, Site, Suspicion
from engine.numbers import counted
from engine.settings import setting
from tui.words.safe_text import visible
from tui.words.severity import COLOURS, SIGNS

JUDGED: Mapping[Judged, str] = {
    Judged.ABSENT: "judged, and absent",
    Judged.NOT_YET: "not judged yet; missing",
    Judged.CANNOT: "cannot be judged here",
}


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
        return "no knob tests this" if finding.site is None else ""
    return f"to test it: {setting(finding.trial.knob).option} {finding.trial.value}"


def where(site: Site) -> str:
    """The file and line of a place in a program; cells of a notebook have names that nobody knows."""
    file = PurePath(site.file)
    name = "a cell" if file.parent.name.startswith("ipykernel_") or site.file.startswith("<") else file.name
    return f"{visible(name, lines=False)}:{site.line}"


def at_fault(finding: Finding) -> list[str]:
    """The line of a program that is at fault, and what to write instead; nothing where no line is."""
    lines = []
    if (site := finding.site) is not None:
        lines.append(f"{where(site)}: {visible(site.code, lines=False)}")
    if finding.instead:
        lines.append(f"write instead: {finding.instead}")
    return lines


def watching(suspicions: Iterable[Suspicion]) -> str:
    """Such as `watching: bptt-too-short (2 more looks)`; empty where nothing is suspected."""
    parts = ", ".join(f"{each.cause} ({each.missing})" for each in suspicions)
    return f"watching: {parts}" if parts else ""


def no_finding(judgements: Sequence[Judgement], updates: int) -> str:
    """The sentence for a run without a finding."""
    history = counted(updates, "update")
    left, never = (sum(each.judged is kind for each in judgements) for kind in (Judged.NOT_YET, Judged.CANNOT))
    if not judgements:
        return f"too little was measured to tell, in {history}"
    if left:
        causes = f"{left} of {counted(len(judgements), 'cause')} cannot be judged yet"
        return f"nothing wrong so far in {history}; {causes}" + (f", and {never} not at all here" if never else "")
    return f"its history of {history} shows nothing wrong"


def judged(judgements: Sequence[Judgement]) -> list[str]:
    """A line for the causes that are absent, one for those not judged yet, and one for those that cannot be judged."""
    lines = []
    for kind, words in JUDGED.items():
        of_kind = [each for each in judgements if each.judged is kind]
        causes = ", ".join(f"{each.cause} ({each.why})" if each.why else each.cause for each in of_kind)
        if causes:
            lines.append(f"{words}: {causes}")
    return lines
