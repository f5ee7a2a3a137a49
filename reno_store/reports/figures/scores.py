"""Scores: the accuracy of every cell of a dataset with its interval, and guessing."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from reno_store.conclusions.corrected import paired_test
from reno_store.conclusions.names import estimator_title, models_title
from reno_store.conclusions.resampling import scores_of
from reno_store.reports.figures import style
from reno_store.reports.figures.files import Figure, file_name
from reno_store.reports.figures.text import LINE_HEIGHT, shorten_all, text_width
from reno_store.runtime.numbers import listing, points
from reno_store.studies import PROTOCOLS, Cell, DatasetFacts
from reno_store.studies.scores import COLLAPSED, METRIC_TITLES, Metric

__all__ = ["draw_scores", "main_protocol", "scores_canvas", "scores_figure"]

_MARKS = {
    "speaker": ("#0072B2", "o"),
    "loso": ("#009E73", "s"),
    "paper": ("#E69F00", "D"),
}
"""Protocol -> colour and marker, the most honest first: rows are sorted by the first there is."""
_SHIFTS = {1: (0.0,), 2: (-0.15, 0.15), 3: (-0.25, 0.0, 0.25)}
"""Intervals are a little apart, or one would hide the other."""
_ROW = 0.165
_LEAST_PLOT = 1.5
"""Inches for the plot next to the names."""


@dataclass(frozen=True, slots=True)
class _Row:
    """An estimator on some models: its cells by protocol, the one that sorts it first."""

    name: str
    cells: dict[str, Cell]
    metric: Metric

    @property
    def score(self) -> float:
        return next(iter(self.cells.values())).mean(self.metric)

    @property
    def drop(self) -> str:
        """What ``paper`` gives in addition, in points."""
        first, *others = self.cells.values()
        if not others or others[-1].protocol != "paper":
            return ""
        return points(100 * (others[-1].mean(self.metric) - first.mean(self.metric)))


def main_protocol(protocols: Sequence[str]) -> str:
    """Return the protocol that says most about new speakers: speaker, loso, paper or another.

    Examples
    --------
    >>> main_protocol(["paper", "speaker"])
    'speaker'
    """
    return next((name for name in _MARKS if name in protocols), protocols[0])


def scores_figure(cells: Sequence[Cell], facts: DatasetFacts) -> Figure:
    """Show the accuracy of cells under each of their protocols, the highest first.

    Parameters
    ----------
    cells : Sequence[Cell]
        At least one; computed, of one dataset.
    facts : DatasetFacts
        The dataset, for guessing and for the number of speakers.
    """
    protocols = _protocols(cells)
    rows = _rows(cells, protocols)
    main, *others = protocols
    caption = f"Accuracy on {facts.name}: mean and 95 % interval under protocol {main}"
    caption += f" (sorted) and {listing(others)}." if others else ", sorted."
    details = [
        "Intervals come from a t-test corrected for folds that share clips; whether two of them "
        "overlap is no test of their difference.",
        f"Dotted: always guessing the most frequent label ({100 * facts.majority:.1f} %)"
        + (f", and chance (1 in {len(facts.labels)})." if _guesses(facts)[1:] else "."),
    ]
    if len(protocols) > 1 and protocols[-1] == "paper":
        both = [row for row in rows if row.drop]
        higher = sum(not row.drop.startswith(("0", "−")) for row in both)
        details.append(
            f"Right: paper minus {main}, in points; folds of paper share speakers. {higher} of "
            f"{len(both)} are higher under paper. The protocols also differ in what early stopping "
            "holds out."
        )
    if any(cell.n_collapsed for cell in cells):
        details.append(f"{COLLAPSED.strip()}: the classifier did not learn in some fold.")
    draw = functools.partial(_draw, tuple(rows), tuple(protocols), facts)
    return Figure(
        name=file_name("scores", facts.name),
        kind="scores",
        title=f"{facts.name}: all scores",
        caption=caption,
        details=" ".join(details),
        dataset=facts.name,
        draw=draw,
        draw_narrow=functools.partial(draw, narrow=True),
    )


def _protocols(cells: Sequence[Cell]) -> list[str]:
    """Return the protocols of cells, the one that sorts them first."""
    found = {cell.protocol for cell in cells}
    return [name for name in _MARKS if name in found] or sorted(found)


def _rows(
    cells: Sequence[Cell], protocols: Sequence[str], metric: Metric = "accuracy"
) -> list[_Row]:
    found: dict[tuple[str, tuple[str, ...]], dict[str, Cell]] = {}
    for cell in sorted(cells, key=lambda cell: protocols.index(cell.protocol)):
        found.setdefault((cell.name, cell.models), {})[cell.protocol] = cell
    rows = []
    for by_protocol in found.values():
        first = next(iter(by_protocol.values()))
        mark = COLLAPSED if any(cell.n_collapsed for cell in by_protocol.values()) else ""
        name = f"{estimator_title(first)}: {models_title(first.models)}{mark}"
        rows.append(_Row(name, by_protocol, metric))
    # Rows without the main protocol come last.
    return sorted(rows, key=lambda row: (protocols[0] not in row.cells, -row.score))


def _guesses(facts: DatasetFacts, metric: Metric = "accuracy") -> list[float]:
    """Return the scores of guessing, in per cent: majority, and chance where it differs.

    The other metrics give each label the same weight, so that only chance is shown.
    """
    chance = 100 / max(1, len(facts.labels))
    majority = 100 * facts.majority if metric == "accuracy" else chance
    return [majority] if abs(majority - chance) < 0.5 else [majority, chance]


@style.in_style
def _draw(
    rows: Sequence[_Row], protocols: Sequence[str], facts: DatasetFacts, *, narrow: bool = False
) -> Canvas:
    width = style.SCREEN_WIDTH if narrow else style.MIDDLE_WIDTH
    canvas = style.new_canvas(width)
    axes = canvas.subplots()
    if narrow:
        # Names have lines of their own, above the marks.
        _draw_rows(axes, rows, protocols, facts, shift=0.2)
        axes.set_yticks([])
        for y, name in enumerate(shorten_all([row.name for row in rows], width - 0.2)):
            axes.text(
                0.01, y - 0.22, name, transform=axes.get_yaxis_transform(), ha="left", va="center"
            )
    else:
        beside = max(text_width(row.drop) for row in rows) + 0.2
        names = shorten_all([row.name for row in rows], width - _LEAST_PLOT - beside)
        _draw_rows(axes, rows, protocols, facts)
        _name_rows(axes, rows, names)
    canvas.legend(
        handles=_handles(protocols),
        loc="outside upper center",
        ncols=1 if narrow else len(protocols),
    )
    style.fit(axes, height=len(rows) * (2.4 * LINE_HEIGHT if narrow else _ROW))
    return canvas


def scores_canvas(cells: Sequence[Cell], facts: DatasetFacts, metric: Metric) -> Canvas:
    """Draw what `scores_figure` shows, for any metric."""
    protocols = _protocols(cells)
    return _draw(_rows(cells, protocols, metric), protocols, facts)


def draw_scores(
    axes: Axes, cells: Sequence[Cell], facts: DatasetFacts, metric: Metric = "accuracy"
) -> None:
    """Draw on axes what `scores_figure` shows, with a legend above them."""
    protocols = _protocols(cells)
    rows = _rows(cells, protocols, metric)
    _draw_rows(axes, rows, protocols, facts)
    _name_rows(axes, rows, [row.name for row in rows])
    axes.legend(
        handles=_handles(protocols),
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=len(protocols),
        frameon=False,
    )


def _draw_rows(
    axes: Axes,
    rows: Sequence[_Row],
    protocols: Sequence[str],
    facts: DatasetFacts,
    *,
    shift: float = 0.0,
) -> None:
    metric = rows[0].metric
    for y, row in enumerate(rows):
        if y % 2 == 0:
            axes.axhspan(y - 0.5, y + 0.5, color="#F3F3F3", linewidth=0, zorder=0)
        _draw_row(axes, y, row, protocols, facts.n_speakers, shift=shift)
    for guess in _guesses(facts, metric):
        axes.axvline(guess, color="#444444", linewidth=0.9, linestyle=":", zorder=1)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines[:].set_visible(False)
    axes.spines["bottom"].set_visible(True)
    axes.set_xlabel(f"{METRIC_TITLES[metric]} (%), dotted: guessing")
    axes.grid(axis="x")


def _name_rows(axes: Axes, rows: Sequence[_Row], names: Sequence[str]) -> None:
    """Write names at the left, and at the right what ``paper`` gives in addition."""
    axes.set_yticks(range(len(rows)), names)
    if any(row.drop for row in rows):
        right = axes.secondary_yaxis("right")
        right.set_yticks(range(len(rows)), [row.drop for row in rows])
        right.tick_params(axis="y", length=0)
        right.spines[:].set_visible(False)


def _handles(protocols: Sequence[str]) -> list[Line2D]:
    return [style.marker_handle(*_mark(name), _in_words(name)) for name in protocols]


def _mark(protocol: str) -> tuple[str, str]:
    return _MARKS.get(protocol, ("#0072B2", "o"))


def _in_words(protocol: str) -> str:
    kind = PROTOCOLS[protocol]
    if kind.across:
        return f"{protocol}: other corpora"
    return f"{protocol}: {'new' if kind.speaker_disjoint else 'known'} speakers"


def _draw_row(
    axes: Axes, y: int, row: _Row, protocols: Sequence[str], n_speakers: int, shift: float
) -> None:
    shifts = dict(zip(protocols, _SHIFTS[len(protocols)], strict=True))
    means = [100 * cell.mean(row.metric) for cell in row.cells.values()]
    heights = [y + shift + shifts[protocol] for protocol in row.cells]
    axes.plot(means, heights, color="#999999", linewidth=0.9, zorder=2)
    for (protocol, cell), mean, height in zip(row.cells.items(), means, heights, strict=True):
        colour, marker = _mark(protocol)
        low, high = _interval(cell, n_speakers, row.metric)
        axes.hlines(height, low, high, colors=colour, linewidth=1.2, zorder=2, gid=protocol)
        own = {"markersize": 4.4 if protocol == protocols[0] else 3.4, "label": protocol}
        style.plot_markers(axes, [mean], [height], colour, marker, **own)


def _interval(cell: Cell, n_speakers: int, metric: Metric) -> tuple[float, float]:
    """Return the 95 % interval of the mean in per cent; the mean alone where there is none."""
    low, high = paired_test(scores_of(cell, metric, n_speakers=n_speakers)).interval
    if math.isnan(low):
        low = high = cell.mean(metric)
    return max(0.0, 100 * low), min(100.0, 100 * high)
