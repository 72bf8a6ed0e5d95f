"""The lab: written by several processes, and nothing that was committed is lost."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
from pathlib import Path

from engine.events import Idea
from engine.lab import Lab
from tests.engine.lab.conftest import create, point


def fill(folder: Path, name: str) -> None:
    with Lab.open(folder) as lab:
        run = create(lab, name)
        with lab.runs.hold(run):
            for update in range(1, 101):
                lab.events.record(run, [point(update)])
            lab.hypotheses.add(Idea(f"from {name}", ""), name, 1)


def test_several_processes_make_and_fill_one_lab(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=fill, args=(folder, f"run{number}a")) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with Lab.open_existing(folder) as lab:
        assert sorted(run.number for run in lab.runs.standalone()) == [1, 2, 3]
        assert all(len(lab.events.points(run)) == 100 for run in lab.runs.standalone())
        assert len({each.number for each in lab.hypotheses.all()}) == 3


WRITE_FOREVER = """
import sys
from pathlib import Path
from engine.lab import Lab
from tests.engine.lab.conftest import create, point
with Lab.open(Path(sys.argv[1])) as lab:
    run = create(lab)
    with lab.runs.hold(run):
        update = 0
        while True:
            update += 1
            lab.events.record(run, [point(update)])
            print(update, flush=True)
"""


def test_a_killed_writer_loses_nothing_that_was_committed(folder: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITE_FOREVER, folder], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for line in writer.stdout:
        if int(line) >= 50:
            break
    writer.send_signal(signal.SIGKILL)
    committed = max([50, *map(int, writer.stdout.read().splitlines())])
    writer.wait()
    with Lab.open(folder) as lab:
        run = lab.runs.get("1")
        assert run.status == "interrupted"
        assert len(lab.events.points(run)) >= committed
        with lab.runs.hold(run):
            lab.events.record(run, [point(committed + 2)])
