"""`charrnn-tui autopsy`: why the loss of a run climbed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from engine.autopsy.outcome import Report
from tui.command_line.progress import progress
from tui.drawing.autopsies import advice, lines
from tui.words.json_lines import report_line
from tui.words.safe_text import visible

WIDEST = 120


def autopsy(folder: Path, key: str, text: str | None, *, as_json: bool) -> int:
    """Dissect a run and print the report; return the exit code.

    The report is kept in the lab, unless another process is training the run.
    Raises UserError where there is nothing to dissect, or where it cannot be done.
    """
    from engine.autopsy.case import open_case
    from engine.autopsy.conductor import Autopsy
    from engine.autopsy.judgement import judge
    from engine.autopsy.outcome import keep_report
    from engine.workers.places import HERE, place

    begun = time.monotonic()
    with progress() as tell:
        case = open_case(folder, key, text, tell)
        report = judge(Autopsy(case, place(HERE), tell).run(), bool(case.trouble.broken))
    if as_json:
        print(report_line(case.run, report))
    else:
        _print(case.run, report)
    if why := keep_report(folder, case.run, report, time.monotonic() - begun):
        print(f"charrnn-tui: the report is not kept in the lab: {visible(why, lines=False)}", file=sys.stderr)
    return 0


def _print(run: str, report: Report) -> None:
    console = Console()
    if not console.is_interactive:
        console.width = WIDEST
    console.print(Text(f"{visible(run, lines=False)}, replayed from update {report.start:,}", style="bold"))
    for line in lines(report, min(WIDEST, console.width)):
        console.print(line, no_wrap=True, overflow="crop")
    console.print(Text(visible(advice(report.trial), lines=False)))
