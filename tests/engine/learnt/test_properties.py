"""Properties of a text, character by character."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.learnt.properties import FEWEST_RUNS, _every, properties
from engine.learnt.states import LANE, hidden_states
from engine.learnt.units import follow
from engine.network.model import CELLS, CharRNN
from engine.text.vocabulary import Vocabulary
from tests.conftest import small


def marked(text: str, name: str) -> str:
    """Which characters a property holds at, as x and dots."""
    return "".join("x" if each else "." for each in dict(_every(text))[name])


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("inside ( )", "a(b(c)d)e(f", ".xxxxxx...."),
        ("inside [ ]", "]a[b]", "..xx."),
        ('inside " "', 'a"bc"d"', ".xxx..."),
        ('inside " "', 'a"b\n\n"c"', ".....xx."),
        ("inside a comment", "a # b\nc", "..xxx.."),
        ("at a line's beginning", "ab\ncd", "x.xx."),
        ("in a line's indentation", "a b\n  c d", "....xx..."),
        ("at a word's beginning", "ab c\nd", "..x.x."),
        ("after an empty line", "a\n\nbc\nd", "..xxx.."),
        ("in capitals", "aBC d", ".xx.."),
        ("in a number", "a12 b", ".xx.."),
        ("after a vowel", "bad", ".x."),
        ("ROMEO speaks", "ROMEO:\nhi\nJULIET:\nho\n", "......xxxxxxxxxxx...."),
        ("in column 2", "a,b\nc,d\n", ".xx..xx."),
    ],
)
def test_where_a_property_holds(name: str, text: str, expected: str) -> None:
    assert marked(text, name) == expected


@pytest.mark.parametrize("text", ["", "a", "\n", "(((((", "aaaa bbbb"])
def test_texts_that_offer_nothing(text: str) -> None:
    assert properties(text) == {}


def test_only_what_holds_often_enough_is_offered() -> None:
    assert "inside ( )" not in properties("(a) bcd " * (FEWEST_RUNS - 1))
    assert "inside ( )" in properties("(a) bcd " * FEWEST_RUNS)


@torch.no_grad()
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", list(CELLS))
def test_states_are_those_of_a_single_pass(cell: str, layers: int) -> None:
    network = CharRNN(small(cell=cell, layers=layers, hidden=6), 9)
    network.initialise(torch.Generator().manual_seed(1), torch.ones(9))
    ids = np.random.default_rng(0).integers(0, 9, 2 * LANE + 300).astype(np.uint8)
    found = hidden_states(network, ids)
    assert found.shape == (len(ids), layers * 6)
    outputs, _ = network(torch.from_numpy(ids.astype(np.int64))[:, None], network.zero_state(1))
    # A lane that begins in the middle has read only some characters before it.
    torch.testing.assert_close(found[:, -6:], outputs[:, 0], rtol=1e-3, atol=1e-4)


def test_no_unit_is_named_of_networks_that_have_learnt_nothing() -> None:
    random = np.random.default_rng(0)
    words = ["(of", "the)", "Some", "words", "IN", "a", '"text', 'here"', "12", "that\n", "\n\n"]
    text = " ".join(random.choice(words, 1_500))
    characters = "".join(sorted(set(text)))
    ids, offered = Vocabulary(characters).encode(text), properties(text)
    assert len(offered) >= 6
    states = []
    for seed in range(21):
        network = CharRNN(small(hidden=24), len(characters))
        network.initialise(torch.Generator().manual_seed(seed), torch.ones(len(characters)))
        states.append(hidden_states(network, ids))
    named = [each.name for other in states[1:] for each in follow(other, states[0], offered) if each.named]
    assert named == []
