"""`charrnn-tui watch`: the script runs as under Python, and what is seen of it is told beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tui.command_line.conftest import Run
from tests.waiting import until

LOOP = """
import sys, torch
weight = torch.nn.Parameter(torch.zeros(3))
optimizer = torch.optim.SGD([weight], lr=0.5)
print("hers", *sys.argv[1:], flush=True)
for update in range({updates}):
    loss = torch.nn.functional.mse_loss(weight, torch.ones(3))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


TREE = os.pathsep.join(str(Path(__file__).parents[3] / each) for each in ("", "engine/watching"))
"""Where a process that begins in another folder finds this tree's modules."""

PROGRAM = (sys.executable, "-c", "from tui.command_line.program import main; main()")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(LOOP.format(updates=20))


def test_the_script_has_its_output_and_we_tell_beside_it(run: Run) -> None:
    code, out, err = run("watch", "--headless", "train.py", "--lr", "1", "--json", "x")
    assert (code, out) == (0, "hers --lr 1 --json x\n")
    assert "SGD, 3 parameters" in err
    assert "update 20  loss 0." in err


def test_the_last_progress_is_told_once(run: Run) -> None:
    _, _, err = run("watch", "--headless", "train.py")
    lines = [line for line in err.splitlines() if "  loss " in line]
    assert len(lines) == len(set(lines))


def test_our_lines_stand_on_lines_of_their_own(tmp_path: Path) -> None:
    """Though a progress bar has left the line half written."""
    bar = LOOP.format(updates=20) + "sys.stderr.write('\\r' + 20 * '#')\n"
    (tmp_path / "train.py").write_text(bar)
    with (tmp_path / "told").open("wb") as file:
        command, env = [*PROGRAM, "watch", "--headless", "train.py"], {**os.environ, "PYTHONPATH": TREE}
        subprocess.run(command, env=env, stderr=file, stdout=subprocess.DEVNULL, check=True)
    lines = (tmp_path / "told").read_text().splitlines()
    assert all(line.startswith("charrnn-tui: ") for line in lines if "charrnn-tui" in line)
    assert 20 * "#" in lines


def test_a_variable_names_the_lab(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARRNN_LAB", "another")
    assert run("watch", "--headless", "train.py")[0] == 0
    assert (tmp_path / "another" / "journals").is_dir()
    assert not (tmp_path / "charrnn-lab").exists()
    code, out, _ = run("runs")
    assert (code, "train-1" in out) == (0, True)
    assert run("runs", "--lab", "charrnn-lab")[0] != 0


def test_characters_that_are_unknown_are_no_updates(run: Run) -> None:
    """Of a loss of the program's own nobody knows how many targets it has."""
    script = Path("train.py")
    script.write_text(script.read_text().replace("torch.nn.functional.mse_loss(weight, torch.ones(3))", "weight.sum()"))
    assert run("watch", "--headless", "train.py")[0] == 0
    assert run("runs")[1].splitlines()[-1].split()[-4:] == ["20", "–", "–", "–"]
    assert "20 updates on" in run("runs", "1")[1]


def test_json_has_an_object_a_line_and_nothing_else(run: Run) -> None:
    code, out, err = run("watch", "--json", "train.py")
    found: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "hers\n")
    assert [each["event"] for each in found if each["event"] not in ("point", "probe")] == ["start", "end"]
    points = [each for each in found if each["event"] == "point"]
    assert (points[0]["update"], points[-1]["update"]) == (1, 20)
    assert points[0]["loss"] == 1.0
    assert (found[-1]["reason"], found[-1]["update"]) == ("done", 20)
    assert Path("charrnn-lab", "journals", found[0]["run"]).is_dir()


@pytest.mark.parametrize(("line", "code"), [("sys.exit(7)", 7), ("1 / 0", 1), ("os.kill(os.getpid(), 9)", 137)])
def test_the_exit_code_is_the_scripts(run: Run, line: str, code: int) -> None:
    Path("train.py").write_text(f"import os, sys\n{line}\n")
    assert run("watch", "--headless", "train.py")[:2] == (code, "")


@pytest.mark.parametrize("name", ["charrnn.py", "charrnn/__init__.py"])
@pytest.mark.parametrize("folder", [".", "scripts"])
def test_a_module_of_our_name_beside_the_script_is_one_line(run: Run, folder: str, name: str) -> None:
    module = Path(folder, name)
    module.parent.mkdir(parents=True, exist_ok=True)
    module.write_text("print('mine')\n")
    script = Path(folder, "train.py")
    script.write_text("print('run')\n")
    code, out, said = run("watch", "--headless", str(script))
    assert (code, out, said.count("\n")) == (2, "", 1)
    assert f"{name} has the name of the module that watches" in said


def test_a_folder_of_data_may_have_our_name(run: Run) -> None:
    Path("charrnn").mkdir()
    Path("train.py").write_text("print('run')\n")
    assert run("watch", "--headless", "train.py")[:2] == (0, "run\n")


def test_a_missing_script_is_one_line(run: Run) -> None:
    assert run("watch", "--headless", "nowhere.py") == (2, "", "charrnn-tui: nowhere.py: there is no such script\n")
    assert not Path("charrnn-lab").exists()


def test_a_lab_that_cannot_be_made_is_one_line(run: Run) -> None:
    Path("file").write_text("")
    code, out, err = run("watch", "--headless", "--lab", "file", "train.py")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "file" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_the_scripts(tmp_path: Path, number: signal.Signals) -> None:
    """Without a terminal, nobody else would tell the script."""
    handler = f"import signal\nsignal.signal({int(number)}, lambda *_: sys.exit(9))\n"
    (tmp_path / "train.py").write_text("import sys\n" + handler + LOOP.format(updates=10**9))
    process = subprocess.Popen(
        [*PROGRAM, "watch", "--json", "train.py"],
        env={**os.environ, "PYTHONPATH": TREE},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["event"] == "start"
    process.send_signal(number)
    until(lambda: process.poll() is not None)
    assert process.returncode == 9
    assert json.loads(process.stdout.read().splitlines()[-1])["event"] == "end"


def test_the_script_goes_on_when_nobody_reads_what_is_told(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(LOOP.format(updates=3000) + "open('done', 'w')\n")
    process = subprocess.Popen(
        [*PROGRAM, "watch", "--json", "train.py"],
        env={**os.environ, "PYTHONPATH": TREE},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    process.stdout.close()
    until(lambda: process.poll() is not None)
    assert process.returncode == 0
    assert (tmp_path / "done").exists()
