"""How figures look: colours, markers, sizes, and a drawing state of their own.

Colours are those of Okabe and Ito (2008), which people with any of the common colour
deficiencies tell apart; what they mean is told by a marker too. Sizes are those of a journal:
3.35 inches for a column, 7 for both, and no text below 7 points.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure as Canvas

__all__ = [
    "COLUMN_WIDTH",
    "DIVERGENCE_COLOUR",
    "EDGE",
    "ESTIMATOR_STYLES",
    "FONT_SIZE",
    "GREY",
    "MARKERS",
    "PAGE_WIDTH",
    "PALETTE",
    "SHARES",
    "contrast",
    "drawing_state",
    "in_style",
    "ink_on",
    "new_canvas",
    "series_style",
    "styles_of",
]

COLUMN_WIDTH = 3.35
"""Inches; one column of a journal."""
PAGE_WIDTH = 7.0
"""Inches; both columns."""
FONT_SIZE = 7.0
"""Points; nothing is smaller."""

PALETTE = (
    "#0072B2",  # blue
    "#E69F00",  # orange
    "#009E73",  # green
    "#CC79A7",  # purple
    "#56B4E9",  # sky blue
    "#D55E00",  # vermilion
    "#F0E442",  # yellow
    "#000000",
)
# One more than there are colours, so that 72 series differ in the pair of both.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
GREY = "#B8B8B8"
EDGE = "#333333"  # round every marker: yellow and sky blue alone are too pale on white

ESTIMATOR_STYLES = {
    "fcn": ("#56B4E9", "o"),
    "cnn": ("#0072B2", "s"),
    "concat": ("#E69F00", "^"),
    "reno": ("#D55E00", "D"),
    "svm": ("#009E73", "v"),
    "logreg": ("#CC79A7", "P"),
    "rf": ("#000000", "X"),
}
"""Estimator -> colour and marker, the same in every figure."""

_OTHER_STYLES = (("#F0E442", "<"), ("#999999", ">"), ("#FFFFFF", "s"), ("#56B4E9", "X"))
"""For classifiers of scikit-learn that were named by their class, in turn."""

DIVERGENCE_COLOUR = "#8A4A6E"

# One hue from white to nearly black-blue: shades are read in order, also when printed in grey.
SHARES = LinearSegmentedColormap.from_list(
    "shares", ["#FFFFFF", "#D6E6F4", "#8CBDDD", "#3C8BC2", "#0F5CA3", "#08306B"]
)

_STATE: Any = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so figures are the same anywhere
    "font.size": FONT_SIZE,
    "axes.titlesize": FONT_SIZE,
    "axes.labelsize": FONT_SIZE,
    "xtick.labelsize": FONT_SIZE,
    "ytick.labelsize": FONT_SIZE,
    "legend.fontsize": FONT_SIZE,
    "figure.titlesize": FONT_SIZE + 1,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.2,
    "grid.linewidth": 0.4,
    "grid.color": "#DDDDDD",
    "legend.frameon": False,
    "text.parse_math": False,  # a label may hold dollar signs
    "text.usetex": False,
    "pdf.fonttype": 42,  # whole fonts, which journals ask for
    "svg.fonttype": "path",  # no font is needed where it is shown
    "savefig.facecolor": "white",
    "savefig.bbox": None,
}

_LOCK = threading.RLock()

_P = ParamSpec("_P")
_R = TypeVar("_R")


@contextlib.contextmanager
def drawing_state() -> Iterator[None]:
    """Hold matplotlib's parameters at ours, whatever the user has set, and put them back.

    Threads that draw our figures take turns; one that draws something else meanwhile sees our
    parameters, since matplotlib has one set a process.
    """
    with _LOCK, mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STATE)
        yield


def in_style(draw: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a function draw inside `drawing_state`."""

    @functools.wraps(draw)
    def drawing(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with drawing_state():
            return draw(*args, **kwargs)

    return drawing


def new_canvas(width: float, height: float) -> Canvas:
    """Make an empty figure (inches) that pyplot knows nothing of."""
    return Canvas(figsize=(width, height), dpi=150, facecolor="white")


def series_style(number: int) -> tuple[str, str]:
    """Give the colour and the marker of the n-th of many series, from 0.

    Examples
    --------
    >>> len({series_style(i) for i in range(72)})
    72
    """
    return PALETTE[number % len(PALETTE)], MARKERS[number % len(MARKERS)]


def contrast(one: Any, other: Any) -> float:
    """Contrast ratio of two colours as WCAG 2 defines it, from 1 to 21.

    Examples
    --------
    >>> contrast("black", "white")
    21.0
    """
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return round((high + 0.05) / (low + 0.05), 6)


def ink_on(colour: Any) -> str:
    """Choose black or white, whichever stands out more from a colour."""
    return max(("black", "white"), key=lambda ink: contrast(ink, colour))


def _luminance(colour: Any) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in to_rgb(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def styles_of(estimators: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Give each estimator's colour and marker; those without their own take further ones in turn.

    Examples
    --------
    >>> styles_of(["svm", "KNeighborsClassifier"])["KNeighborsClassifier"]
    ('#F0E442', '<')
    """
    styles, others = dict(ESTIMATOR_STYLES), itertools.cycle(_OTHER_STYLES)
    for name in estimators:
        if name not in styles:
            styles[name] = next(others)
    return styles
