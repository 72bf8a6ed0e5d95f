"""Settings files: on which line a setting stands, and one line for whatever is wrong with a file."""

from __future__ import annotations

import json
import os
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UserError
from tui.preferences.settings_file import LARGEST, Source, Table, read
from tui.preferences.statements import line_of

DOCUMENT = '''\
# [train] is not here
text = """
[train]
hidden = 1
"""
other = \'\'\'
hidden = 2\'\'\'\'
"quoted = key" = "a # b = [" # hidden = 3

[ train ]
dotted.name = 4
list = [
  1, # [keys]
  [2],
]
hidden = 5
inline = { a = 6, "b" = 7 }
[ "train" . deep . "x]" ]
last = 8
[[many]]
first = 9
[[many]]
'''
"""Strings and comments in which settings seem to stand."""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("text",), 2),
        (("other",), 6),
        (("quoted = key",), 8),
        (("train",), 10),
        (("train", "dotted"), 11),
        (("train", "dotted", "name"), 11),
        (("train", "list"), 12),
        (("train", "hidden"), 16),
        (("train", "inline", "b"), 17),
        (("train", "deep", "x]"), 18),
        (("train", "deep", "x]", "last"), 19),
        (("many",), 20),
        (("nowhere",), 1),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_setting_is_found_on_its_line(path: tuple[str, ...], line: int, ends: str) -> None:
    document = DOCUMENT.replace("\n", ends)
    tomllib.loads(document)
    assert line_of(document, *path) == line


NAMES = st.text(st.sampled_from("ab.\"'=[]#\n é"), min_size=1, max_size=4)
VALUES = st.recursive(
    st.integers() | st.booleans() | st.text(st.sampled_from("a\"'=[]{}#\\\n é"), max_size=8),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(NAMES, values, max_size=3),
    max_leaves=6,
)


def written(value: object) -> str:
    """A value as TOML; a string of JSON is one of TOML too."""
    match value:
        case list():
            return "[\n" + "".join(f"{written(each)}, # ]\n" for each in value) + "]"
        case dict():
            return "{ " + ", ".join(f"{written(name)} = {written(each)}" for name, each in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


@given(tables=st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=4), max_size=4))
def test_every_key_of_any_document_is_found_on_its_line(tables: dict[str, dict[str, object]]) -> None:
    document, places = "", dict[tuple[str, ...], int]()
    for table, values in tables.items():
        places[(table,)] = document.count("\n") + 1
        document += f"[{written(table)}] # {table!r}\n"
        for name, value in values.items():
            places[table, name] = document.count("\n") + 1
            document += f"{written(name)} = {written(value)} # {name!r}\n"
    assert tomllib.loads(document) == tables
    assert {path: line_of(document, *path) for path in places} == places


def test_a_file_that_is_not_there_has_no_settings(tmp_path: Path) -> None:
    assert read(tmp_path / "charrnn.toml", Source.PROJECT) == ()


def test_settings_have_their_names_values_and_places(tmp_path: Path) -> None:
    path = tmp_path / "charrnn.toml"
    path.write_text("\ufeff[train]\nweight-decay = 0.1\n\n[keys]\nlr_up = 'p'\n")
    decay, up = read(path, Source.PROJECT)
    assert (decay.table, decay.name, decay.value, decay.place) == (Table.TRAIN, "weight_decay", 0.1, f"{path}:2")
    assert (up.table, up.name, up.value, up.place) == (Table.KEYS, "lr-up", "p", f"{path}:5")


WRONG = {
    b"[train]\nhidden = \n": ":2: this is no TOML: invalid value at column 10",
    b"[train]\nhidden = [1,\n": ":2: this is no TOML: ",
    b"[train]\nhidden = 1\nhidden = 2\n": ":3: this is no TOML: cannot overwrite a value at column 11",
    b"[train]\n\n[train]\n": ":3: this is no TOML: cannot declare",
    b"[train]\nhidden = " + b"9" * 5000: "this is no TOML: ",
    b"[train]\nhidden = " + b"[" * 20_000: "lists or tables stand too deep",
    b"[train]\n# \xff\xfe\n": ":2: this is not UTF-8; save the file in UTF-8",
    b"\xff\xfe[\0t\0": ":1: this is not UTF-8; save the file in UTF-8",
    b"\n[trian]\nhidden = 1\n": ":2: there is no table [trian]: did you mean [train]?",
    b"[[tables]]\n": ":1: there is no table [tables]: ",
    b"[x]\n": ":1: there is no table [x]: there are [train], [console], [keys], [notify]",
    b"# first\nhidden = 1\n": ":2: hidden stands above all tables; write it below [train], or where else it belongs",
    b"train = 3\n": ":1: train is 3; it must be a table, which begins with [train]",
    b"[[train]]\n": ":1: train is a list; it must be a table, which begins with [train]",
    b"[train]\nclip-by = 'norm'\nclip_by = 'norm'\n": ":3: clip_by stands as clip-by in this table already; keep one",
    b"#" * (LARGEST + 1): " has more than 64 KiB; a settings file is smaller",
}


@pytest.mark.parametrize(("content", "says"), WRONG.items())
def test_what_is_wrong_with_a_file_is_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "charrnn.toml"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        read(path, Source.PROJECT)
    assert str(error.value).startswith(str(path))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_no_file_to_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a regular file"):
        read(tmp_path, Source.PROJECT)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="is not a regular file"):
        read(tmp_path / "pipe", Source.PROJECT)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(UserError, match="loop cannot be read: Too many levels of symbolic links; make it readable"):
        read(loop, Source.PROJECT)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "charrnn.toml"
    path.touch(0o000)
    with pytest.raises(UserError, match=r"cannot be read: Permission denied; make it readable"):
        read(path, Source.PROJECT)


@given(content=st.binary(max_size=200) | st.text(st.sampled_from("[]train.hidden='\"\\#=\n{} 1é\0"), max_size=80))
def test_any_content_is_settings_or_one_line(tmp_path_factory: pytest.TempPathFactory, content: bytes | str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with suppress(UserError):
        read(path, Source.PROJECT)
