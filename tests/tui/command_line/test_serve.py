"""`charrnn-tui serve`: mistakes that it refuses before it serves anything, and the processes that it would start."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from tests.tui.command_line.conftest import Run
from tui.command_line.web.guard import Names


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.txt"], "there is no text nowhere.txt: name a file"),
        (["-"], "- can be read only once"),
        (["."], ". can be read only once"),
        (["words.txt", "--host", "nowhere.invalid"], "--host nowhere.invalid: there is no such host"),
        (["words.txt", "--host", ""], "--host: expected"),
        (["words.txt", "--host", "192.0.2.1", "--port", "0"], "this machine has no such address"),
        (["words.txt", "--port", "70000"], "--port"),
        (["words.txt", "--token", "short"], "--token: expected at least 8 characters"),
        (["words.txt", "--lr", "fast"], "--lr"),
    ],
)
def test_what_cannot_be_served_is_one_line(
    run: Run, text: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(text.parent)
    code, out, err = run("serve", *arguments)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert says in line


def test_a_port_in_use_is_one_line(run: Run, text: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, out, err = run("serve", str(text), "--port", port)
    assert (code, out) == (2, "")
    assert err == f"charrnn-tui: --port {port}: another program uses it: name another, or 0 for any\n"


@pytest.mark.parametrize("options", [["--lr", "0.1"], ["--name", "x"], ["--preset", "online"]])
def test_a_run_that_is_resumed_keeps_its_settings(run: Run, text: Path, tmp_path: Path, options: list[str]) -> None:
    lab = ["--lab", str(tmp_path / "lab")]
    assert run("train", str(text), "--updates", "1", "--hidden", "8", "--streams", "2", *lab)[0] == 0
    code, _, err = run("serve", "words-1", *options, *lab)
    assert code == 2
    assert "leave" in err
    assert "the lab" in run("serve", "words-2", *lab)[2]


def test_the_package_is_named_where_it_is_missing(run: Run, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith("tui.command_line.web.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    monkeypatch.setitem(sys.modules, "textual_serve.app_service", None)
    code, _, err = run("serve", str(text))
    assert code == 2
    assert "`pip install 'charrnn-tui[serve]'` installs it" in err


@pytest.mark.parametrize(
    ("host", "addresses", "known", "unknown"),
    [
        ("127.0.0.1", {"127.0.0.1"}, ["127.0.0.1:8000", "localhost:9000", "[::1]:8000", "LOCALHOST"], ["10.0.0.1"]),
        ("box", {"10.0.0.1"}, ["box:8000", "10.0.0.1:8000"], ["localhost", "10.0.0.2", "other:8000"]),
        ("0.0.0.0", {"0.0.0.0"}, ["10.9.8.7:80", "me:8000", "localhost", "[fe80::1]:80"], ["10.9.8.7.evil.example"]),
        (
            "127.0.0.1",
            {"127.0.0.1"},
            [],
            ["", "evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "[", "a b"],
        ),
    ],
)
def test_names_of_a_server(host: str, addresses: set[str], known: list[str], unknown: list[str]) -> None:
    names = Names.of(host, frozenset(addresses), "me")
    assert [each for each in known if not names.have(each)] == []
    assert [each for each in unknown if names.have(each)] == []
