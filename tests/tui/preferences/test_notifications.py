"""Notifications: what is told, how, and that nothing waits for it."""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.errors import UserError
from engine.events import End, RunStatus, Severity
from tests.tui.conftest import finding
from tests.waiting import until
from tui.preferences.notifications import NO_WISHES, Notifier, Occasion, Wishes, noticing, read_wishes
from tui.preferences.preferences import Preferences
from tui.preferences.settings_file import Entry, Source, Table

WRITE = """
import json, os, sys
names = ("CHARRNN_RUN", "CHARRNN_EVENT")
told = {"said": sys.argv[2:], "session": os.getsid(0), **{name: os.environ[name] for name in names}}
with open(sys.argv[1], "a") as file:
    file.write(json.dumps(told) + chr(10))
"""


def entry(name: str, value: Any, source: Source = Source.USER) -> Entry:
    return Entry(Table.NOTIFY, name, value, source, "config.toml:2")


def wishes(*entries: Entry, asked: bool | None = None) -> Wishes:
    return read_wishes(Preferences(entries), asked)


class Told:
    """A notifier whose bell and failures are kept."""

    def __init__(self, wishes: Wishes) -> None:
        self.rung: list[str] = []
        self.failed: list[str] = []
        self.notifier = Notifier(wishes, self.rung.append, self.failed.append)


def test_a_command_of_the_users_has_the_text_and_the_event(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = (sys.executable, "-c", WRITE, str(log), "--title", "two words")
    told = Told(Wishes(commands={Occasion.FINDING: command}))
    told.notifier.finding("notes-1\x1b[31m", finding(says="It \x1b[2J oversteps. And more."))
    told.notifier.finding("notes-1\x1b[31m", replace(finding(), severity=Severity.PROBLEM, says="It is graver."))
    told.notifier.tell(Occasion.END, "notes-1", "has no command")
    until(lambda: log.exists() and log.read_text().endswith("\n"))
    (line,) = log.read_text().splitlines()
    written = json.loads(line)
    assert written["said"][:2] == ["--title", "two words"]
    assert written["said"][2].startswith("Finding in notes-1␛[31m: ")
    assert written["said"][2].endswith(". It ␛[2J oversteps.")
    assert (written["CHARRNN_RUN"], written["CHARRNN_EVENT"]) == ("notes-1␛[31m", "finding")
    assert written["session"] != os.getsid(0)
    assert told.rung == told.failed == []


def test_a_command_that_hangs_stops_nothing_and_one_that_has_ended_leaves_no_zombie() -> None:
    hangs = (sys.executable, "-c", "import time; time.sleep(1e6)")
    told = Told(Wishes(commands={Occasion.FINDING: hangs, Occasion.END: (sys.executable, "-c", "")}))
    before = set(psutil.Process().children())
    told.notifier.finding("a", finding())
    (hanging,) = set(psutil.Process().children()) - before
    told.notifier.tell(Occasion.END, "a", "ended")
    until(lambda: set(psutil.Process().children()) - before == {hanging})
    hanging.kill()
    until(lambda: not set(psutil.Process().children()) - before)
    until(lambda: told.failed == [f"on_finding: {sys.executable} was ended by signal 9"])
    until(lambda: not any(thread.name.startswith("on_") for thread in threading.enumerate()))


def test_a_command_that_fails_is_one_line() -> None:
    fails = (sys.executable, "-c", "raise SystemExit(3)")
    told = Told(Wishes(commands={Occasion.END: fails, Occasion.VERDICT: ("/no/such/program",)}))
    told.notifier.tell(Occasion.END, "a", "ended")
    until(lambda: told.failed == [f"on_end: {sys.executable} has ended with code 3"])
    told.notifier.tell(Occasion.VERDICT, "R1", "known")
    assert told.failed[1:] == ["on_verdict: /no/such/program could not be started: No such file or directory"]


def test_the_bell_rings_once_for_a_finding_and_at_the_end() -> None:
    told = Told(Wishes(bell=True))
    listen = noticing(told.notifier, "notes-1")
    listen(finding())
    listen(replace(finding(), says="It has become graver."))
    listen(replace(finding(), until_update=400))
    listen(replace(finding(), since_update=500))
    listen(End(RunStatus.UPDATES, "notes-1", None, 600, 6000, 1.0, 1.62))
    assert [line.split(":")[0] for line in told.rung[:2]] == ["Finding in notes-1"] * 2
    assert told.rung[2:] == ["The end of notes-1 after 600 updates (updates): validation loss 1.6200 nats/char"]


def test_the_option_goes_before_the_files() -> None:
    mine = entry("bell", True), entry("on_end", "say 'the end'")
    command = {Occasion.END: ("say", "the end")}
    assert wishes() == NO_WISHES
    assert wishes(asked=True) == Wishes(bell=True)
    assert wishes(*mine) == wishes(*mine, asked=True) == Wishes(bell=True, commands=command)
    assert wishes(*mine, asked=False) == NO_WISHES
    assert wishes(entry("bell", True), entry("bell", False, Source.PROJECT)) == NO_WISHES


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (entry("bell", "loud"), 'config.toml:2: bell is "loud"; it must be true or false'),
        (entry("on_finding", 3), "on_finding is 3; it must be a command, such as"),
        (entry("on_finding", "say 'so"), "it must be a command as a shell reads it: no closing quotation"),
        (entry("on_finding", "  "), "leave the line out for none"),
        (entry("on_finding", "say \0"), "leave the line out for none"),
        (entry("on_findings", "say"), "there is no setting on_findings in [notify]: did you mean on_finding"),
        (entry("on_end", "rm -r .", Source.PROJECT), "on_end starts a command: only your own file may, "),
    ],
)
def test_what_is_wrong_is_one_line(wrong: Entry, says: str) -> None:
    with pytest.raises(UserError) as error:
        wishes(wrong, asked=False)
    assert says in str(error.value)
