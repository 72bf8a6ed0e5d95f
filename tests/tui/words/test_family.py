"""Runs as families."""

from __future__ import annotations

from dataclasses import replace

from engine.events import RunStatus
from engine.lab import Run
from tui.words.family import DEEPEST, families

RUN = Run(1, "a", "a.txt", "", {}, None, "", RunStatus.QUIT, 0, 0, 0.0, None, None, "cpu", "lstm 1×9", 9, ())


def runs(*parents: tuple[str, int] | None) -> list[Run]:
    return [replace(RUN, number=n, name=f"r{n}", parent=parent) for n, parent in enumerate(parents, start=1)]


def labels(*parents: tuple[str, int] | None) -> list[str]:
    return [label for _, label in families(runs(*parents))]


def test_forks_stand_under_the_run_that_they_left_in_the_order_in_which_they_did() -> None:
    assert labels(None, ("r1", 1240), ("r1", 80), ("r2", 2000), None) == [
        "r5",
        "r1",
        "└ r3  from update 80",
        "└ r2  from update 1,240",
        "  └ r4  from update 2,000",
    ]


def test_the_family_with_the_newest_run_comes_first() -> None:
    assert labels(None, None, ("r1", 5)) == ["r1", "└ r3  from update 5", "r2"]


def test_a_parent_that_is_not_there_is_named() -> None:
    assert labels(("elsewhere", 40)) == ["r1  from elsewhere at update 40"]
    found = families(runs(None, ("r1", 1000), ("r2", 2000))[1:])
    assert [label for _, label in found] == ["r2  from r1 at update 1,000", "└ r3  from update 2,000"]


def test_a_run_is_not_its_own_ancestor() -> None:
    assert labels(("r1", 10)) == ["r1  from r1 at update 10"]
    assert sorted(labels(("r2", 10), ("r1", 20))) == ["r1  from r2 at update 10", "└ r2  from update 20"]


def test_many_generations_keep_to_their_room() -> None:
    chain = labels(None, *((f"r{number}", number) for number in range(1, 3000)))
    assert len(chain) == 3000
    assert chain[-1] == "  " * (DEEPEST - 1) + "└ r3000  from update 2,999"


def test_hostile_names_are_shown_safely() -> None:
    assert "\x1b" not in "".join(labels(("\x1b[31m", 3)))
