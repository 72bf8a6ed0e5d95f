"""The missed information at a lag: the amount that theory gives, and nothing where nothing is missed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from engine.instruments.missed import GROUPS, LEAST, grouped, missed
from engine.instruments.panel import RUN_IN, Panel
from engine.text.made import synthetic

Chances = NDArray[np.float64]


def sampled(text: str) -> Panel:
    characters = "".join(sorted(set(text)))
    return Panel.over(np.array([characters.index(character) for character in text], np.uint8), 32)


def found_in(panel: Panel, chances: Chances) -> NDArray[np.float64]:
    """The information that a predictor with `chances`, (span, lanes, entries), misses in a text of few characters."""
    return np.array(missed(torch.from_numpy(panel.ids), torch.from_numpy(chances).float()))


def random_chances(shape: Sequence[int], sharpness: float) -> Tensor:
    """Random chances, closer to 0 and 1 the greater `sharpness` is, from a generator of their own."""
    return (sharpness * torch.randn(*shape, generator=torch.Generator().manual_seed(0))).softmax(dim=-1)


def drawn(chances: Tensor, seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.multinomial(chances.flatten(0, 1), 1, generator=random).reshape(chances.shape[:2])


def counted_slowly(text: Tensor, chances: Tensor, lag: int) -> float:
    """The same for one lag, computed one target at a time."""
    time, lanes, groups = chances.shape
    observed, expected, squares = (np.zeros((groups, groups)) for _ in range(3))
    for step in range(time):
        for lane in range(lanes):
            place = len(text) - time + step
            row, target = int(text[place - lag, lane]), int(text[place, lane])
            observed[row, target] += 1
            expected[row] += chances[step, lane].double().numpy()
            squares[row] += chances[step, lane].double().numpy() ** 2
    won = degrees = 0.0
    for row in range(groups):
        cells = sorted(zip(expected[row], observed[row], squares[row], strict=True))
        pool = [0.0, 0.0, 0.0]
        while cells and (cells[0][0] < LEAST or 0 < pool[0] < LEAST):
            pool = [one + other for one, other in zip(pool, cells.pop(0), strict=True)]
        if pool[0]:
            cells.append((pool[0], pool[1], pool[2]))
        won += sum(o * math.log(o / e) for e, o, _ in cells if o)
        degrees += sum(1 - q / e for e, _, q in cells) if len(cells) > 1 else 0
    return (won - degrees / 2) / (time * lanes)


@pytest.mark.parametrize(("lanes", "sharpness"), [(1, 1.0), (3, 1.0), (3, 4.0), (5, 0.0)])
def test_it_is_what_a_plain_loop_counts(lanes: int, sharpness: float) -> None:
    chances = random_chances((40, lanes, 7), sharpness)
    # Groups 4, 5 and 6 are rare, so that some cells have to be merged and some rows hardly occur.
    random = torch.Generator().manual_seed(1)
    text = (torch.rand(60, lanes, generator=random) ** 2 * 6.3).long()
    found = missed(text, chances)
    assert len(found) == 20
    assert found == pytest.approx([counted_slowly(text, chances, lag) for lag in range(1, 21)], abs=1e-5)


def test_what_comes_back_after_forty_characters_is_missed_there_and_nowhere_else() -> None:
    """A predictor that knows all of the recall text but the return of the word: its loss could fall by 4 ln 4 / 45."""
    text = synthetic.recall()[:-4500]
    panel = sampled(text)
    characters = "".join(sorted(set(text)))
    # The place of each target in its line: every line is of the same length, and ends with the one line end in it.
    line, places = synthetic.LAG + synthetic.WORD + 1, np.zeros(panel.ids.shape, np.int64)
    for lane, ids in enumerate(panel.ids.T):
        end = int(np.flatnonzero(ids == characters.index("\n"))[0])
        places[:, lane] = (np.arange(len(ids)) - end - 1) % line

    by_place = np.zeros((line, len(characters)))
    for place in range(line):
        word = place < synthetic.WORD or synthetic.LAG <= place < line - 1
        certain = {synthetic.LAG - 1: "?", line - 1: "\n"}.get(place)
        law = {certain: 1.0} if certain else synthetic.LETTERS if word else synthetic.FILLER
        for character, chance in law.items():
            by_place[place, characters.index(character)] = chance
    found = found_in(panel, by_place[places[panel.run_in + 1 :]])

    returns = (places[panel.run_in + 1 :] >= synthetic.LAG) & (places[panel.run_in + 1 :] < line - 1)
    assert found[synthetic.LAG - 1] == pytest.approx(returns.mean() * math.log(4), rel=0.02)
    assert found[synthetic.LAG - 1] == pytest.approx(4 * math.log(4) / 45, rel=0.05)
    elsewhere = np.delete(found, synthetic.LAG - 1)
    assert np.abs(elsewhere).max() < 0.003
    assert abs(elsewhere.mean()) < 2e-4


def test_who_knows_the_odds_of_a_coin_misses_nothing() -> None:
    panel = sampled(synthetic.coin())
    odds = np.array(list(synthetic.COIN.values()))
    found = found_in(panel, np.broadcast_to(odds, (*panel.targets.shape, 4)).copy())
    assert len(found) == RUN_IN
    # Wilks: (4 - 1) degrees in each of 4 rows.
    assert np.abs(found).max() < 4 * math.sqrt(2 * 12) / (2 * panel.targets.size)
    assert found.std() == pytest.approx(math.sqrt(2 * 12) / (2 * panel.targets.size), rel=0.25)


def test_who_takes_a_coin_for_fair_misses_that_at_every_lag() -> None:
    panel = sampled(synthetic.coin())
    found = found_in(panel, np.full((*panel.targets.shape, 4), 0.25))
    assert found.mean() == pytest.approx(math.log(4) - 1.75 * math.log(2), rel=0.1)
    assert found.std() < 0.002


@pytest.mark.parametrize("sharpness", [0.0, 1.0, 3.0, 10.0])
def test_a_network_that_is_right_misses_nothing_however_sure_it_is(sharpness: float) -> None:
    """The degrees of freedom are those that the chances leave; Wilks' would be 0.01 nats too much for a sure one."""
    chances = random_chances((192, 32, GROUPS), sharpness)
    found = np.array(
        [missed(torch.cat((drawn(chances[:128], seed), drawn(chances, seed + 1))), chances) for seed in (1, 3, 5)]
    )
    bound = math.sqrt(2 * (GROUPS - 1) * GROUPS) / (2 * chances.shape[0] * chances.shape[1])
    assert np.abs(found).max() < 4 * bound
    assert abs(found.mean()) < 5e-4
    assert found.std() < 1.1 * bound


def test_a_network_that_is_surely_right_misses_exactly_nothing() -> None:
    text = (torch.rand(60, 2, generator=torch.Generator().manual_seed(0)) * 3).long()
    assert missed(text, functional.one_hot(text[20:], 3).float()) == pytest.approx([0.0] * 20, abs=1e-7)


def test_what_it_held_for_impossible_does_not_blow_up() -> None:
    text = (torch.rand(60, 2, generator=torch.Generator().manual_seed(0)) * 3).long()
    assert np.isfinite(missed(text, functional.one_hot((text[20:] + 1) % 3, 3).float())).all()


def test_the_most_frequent_have_groups_of_their_own() -> None:
    ids = np.repeat(np.arange(40), np.arange(40))
    groups = grouped(ids, 50)
    assert groups[39] == 0
    assert groups[25] == 14
    assert set(groups[:25].tolist()) == set(groups[40:].tolist()) == {15}
    assert sorted(grouped(np.array([2, 2, 1]), 4).tolist()) == [0, 1, 2, 3]
