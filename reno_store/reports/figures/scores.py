"""Scores: the accuracy of every cell of a dataset with its interval, and guessing."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.text import Text

from reno_store.conclusions import Standing, rank_cells
from reno_store.conclusions.names import estimator_title, models_title
from reno_store.reports.figures import style
from reno_store.reports.figures.files import Figure, file_name
from reno_store.reports.figures.rows import Place, stack_rows
from reno_store.reports.figures.text import LINE_HEIGHT, shorten_all, text_width, wrap
from reno_store.runtime.numbers import listing, points
from reno_store.studies import PROTOCOLS, DatasetFacts
from reno_store.studies.scores import COLLAPSED, METRIC_TITLES

__all__ = ["draw_scores", "scores_figure"]

_MARKS = {
    "speaker": ("#0072B2", "o"),
    "loso": ("#009E73", "s"),
    "paper": ("#D55E00", "D"),
}
"""Protocol -> colour and marker, the most honest first: rows are sorted by the first there is."""
_SHIFTS = {1: (0.0,), 2: (-0.15, 0.15), 3: (-0.25, 0.0, 0.25)}
"""Intervals are a little apart, or one would hide the other."""
_ROW = 0.165
_NARROW_ROW = 1.4
"""Lines of text that the marks of a row take on a narrow screen, below its name."""
_BOLD = 1.12
"""How much wider bold text is."""
_LEAST_PLOT = 1.5
"""Inches for the plot next to the names."""
_MOST_ROWS = 40
"""More would be neither seen at a glance nor legible on a page."""
_MOST_LINES = 3
"""Of a name; a longer one is shortened."""


@dataclass(frozen=True, slots=True)
class _Row:
    """An estimator on some models: its scores by protocol, the one that sorts it first.

    `leads` is whether it cannot be told from the best.
    """

    name: str
    standings: dict[str, Standing]
    leads: bool

    @property
    def score(self) -> float:
        return next(iter(self.standings.values())).score

    @property
    def drop(self) -> str:
        """What ``paper`` gives in addition, in points."""
        first, *others = self.standings.values()
        if not others or others[-1].cell.protocol != "paper":
            return ""
        return points(100 * (others[-1].score - first.score))


def scores_figure(standings: Sequence[Standing], facts: DatasetFacts) -> Figure:
    """Show the score of cells under each of their protocols, the highest first.

    Parameters
    ----------
    standings : Sequence[Standing]
        At least one, of one dataset.
    facts : DatasetFacts
        The dataset, for guessing.
    """
    protocols = _protocols(standings)
    rows = _rows(standings, protocols, facts.n_speakers)
    main, *others = protocols
    title = METRIC_TITLES[standings[0].metric]
    caption = f"{title[0].upper()}{title[1:]} on {facts.name}: "
    caption += f"mean and 95 % interval under protocol {main}"
    if others:
        caption += f" (sorted) and {listing(others)}."
    else:
        caption += ", sorted." if len(rows) > 1 else "."
    if len(rows) > _MOST_ROWS:
        caption += f" The {_MOST_ROWS} highest of {len(rows)} are shown."
    if len(rows) > 1 and any(row.leads for row in rows):
        caption += " Bold: the best, and what cannot be told from it."
    details = [
        "Intervals come from a t-test corrected for folds that share clips; whether two of them "
        "overlap is no test of their difference.",
        f"Dotted: always guessing the most frequent label ({_guesses(rows, facts)[0]:.1f} %)"
        + (f", and chance (1 in {len(facts.labels)})." if _guesses(rows, facts)[1:] else "."),
    ]
    if len(rows) > 1:
        details.append("The highest was chosen on these folds, so it is a little too high.")
    if len(protocols) > 1 and protocols[-1] == "paper":
        both = [row for row in rows if row.drop]
        higher = sum(not row.drop.startswith(("0", "−")) for row in both)
        details.append(
            f"Right: paper minus {main}, in points; folds of paper share speakers. {higher} of "
            f"{len(both)} are higher under paper. The protocols also differ in what early stopping "
            "holds out."
        )
    if any(each.cell.n_collapsed for each in standings):
        caption += f"{COLLAPSED}: did not learn in some fold."
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


def _protocols(standings: Sequence[Standing]) -> list[str]:
    """Return the protocols of standings, the one that sorts them first."""
    found = {each.cell.protocol for each in standings}
    return [name for name in _MARKS if name in found] or sorted(found)


def _rows(standings: Sequence[Standing], protocols: Sequence[str], n_speakers: int) -> list[_Row]:
    main = [each for each in standings if each.cell.protocol == protocols[0]]
    ranked = rank_cells(main, n_speakers=n_speakers)
    leading = {id(each.standing) for each in ranked if each.group == 1}
    if all(each.beats_guessing is False for each in main):
        leading = set()  # there is no best among guesses
    found: dict[tuple[str, tuple[str, ...]], dict[str, Standing]] = {}
    for each in sorted(standings, key=lambda each: protocols.index(each.cell.protocol)):
        found.setdefault((each.cell.name, each.cell.models), {})[each.cell.protocol] = each
    rows = []
    for own in found.values():
        cells = [each.cell for each in own.values()]
        mark = COLLAPSED if any(cell.n_collapsed for cell in cells) else ""
        name = f"{estimator_title(cells[0])}: {models_title(cells[0].models)}{mark}"
        leads = any(id(each) in leading for each in own.values())
        rows.append(_Row(name, own, leads))
    # Rows without the first protocol come last.
    return sorted(rows, key=lambda row: (protocols[0] not in row.standings, -row.score))


def _guesses(rows: Sequence[_Row], facts: DatasetFacts) -> list[float]:
    """Return the scores of guessing, in per cent: majority, and chance where it differs.

    Majority is that of the protocol that sorts. The other metrics give each label the same weight:
    only chance is shown.
    """
    first = next(iter(rows[0].standings.values()))
    chance = 100 / max(1, len(facts.labels))
    majority = 100 * first.guessing if first.metric == "accuracy" else chance
    return [majority] if abs(majority - chance) < 0.5 else [majority, chance]


@style.in_style
def _draw(
    rows: Sequence[_Row], protocols: Sequence[str], facts: DatasetFacts, *, narrow: bool = False
) -> Canvas:
    width = style.SCREEN_WIDTH if narrow else style.MIDDLE_WIDTH
    canvas = style.new_canvas(width)
    axes = canvas.subplots()
    n_all, rows = len(rows), rows[:_MOST_ROWS]
    beside = max((text_width(row.drop) for row in rows), default=0.0) + 0.2
    room = (width - (0.2 if narrow else _LEAST_PLOT + beside)) / _BOLD
    # Lines are rarely full, so a name that is broken into n has less than n times the room.
    names = shorten_all([row.name for row in rows], 0.8 * _MOST_LINES * room)
    lines = [wrap(name, room) for name in names]
    if narrow:
        # Names have lines of their own, above the marks.
        places = stack_rows([len(own) + _NARROW_ROW for own in lines], marks=_NARROW_ROW / 2)
        _draw_rows(axes, rows, protocols, facts, places, n_all, spread=1 + _NARROW_ROW)
        axes.set_yticks([])
        across: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
        for row, place, own in zip(rows, places, lines, strict=True):
            for y, line in enumerate(own, start=1):
                _embolden([axes.text(0.01, place.top + y - 0.35, line, **across)], [row])
    else:
        places = stack_rows([max(1.0, len(own) * LINE_HEIGHT / _ROW) for own in lines])
        _draw_rows(axes, rows, protocols, facts, places, n_all)
        _name_rows(axes, rows, ["\n".join(own) for own in lines], places)
    handles = _handles(protocols)
    canvas.legend(handles=handles, loc="outside upper center", ncols=1 if narrow else len(handles))
    style.fit(axes, height=places[-1].bottom * (LINE_HEIGHT if narrow else _ROW))
    return canvas


def draw_scores(axes: Axes, standings: Sequence[Standing], facts: DatasetFacts) -> None:
    """Draw on axes what `scores_figure` shows, with a legend above them."""
    protocols = _protocols(standings)
    all_rows = _rows(standings, protocols, facts.n_speakers)
    rows = all_rows[:_MOST_ROWS]
    places = stack_rows([1.0] * len(rows))
    _draw_rows(axes, rows, protocols, facts, places, len(all_rows))
    _name_rows(axes, rows, [row.name for row in rows], places)
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
    places: Sequence[Place],
    n_all: int,
    *,
    spread: float = 1.0,
) -> None:
    metric = next(iter(rows[0].standings.values())).metric
    for place in places[::2]:
        axes.axhspan(place.top, place.bottom, color="#F3F3F3", linewidth=0, zorder=0)
    for row, place in zip(rows, places, strict=True):
        _draw_row(axes, place.marks, row, protocols, spread=spread)
    for guess in _guesses(rows, facts):
        axes.axvline(guess, color="#444444", linewidth=0.9, linestyle=":", zorder=1)
    axes.set_ylim(places[-1].bottom, 0)
    axes.tick_params(axis="y", length=0)
    axes.spines[:].set_visible(False)
    axes.spines["bottom"].set_visible(True)
    shown = f"\nthe {len(rows)} highest of {n_all}" if len(rows) < n_all else ""
    axes.set_xlabel(f"{METRIC_TITLES[metric]} (%), dotted: guessing{shown}")
    axes.grid(axis="x")


def _name_rows(
    axes: Axes, rows: Sequence[_Row], names: Sequence[str], places: Sequence[Place]
) -> None:
    """Write names at the left, and at the right what ``paper`` gives in addition."""
    heights = [place.marks for place in places]
    axes.set_yticks(heights, names)
    _embolden(axes.get_yticklabels(), rows)
    if any(row.drop for row in rows):
        right = axes.secondary_yaxis("right")
        right.set_yticks(heights, [row.drop for row in rows])
        right.tick_params(axis="y", length=0)
        right.spines[:].set_visible(False)


def _embolden(texts: Sequence[Text], rows: Sequence[_Row]) -> None:
    for text, row in zip(texts, rows, strict=True):
        text.set_fontweight("bold" if row.leads else "normal")


def _handles(protocols: Sequence[str]) -> list[Line2D]:
    return [style.marker_handle(*_mark(name), _in_words(name)) for name in protocols]


def _mark(protocol: str) -> tuple[str, str]:
    return _MARKS.get(protocol, ("#0072B2", "o"))


def _in_words(protocol: str) -> str:
    kind = PROTOCOLS[protocol]
    if kind.across:
        return f"{protocol}: other corpora"
    return f"{protocol}: {'new' if kind.speaker_disjoint else 'known'} speakers"


def _draw_row(axes: Axes, y: float, row: _Row, protocols: Sequence[str], spread: float) -> None:
    shifts = dict(zip(protocols, _SHIFTS[len(protocols)], strict=True))
    means = [100 * each.score for each in row.standings.values()]
    heights = [y + spread * shifts[protocol] for protocol in row.standings]
    axes.plot(means, heights, color="#999999", linewidth=0.9, zorder=2)
    for (protocol, standing), mean, height in zip(
        row.standings.items(), means, heights, strict=True
    ):
        colour, marker = _mark(protocol)
        if not math.isnan(standing.interval[0]):
            low, high = (100 * end for end in standing.interval)
            axes.hlines(height, low, high, colors=colour, linewidth=1.2, zorder=2, gid=protocol)
        own = {"markersize": 4.4 if protocol == protocols[0] else 3.4, "label": protocol}
        style.plot_markers(axes, [mean], [height], colour, marker, **own)
