"""The report of a race: what it says and shows, whatever became of it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from engine.events import HypothesisStatus, Idea
from engine.lab import Entry, Lab
from engine.race.plan import MOST_VARIANTS, Origin, Plan
from engine.race.result import Lane, RaceStatus, Rung
from engine.race.store import Races
from tests.tui.export.labs import (
    BROKEN,
    HOSTILE,
    data_of,
    four_seeds,
    happened,
    lane_events,
    race_of,
    race_plan,
    raced,
    stored,
)
from tests.tui.export.test_report import Page, check_alone, tokens
from tui.export.pictures import DARK, LIGHT, Picture, pictures, render
from tui.export.race_pictures import band, race_pictures
from tui.export.report import pieces

pytestmark = pytest.mark.filterwarnings("error")


def written(folder: Path) -> tuple[Page, str]:
    """The page and the Markdown of the race in a folder's lab."""
    for piece in pieces(*race_of(folder / "lab")):
        path = folder / "out" / piece.path
        path.parent.mkdir(parents=True, exist_ok=True)
        steps: list[None] = []
        piece.write(path, lambda steps=steps: steps.append(None))  # type: ignore[misc]
        assert len(steps) == piece.steps
    page = Page((folder / "out/report.html").read_text(encoding="utf-8"))
    check_alone(page)
    markdown = (folder / "out/report.md").read_text(encoding="utf-8")
    shown = [str(token.attrs["src"]) for token in tokens(markdown) if token.type == "image"]
    assert shown
    assert all((folder / "out" / path).read_bytes().startswith(b"\x89PNG") for path in shown)
    return page, markdown


def drawn(picture: Picture) -> list[Axes]:
    """The axes of a picture."""
    figure = Figure()
    picture.draw(figure, LIGHT)
    return figure.axes


@pytest.mark.usefixtures("race_drawn")
def test_it_says_what_was_raced_and_found_and_then_tells_each_variants_first_seed(tmp_path: Path) -> None:
    raced(tmp_path / "lab", race_plan("lr=4e-3,1e-1"), four_seeds(0.4))
    with Lab.open(tmp_path / "lab") as lab:
        lab.hypotheses.add(Idea("a rate of 0.1 is too high", "the loss is higher"), "notes-1", 7)
        lab.hypotheses.test(1, 1)
        lab.hypotheses.judge(1, HypothesisStatus.CONFIRMED, "worse by 0.4 nats")
    page, markdown = written(tmp_path)
    for words in (
        "Race R1",
        "2 variants of lstm 1×12 that differ in lr alone were trained on notes.txt, from fresh networks, "
        "65,536 characters each, over at most 4 seeds.",
        "a rate of 0.1 is too high",
        "Predicted: the loss is higher",
        "Race R1: worse by 0.4 nats",
        "lr 0.1 is worse than lr 0.004 by 0.",
        "✗ worse",
        "against lr 0.004",
        "what the others are compared with",
        "At equal characters, updates and seconds",
        "it is certainly below 0.02",
        "--anneal",
        "run R1b1, the first of 4 seeds",
        "65,536 characters in 64 updates",
    ):
        assert words in page.text
        assert words in markdown.replace("\\", "")
    titles = re.findall(r"^# (.*)$", markdown, re.MULTILINE)
    assert titles == ["Race R1", "lr 0.004", "lr 0.1"]
    assert sum(tag == "article" for tag, _ in page.tags) == 3
    assert sum(tag == "figure" for tag, _ in page.tags) == 2 + 2 * 3
    assert {path.name for path in (tmp_path / "out/pictures").iterdir()} == {
        "race-loss.png",
        "race-differences.png",
        "variant-1",
        "variant-2",
    }


@pytest.mark.usefixtures("undrawn")
def test_further_seeds_stand_in_the_table_alone(tmp_path: Path) -> None:
    raced(tmp_path / "lab", race_plan(), four_seeds(0.4))
    _, markdown = written(tmp_path)
    rows = [line for line in markdown.splitlines() if "| R1" in line and "| lr " in line]
    assert len(rows) == 8
    assert rows[0].startswith("| lr 0.004 | 1 | R1a1 | 65,536 | 1.28 s | 1.7")
    assert all("| done |" in row for row in rows)
    assert [row.split("|")[7].strip()[0] for row in rows] == ["–"] * 4 + ["+"] * 4


@pytest.mark.usefixtures("undrawn")
def test_what_diverged_is_the_worst_and_is_said_so(tmp_path: Path) -> None:
    losses = {place: math.inf if place[0] else loss for place, loss in four_seeds(0.0).items()}
    raced(tmp_path / "lab", race_plan(seeds=4), losses)
    page, markdown = written(tmp_path)
    assert "diverged: lr 0.1 4 ×, lr 0.004 0 ×" in page.text
    assert f"diverged: {BROKEN}" in page.text
    assert "| lr 0.1 | ∞ | +∞, 95 % from −∞ to +∞ | ? undecided | 4, 4 diverged |" in markdown


@pytest.mark.usefixtures("undrawn")
def test_one_pair_is_undecided(tmp_path: Path) -> None:
    raced(tmp_path / "lab", race_plan(), {(0, 0): 1.7, (1, 0): 1.6, (0, 1): math.nan}, status=RaceStatus.STOPPED)
    page, _ = written(tmp_path)
    assert "whether lr 0.1 is better than lr 0.004 is undecided: −0.1 nats (95 % from −∞ to +∞, 1 seed)" in page.text
    assert "Not decided: `charrnn-tui race --resume R1` continues it." in page.text


@pytest.mark.parametrize(
    ("status", "words"),
    [(RaceStatus.RUNNING, "Its process ended before the race did."), (RaceStatus.QUEUED, "It has not begun.")],
)
@pytest.mark.usefixtures("undrawn")
def test_a_race_without_a_complete_pair_says_so(tmp_path: Path, status: RaceStatus, words: str) -> None:
    raced(tmp_path / "lab", race_plan(), {(0, 0): math.nan, (1, 0): math.nan}, status=status)
    page, _ = written(tmp_path)
    assert words in page.text
    assert "No seed is complete for two variants" in page.text
    assert "Nothing can be compared yet." in page.text
    assert sum(tag == "figure" for tag, _ in page.tags) == 1 + 2 * 3


def test_a_race_that_has_not_begun_has_nothing_to_draw(tmp_path: Path) -> None:
    raced(tmp_path / "lab", race_plan(), {}, status=RaceStatus.QUEUED)
    found = pieces(*race_of(tmp_path / "lab"))
    assert [str(piece.path) for piece in found] == ["report.html", "report.md"]
    for piece in found:
        piece.write(tmp_path / piece.path.name, lambda: None)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    check_alone(page)
    assert "Nothing was measured that could be drawn." in page.text
    assert "2 variants that differ in lr alone" in page.text


def as_many_as_there_can_be() -> tuple[Plan, Mapping[tuple[int, int], float]]:
    """As many variants as a race takes, some of which diverged."""
    rates = ",".join(f"{1e-3 * 1.3**power:.4g}" for power in range(MOST_VARIANTS))
    losses = {
        (variant, seed): 1.7 + 0.02 * abs(variant - 9) + 0.003 * ((variant * 7 + seed * 3) % 5)
        for variant in range(MOST_VARIANTS)
        for seed in range(5)
    }
    losses |= {(22, seed): math.inf for seed in range(5)} | {(20, 1): math.inf}
    return race_plan(f"lr={rates}", seeds=5), losses


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose lab has such a race, which takes seconds to write."""
    folder = tmp_path_factory.mktemp("many")
    raced(folder / "lab", *as_many_as_there_can_be())
    return folder


@pytest.mark.soak
@pytest.mark.xdist_group("many variants")
@pytest.mark.usefixtures("undrawn")
def test_as_many_variants_as_there_can_be(many: Path) -> None:
    page, _ = written(many)
    assert sum(tag == "article" for tag, _ in page.tags) == 1 + MOST_VARIANTS
    assert "20 more are left out here." in page.text


@pytest.mark.soak
@pytest.mark.xdist_group("many variants")
def test_variants_are_told_apart_without_colours(many: Path) -> None:
    _, data = race_of(many / "lab")
    figure = Figure()
    losses, differences = race_pictures(data)
    losses.draw(figure, LIGHT)
    (legend,) = figure.legends
    styles = {(line.get_marker(), line.get_linestyle()) for line in legend.get_lines()}
    assert len(styles) == MOST_VARIANTS
    names = [text.get_text() for text in legend.get_texts()]
    assert names[20].endswith("(1 of 5 diverged)")
    assert names[22].endswith("(5 of 5 diverged)")
    for picture in (losses, differences):
        assert len(render(picture, DARK, "svg")) < 400_000


@pytest.mark.parametrize(
    "losses",
    [
        {(0, 0): 1.7, (1, 0): 1.6},
        {(0, 0): math.inf, (1, 0): math.inf},
        {(0, 0): 1.7, (1, 0): 1e300, (0, 1): 1.7, (1, 1): 1e300},
        {(0, seed): 1.7 for seed in range(4)} | {(1, seed): math.inf for seed in range(4)},
        {(0, 0): 1.7, (1, 0): 1.7, (0, 1): 1.7, (1, 1): 1.7},
    ],
)
def test_whatever_a_race_found_is_drawn(tmp_path: Path, losses: Mapping[tuple[int, int], float]) -> None:
    raced(tmp_path / "lab", race_plan(), losses, half=1 if math.isinf(losses[0, 0]) else 32)
    _, data = race_of(tmp_path / "lab")
    for picture in race_pictures(data):
        for theme in (LIGHT, DARK):
            assert render(picture, theme, "svg").startswith(b"<?xml")


def test_the_differences_show_estimate_interval_and_seeds_where_they_are(tmp_path: Path) -> None:
    raced(tmp_path / "lab", race_plan("lr=4e-3,1e-1"), four_seeds(0.4))
    _, data = race_of(tmp_path / "lab")
    found = next(each for each in data.standing.results if each.measure == "chars")
    axes = drawn(race_pictures(data)[1])
    assert [each.get_title(loc="left") or each.get_title() for each in axes] == [
        "at equal characters",
        "at equal updates",
        "at equal seconds",
    ]
    lines = [np.asarray(line.get_xdata(), np.float64).tolist() for line in axes[0].get_lines()]
    assert [found.low, found.high] in lines
    assert [found.estimate] in lines
    assert [[value] in lines for value in data.differences(found)] == [True] * found.pairs
    assert {text.get_text() for text in axes[0].texts} == {"✗"}
    low, high = axes[0].get_xlim()
    assert low < -0.02 < 0.02 < found.high < high


def test_without_bound_is_an_arrow_at_the_edge(tmp_path: Path) -> None:
    raced(tmp_path / "lab", race_plan(), {(0, 0): 1.7, (1, 0): 1.6})
    _, data = race_of(tmp_path / "lab")
    axes = drawn(race_pictures(data)[1])[0]
    marks = {str(line.get_marker()): np.asarray(line.get_xdata(), np.float64) for line in axes.get_lines()}
    low, high = axes.get_xlim()
    assert low < marks["<"][0] < -0.1
    assert 0.02 < marks[">"][0] < high


def test_small_differences_are_seen_beside_large_ones(tmp_path: Path) -> None:
    raced(tmp_path / "lab", race_plan("lr=1e-3,2e-3,3e-1"), four_seeds(0.03, 2.5))
    _, data = race_of(tmp_path / "lab")
    assert drawn(race_pictures(data)[1])[0].get_xscale() == "symlog"


def lane(*losses: float, share: float = 1.0, broken: str = "") -> Lane:
    rungs = tuple(Rung(place, place * 100, place / 10, loss) for place, loss in enumerate(losses, 1))
    return Lane(0, 0, "", share, rungs, broken)


def test_a_band_is_over_the_same_seeds_everywhere() -> None:
    found = band([lane(3, 2, 1), lane(5, 4, 2), lane(9, 9, broken="x"), lane(7, share=0.4)])
    assert found.chars.tolist() == [100, 200, 300]
    assert found.mean.tolist() == [4, 3, 1.5]
    assert (found.low.tolist(), found.high.tolist()) == ([3, 2, 1], [5, 4, 2])
    assert band([lane(3, 2, share=0.6), lane(5, share=0.4)]).mean.tolist() == [4]
    assert not len(band([lane(9, broken="x"), lane(share=0.1)]).mean)


def hostile(folder: Path) -> None:
    """A race all of whose words are hostile."""
    plan = race_plan("lr=1e-3,2e-3,3e-1", origin=Origin(HOSTILE, 0, 0))
    labels = ("_x", HOSTILE, "$x^{")
    variants = tuple(replace(each, label=label) for each, label in zip(plan.variants, labels, strict=True))
    losses = {**four_seeds(0.1, -0.2), (1, 0): math.inf}
    race = raced(folder, replace(plan, variants=variants), losses)
    with Lab.open(folder) as lab:
        lab.hypotheses.add(Idea(HOSTILE, HOSTILE), "notes-1", 7)
        lab.hypotheses.test(1, race.number)
        lab.hypotheses.judge(race.number, HypothesisStatus.CONFIRMED, HOSTILE)
        lab.hypotheses.conclude(1, HypothesisStatus.CONFIRMED, HOSTILE)
        Races(lab).set(race, status=RaceStatus.FAILED, says=HOSTILE, results=race.results)


@pytest.mark.usefixtures("race_drawn_once")
def test_no_text_breaks_out_of_the_page(tmp_path: Path) -> None:
    hostile(tmp_path / "lab")
    page, _ = written(tmp_path)
    assert page.text.count("<script>alert(1)</script></style></pre>") > 8
    assert "{{ 7*7 }} {% raw %}" in page.text


@pytest.mark.usefixtures("undrawn")
def test_no_text_breaks_out_of_the_markdown(tmp_path: Path) -> None:
    hostile(tmp_path / "lab")
    _, markdown = written(tmp_path)
    found = tokens(markdown)
    assert not {token.type for token in found} & {"html_block", "html_inline", "link_open", "fence", "s_open"}
    assert {token.content for token in found if token.type == "code_inline"} == {
        "charrnn-tui export RACE --to report",
        "--to csv",
    }
    assert sum(token.tag == "h1" and token.nesting == 1 for token in found) == 4
    tables = sum(token.type == "table_open" for token in found)
    assert sum(token.type == "tr_open" for token in found) > tables


def test_a_name_that_begins_with_an_underscore_has_its_place_in_the_legend(tmp_path: Path) -> None:
    hostile(tmp_path / "lab")
    figure = Figure()
    race_pictures(race_of(tmp_path / "lab")[1])[0].draw(figure, LIGHT)
    assert [text.get_text()[:2] for text in figure.legends[0].get_texts()] == [" _", "<s", "$x"]


@pytest.mark.usefixtures("undrawn")
def test_what_a_preset_sets_is_told(tmp_path: Path) -> None:
    raced(tmp_path / "lab", race_plan("preset=online,standard"), {(0, 0): 1.7, (1, 0): 1.6})
    page, _ = written(tmp_path)
    assert "what it sets" in page.text
    assert "streams 1, bptt 1" in page.text
    assert (
        "preset standard makes" in page.text or "preset standard has" in page.text or "What else differs" in page.text
    )


@pytest.mark.usefixtures("undrawn")
def test_a_part_of_a_race_from_a_run_is_told_from_there_on(tmp_path: Path) -> None:
    plan = race_plan("lr=4e-3,1e-1", origin=Origin("elder", 1000, 1_024_000))
    with Lab.open(tmp_path / "lab") as lab:
        race = Races(lab).create(plan, text="notes.txt", source="notes.txt", digest="0" * 64)
    events = [replace(each, update=each.update + 1000, chars=each.chars + 1_024_000) for each in lane_events(1.7)]
    for variant in (0, 1):
        stored(
            tmp_path / "lab",
            events,
            name=f"R1{'ab'[variant]}1",
            settings=plan.seeded(variant, 0).plain(),
            parent=("elder", 1000),
            race=Entry(race.number, variant, 0),
        )
    page, _ = written(tmp_path)
    assert "from elder at update 1,000, 65,536 characters each" in page.text
    assert "65,536 characters in 64 updates" in page.text
    runs, _ = race_of(tmp_path / "lab")
    assert runs[0].speed == pytest.approx(65_536 / (1064 / 50))
    for data in (runs[0], data_of(tmp_path / "lab", "R1a1")):
        low, high = drawn(pictures(data)[0])[0].get_xlim()
        assert 1_020_000 < low < 1_024_000 + 65_536 < high < 1_100_000


def test_a_part_of_a_race_is_also_a_run_of_its_own(tmp_path: Path) -> None:
    raced(tmp_path / "lab", race_plan(), four_seeds(0.4))
    paths = {str(piece.path) for piece in pieces([data_of(tmp_path / "lab", "R1b2")])}
    assert paths == {"report.html", "report.md", *(f"pictures/{name}.png" for name in ("loss", "gradient", "rate"))}


@pytest.mark.usefixtures("race_drawn_once")
def test_the_report_of_a_run_shows_the_races_of_its_hypotheses(tmp_path: Path) -> None:
    stored(tmp_path / "lab", happened())
    raced(tmp_path / "lab", race_plan(), four_seeds(0.4))
    with Lab.open(tmp_path / "lab") as lab:
        for claim in ("the rate is too high", "it is not", "nobody has raced this", "of a race that is gone"):
            lab.hypotheses.add(Idea(claim), "notes-1", 7)
        for number, race in ((1, 1), (2, 1), (4, 9)):
            lab.hypotheses.test(number, race)
        lab.hypotheses.judge(1, HypothesisStatus.CONFIRMED, "worse by 0.4 nats")
    found = pieces([data_of(tmp_path / "lab")])
    paths = [str(piece.path) for piece in found]
    assert len(paths) == len(set(paths))
    for piece in found:
        path = tmp_path / "out" / piece.path
        path.parent.mkdir(parents=True, exist_ok=True)
        piece.write(path, lambda: None)
    page = Page((tmp_path / "out/report.html").read_text(encoding="utf-8"))
    check_alone(page)
    assert sum(tag == "figure" for tag, _ in page.tags) == 5 + 2 * 2
    assert (tmp_path / "out/pictures/R1-race-loss.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "out/pictures/R1-race-differences.png").exists()
