"""Themes for colour-blind eyes, and the order of all themes that the key goes through.

The panes name the colours of a terminal, such as `red` or, of a curve, `color(12)`. A theme here says how each of
these looks, so that the colours of all curves and signs come from one place.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.terminal_theme import TerminalTheme
from textual._ansi_theme import ALABASTER, MONOKAI
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

DARK, LIGHT = "colour-blind-dark", "colour-blind-light"


def _terminal(background: str, foreground: str, grey: str, **colours: str) -> TerminalTheme:
    """The sixteen colours of a terminal, of which the bright ones equal the others."""
    names = ("red", "green", "yellow", "blue", "magenta", "cyan")
    eight = [background, *(colours[name] for name in names), foreground]
    bright = [grey, *eight[1:]]
    return TerminalTheme(
        Color.parse(background).rgb,
        Color.parse(foreground).rgb,
        [Color.parse(each).rgb for each in eight],
        [Color.parse(each).rgb for each in bright],
    )


# Found by annealing in CIELAB: the least difference between any two, as seen with each kind of dichromacy and without,
# is as large as hues that deserve their names allow. `tests/tui/console/test_themes.py` measures it.
TERMINALS: Mapping[str, TerminalTheme] = {
    DARK: _terminal(
        "#16181d",
        "#e6e6e6",
        "#8b9099",
        red="#ec2d23",
        green="#97cd91",
        yellow="#f5e342",
        blue="#6463f9",
        magenta="#a25fa3",
        cyan="#58f8f6",
    ),
    LIGHT: _terminal(
        "#ffffff",
        "#1c1f24",
        "#6b7079",
        red="#712201",
        green="#2e9c74",
        yellow="#ab7f06",
        blue="#7d74a8",
        magenta="#da13f8",
        cyan="#0b4452",
    ),
}
"""How the colours of a terminal look in each theme for colour-blind eyes."""

THEMES = (
    Theme(
        name=DARK,
        dark=True,
        background="#16181d",
        surface="#1b1d22",
        panel="#22252b",
        foreground="#e6e6e6",
        primary="#56b4e9",
        secondary="#0072b2",
        accent="#e69f00",
        warning="#f0e442",
        error="#ec2d23",
        success="#56b4e9",
    ),
    Theme(
        name=LIGHT,
        dark=False,
        background="#ffffff",
        surface="#ffffff",
        panel="#f4f4f4",
        foreground="#1c1f24",
        primary="#0072b2",
        secondary="#004f7c",
        accent="#a04500",
        warning="#8a5a00",
        error="#712201",
        success="#0072b2",
    ),
)
"""The colours of the frames and words around the panes are those of Okabe and Ito (2008), or darker."""

CYCLE = ("textual-dark", "textual-light", DARK, LIGHT, "ansi-dark", "ansi-light")
"""The themes that the key goes through; the command palette has all."""

NAMES = (*BUILTIN_THEMES, *(theme.name for theme in THEMES))
"""All themes."""


def terminal_colours(theme: str) -> tuple[TerminalTheme, TerminalTheme]:
    """The colours that stand for a terminal's, where a theme is dark and where it is light."""
    return TERMINALS.get(theme, MONOKAI), TERMINALS.get(theme, ALABASTER)
