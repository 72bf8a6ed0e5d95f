"""Settings files on the command line: who goes before whom, which command takes what, and what is said of mistakes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.budget import Budget
from engine.race.opening import NewRace
from engine.session.job import ForkedRun, Job, NewRun, Resumption
from tests.tui.command_line.conftest import Run
from tests.waiting import until
from tui.command_line import race as race_module
from tui.command_line import resume as resume_module
from tui.command_line import sample as sample_module
from tui.command_line import train as train_module
from tui.command_line.cli import _main
from tui.command_line.defaults import read_defaults
from tui.preferences.preferences import PROJECT_FILE, user_file

FAST = "hidden = 12\nembedding = 6\nstreams = 3\nbptt = 7\ndtype = 'float32'\n"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def mine(text: str) -> None:
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_text(text)


def projects(text: str) -> None:
    PROJECT_FILE.write_text(text)


Asked = Callable[..., Any]


@pytest.fixture
def asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Calls the command line, and returns the first argument of what would have done the work."""
    calls: list[Any] = []

    def take(task: object, *arguments: object, **named: object) -> int:
        calls.append((task, arguments, named))
        return 0

    monkeypatch.setattr(train_module, "train", take)
    monkeypatch.setattr(resume_module, "train", take)
    monkeypatch.setattr(race_module, "race", take)
    monkeypatch.setattr(sample_module, "sample", take)

    def call(*arguments: str) -> Any:
        code, _, err = run(*arguments)
        assert code == 0, err
        return calls.pop()

    return call


def trained(asked: Asked, *options: str) -> tuple[NewRun, Job]:
    job: Job = asked("train", "notes.txt", *options)[0]
    assert isinstance(job.task, NewRun)
    return job.task, job


def test_the_command_line_goes_before_the_project_and_that_before_the_user(asked: Asked) -> None:
    mine("[train]\nhidden = 100\nlayers = 2\nlr = 1e-3\nclip = 'off'\nlab = 'mine'\n")
    projects("[train]\nlayers = 3\nlr = 2e-3\nweight-decay = 0.1\ncheckpoint_every = 50\n")
    task, job = trained(asked, "--lr", "3e-3")
    settings = task.settings
    assert (settings.hidden, settings.layers, settings.lr, settings.clip) == (100, 3, 3e-3, None)
    assert settings.weight_decay == 0.1
    assert (job.lab, job.checkpoint_every) == (Path("mine"), 50)


def test_a_preset_goes_before_what_it_sets_in_a_file_below(asked: Asked) -> None:
    mine("[train]\npreset = 'quality'\nlr = 1e-2\nseed = 7\n")
    assert (trained(asked)[0].settings.lr, trained(asked)[0].settings.hidden) == (1e-2, 512)
    projects("[train]\npreset = 'online'\nbptt = 2\n")
    settings = trained(asked)[0].settings
    assert (settings.lr, settings.hidden, settings.streams, str(settings.bptt), settings.seed) == (3e-4, 256, 1, "2", 7)
    settings = trained(asked, "--preset", "quality", "--lr", "0.5")[0].settings
    assert (settings.lr, settings.hidden, str(settings.bptt), settings.seed) == (0.5, 512, "64", 7)


def test_an_end_goes_before_all_ends_below(asked: Asked) -> None:
    mine("[train]\nseconds = 60\nchars = 1000\n")
    assert trained(asked)[1].budget == Budget(chars=1000, seconds=60.0)
    projects("[train]\nupdates = 10\n")
    assert trained(asked)[1].budget == Budget(updates=10)
    assert trained(asked, "--seconds", "5")[1].budget == Budget(seconds=5.0)


def test_only_what_was_typed_must_fit_a_short_text(asked: Asked) -> None:
    projects("[train]\nbptt = 10\nstreams = 64\n")
    assert trained(asked, "--streams", "32")[0].free == {"bptt"}


def test_a_run_that_is_continued_keeps_its_settings_and_its_end(asked: Asked) -> None:
    projects(
        "[train]\nhidden = 9\nlr = 1\nthreads = 2\ndtype = 'float32'\nupdates = 5\nlab = 'l'\ncheckpoint_every = 9\n"
    )
    for command, kind in (("resume", Resumption), ("fork", ForkedRun)):
        job: Job = asked(command, "notes-1", "--headless")[0]
        assert isinstance(job.task, kind)
        assert job.task.compute == {}
        assert (job.budget, job.lab, job.checkpoint_every) == (Budget(), Path("l"), 9)
        job = asked(command, "notes-1", "--headless", "--threads", "3", "--updates", "8")[0]
        assert isinstance(job.task, kind)
        assert (job.task.compute, job.budget) == ({"threads": 3}, Budget(updates=8))


def test_a_race_has_the_settings_and_ends_of_its_own(asked: Asked) -> None:
    projects("[train]\nhidden = 20\nupdates = 5\nseconds = 7\n")
    task: NewRace = asked("race", "notes.txt", "--vary", "clip=1,off")[0]
    assert task.plan.settings.hidden == 20
    assert task.plan.budget == Budget(chars=300_000)


def test_a_race_from_a_run_has_that_runs_settings(run: Run, text: Path) -> None:
    projects(f"[train]\n{FAST}updates = 3\n")
    assert run("train", text.name)[0] == 0
    projects("[train]\nhidden = 20\n")
    code, _, err = run("race", "--from", "words-1", "--vary", "clip=1,off", "--hidden", "9")
    assert (code, "leave --hidden out" in err) == (2, True)
    code, out, err = run(
        "race", "--from", "words-1", "--vary", "clip=1,off", "--chars", "300", "--seeds", "2", "--json"
    )
    assert code == 0, err
    assert json.loads(out.splitlines()[0])["plan"]["settings"]["hidden"] == 12


def test_samples_are_drawn_as_the_file_says_and_are_as_long_as_ever(asked: Asked) -> None:
    projects("[train]\ntemperature = 0.3\nchars = 100000\nseed = 5\nhidden = 20\n")
    _, _, named = asked("sample", "notes-1")
    assert (named["taste"].temperature, named["chars"], named["seed"]) == (0.3, 500, 0)


def test_every_command_with_a_lab_takes_it_from_the_file(run: Run) -> None:
    projects("[train]\nlab = 'elsewhere'\n")
    for arguments in (
        ["runs"],
        ["races"],
        ["hypotheses"],
        ["diagnose", "1"],
        ["sample", "1"],
        ["export", "1", "--to", "csv"],
    ):
        code, _, err = run(*arguments)
        assert (code, "in elsewhere" in err) == (2, True), arguments


def test_a_lab_in_the_home_folder(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/of/mine")
    projects("[train]\nlab = '~/lab'\n")
    assert trained(asked)[1].lab == Path("/home/of/mine/lab")


WRONG = {
    "[train]\n\nhidden = 'big'": ':3: hidden is "big"; it must be a whole number from 1 to 8,192, such as 256',
    "[train]\nhidden = 2.5": "charrnn.toml:2: hidden is 2.5; it must be a whole number",
    "[train]\nhidden = true": "charrnn.toml:2: hidden is true; it must be a whole number",
    "[train]\nhidden = [1]": "charrnn.toml:2: hidden is a list; it must be a whole number",
    "[train.hidden]": "charrnn.toml:1: hidden is a table; it must be a whole number",
    "[train]\nhidden = 0x" + "f" * 6000: "charrnn.toml:2: hidden is a very large number; it must be a whole number",
    "[train]\nlr = nan": "charrnn.toml:2: lr is nan; it must be a number from",
    "[train]\nlr = 1979-05-27": "charrnn.toml:2: lr is 1979-05-27; it must be a number from",
    "[train]\nbptt = 'short'": 'charrnn.toml:2: bptt is "short"; it must be a length from 1 to',
    "[train]\ncell = 'transformer'": 'charrnn.toml:2: cell is "transformer"; it must be one of rnn, gru, lstm',
    "[train]\nencoding = 'a\\u0000'": "; it must be auto, or an encoding that Python knows",
    "[train]\npreset = 'best'": 'charrnn.toml:2: preset is "best"; it must be one of standard, online',
    "[train]\nlab = 3": "charrnn.toml:2: lab is 3; it must be the name of a folder",
    "[train]\nlab = ''": 'charrnn.toml:2: lab is ""; it must be the name of a folder',
    "[train]\nlab = 'a\\\\0'\nlab2 = 1": "charrnn.toml:3: there is no setting lab2 in [train]: did you mean lab",
    '[train]\nlab = "a\\u0000"': "it must be the name of a folder",
    "[train]\nhiden = 3": "charrnn.toml:2: there is no setting hiden in [train]: did you mean hidden?",
    "[train]\nname = 'mine'": "charrnn.toml:2: there is no setting name in [train]",
    "[trian]\nhidden = 3": "charrnn.toml:1: there is no table [trian]: did you mean [train]?",
    "[train\n": "charrnn.toml:1: this is no TOML: ",
    "[notify]\nbell = 'loud'": 'charrnn.toml:2: bell is "loud"; it must be true or false',
    "[notify]\non_end = 'rm -r .'": "charrnn.toml:2: on_end starts a command: only your own file may",
}


@pytest.mark.parametrize(("content", "says"), WRONG.items())
def test_what_is_wrong_is_one_line_with_its_place_and_stops_no_command_that_needs_no_setting(
    run: Run, content: str, says: str
) -> None:
    projects(content)
    code, out, err = run("train", "notes.txt")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("charrnn-tui: charrnn.toml:")
    assert says in err
    for arguments in (["--help"], ["train", "--help"], ["race", "-h"], ["--version"], ["config", "--path"]):
        code, out, err = run(*arguments)
        assert (code, bool(out), err) == (0, True, "")
    code, out, err = run("config")
    assert code == 2
    assert "checkpoint_every" in out
    assert says in err


def test_doctor_shows_what_is_wrong(run: Run) -> None:
    projects("[keys]\npause = 'u'\n")
    code, out, _ = run("doctor")
    assert code == 1
    assert "pause has the key of undo" in " ".join(out.split())


def test_a_mistake_in_the_keys_stops_the_console_and_no_training(asked: Asked, run: Run, monkeypatch: Any) -> None:
    projects("[keys]\nfly = 'u'\n[console]\ntheme = 'none'\n")
    trained(asked)
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    Path("notes.txt").write_text("a text")
    code, _, err = run("notes.txt")
    assert (code, err.count("\n")) == (2, 1)
    assert 'charrnn.toml:4: theme is "none"; it must be one of textual-dark' in err


@given(content=st.text(st.sampled_from("[train]\nhidenlab=12'\"{}.# \x00\x1b"), max_size=60) | st.binary(max_size=60))
def test_no_content_is_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: str | bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "hostile"
    folder.mkdir(exist_ok=True)
    before = Path.cwd()
    os.chdir(folder)
    try:
        PROJECT_FILE.write_bytes(content if isinstance(content, bytes) else content.encode())
        from tui.command_line.cli import cli

        for problem in read_defaults(cli.commands["train"]).problems:
            assert problem.startswith("charrnn.toml")
        assert _main(["config"]) in (0, 2)
    finally:
        os.chdir(before)


def rows(run: Run, *arguments: str) -> dict[tuple[str, str], tuple[str, str, str]]:
    _, out, _ = run("config", "--json", *arguments)
    found = [json.loads(line) for line in out.splitlines()]
    assert {each["event"] for each in found} == {"setting"}
    return {(each["table"], each["setting"]): (each["value"], each["source"], each["place"]) for each in found}


def test_config_says_each_value_and_its_source(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    mine(
        "[train]\npreset = 'online'\nhidden = 100\n"
        "[notify]\nbell = true\non_end = \"say 'so'\"\n[console]\ntheme = 'nord'\n"
    )
    projects("[train]\nhidden = 20\n[keys]\npause = ['p', '?']\nhelp = 'f1'\nruns = 'P'\n")
    found = rows(run)
    user = str(user_file())
    assert found["train", "cell"] == ("lstm", "default", "")
    assert found["train", "hidden"] == ("20", "project", "charrnn.toml:2")
    assert found["train", "lr"] == ("0.0003", "user", f"{user}:2")
    assert found["train", "updates"] == ("", "default", "")
    assert found["train", "lab"] == ("charrnn-lab", "default", "")
    assert found["console", "theme"] == ("nord", "user", f"{user}:8")
    assert found["console", "layout"] == ("training", "default", "")
    assert found["notify", "bell"] == ("true", "user", f"{user}:5")
    assert found["notify", "on_end"] == ("say 'so'", "user", f"{user}:6")
    assert found["keys", "pause"] == ("p,question_mark", "project", "charrnn.toml:4")
    assert found["keys", "undo"] == ("u", "default", "")
    monkeypatch.setenv("TEXTUAL_THEME", "dracula")
    assert rows(run)["console", "theme"] == ("dracula", "environment", "TEXTUAL_THEME")
    assert run("config", "--path") == (0, f"{user_file()}\n", "")
    code, out, err = run("config")
    assert (code, err) == (0, "")
    assert f"your file: {user_file()}\n" in out


def test_a_command_of_the_users_is_told_the_end_of_a_training(run: Run, text: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    write = tmp_path / "write.py"
    write.write_text("import os, sys\nopen(sys.argv[1], 'a').write(os.environ['CHARRNN_RUN'] + sys.argv[2] + '\\n')\n")
    mine(f"[train]\n{FAST}updates = 3\n[notify]\non_end = \"'{sys.executable}' '{write}' '{log}'\"\n")
    code, _, _ = run("train", text.name, "--no-notify")
    assert code == 0
    code, _, err = run("train", text.name)
    assert (code, "\a" in err) == (0, False)
    until(lambda: log.exists() and log.read_text().endswith("\n"))
    assert log.read_text().startswith("words-2The end of words-2 after 3 updates (updates): validation loss ")
