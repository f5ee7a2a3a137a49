"""Colours that everybody tells apart, and text that fits."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from reno_store.reports.figures.style import (
    ESTIMATOR_STYLES,
    PALETTE,
    SHARES,
    contrast,
    series_style,
)
from reno_store.reports.figures.text import shorten_all, text_width, wrap
from reno_store.studies import ESTIMATORS

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]
    ),
    "deuteranopia": np.array(
        [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]
    ),
    "tritanopia": np.array(
        [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def seen_as(colour, deficiency):
    """CIE L*a*b* of a colour, as somebody with the deficiency sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(DEFICIENCIES[deficiency] @ linear, 0, 1) / TO_XYZ.sum(axis=1)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def nearest(colours, deficiency):
    return min(
        np.linalg.norm(seen_as(one, deficiency) - seen_as(other, deficiency))
        for one, other in combinations(colours, 2)
    )


def test_the_simulation_knows_that_red_and_green_are_hard_to_tell():
    green_and_red = ["#6a9a1f", "#c1762a"]
    assert nearest(green_and_red, "deuteranopia") < 12 < nearest(green_and_red, "none")


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_colours_are_told_apart_with_any_colour_vision(deficiency):
    assert nearest(PALETTE, deficiency) > 12
    assert nearest([colour for colour, _ in ESTIMATOR_STYLES.values()], deficiency) > 12


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_shades_darken_with_the_share(deficiency):
    lightness = [seen_as(SHARES(share), deficiency)[0] for share in np.linspace(0, 1, 21)]
    assert (np.diff(lightness) < -1).all()


def test_every_estimator_has_a_colour_and_a_marker_of_its_own():
    assert set(ESTIMATOR_STYLES) == set(ESTIMATORS)
    for part in (0, 1):
        assert len({style[part] for style in ESTIMATOR_STYLES.values()}) == len(ESTIMATORS)


def test_thirty_series_differ_and_up_to_eight_differ_in_both():
    assert len({series_style(i) for i in range(30)}) == 30
    for part in (0, 1):
        assert len({series_style(i)[part] for i in range(8)}) == 8


def test_contrast_is_that_of_wcag():
    assert contrast("#777777", "white") == pytest.approx(4.48, abs=0.01)


def test_names_are_shortened_to_a_width_and_stay_apart():
    names = ["short", *(f"a long beginning {i} and a long common ending" for i in range(9))]
    short = shorten_all(names, 0.8)
    assert short[0] == "short"
    assert len(set(short)) == len(names)
    assert max(map(text_width, short)) <= 0.8


def test_lines_break_between_words_and_inside_one_that_is_too_long():
    assert wrap("one two three", text_width("one two ")) == ["one two", "three"]
    lines = wrap("m" * 50, 1.0)
    assert "".join(lines) == "m" * 50
    assert len(lines) > 1
    assert max(map(text_width, lines)) <= 1.0
