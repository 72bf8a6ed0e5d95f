"""`charrnn-tui diagnose`: the findings of a run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from engine.diagnosis import watched
from engine.diagnosis.diagnosis import Diagnosis, diagnosed
from engine.diagnosis.watched import WatchedDiagnosis
from engine.events import Judged, Point, RunStatus, Stored, Validation
from engine.lab import Lab, Run
from engine.recording.copying import copy_all
from engine.settings import Settings
from tui.words.findings import advice, at_fault, headline, judged, no_finding, watching
from tui.words.json_lines import finding_object, line
from tui.words.safe_text import visible
from tui.words.standing import of_history


def diagnose(folder: Path, key: str, *, as_json: bool) -> int:
    """Print the findings of one run, in the order in which they were found; return the exit code.

    After them comes what is known of the other causes. If nothing was found while some causes could not be judged yet,
    say so; with `as_json`, on standard error.
    """
    copy_all(folder)
    with Lab.open_existing(folder) as lab:
        run = lab.runs.get(key)
        events = lab.events.all(run)
    diagnosis = diagnosis_of(run, events)
    found, suspected = diagnosis.findings, watching(diagnosis.suspicions)
    nothing = f"{visible(run.name, lines=False)}: {no_finding(diagnosis.judgements, run.update)}"
    if as_json:
        for finding in found:
            print(line(finding_object(finding)))
        if not found and any(each.judged is Judged.NOT_YET for each in diagnosis.judgements):
            print(nothing, file=sys.stderr)
        return 0
    console = Console()
    console.print(Text(f"{visible(run.name, lines=False)}: {in_words(run, events, diagnosis)}", style="bold"))
    if not found:
        console.print(Text(f"  {no_finding(diagnosis.judgements, run.update)}"))
    for finding in found:
        console.print(headline(finding), soft_wrap=True)
        console.print(Text(f"  {visible(finding.says, lines=False)}"), soft_wrap=True)
        numbers = "  ".join(f"{name} {value:.4g}" for name, value in finding.evidence.items())
        console.print(Text(f"  {numbers}", style="dim"), soft_wrap=True)
        for line_at_fault in at_fault(finding):
            console.print(Text(f"  {line_at_fault}"), soft_wrap=True)
        console.print(Text(f"  {advice(finding)}"), soft_wrap=True)
    if suspected:
        console.print(Text(suspected), soft_wrap=True)
    for known in judged(diagnosis.judgements):
        console.print(Text(known, style="dim"))
    return 0


def diagnosis_of(run: Run, events: Sequence[Stored]) -> Diagnosis | WatchedDiagnosis:
    """The diagnosis of a run at its end."""
    if run.journal is not None:
        return watched.diagnosed(events)
    return diagnosed(Settings.from_plain(run.settings), events)


def in_words(run: Run, events: Sequence[Stored], diagnosis: Diagnosis | WatchedDiagnosis) -> str:
    """How a run goes, or went, in a sentence."""
    points = [event for event in events if isinstance(event, Point)]
    return of_history(
        points,
        diagnosis.findings,
        diagnosis.suspicions,
        validations=[event for event in events if isinstance(event, Validation)],
        is_over=run.status != RunStatus.RUNNING,
    ).alone
