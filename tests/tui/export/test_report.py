"""The report: it says what was stored, needs nothing from outside, and lets no text from outside become markup."""

from __future__ import annotations

import base64
import math
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import hypothesis
import matplotlib
import pytest
from hypothesis import strategies as some
from markdown_it import MarkdownIt
from markdown_it.token import Token
from matplotlib.figure import Figure

from engine.events import (
    HUGE,
    Change,
    CheckpointKind,
    HypothesisStatus,
    Idea,
    Note,
    NoteKind,
    Probe,
    RunStatus,
    Sample,
    Saved,
    Stored,
)
from engine.lab import Lab
from engine.lab.database import FILE
from engine.settings import Settings
from tests.tui.conftest import finding, point
from tests.tui.export.labs import HOSTILE, data_of, happened, stored
from tui.export.effects import effects
from tui.export.markdown import escaped, indented
from tui.export.pictures import DARK, LIGHT, MOST, apart, pictures, render, smoothed, spread, thinned
from tui.export.report import pieces
from tui.export.run_data import RunData

pytestmark = pytest.mark.filterwarnings("error")

ALLOWED = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "main",
    "article",
    "section",
    "footer",
    "h1",
    "h2",
    "h3",
    "p",
}
ALLOWED |= {"dl", "dt", "dd", "div", "small", "b", "span", "code", "pre", "blockquote", "figure", "figcaption"}
ALLOWED |= {"img", "table", "tr", "th", "td"}


class Page(HTMLParser):
    """The tags of a page with their attributes, and its words."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(words)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def images(self) -> Iterator[bytes]:
        for _, attributes in self.tags:
            if (address := attributes.get("src")) is not None:
                kind, _, encoded = address.partition(",")
                assert kind == "data:image/svg+xml;base64"
                yield base64.b64decode(encoded, validate=True)


def written(folder: Path, *runs: RunData) -> tuple[Page, str]:
    """A report's page and its Markdown."""
    for piece in pieces(runs):
        path = folder / piece.path
        path.parent.mkdir(parents=True, exist_ok=True)
        steps: list[None] = []
        piece.write(path, lambda steps=steps: steps.append(None))  # type: ignore[misc]
        assert len(steps) == piece.steps
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    check_alone(page)
    return page, (folder / "report.md").read_text(encoding="utf-8")


def check_alone(page: Page) -> None:
    """That a page has no script and fetches nothing."""
    assert {tag for tag, _ in page.tags} <= ALLOWED
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("href", "style", "action")]
    (style,) = [words for words in page.words if words.startswith("\n:root")]
    assert not re.search(r"url\(|@import|http", style)
    for image in page.images():
        root = ElementTree.fromstring(image)
        names = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert not names & {"script", "image", "foreignObject", "a", "metadata"}
        for element in root.iter():
            for name, value in element.attrib.items():
                assert not name.rpartition("}")[2].startswith("on")
                assert "href" not in name or value.startswith("#")


def tokens(markdown: str) -> list[Token]:
    """The page that a reader of Markdown makes, with HTML and bare addresses allowed."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    found: list[Token] = []
    for token in parser.parse(markdown):
        found += [token, *(token.children or [])]
    return found


@pytest.fixture
def data(tmp_path: Path) -> RunData:
    stored(tmp_path / "lab", happened())
    with Lab.open(tmp_path / "lab") as lab:
        lab.hypotheses.add(Idea("the rate is too high", "the loss rises"), "notes-1", 7)
        lab.hypotheses.test(1, 3)
        lab.hypotheses.judge(3, HypothesisStatus.CONFIRMED, "worse by 0.31 nats, over 4 seeds")
        lab.hypotheses.conclude(1, HypothesisStatus.CONFIRMED, "it rose at once")
    return replace(data_of(tmp_path / "lab"), findings=[finding(since_update=12, since_chars=12_288, found_update=20)])


def test_it_says_what_was_stored(tmp_path: Path, data: RunData) -> None:
    page, markdown = written(tmp_path / "out", data)
    for words in (
        "An lstm 1×12 with 99 parameters was trained on notes.txt for 0.8 s: 40,960 characters in 40 updates",
        "Its lowest validation loss is 1.7500 nats per character (2.52 bits), at update 40.",
        "learning-rate-too-high",
        "Cohen, Kaur, Li",
        "To test it: --lr 0.0004.",
        "lr 0.004 → 0.05",
        "the rate is too high",
        "Race R3: worse by 0.31 nats, over 4 seeds",
        "it rose at once",
        "teach the torches",
        "--clip",
        "1 → off",
        "latest.safetensors",
        "goes on from update 20",
        "cpu fp32 ×1",
    ):
        assert words in page.text
        assert words.split("(")[0] in markdown.replace("\\", "")
    assert sum(tag == "figure" for tag, _ in page.tags) == 5
    assert len(list(page.images())) == 10


@pytest.mark.usefixtures("undrawn")
def test_the_markdown_shows_the_pictures_beside_it(tmp_path: Path, data: RunData) -> None:
    _, markdown = written(tmp_path / "out", data)
    shown = [str(token.attrs["src"]) for token in tokens(markdown) if token.type == "image"]
    assert len(shown) == 5
    for path in shown:
        assert (tmp_path / "out" / path).read_bytes().startswith(b"\x89PNG")


def hostile(folder: Path) -> RunData:
    """A run all of whose words are hostile."""
    events: list[Stored] = [
        *happened(),
        Note(40, 40_960, NoteKind.OTHER, HOSTILE),
        Sample(40, 40_960, 0.8, HOSTILE),
        Sample(40, 40_960, 0.8, "```\n</pre>\n# x"),
        Saved(40, 40_960, CheckpointKind.KEY, HOSTILE),
        Probe(40, 40_960, HOSTILE, 0.0, {HOSTILE: 1.0}),
        Note(40, 40_960, NoteKind.NOT_FINITE, HOSTILE),
    ]
    run = stored(
        folder, events, matrix_names=(HOSTILE, "$x^{", "\udcff", "d"), text=HOSTILE, compute=HOSTILE, network=HOSTILE
    )
    with Lab.open(folder) as lab:
        lab.hypotheses.add(Idea(HOSTILE, HOSTILE), run.name, 7)
        lab.hypotheses.test(1, 1)
        lab.hypotheses.judge(1, HypothesisStatus.CONFIRMED, HOSTILE)
        lab.hypotheses.conclude(1, HypothesisStatus.CONFIRMED, HOSTILE)
    file = sqlite3.connect(folder / FILE)
    with file:
        file.execute("update runs set name = ?, digest = ?, created = ?", (HOSTILE,) * 3)
        file.execute("update hypotheses set run = ?", (HOSTILE,))
    file.close()
    return data_of(folder, "1")


@pytest.mark.usefixtures("drawn_once")
def test_no_text_breaks_out_of_the_page(tmp_path: Path) -> None:
    data = hostile(tmp_path / "lab")
    page, _ = written(tmp_path / "out", data, data)
    assert "<script>alert(1)</script></style></pre>" in page.text
    assert "{{ 7*7 }} {% raw %}" in page.text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b]", "".join(page.words))
    titles = [attributes.get("alt") for tag, attributes in page.tags if tag == "img"]
    assert all(title[:1].isupper() or not title for title in map(str, titles))


@pytest.mark.usefixtures("undrawn")
def test_no_text_breaks_out_of_the_markdown(tmp_path: Path) -> None:
    data = hostile(tmp_path / "lab")
    _, markdown = written(tmp_path / "out", data)
    found = tokens(markdown)
    kinds = {token.type for token in found}
    assert not kinds & {"html_block", "html_inline", "link_open", "fence", "s_open"}
    assert {token.content for token in found if token.type == "code_inline"} == {
        "charrnn-tui export RUN --to report",
        "--to csv",
    }
    assert all(str(token.attrs["src"]).startswith("pictures/") for token in found if token.type == "image")
    assert sum(token.tag == "h1" and token.nesting == 1 for token in found) == 1
    codes = [token.content for token in found if token.type == "code_block"]
    assert codes[-1] == "```\n</pre>\n# x\n"
    assert "javascript" in codes[-2]
    assert not re.search(
        "(?<!:)https?://|www\\.|[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", re.sub("    .*", "", markdown)
    )


@hypothesis.given(some.text(alphabet=some.sampled_from("<>&`*_[]()!#|~$\\-+=1.:/ w\n@")) | some.text())
def test_escaped_words_are_words(words: str) -> None:
    for around in ("{}", "a {} b", "* {}", "| {} | b |"):
        found = tokens(
            f"| a | b |\n| - | - |\n{around.format(escaped(words))}" if "|" in around else around.format(escaped(words))
        )
        allowed = {"paragraph_open", "paragraph_close", "inline", "text", "text_special", "code_block"}
        allowed |= (
            {"bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"} if "*" in around else set()
        )
        kinds = {token.type for token in found if token.type[:2] not in ("ta", "th", "tb", "tr", "td")}
        assert kinds <= allowed


@hypothesis.given(some.text(alphabet=some.sampled_from("` \n\r\t>#ab\u2028\x85")))
def test_a_block_of_code_is_one(words: str) -> None:
    found = tokens(f"before\n\n{indented('x' + words)}\n\nafter")
    assert [token.type for token in found if token.type in ("code_block", "fence")] == ["code_block"]
    assert [token.content for token in found if token.type == "text"] == ["before", "after"]


@pytest.mark.usefixtures("undrawn")
def test_several_runs_are_several_chapters(tmp_path: Path, data: RunData) -> None:
    stored(tmp_path / "lab", happened(8), name="other")
    page, markdown = written(tmp_path / "out", data, data_of(tmp_path / "lab", "other"))
    assert sum(tag == "article" for tag, _ in page.tags) == 2
    shown = [str(token.attrs["src"]) for token in tokens(markdown) if token.type == "image"]
    assert {path.rpartition("/")[0] for path in shown} == {"pictures/notes-1", "pictures/other"}
    assert all((tmp_path / "out" / path).exists() for path in shown)


def test_a_run_without_anything_says_so(tmp_path: Path) -> None:
    stored(tmp_path / "lab", [], matrix_names=())
    page, _ = written(tmp_path / "out", data_of(tmp_path / "lab"))
    assert "None of its updates was stored." in page.text
    assert "Nothing was measured that could be drawn." in page.text
    assert "Too little was measured to tell" in page.text
    assert "All settings were the defaults." in page.text
    assert not list(page.images())


@pytest.mark.usefixtures("drawn_once")
@pytest.mark.parametrize("seconds", [0.0, 0.02])
def test_a_run_of_one_point_is_drawn(tmp_path: Path, seconds: float) -> None:
    stored(tmp_path / "lab", [replace(point(1), seconds=seconds)])
    page, _ = written(tmp_path / "out", data_of(tmp_path / "lab"))
    assert sum(tag == "figure" for tag, _ in page.tags) == 3
    assert "Its validation loss was never measured" in page.text


@pytest.mark.usefixtures("drawn_once")
def test_numbers_that_are_none_are_left_out(tmp_path: Path) -> None:
    broken: dict[str, Any] = {
        "loss": math.inf,
        "grad_norm": math.inf,
        "grad_norm_max": HUGE,
        "lr": 0.0,
        "rate_used": 0.0,
    }
    events: list[Stored] = [replace(point(update), **(broken if update % 3 == 0 else {})) for update in range(1, 20)]
    for update in range(1, 20):
        values: dict[str, Any] = {
            "norm": None,
            "relative": (None, HUGE, 0.0),
            "decay": HUGE,
            "half_life": None,
            "reach": "far",
        }
        events.append(Probe(update, update * 1024, "gradient_by_lag", 0.0, values))
        events.append(Probe(update, update * 1024, "numerics", 0.0, {"gradient_error": 0.0, "loss_error": None}))
        events.append(Probe(update, update * 1024, "update_ratio", 0.0, {"whole": None}))
        events.append(Probe(update, update * 1024, "gates", 0.0, {}))
        events.append(Probe(update, update * 1024, "text_facts", 0.0, {"letter_entropy": None}))
    stored(tmp_path / "lab", events)
    page, _ = written(tmp_path / "out", data_of(tmp_path / "lab"))
    assert sum(tag == "figure" for tag, _ in page.tags) == 5


@pytest.mark.parametrize("loss", [0.0, 1e300, math.inf])
def test_a_loss_of_whatever_size_is_drawn(tmp_path: Path, loss: float) -> None:
    events = [replace(point(update), loss=loss, grad_norm=loss, grad_norm_max=loss) for update in range(1, 9)]
    stored(tmp_path / "lab", events)
    data = data_of(tmp_path / "lab")
    for picture in pictures(data):
        assert render(picture, LIGHT, "svg").startswith(b"<?xml")


def test_a_hundred_thousand_points_are_thinned(tmp_path: Path) -> None:
    run = stored(tmp_path / "lab", [])
    events = [point(update) for update in range(1, 100_001)]
    data = RunData(replace(run, chars=events[-1].chars, update=100_000), Settings(), events, [], [], [])
    for picture in pictures(data):
        assert len(render(picture, LIGHT, "svg")) < 400_000


@pytest.mark.usefixtures("undrawn")
def test_a_fork_says_where_it_came_from(tmp_path: Path) -> None:
    stored(tmp_path / "lab", happened(), parent=("elder", 1234))
    page, _ = written(tmp_path / "out", data_of(tmp_path / "lab"))
    assert "It began from run elder at update 1,234" in page.text


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (RunStatus.NOT_FINITE, "because an update was not finite"),
        (RunStatus.INTERRUPTED, "Its process ended before"),
        (RunStatus.QUIT, ""),
    ],
)
def test_how_it_ended_is_said(tmp_path: Path, status: RunStatus, words: str) -> None:
    stored(tmp_path / "lab", happened())
    data = data_of(tmp_path / "lab")
    page, _ = written(tmp_path / "out", replace(data, run=replace(data.run, status=status)))
    assert words in page.text


@pytest.mark.usefixtures("undrawn")
def test_many_samples_are_some_of_them(tmp_path: Path) -> None:
    events = [Sample(update, update * 10, 0.8, f"sample {update:03}.") for update in range(1, 101)]
    stored(tmp_path / "lab", events)
    page, _ = written(tmp_path / "out", data_of(tmp_path / "lab"))
    assert re.findall(r"sample (\d+)\.", page.text) == ["001", "021", "041", "060", "080", "100"]
    assert "94 more are left out here." in page.text


def test_a_users_own_style_has_no_say(data: RunData) -> None:
    picture = pictures(data)[0]
    before = render(picture, DARK, "svg")
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 30}):
        assert render(picture, DARK, "svg") == before


def test_what_was_measured_around_a_change(tmp_path: Path) -> None:
    events: list[Stored] = [replace(point(update), loss=3.0 if update <= 100 else 2.0) for update in range(1, 201)]
    events[100:100] = [Change(100, 102_400, 1, "lr", "0.004", "0.002"), Change(100, 102_400, 2, "clip", "1", "off")]
    events[104:104] = [Change(102, 104_448, 3, "lr", "0.002", "0.004", undone=True)]
    events += [Change(200, 204_800, 4, "lr", "0.002", "0.001")]
    stored(tmp_path / "lab", events)
    found = effects(data_of(tmp_path / "lab"))
    assert [(each.place, each.change.knob) for each in found] == [(1, "lr"), (2, "clip"), (3, "lr"), (4, "lr")]
    assert (found[0].loss.before, found[0].loss.after) == (3.0, 2.0)
    assert (found[1].loss.before, found[1].loss.after) == (3.0, 2.0)
    assert found[2].loss.before == 2.0
    assert math.isnan(found[2].loss.after)
    assert math.isnan(found[3].loss.after)


def test_a_mean_around_a_change_ends_at_the_next(tmp_path: Path) -> None:
    events: list[Stored] = [replace(point(update), loss=float(update)) for update in range(1, 101)]
    events[50:50] = [Change(50, 51_200, 1, "lr", "0.004", "0.002")]
    events[53:53] = [Change(52, 53_248, 2, "lr", "0.002", "0.001")]
    stored(tmp_path / "lab", events)
    first, second = effects(data_of(tmp_path / "lab"))
    assert (first.loss.before, first.loss.after) == (48.0, 51.5)
    assert (second.loss.before, second.loss.after) == (51.5, 55.0)


def test_the_smoothed_loss_keeps_to_its_side_of_a_change(tmp_path: Path) -> None:
    events: list[Stored] = [replace(point(update), loss=1.0 if update <= 500 else 2.0) for update in range(1, 1001)]
    events[500:500] = [Change(500, 512_000, 1, "lr", "0.004", "0.05")]
    stored(tmp_path / "lab", events)
    _, ys = smoothed(data_of(tmp_path / "lab"))
    assert set(ys.tolist()) == {1.0, 2.0}
    assert (ys == 1.0).sum() == 500


def test_the_smoothed_loss_of_a_straight_line_is_that_line(tmp_path: Path) -> None:
    stored(tmp_path / "lab", [replace(point(update), loss=float(update)) for update in range(1, 301)])
    _, ys = smoothed(data_of(tmp_path / "lab"))
    assert ys.tolist() == pytest.approx(list(range(1, 301)))


def test_thinned_curves_keep_their_mean_and_lose_what_is_no_number() -> None:
    xs, ys = thinned(range(10 * MOST), [math.nan if place % 2 else 5.0 for place in range(10 * MOST)])
    assert len(xs) == MOST
    assert set(ys.tolist()) == {5.0}
    assert thinned([1, 2], [3.0, math.inf])[1].tolist() == [3.0]


def test_marks_that_could_not_be_read_are_left_out() -> None:
    assert apart([(1, 0), (2, 5), (3, 50), (5, 90), (4, 60)], 1000) == [(1, 0), (3, 50), (5, 90)]
    assert apart([(1, 7), (2, 7)], 0) == [(1, 7), (2, 7)]
    assert apart([], 10) == []


def test_a_logarithmic_axis_has_plain_numbers(tmp_path: Path) -> None:
    stored(tmp_path / "lab", [replace(point(update), loss=2.0 * 0.9**update) for update in range(1, 60)])
    picture = pictures(data_of(tmp_path / "lab"))[0]
    figure = Figure()
    picture.draw(figure, LIGHT)
    figure.canvas.draw()
    (axes,) = figure.axes
    assert axes.get_yscale() == "log"
    labels = [label.get_text() for label in axes.yaxis.get_ticklabels(which="both") if label.get_text()]
    assert "0.1" in labels
    assert all(float(label) > 0 for label in labels)
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize(("count", "expected"), [(0, []), (1, [0]), (4, [0, 1, 2, 3]), (10, [0, 3, 6, 9])])
def test_some_are_spread_from_the_first_to_the_last(count: int, expected: list[int]) -> None:
    assert spread(count, 4) == expected
