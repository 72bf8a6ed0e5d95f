"""A journal: whole lines, whatever happens to the process that writes them."""

from __future__ import annotations

import math
import os
import stat
from pathlib import Path

import pytest
from charrnn.journal import LONGEST_LINE, RECORDS, Writer, new_folder, records


def test_records_are_read_as_they_are_appended(tmp_path: Path) -> None:
    writer = Writer(new_folder(tmp_path, "train"))
    reader = records(writer.folder)
    assert list(reader.new()) == []
    writer.write("point", loss=1.5, update=1)
    writer.write("point", loss=math.nan, groups=[{"lr": 0.1, "betas": (0.9, math.inf)}])
    first, second = reader.new()
    assert first == {"record": "point", "loss": 1.5, "update": 1}
    assert second == {"record": "point", "loss": None, "groups": [{"lr": 0.1, "betas": [0.9, 1e300]}]}
    assert list(reader.new()) == []


def test_a_line_that_was_cut_off_is_read_once_it_is_whole(tmp_path: Path) -> None:
    folder = new_folder(tmp_path, "train")
    reader, path = records(folder), folder / RECORDS
    path.write_bytes(b'{"record":"a"}\n{"rec')
    assert [each["record"] for each in reader.new()] == ["a"]
    with path.open("ab") as file:
        file.write(b'ord":"b"}\n')
    assert [each["record"] for each in reader.new()] == ["b"]


@pytest.mark.parametrize("line", [b"", b"[1]", b'"x"', b"{", b"\xff\xfe", b'{"record":3}', b"{}", b"null"])
def test_what_is_no_record_is_skipped(tmp_path: Path, line: bytes) -> None:
    folder = new_folder(tmp_path, "train")
    (folder / RECORDS).write_bytes(line + b'\n{"record":"good"}\n')
    assert [each["record"] for each in records(folder).new()] == ["good"]


def test_a_line_without_an_end_takes_no_memory(tmp_path: Path) -> None:
    folder = new_folder(tmp_path, "train")
    (folder / RECORDS).write_bytes(b"x" * (LONGEST_LINE + 1))
    reader = records(folder)
    assert list(reader.new()) == []
    with (folder / RECORDS).open("ab") as file:
        file.write(b'\n{"record":"good"}\n')
    assert [each["record"] for each in reader.new()] == ["good"]


def test_nobody_else_can_open_it(tmp_path: Path) -> None:
    writer = Writer(new_folder(tmp_path, "train"))
    assert stat.S_IMODE(writer.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((writer.folder / RECORDS).stat().st_mode) == 0o600


def test_journals_of_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    folders = {new_folder(tmp_path, "../a b/ü") for _ in range(5)}
    assert len(folders) == 5
    assert {each.parent for each in folders} == {tmp_path / "journals"}


def test_a_forked_process_writes_nothing(tmp_path: Path) -> None:
    writer = Writer(new_folder(tmp_path, "train"))
    child = os.fork()
    if child == 0:
        writer.write("child")
        os._exit(0)
    os.waitpid(child, 0)
    writer.write("parent")
    assert [each["record"] for each in records(writer.folder).new()] == ["parent"]


def test_a_disk_that_refuses_ends_the_journal_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(new_folder(tmp_path, "train"))

    def full(_file: int, _line: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        writer.write("lost")
    assert "No space left" in writer.trouble
    writer.write("later")
    assert list(records(writer.folder).new()) == []
    writer.close()
    writer.close()
