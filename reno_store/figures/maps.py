"""Maps: t-SNE of raw embeddings, by label and by speaker beside it (the paper's Figure 2)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from reno_store.errors import RenoStoreError
from reno_store.figures.drawing import Figure
from reno_store.figures.naming import file_name
from reno_store.figures.neighbours import (
    Agreement,
    agree,
    embed_in_plane,
    perplexity_for,
    standardize,
    subsample,
)
from reno_store.figures.style import (
    COLUMN_WIDTH,
    EDGE,
    GREY,
    PAGE_WIDTH,
    in_style,
    new_canvas,
    series_style,
)
from reno_store.figures.words import LINE_HEIGHT, shorten_all, text_width, wrap

__all__ = ["FEWEST_CLIPS", "MOST_CLIPS", "map_figure"]

FEWEST_CLIPS = 4
"""t-SNE of fewer says nothing."""
MOST_CLIPS = 5_000
"""Of more, so many are drawn at random."""

_MOST_NAMED_SPEAKERS = 12
_NAMED_SPEAKERS = 8
_N_LAYERS = 4
_RASTERIZED_FROM = 1_000
_GAP = 0.06
_HANDLE = 0.2
_WIDEST_ENTRY = 1.5


@dataclass(frozen=True, slots=True)
class _Panel:
    """A panel's heading, its series in order (name -> rows), and rows without a name.

    `others` is what the legend calls the latter; they are grey and lie below.
    """

    heading: str
    series: dict[str, NDArray[np.int64]]
    others: str = ""
    other_rows: NDArray[np.int64] | None = None


def map_figure(
    X: NDArray[np.float32],
    y: NDArray[np.str_],
    groups: NDArray[np.str_] | None = None,
    *,
    dataset: str,
    model: str,
    seed: int = 0,
) -> Figure:
    """Show where a model puts a dataset's clips, by label and by speaker.

    Each column of X is given mean 0 and standard deviation 1. Of more than 5,000 clips, 5,000
    are drawn, so that each label keeps its share.

    Parameters
    ----------
    X : numpy.ndarray of float32, shape (n_clips, dim)
        Embeddings of at least four clips.
    y : numpy.ndarray of str, shape (n_clips,)
        Labels.
    groups : numpy.ndarray of str, shape (n_clips,), optional
        Speakers, empty where unknown.
    dataset, model : str
        What it is of.
    seed : int
        Of t-SNE and of the draw.

    Raises
    ------
    RenoStoreError
        If there are fewer than four clips.
    """
    if len(X) < FEWEST_CLIPS:
        raise RenoStoreError(
            f"map of {dataset} by {model}: expected at least {FEWEST_CLIPS} clips, got {len(X)}."
        )
    rows = subsample(y, MOST_CLIPS, seed)
    scaled, labels = standardize(X[rows]), np.asarray(y)[rows]
    speakers = None if groups is None else np.asarray(groups)[rows]
    if speakers is not None and not (speakers != "").any():
        speakers = None
    panels, sentences = [_label_panel(labels)], []
    by_label = agree(scaled, labels)
    by_speaker = None if speakers is None else agree(scaled, speakers)
    if speakers is not None:
        panels.append(_speaker_panel(speakers))
        sentences.append(_about_speakers(speakers))
    else:
        sentences.append("Speakers are not known, so nothing shows whether clusters are voices.")
    if len(panels[0].series) > _NAMED_SPEAKERS:
        sentences.append("Colours recur; colour and marker together tell labels apart.")
    drawn = f"{len(rows):,} clips"
    if len(rows) < len(X):
        drawn = f"{drawn} (of {len(X):,}, drawn at random so that each label keeps its share)"
    components = ", reduced to 50 principal components" if min(scaled.shape) > 50 else ""
    caption = " ".join(
        [
            f"t-SNE of the {model} embeddings of {drawn} of {dataset}: columns of mean 0 and "
            f"standard deviation 1{components}, perplexity {perplexity_for(len(rows)):.3g}, "
            f"seed {seed}.",
            *sentences,
            "Axes have no unit, and sizes and distances of clusters mean nothing.",
            _about_neighbours(by_label, by_speaker),
        ]
    )
    # Drawn more than once, for each file and a page, and slow: laid out on the first drawing.
    lay_out = functools.cache(functools.partial(embed_in_plane, scaled, seed))
    headings = [_heading("by label", by_label), _heading("by speaker", by_speaker)]
    named = [
        _Panel(heading, panel.series, panel.others, panel.other_rows)
        for heading, panel in zip(headings, panels, strict=False)
    ]
    title = f"{dataset}: {model}, t-SNE"

    def draw() -> Canvas:
        return _draw(lay_out(), named, title)

    return Figure(
        name=file_name("map", dataset, model),
        kind="map",
        title=f"{dataset}: map of {model}",
        caption=caption,
        dataset=dataset,
        draw=draw,
    )


def _heading(words: str, agreement: Agreement | None) -> str:
    if agreement is None:
        return words
    return (
        f"{words}; nearest neighbour agrees: {_per_cent(agreement.share, 0)} "
        f"(chance {_per_cent(agreement.chance, 0)})"
    )


def _per_cent(share: float, digits: int) -> str:
    """Write a share; what is more than nothing is not rounded to nothing."""
    least = 10.0**-digits
    if 0 < 100 * share < least / 2:
        return f"<{least:.{digits}f} %"
    return f"{100 * share:.{digits}f} %"


def _about_neighbours(by_label: Agreement | None, by_speaker: Agreement | None) -> str:
    parts = [
        f"its {word} in {_per_cent(found.share, 1)} of cases (by chance "
        f"{_per_cent(found.chance, 1)})"
        for word, found in (("label", by_label), ("speaker", by_speaker))
        if found is not None
    ]
    return (
        "In the standardised embeddings of the clips shown, a clip's nearest other clip has "
        f"{', and '.join(parts)}."
    )


def _label_panel(labels: NDArray[np.str_]) -> _Panel:
    names = np.unique(labels).tolist()
    return _Panel("", {name: np.flatnonzero(labels == name) for name in names})


def _named_speakers(speakers: NDArray[np.str_]) -> tuple[list[str], int]:
    """Choose the speakers that get a colour, sorted by name; and count all."""
    names, counts = np.unique(speakers[speakers != ""], return_counts=True)
    if len(names) <= _MOST_NAMED_SPEAKERS:
        return names.tolist(), len(names)
    most = np.argsort(-counts, kind="stable")[:_NAMED_SPEAKERS]  # ties: first by name
    return sorted(names[most].tolist()), len(names)


def _speaker_panel(speakers: NDArray[np.str_]) -> _Panel:
    named, n_speakers = _named_speakers(speakers)
    rest = np.flatnonzero(~np.isin(speakers, named))
    words = []
    if n_speakers > len(named):
        words.append(f"{n_speakers - len(named):,} other speakers")
    if (speakers == "").any():
        words.append("unknown")
    return _Panel(
        "",
        {name: np.flatnonzero(speakers == name) for name in named},
        " and ".join(words),
        rest if len(rest) else None,
    )


def _about_speakers(speakers: NDArray[np.str_]) -> str:
    named, n_speakers = _named_speakers(speakers)
    n_unknown = int((speakers == "").sum())
    unknown = f" The speakers of {n_unknown:,} clips are not known; they are grey."
    if n_speakers == len(named):
        return f"Each speaker ({n_speakers}) has a colour.{unknown if n_unknown else ''}"
    return (
        f"Of {n_speakers:,} speakers the {len(named)} with the most clips have colours (ties: the "
        f"first by name); the others are grey.{unknown if n_unknown else ''}"
    )


@in_style
def _draw(plane: NDArray[np.float32], panels: Sequence[_Panel], title: str) -> Canvas:
    width = PAGE_WIDTH if len(panels) > 1 else COLUMN_WIDTH
    side = width / len(panels) - 2 * _GAP
    legends = [_lay_out_legend(panel, side) for panel in panels]
    beneath = max(rows for _, _, rows in legends) * LINE_HEIGHT + 3 * _GAP
    title_lines = wrap(title, width - 2 * _GAP)
    headings = [wrap(panel.heading, side) for panel in panels]
    above = (len(title_lines) + max(map(len, headings))) * LINE_HEIGHT + 2.5 * _GAP
    height = beneath + side + above
    canvas = new_canvas(width, height)
    canvas.text(0.5, 1 - _GAP / height, "\n".join(title_lines), ha="center", va="top")
    for place, (panel, legend) in enumerate(zip(panels, legends, strict=True)):
        left = place * width / len(panels) + _GAP
        axes = canvas.add_axes((left / width, beneath / height, side / width, side / height))
        _scatter(axes, plane, panel)
        axes.set_title("\n".join(headings[place]), pad=3)
        names, n_columns, _ = legend
        axes.legend(
            handles=_handles(panel, names),
            loc="upper center",
            bbox_to_anchor=(0.5, -_GAP / side),
            ncols=n_columns,
            borderaxespad=0,
            borderpad=0,
            handlelength=1.0,
            handletextpad=0.4,
            columnspacing=1.0,
            labelspacing=0.22,
        )
    return canvas


def _scatter(axes: Axes, plane: NDArray[np.float32], panel: _Panel) -> None:
    size = min(16.0, max(5.0, 6_000 / len(plane)))
    rasterized = len(plane) > _RASTERIZED_FROM
    if panel.other_rows is not None:
        axes.scatter(
            plane[panel.other_rows, 0],
            plane[panel.other_rows, 1],
            s=0.5 * size,
            c=GREY,
            marker="o",
            linewidths=0,
            rasterized=rasterized,
            gid="others",
        )
    # In turns, a part of each series at a time, or the last one would hide all others.
    for layer in range(_N_LAYERS):
        for number, (name, rows) in enumerate(panel.series.items()):
            colour, marker = series_style(number)
            part = rows[layer::_N_LAYERS]
            axes.scatter(
                plane[part, 0],
                plane[part, 1],
                s=size,
                c=colour,
                marker=marker,
                edgecolors=EDGE,
                linewidths=0.2,
                rasterized=rasterized,
                label=name,
            )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.margins(0.03)
    axes.set_aspect("equal", adjustable="datalim")
    for spine in axes.spines.values():
        spine.set_color("#999999")


def _lay_out_legend(panel: _Panel, width: float) -> tuple[list[str], int, int]:
    """Shorten names and find how many columns and rows they take."""
    names = shorten_all([*panel.series], _WIDEST_ENTRY)
    if panel.others:
        names.append(panel.others)
    entry = max(text_width(name) for name in names) + _HANDLE + 0.12
    n_columns = max(1, min(len(names), int(width / entry)))
    return names, n_columns, -(-len(names) // n_columns)


def _handles(panel: _Panel, names: list[str]) -> list[Line2D]:
    styles = [series_style(number) for number in range(len(panel.series))]
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=marker,
            markersize=4,
            markerfacecolor=colour,
            markeredgecolor=EDGE,
            markeredgewidth=0.4,
            label=name,
        )
        for name, (colour, marker) in zip(names, styles, strict=False)
    ]
    if panel.others:
        handles.append(
            Line2D(
                [],
                [],
                linestyle="",
                marker="o",
                markersize=3,
                markerfacecolor=GREY,
                markeredgewidth=0,
                label=names[-1],
            )
        )
    return handles
