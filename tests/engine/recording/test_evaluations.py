"""How the sets of losses without gradient are told apart, and what is said of those that are left out."""

from __future__ import annotations

from typing import Any

import pytest

from engine.recording.evaluations import Evaluations

OUTER = ["/home/me/train.py", 40, 8, "losses[split] = evaluate(split)"]


def losses(number: int, word: str, *lines: list[Any]) -> dict[str, Any]:
    """The losses of a set since the last update, as a journal has them."""
    told = {"set": number, "loss": 2.0, "targets": 64, "count": 1, "word": word, "first": number, "trained": False}
    return {**told, "begin": number, "end": number, "lines": list(lines)}


@pytest.mark.parametrize(
    ("inner", "place"),
    [
        (["/home/me/train.py", 12, 4, "loss = criterion(model(x), y)"], "train at line 12"),
        (["/home/me/nets/model.py", 187, 4, "loss = cross_entropy(x, y)"], "train at line 187 of model.py"),
    ],
)
def test_a_line_of_another_file_is_told_with_the_file(inner: list[Any], place: str) -> None:
    evaluations = Evaluations()
    other = [*inner[:1], 99, *inner[2:]]
    assert evaluations.take([losses(1, "train", OUTER, inner), losses(2, "val", OUTER, other)]) == 2.0
    assert evaluations.left_out == [place]
