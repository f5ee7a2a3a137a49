"""How figures look: colours, markers, sizes, layout and matplotlib's parameters.

Colours are those of Okabe and Ito (2008), which people with common colour deficiencies can
tell apart; markers differ too. Sizes are those of a journal: 3.35 inches for one column, 7 for
two, and no text below 7 points. matplotlib's constrained layout places axes, titles and legends;
`fit` makes the axes as large as their contents need.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import fontManager
from matplotlib.lines import Line2D

__all__ = [
    "COLUMN_WIDTH",
    "EDGE",
    "ESTIMATOR_STYLES",
    "FONT_SIZE",
    "GREY",
    "MARKERS",
    "MIDDLE_WIDTH",
    "PADDING",
    "PAGE_WIDTH",
    "PALETTE",
    "SCREEN_WIDTH",
    "SHARES",
    "axes_size",
    "contrast",
    "drawing_state",
    "fit",
    "in_style",
    "ink_on",
    "known_to_pyplot",
    "marker_handle",
    "new_canvas",
    "plot_markers",
    "series_style",
    "styles_of",
]

COLUMN_WIDTH = 3.35
"""Inches; one column of a journal."""
MIDDLE_WIDTH = 4.72
"""Inches; one and a half columns."""
PAGE_WIDTH = 7.0
"""Inches; both columns."""
SCREEN_WIDTH = 2.62
"""Inches; a telephone, whose text of 12 pixels is `FONT_SIZE`."""
FONT_SIZE = 7.0
"""Points; nothing is smaller."""
PADDING = 0.04
"""Inches around axes, titles and legends."""

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
"""Estimator -> colour and marker in every figure."""

_OTHER_STYLES = (("#F0E442", "<"), ("#999999", ">"), ("#FFFFFF", "s"), ("#56B4E9", "X"))
"""For other classifiers, in turn."""

# One hue from white to nearly black-blue: shades are read in order, also when printed in grey.
SHARES = LinearSegmentedColormap.from_list(
    "shares", ["#FFFFFF", "#D6E6F4", "#8CBDDD", "#3C8BC2", "#0F5CA3", "#08306B"]
)

_STYLE = mpl.rc_params_from_file(
    Path(__file__).with_name("journal.mplstyle"), use_default_template=False
)

_OTHER_SCRIPTS = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans CJK KR", "Source Han Sans", "Hiragino Sans",
    "Yu Gothic", "Microsoft YaHei", "Malgun Gothic", "Apple SD Gothic Neo", "WenQuanYi Zen Hei",
    "Noto Sans Devanagari", "Noto Sans Thai", "Arial Unicode MS",
)  # fmt: skip
"""Fonts for labels in scripts that DejaVu Sans lacks, which matplotlib does not come with."""

_LOCK = threading.RLock()
_MAKE: ContextVar[Callable[..., Canvas]] = ContextVar("make", default=Canvas)
"""Makes figures."""

_P = ParamSpec("_P")
_R = TypeVar("_R")


@contextlib.contextmanager
def drawing_state() -> Iterator[None]:
    """Use our parameters of matplotlib, whatever the user has set, and restore them.

    Threads that draw our figures take turns. A thread that draws something else meanwhile sees
    our parameters, because matplotlib has one set per process.
    """
    with _LOCK, mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        mpl.rcParams["font.family"] = [*_STYLE["font.family"], *_fonts_here()]
        yield


@functools.cache
def _fonts_here() -> tuple[str, ...]:
    """Return the fonts for other scripts that this machine has."""
    names = {each.name for each in fontManager.ttflist}
    return tuple(name for name in _OTHER_SCRIPTS if name in names)


def in_style(draw: Callable[_P, _R]) -> Callable[_P, _R]:
    """Run a function inside `drawing_state`."""

    @functools.wraps(draw)
    def drawing(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with drawing_state():
            return draw(*args, **kwargs)

    return drawing


def new_canvas(width: float, height: float = 3.0) -> Canvas:
    """Return an empty figure (inches), which pyplot knows only inside `known_to_pyplot`."""
    canvas = _MAKE.get()(figsize=(width, height), dpi=150, facecolor="white", layout="constrained")
    if canvas.canvas.manager is None:
        FigureCanvasAgg(canvas)
    return canvas


@contextlib.contextmanager
def known_to_pyplot() -> Iterator[None]:
    """Make figures that ``plt.show()`` and notebooks show; not inside `drawing_state`."""
    import matplotlib.pyplot as plt

    # Loads the backend. In a notebook that sets parameters, which `drawing_state` would undo.
    plt.draw_if_interactive()  # type: ignore[no-untyped-call]
    token = _MAKE.set(plt.figure)
    try:
        yield
    finally:
        _MAKE.reset(token)


def axes_size(axes: Axes) -> tuple[float, float]:
    """Return the width and height of axes in inches, after a layout."""
    canvas = cast("Canvas", axes.get_figure(root=True))
    canvas.draw_without_rendering()  # not the layout alone, which ignores aspects
    box = axes.get_window_extent()
    return box.width / canvas.dpi, box.height / canvas.dpi


def fit(
    axes: Axes, *, width: float | None = None, height: float, columns: int = 1, rows: int = 1
) -> None:
    """Resize a figure until its axes have this size in inches, and fix its layout.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        One of the axes, all of the same size.
    width, height : float
        Inches; without a width, that of the figure stays.
    columns, rows : int
        How many axes are next to and above one another.
    """
    canvas = cast("Canvas", axes.get_figure(root=True))
    for _ in range(3):  # ticks may change with the size, and labels with them
        now = axes_size(axes)
        wider = 0.0 if width is None else columns * (width - now[0])
        higher = rows * (height - now[1])
        size = canvas.get_size_inches()
        canvas.set_size_inches(size[0] + wider, size[1] + higher)
    canvas.draw_without_rendering()
    canvas.set_layout_engine("none")


def marker_handle(colour: str, marker: str, label: str) -> Line2D:
    """Return a legend entry for markers."""
    return Line2D(
        [], [], linestyle="", marker=marker, markersize=4, markerfacecolor=colour,
        markeredgecolor=EDGE, markeredgewidth=0.4, label=label,
    )  # fmt: skip


def plot_markers(axes: Axes, x: Any, y: Any, colour: str, marker: str, **others: Any) -> None:
    """Draw markers without a line."""
    edge: dict[str, Any] = {"markeredgecolor": EDGE, "markeredgewidth": 0.35}
    axes.plot(x, y, ls="", marker=marker, mfc=colour, zorder=3, **edge, **others)


def series_style(number: int) -> tuple[str, str]:
    """Return the colour and marker of the n-th of many series, from 0.

    Examples
    --------
    >>> len({series_style(i) for i in range(72)})
    72
    """
    return PALETTE[number % len(PALETTE)], MARKERS[number % len(MARKERS)]


def contrast(one: Any, other: Any) -> float:
    """Return the contrast ratio of two colours as WCAG 2 defines it, from 1 to 21.

    Examples
    --------
    >>> contrast("black", "white")
    21.0
    """
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return round((high + 0.05) / (low + 0.05), 6)


def ink_on(colour: Any) -> str:
    """Return black or white, whichever has more contrast with a colour."""
    return max(("black", "white"), key=lambda ink: contrast(ink, colour))


def _luminance(colour: Any) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in to_rgb(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def styles_of(estimators: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return each estimator's colour and marker; unknown estimators take further ones in turn.

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
