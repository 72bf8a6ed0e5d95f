"""`charrnn-tui export`: what is written where, what is left alone, and one line for whatever is wrong."""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.events import Idea
from engine.lab import Lab
from engine.lab.database import FILE
from tests.tui.export.labs import four_seeds, happened, race_plan, raced, stored
from tui.command_line.cli import _main
from tui.export import csv
from tui.export.folder import DRAFT, file_name
from tui.export.targets import TARGETS

Export = Callable[..., tuple[int, list[str], str]]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def export(capsys: pytest.CaptureFixture[str]) -> Export:
    def call(*arguments: str) -> tuple[int, list[str], str]:
        code = _main(["export", *arguments, "--lab", "lab"])
        captured = capsys.readouterr()
        return code, captured.out.splitlines(), captured.err

    return call


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("drawn_once")
@pytest.mark.parametrize("target", TARGETS)
def test_every_file_is_printed_and_a_second_export_takes_their_place(export: Export, target: str) -> None:
    stored(Path("lab"), happened())
    code, out, err = export("notes-1", "--to", target)
    assert (code, err) == (0, "")
    place = Path("notes-1-export", target)
    first = files(place)
    hidden = {name for name in first if name.startswith(".")}
    assert hidden == {f".notes-1-{target}.json"}
    assert sorted(out) == sorted(str(place / name) for name in first.keys() - hidden)
    assert export("1", "--to", target)[0] == 0
    assert files(place) == first


def test_a_file_that_is_in_the_way_stays_and_nothing_is_written(export: Export) -> None:
    stored(Path("lab"), happened())
    Path("out").mkdir()
    Path("out/notes.csv").write_text("mine")
    code, out, err = export("notes-1", "--to", "csv", "--out", "out")
    assert (code, out, err.count("\n")) == (2, [], 1)
    assert "out/notes.csv is in the way" in err
    assert "--out" in err
    assert files(Path("out")) == {"notes.csv": b"mine"}


def test_a_file_that_was_changed_since_stays(export: Export) -> None:
    stored(Path("lab"), happened())
    export("notes-1", "--to", "csv", "--out", "out")
    Path("out/changes.csv").write_text("with a remark of mine")
    before = files(Path("out"))
    code, _, err = export("notes-1", "--to", "csv", "--out", "out")
    assert code == 2
    assert "out/changes.csv was changed since it was exported" in err
    assert files(Path("out")) == before


def test_another_run_does_not_take_a_runs_place(export: Export) -> None:
    stored(Path("lab"), happened())
    stored(Path("lab"), happened(), name="other")
    export("notes-1", "--to", "csv", "--out", "out")
    before = files(Path("out"))
    code, _, err = export("other", "--to", "csv", "--out", "out")
    assert code == 2
    assert "is in the way: it is not from a csv export of run other" in err
    assert files(Path("out")) == before


def test_nor_does_a_run_of_the_same_name_in_another_lab(export: Export) -> None:
    stored(Path("lab"), happened())
    export("notes-1", "--to", "csv", "--out", "out")
    stored(Path("elsewhere"), happened(), digest="1" * 64)
    assert _main(["export", "notes-1", "--to", "csv", "--out", "out", "--lab", "elsewhere"]) == 2


def test_what_is_not_written_any_more_is_removed_but_what_was_changed(export: Export) -> None:
    run = stored(Path("lab"), happened())
    export("notes-1", "--to", "csv", "--out", "out")
    Path("out/probes/gates.csv").write_text("mine")
    with Lab.open(Path("lab")) as lab:
        lab.events.mark_undone(run, 2, 2)
    assert export("notes-1", "--to", "csv", "--out", "out")[0] == 0
    assert {path.name for path in Path("out/probes").iterdir()} == {"gates.csv", "text_facts.csv"}


def test_a_hostile_record_of_what_was_written_removes_nothing_outside(export: Export) -> None:
    stored(Path("lab"), happened())
    export("notes-1", "--to", "csv", "--out", "out")
    victim = Path("victim")
    victim.write_text("")
    record = Path("out/.notes-1-csv.json")
    found = json.loads(record.read_text())
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    found["files"] |= {"../victim": empty, str(victim.absolute()): empty}
    record.write_text(json.dumps(found))
    assert export("notes-1", "--to", "csv", "--out", "out")[0] == 0
    assert victim.exists()


@pytest.mark.parametrize("damaged", ["", "{", "3", '{"files": 3}', "[" * 100_000])
def test_without_that_record_no_file_counts_as_ours(export: Export, damaged: str) -> None:
    stored(Path("lab"), happened())
    export("notes-1", "--to", "csv", "--out", "out")
    Path("out/.notes-1-csv.json").write_text(damaged)
    code, _, err = export("notes-1", "--to", "csv", "--out", "out")
    assert (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "Read-only file system"),
        (errno.EACCES, "Permission denied"),
    ],
)
def test_a_disk_that_fails_in_the_midst_is_one_line_and_leaves_nothing(
    export: Export, monkeypatch: pytest.MonkeyPatch, number: int, says: str
) -> None:
    stored(Path("lab"), happened())

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number), "out/somewhere")

    monkeypatch.setattr(csv, "_points", fail)
    code, out, err = export("notes-1", "--to", "csv", "--out", "out/deeper")
    assert (code, out, err.count("\n")) == (2, [], 1)
    assert says in err
    assert "--out" in err
    assert not Path("out").exists()


def test_what_fails_names_the_folder_and_not_the_draft(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(Path("lab"), happened())

    def fail(**_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), f"out/{DRAFT}xyz")

    monkeypatch.setattr("tui.export.folder.tempfile.TemporaryDirectory", fail)
    err = export("notes-1", "--to", "csv", "--out", "out")[2]
    assert err == "charrnn-tui: out cannot be written: Read-only file system; name another folder with --out\n"


def test_a_file_where_a_folder_should_be_is_one_line(export: Export) -> None:
    stored(Path("lab"), happened())
    Path("file").write_text("")
    for out in ("file", "file/deeper"):
        code, _, err = export("notes-1", "--to", "csv", "--out", out)
        assert (code, err.count("\n")) == (2, 1)
        assert "is not a folder" in err


def test_a_key_that_interrupts_leaves_nothing_behind(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(Path("lab"), happened())
    export("notes-1", "--to", "csv", "--out", "out")
    before = files(Path("out"))

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(csv, "_points", interrupt)
    code, out, err = export("notes-1", "--to", "csv", "--out", "out")
    assert (code, out, err.strip()) == (130, [], "")
    assert files(Path("out")) == before
    assert export("notes-1", "--to", "csv", "--out", "new")[0] == 130
    assert not Path("new").exists()


def test_a_signal_that_ends_leaves_nothing_behind(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(Path("lab"), happened())
    monkeypatch.setattr(csv, "_points", lambda _: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(SystemExit) as ended:
        export("notes-1", "--to", "csv", "--out", "out")
    assert ended.value.code == 128 + signal.SIGTERM
    assert not Path("out").exists()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_unknown_things_are_one_line(export: Export) -> None:
    assert "there is no lab" in export("notes-1", "--to", "csv")[2]
    stored(Path("lab"), happened())
    for arguments, says in (
        (["nobody", "--to", "csv"], "has no run nobody"),
        (["notes-1", "--to", "pdf"], f"--to 'pdf': expected one of {', '.join(TARGETS)}"),
        (["notes-1", "--to", "csv", "--out", ""], "--out '': expected a folder's name"),
        (["notes-1"], "--to"),
    ):
        code, out, err = export(*arguments)
        assert (code, out, err.count("\n")) == (2, [], 1)
        assert says in err
    assert {path.name for path in Path().iterdir()} == {"lab"}


@pytest.mark.parametrize(
    "damage",
    [
        "update points set loss = 'much' where id = 3",
        'update points set "update" = 1.5 where id = 3',
        "update points set norms = '[1]' where id = 3",
        "update changes set new = '<script>' where id = 1",
        "update changes set old = '' where id = 1",
        "update changes set knob = '../x' where id = 1",
        "update samples set temperature = 'hot'",
        "update runs set parameters = 'many'",
        "update runs set settings = '{'",
        'update runs set settings = \'{"hidden": "many"}\'',
        "drop table points",
    ],
)
@pytest.mark.parametrize("target", TARGETS)
def test_a_damaged_lab_is_one_line(export: Export, damage: str, target: str) -> None:
    stored(Path("lab"), happened())
    file = sqlite3.connect(Path("lab", FILE))
    with file:
        file.execute(damage)
    file.close()
    code, out, err = export("notes-1", "--to", target)
    assert (code, out, err.count("\n")) == (2, [], 1)
    assert not Path("notes-1-export").exists()


@pytest.mark.usefixtures("undrawn")
def test_a_run_whose_name_is_a_path_stays_within_the_folder(export: Export) -> None:
    stored(Path("lab"), happened())
    file = sqlite3.connect(Path("lab", FILE))
    with file:
        file.execute("update runs set name = '../../x/..\x1b[31m'")
        file.execute("update probes set instrument = '../../y' where instrument = 'gates'")
    file.close()
    for target in TARGETS:
        assert export("1", "--to", target)[0] == 0
    assert {path.name for path in Path().iterdir()} == {"lab", "______x____[31m-export".replace("[", "_")}


@pytest.mark.parametrize("name", ["", ".", "..", "../..", "a/b", "a\\b", "\x00", ".hidden", "a" * 300, "con\n", " "])
def test_a_files_name_is_one(name: str, tmp_path: Path) -> None:
    made = tmp_path / f"{file_name(name)}"
    made.write_text("")
    assert [path.name for path in tmp_path.iterdir()] == [file_name(name)]
    assert not file_name(name).startswith(".")


def test_a_draft_is_never_left(export: Export) -> None:
    stored(Path("lab"), happened())
    export("notes-1", "--to", "csv", "--out", "out")
    assert not list(Path("out").glob(f"{DRAFT}*"))


@pytest.mark.usefixtures("race_drawn_once")
@pytest.mark.parametrize("target", TARGETS)
def test_a_race_is_exported_by_its_name(export: Export, target: str) -> None:
    raced(Path("lab"), race_plan(), four_seeds(0.4))
    code, out, err = export("r1", "--to", target)
    assert (code, err) == (0, "")
    place = Path("R1-export", target)
    first = files(place)
    hidden = {name for name in first if name.startswith(".")}
    assert hidden == {f".R1-{target}.json"}
    assert sorted(out) == sorted(str(place / name) for name in first.keys() - hidden)
    assert export("R1", "--to", target)[0] == 0
    assert files(place) == first


def test_a_run_comes_before_a_race_of_its_name(export: Export) -> None:
    raced(Path("lab"), race_plan(), four_seeds(0.4))
    stored(Path("lab"), happened(), name="R1")
    assert export("R1", "--to", "csv")[0] == 0
    assert not Path("R1-export/csv/race.json").exists()
    code, _, err = export("R7", "--to", "csv")
    assert (code, err) == (2, "charrnn-tui: the lab lab has no race R7: the last one is R1\n")


def test_another_race_does_not_take_a_races_place(export: Export) -> None:
    for _ in range(2):
        raced(Path("lab"), race_plan(), {(0, 0): 1.7})
    export("R1", "--to", "csv", "--out", "out")
    code, _, err = export("R2", "--to", "csv", "--out", "out")
    assert code == 2
    assert "is in the way: it is not from a csv export of race R2" in err


@pytest.mark.parametrize(
    "damage",
    [
        "update points set loss = 'much' where id = 3",
        "update validations set loss = 'low' where id = 3",
        "update validations set chars = 0 where id = 3",
        "delete from validations where run = 1",
        "update runs set variant = 7 where number = 2",
        "update runs set variant = null where number = 2",
        "update runs set replicate = 'first' where number = 2",
        "update races set text = x'ff'",
        "update races set plan = '{'",
        "update races set plan = json_set(plan, '$.variants[0].label', 5)",
        'update races set plan = json_set(plan, \'$.origin\', json(\'{"run": 5, "update": 1, "chars": 1}\'))',
        "update hypotheses set claim = x'ff'",
    ],
)
def test_a_damaged_race_is_one_line(export: Export, damage: str) -> None:
    raced(Path("lab"), race_plan(), {(0, 0): 1.7, (1, 0): 1.6})
    with Lab.open(Path("lab")) as lab:
        lab.hypotheses.add(Idea("the rate is too high"), "notes-1", 7)
        lab.hypotheses.test(1, 1)
    file = sqlite3.connect(Path("lab", FILE))
    with file:
        file.execute(damage)
    file.close()
    code, out, err = export("R1", "--to", "csv")
    assert (code, out, err.count("\n")) == (2, [], 1)
    assert not Path("R1-export").exists()
