"""`charrnn-tui hypotheses`: the lab's hypotheses, with the evidence for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.text import Text

from engine.lab import Lab
from tui.command_line.output import one_line, standard_output
from tui.terminal import complain
from tui.words.json_lines import line


def list_hypotheses(folder: Path, words: Sequence[str], *, as_json: bool) -> int:
    """Print the lab's hypotheses that contain all the words, oldest first; return the exit code."""
    with Lab.open_existing(folder) as lab:
        found = lab.hypotheses.all()
    wanted = [word.lower() for word in words]
    console = standard_output()
    told = 0
    for each in found:
        texts = (f"H{each.number}", each.status, each.claim, each.prediction, each.vary, each.evidence, each.conclusion)
        if not all(word in " ".join(texts).lower() for word in wanted):
            continue
        told += 1
        if as_json:
            print(line({"event": "hypothesis", **asdict(each)}))
            continue
        console.print(Text(f"H{each.number}  {each.status} ", style="bold"), one_line(each.claim), soft_wrap=True)
        about = {
            "predicts": each.prediction,
            "varies": f"{each.vary}  the second is expected to be: {each.expected}" if each.expected else each.vary,
            "evidence": f"R{each.race}: {each.evidence}" if each.evidence else "",
            "concluded": each.conclusion,
            "written": f"in {each.run} at update {each.update:,}",
        }
        for title, text in about.items():
            if text:
                console.print(Text(f"    {title:<9}", style="dim"), one_line(text), soft_wrap=True)
    if not told:
        complain(f"no hypothesis contains the words {' '.join(words)}" if found else "there is no hypothesis yet")
    return 0
