"""Every number on the screen, and every number that a finding rests on, is explained."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

import engine.diagnosis
from engine.diagnosis.causes import CAUSES
from engine.diagnosis.diagnosis import RULES
from engine.events import Cause, Point
from engine.instruments.sharpness import Sharpness
from tests.tui.conftest import readings
from tui.console.main_screen import PANES
from tui.words.glossary import TERMS, find, matching, sorted_for

EVIDENCE = re.compile(r"numbers\((.*?)\),?\n", re.DOTALL)


def evidence_names() -> set[str]:
    """The names of the numbers that the rules hand on, from their source."""
    folder = Path(engine.diagnosis.__file__).parent
    texts = [
        path.read_text() for path in folder.glob("*.py") if path.name not in ("symptom.py", "record.py", "signs.py")
    ]
    calls = [call for text in texts for call in EVIDENCE.findall(text)]
    return {name for call in calls for name in re.findall(r"\b([a-z_]+)=", call)}


def test_every_number_that_a_finding_rests_on_is_explained() -> None:
    names = evidence_names()
    assert {"update_ratio", "agreement", "seen", "arrives"} <= names
    assert {name for name in names if find(name) is None} == set()


def test_every_number_of_every_instrument_is_explained() -> None:
    values = {name: set(reading) for name, reading in readings(1).items()}
    values["sharpness"] = {field.name for field in fields(Sharpness)}
    assert [(name, field) for name in values for field in values[name] if find(field, name) is None] == []


def test_every_number_of_a_point_is_explained() -> None:
    names = {field.name for field in fields(Point)} - {"seconds"}
    assert {name for name in names if find(name) is None} == set()


def test_every_pane_begins_the_glossary_with_terms_that_there_are() -> None:
    for pane in PANES.values():
        assert pane.HINT
        assert [name for name in pane.TERMS if find(name) is None] == []


def test_no_field_is_explained_twice() -> None:
    names = [field for term in TERMS for field in term.fields]
    assert len(names) == len(set(names))
    assert len({term.name for term in TERMS}) == len(TERMS)


def test_terms_are_found_by_their_words() -> None:
    assert "half-life" in [term.name for term in matching(TERMS, "HALVES way")]
    assert [term.name for term in sorted_for(("half_life", "decay"))][:2] == ["half-life", "decay"]
    assert len(sorted_for(("seen",))) == len(TERMS)


@pytest.mark.parametrize("cause", RULES)
def test_every_cause_is_told_in_two_sentences_with_a_reference(cause: Cause) -> None:
    told = CAUSES[cause]
    assert len(re.findall(r"[.!?](?:\s|$)", told.means)) == 2
    assert re.search(r"\b(19|20)\d\d\b", told.reference)


def test_there_is_no_cause_without_a_rule() -> None:
    assert set(CAUSES) == set(RULES)
