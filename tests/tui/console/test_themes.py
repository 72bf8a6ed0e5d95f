"""The themes for colour-blind eyes: colours that eyes of each kind tell apart, on every background."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from textual.color import Color

from tui.console.themes import CYCLE, NAMES, TERMINALS, THEMES
from tui.drawing.curves import COLOURS

LEAST_DIFFERENCE = 28.0
"""The least distance in CIELAB between two curves. Two patches side by side are told apart from about 2.3 on."""

LEAST_CONTRAST = 3.0
"""The contrast that WCAG 2.2 asks of graphics (1.4.11)."""

Numbers = NDArray[np.float64]

EYES: dict[str, Numbers] = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
"""Linear RGB as colour-blind eyes see it: Machado, Oliveira and Fernandes (2009), at the full severity."""

XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(rgb: tuple[int, int, int]) -> Numbers:
    value = np.array(rgb) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(light: Numbers) -> Numbers:
    """CIELAB of linear RGB, under D65."""
    share = XYZ @ np.clip(light, 0, 1) / XYZ.sum(axis=1)
    x, y, z = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def luminance(rgb: tuple[int, int, int]) -> float:
    return float(XYZ[1] @ linear(rgb))


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_what_is_measured_is_known_of_known_colours() -> None:
    assert lab(linear((255, 255, 255))) == pytest.approx([100, 0, 0], abs=0.01)
    assert lab(linear((255, 0, 0))) == pytest.approx([53.24, 80.09, 67.20], abs=0.02)
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    for eyes in EYES.values():
        assert eyes @ np.ones(3) == pytest.approx(1, abs=1e-5)
    red, green = lab(EYES["deuteranopia"] @ linear((170, 30, 30))), lab(EYES["deuteranopia"] @ linear((80, 90, 0)))
    assert (
        np.linalg.norm(red - green)
        < LEAST_DIFFERENCE
        < np.linalg.norm(lab(linear((170, 30, 30))) - lab(linear((80, 90, 0))))
    )


@pytest.mark.parametrize("theme", TERMINALS)
@pytest.mark.parametrize("eyes", EYES)
def test_every_two_curves_are_told_apart(theme: str, eyes: str) -> None:
    colours = {place: lab(EYES[eyes] @ linear(TERMINALS[theme].ansi_colors[place])) for place in COLOURS}
    for one, other in combinations(colours, 2):
        assert np.linalg.norm(colours[one] - colours[other]) >= LEAST_DIFFERENCE, (one, other)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_curves_signs_and_words_stand_out_from_every_background(theme: object) -> None:
    from textual.theme import Theme

    assert isinstance(theme, Theme)
    terminal = TERMINALS[theme.name]
    backgrounds = [Color.parse(each).rgb for each in (theme.background, theme.surface, theme.panel) if each]
    drawn = [terminal.ansi_colors[place] for place in (*range(1, 7), *range(8, 15))]
    named = [Color.parse(each).rgb for each in (theme.primary, theme.accent, theme.warning, theme.error) if each]
    for colour in (*drawn, *named, terminal.foreground_color):
        for background in backgrounds:
            assert contrast((colour[0], colour[1], colour[2]), background) >= LEAST_CONTRAST, (colour, background)


def test_the_key_goes_through_themes_that_exist() -> None:
    assert set(CYCLE) <= set(NAMES)
    assert {theme.name for theme in THEMES} == set(TERMINALS) <= set(CYCLE)
