"""An animated SVG of a terminal: the frames lie below each other on a strip, which moves behind a window.

A row that is the same in several frames is there once. Nothing is loaded, and no script runs, so that the picture moves
wherever a page may show an SVG as a picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from rich.color import blend_rgb
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME, TerminalTheme

FONT = "Fira Code, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
FONT_SIZE, CELL, LINE = 14, 8.4, 18
"""In pixels: the size of the letters, the width of a column and the height of a row."""

MARGIN, TITLE, CAPTION = 10, 34, 40
"""In pixels: around the terminal, above it, and below it."""

DIM = 0.45
"""How far a dim colour is on its way to the background."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture of the terminal.

    Attributes:
        rows: the segments of each row.
        seconds: for how long it is shown.
        caption: a sentence below the terminal.
    """

    rows: Sequence[Sequence[Segment]]
    seconds: float
    caption: str


def film(frames: Sequence[Frame], title: str, still: int, theme: TerminalTheme = SVG_EXPORT_THEME) -> str:
    """The frames as an animated SVG that begins again at its end.

    Args:
        frames: at least one; all have as many rows and columns.
        title: the words above the terminal.
        still: the frame that stands where the reader wants nothing to move.
        theme: the colours of a terminal.
    """
    columns = max(sum(len(segment.text) for segment in row) for row in frames[0].rows)
    width, height = columns * CELL, len(frames[0].rows) * LINE
    paint = _Paint(theme)
    known: dict[str, int] = {}
    uses: list[str] = []
    for place, frame in enumerate(frames):
        top = place * height
        for at, row in enumerate(frame.rows):
            number = known.setdefault(paint.row(row), len(known))
            uses.append(f'<use href="#r{number}" y="{_short(top + at * LINE)}"/>')
    captions = [
        f'<text class="c" y="{_short(place * CAPTION + 25)}">{escape(frame.caption)}</text>'
        for place, frame in enumerate(frames)
    ]
    whole = sum(frame.seconds for frame in frames)
    starts = [sum(each.seconds for each in frames[:place]) / whole for place in range(len(frames))]
    outer = width + 2 * MARGIN, height + TITLE + CAPTION
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_short(outer[0])} {_short(outer[1])}" role="img">',
            f"<title>{escape(title)}</title>",
            "<style>",
            f"text {{ font: {FONT_SIZE}px {FONT}; white-space: pre; fill: #c5c8c6 }}",
            ".c, .t { font-family: system-ui, Helvetica, Arial, sans-serif; font-size: 17px; fill: #fff }",
            ".t { font-size: 15px; fill: #c5c8c6; text-anchor: middle }",
            *paint.rules(),
            *(f".{each} {{ animation: {each} {whole:.2f}s step-end infinite }}" for each in "fg"),
            f"@keyframes f {{ {_steps(starts, height)} }}",
            f"@keyframes g {{ {_steps(starts, CAPTION)} }}",
            "@media (prefers-reduced-motion: reduce) {",
            f".f {{ animation: none; transform: translateY({_short(-still * height)}px) }}",
            f".g {{ animation: none; transform: translateY({-still * CAPTION}px) }}",
            "}",
            "</style>",
            "<defs>",
            *(f'<g id="r{number}">{row}</g>' for row, number in known.items()),
            "</defs>",
            f'<rect width="100%" height="100%" rx="8" fill="#{_hex(theme.background_color)}"/>',
            *(f'<circle cx="{20 + 20 * at}" cy="17" r="6" fill="{each}"/>' for at, each in enumerate(LIGHTS)),
            f'<text class="t" x="{_short(outer[0] / 2)}" y="22">{escape(title)}</text>',
            f'<svg x="{MARGIN}" y="{TITLE}" width="{_short(width)}" height="{_short(height)}"><g class="f">',
            *uses,
            "</g></svg>",
            f'<svg x="{MARGIN + 4}" y="{_short(TITLE + height)}" width="{_short(width)}" height="{CAPTION}">',
            '<g class="g">',
            *captions,
            "</g></svg>",
            "</svg>\n",
        ]
    )


LIGHTS = ("#ff5f57", "#febc2e", "#28c840")
"""The buttons of a window."""


class _Paint:
    """Rows as SVG; the styles that they have are classes."""

    def __init__(self, theme: TerminalTheme) -> None:
        self._theme = theme
        self._classes: dict[str, str] = {}

    def rules(self) -> Iterator[str]:
        """The classes."""
        return (f".{name} {{ {rule} }}" for rule, name in self._classes.items())

    def row(self, segments: Iterable[Segment]) -> str:
        """A row: the backgrounds that are not the terminal's own, and then the words."""
        grounds: list[tuple[int, int, str]] = []
        words: list[tuple[int, str, str]] = []
        column = 0
        for segment in segments:
            if segment.control:
                continue
            text, style = segment.text, segment.style or Style.null()
            fore, back = self._colours(style)
            end = column + len(text)
            if back != self._theme.background_color:
                colour = _hex(back)
                if grounds and grounds[-1][1:] == (column, colour):
                    grounds[-1] = (grounds[-1][0], end, colour)
                else:
                    grounds.append((column, end, colour))
            name = self._class(fore, style)
            if words and words[-1][2] == name and words[-1][0] + len(words[-1][1]) == column:
                words[-1] = (words[-1][0], words[-1][1] + text, name)
            else:
                words.append((column, text, name))
            column = end
        return "".join([*map(self._ground, grounds), *(each for word in words for each in _words(*word))])

    def _ground(self, ground: tuple[int, int, str]) -> str:
        begin, end, colour = ground
        width = _short((end - begin) * CELL)
        name = self._classes.setdefault(f"fill: #{colour}", f"s{len(self._classes)}")
        return f'<rect class="{name}" x="{_short(begin * CELL)}" width="{width}" height="{LINE + 0.5}"/>'

    def _class(self, fore: ColorTriplet, style: Style) -> str:
        rule = f"fill: #{_hex(fore)}"
        rule += "; font-weight: bold" if style.bold else ""
        rule += "; font-style: italic" if style.italic else ""
        rule += "; text-decoration: underline" if style.underline else ""
        return self._classes.setdefault(rule, f"s{len(self._classes)}")

    def _colours(self, style: Style) -> tuple[ColorTriplet, ColorTriplet]:
        theme = self._theme
        fore = theme.foreground_color if style.color is None else style.color.get_truecolor(theme)
        back = theme.background_color if style.bgcolor is None else style.bgcolor.get_truecolor(theme, foreground=False)
        if style.reverse:
            fore, back = back, fore
        return (blend_rgb(fore, back, DIM) if style.dim else fore), back


def _words(column: int, text: str, name: str) -> Iterator[str]:
    """Words at their column; blanks around them need no drawing."""
    bare = text.strip(" ")
    if bare:
        x = column + len(text) - len(text.lstrip(" "))
        yield (
            f'<text class="{name}" x="{_short(x * CELL)}" y="{FONT_SIZE - 0.5}" '
            f'textLength="{_short(len(bare) * CELL)}">{escape(bare, quote=False)}</text>'
        )


def _steps(starts: Sequence[float], height: float) -> str:
    return " ".join(
        f"{_short(100 * start, 3)}% {{ transform: translateY({_short(-place * height)}px) }}"
        for place, start in enumerate(starts)
    )


def _short(number: float, digits: int = 1) -> str:
    return f"{number:.{digits}f}".rstrip("0").rstrip(".")


def _hex(colour: ColorTriplet) -> str:
    return colour.hex.lstrip("#")
