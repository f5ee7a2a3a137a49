"""Maps: t-SNE of embeddings, by label and by speaker (the paper's Figure 2)."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reno_store.errors import LedgerError, RenoStoreError
from reno_store.reports.figures import style
from reno_store.reports.figures.files import Figure, file_name
from reno_store.reports.figures.neighbours import (
    Agreement,
    agree,
    embed_in_plane,
    perplexity_for,
    standardize,
    subsample,
)
from reno_store.reports.figures.text import shorten_all, text_width
from reno_store.runtime.numbers import per_cent
from reno_store.studies.ledger import Ledger
from reno_store.studies.recipes import hash_array

__all__ = ["FEWEST_CLIPS", "MOST_CLIPS", "LayOut", "kept_maps", "map_figure"]

LayOut: TypeAlias = Callable[[NDArray[np.float32], int], NDArray[np.float32]]
"""(standardized embeddings, seed) -> places in the plane, shape (n_clips, 2)."""

FEWEST_CLIPS = 4
"""t-SNE of fewer shows nothing."""
MOST_CLIPS = 5_000
"""Of more clips, this many are chosen at random."""

_CODE = 1
"""To be raised when `embed_in_plane` starts to return other places."""
_MOST_NAMED_SPEAKERS = 12
_NAMED_SPEAKERS = 8
_N_LAYERS = 4
_RASTERIZED_FROM = 1_000
_HANDLE = 0.32
"""Inches of an entry's marker and blanks."""
_WIDEST_ENTRY = 1.5


def map_figure(
    X: NDArray[np.float32],
    y: NDArray[np.str_],
    groups: NDArray[np.str_] | None = None,
    *,
    dataset: str,
    model: str,
    seed: int = 0,
    lay_out: LayOut = embed_in_plane,
) -> Figure:
    """Show a dataset's clips in a model's embedding space, by label and by speaker.

    Each column of X is standardized. Of more than 5,000 clips, 5,000 are chosen at random, so
    that each label keeps its share.

    Parameters
    ----------
    X : numpy.ndarray of float32, shape (n_clips, dim)
        Embeddings of at least four clips.
    y : numpy.ndarray of str, shape (n_clips,)
        Labels.
    groups : numpy.ndarray of str, shape (n_clips,), optional
        Speakers, empty where unknown.
    dataset, model : str
        Names for title and caption.
    seed : int
        Seed of t-SNE and of the choice.
    lay_out : Callable
        (standardized embeddings, seed) -> places in the plane, shape (n_clips, 2).

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
    by_label = agree(scaled, labels)
    panels = [_Panel("by label", np.unique(labels).tolist(), labels)]
    by_speaker = None
    if speakers is None:
        sentences = ["Speakers are not known, so nobody can tell whether clusters are voices."]
    else:
        by_speaker = agree(scaled, speakers)
        named, others, about = _choose_speakers(speakers)
        panels.append(_Panel("by speaker", named, speakers, others))
        sentences = [about]
    if len(panels[0].names) > _NAMED_SPEAKERS:
        sentences.append("Colours recur; colour and marker together tell labels apart.")
    drawn = f"{len(rows):,} clips"
    if len(rows) < len(X):
        drawn = f"{drawn} (of {len(X):,}, chosen at random so that each label keeps its share)"
    components = ", reduced to 50 principal components" if min(scaled.shape) > 50 else ""
    caption = (
        f"t-SNE of {drawn}. Axes have no unit; sizes and distances of clusters mean nothing. "
        f"{_about_neighbours(by_label, by_speaker)}"
    )
    details = " ".join(
        [
            f"Columns of mean 0 and standard deviation 1{components}, perplexity "
            f"{perplexity_for(len(rows)):.3g}, seed {seed}.",
            *sentences,
            "Neighbours are those in the standardized embeddings of the clips shown.",
        ]
    )
    # Slow, and drawn once per file and page: computed on the first drawing.
    places = functools.cache(functools.partial(lay_out, scaled, seed))

    def draw(*, narrow: bool = False) -> Canvas:
        return _draw(places(), panels, narrow=narrow)

    return Figure(
        name=file_name("map", dataset, model),
        kind="map",
        title=f"{dataset}: map of {model}",
        caption=caption,
        details=details,
        dataset=dataset,
        draw=draw,
        draw_narrow=functools.partial(draw, narrow=True),
    )


def _about_neighbours(by_label: Agreement | None, by_speaker: Agreement | None) -> str:
    parts = [
        f"its {word} in {per_cent(found.share, 0)} (chance {per_cent(found.chance, 0)})"
        for word, found in (("label", by_label), ("speaker", by_speaker))
        if found is not None
    ]
    return f"A clip's nearest neighbour has {', '.join(parts)}."


def _choose_speakers(speakers: NDArray[np.str_]) -> tuple[list[str], str, str]:
    """Return the speakers that get a colour, what the others are called, and a sentence."""
    names, counts = np.unique(speakers[speakers != ""], return_counts=True)
    named, n_unknown = names.tolist(), int((speakers == "").sum())
    others = []
    about = f"Each speaker ({len(names)}) has a colour."
    if len(names) > _MOST_NAMED_SPEAKERS:
        most = np.argsort(-counts, kind="stable")[:_NAMED_SPEAKERS]  # ties: first by name
        named = sorted(names[most].tolist())
        others.append(f"{len(names) - len(named):,} other speakers")
        about = (
            f"Of {len(names):,} speakers the {len(named)} with the most clips have colours (ties: "
            "the first by name); the others are grey."
        )
    if n_unknown:
        others.append("unknown")
        about += f" The speakers of {n_unknown:,} clips are not known; they are grey."
    return named, " and ".join(others), about


@dataclass(frozen=True, slots=True)
class _Panel:
    """The points by label or by speaker.

    Attributes
    ----------
    heading : str
        Its title.
    names : list[str]
        Names with a colour, in the order of the legend.
    of : numpy.ndarray of str, shape (n_clips,)
        The name of each point; points of other names are grey and behind the others.
    others : str
        What the legend calls those; empty where there are none.
    """

    heading: str
    names: list[str]
    of: NDArray[np.str_]
    others: str = ""


@style.in_style
def _draw(plane: NDArray[np.float32], panels: Sequence[_Panel], *, narrow: bool = False) -> Canvas:
    n_rows, n_columns = (len(panels), 1) if narrow else (1, len(panels))
    width = style.PAGE_WIDTH if n_columns > 1 else style.COLUMN_WIDTH
    width = style.SCREEN_WIDTH if narrow else width
    room = width / n_columns - 2 * style.PADDING
    canvas = style.new_canvas(width, n_rows * (room + 1))
    places: list[Axes] = canvas.subplots(n_rows, n_columns, squeeze=False).ravel().tolist()
    for axes, panel in zip(places, panels, strict=True):
        _scatter(axes, plane, panel)
        axes.set_title(panel.heading)
        _add_legend(axes, panel, room)
    style.fit(places[0], height=style.axes_size(places[0])[0], rows=n_rows)
    return canvas


def _scatter(axes: Axes, plane: NDArray[np.float32], panel: _Panel) -> None:
    size = min(16.0, max(5.0, 6_000 / len(plane)))
    rasterized = len(plane) > _RASTERIZED_FROM
    x, y = plane.T
    others = ~np.isin(panel.of, panel.names)
    if others.any():
        axes.scatter(
            x[others],
            y[others],
            s=0.5 * size,
            c=style.GREY,
            linewidths=0,
            rasterized=rasterized,
            gid="others",
        )
    # In turns, a part of each series at a time, or the last one would hide all others.
    for layer in range(_N_LAYERS):
        for number, name in enumerate(panel.names):
            colour, marker = style.series_style(number)
            part = np.flatnonzero(panel.of == name)[layer::_N_LAYERS]
            axes.scatter(
                x[part],
                y[part],
                s=size,
                c=colour,
                marker=marker,
                edgecolors=style.EDGE,
                linewidths=0.2,
                rasterized=rasterized,
                label=name,
            )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.margins(0.03)
    axes.spines[:].set(visible=True, color="#999999")


def _add_legend(axes: Axes, panel: _Panel, room: float) -> None:
    names = shorten_all(panel.names, _WIDEST_ENTRY)
    handles = [
        style.marker_handle(*style.series_style(number), name) for number, name in enumerate(names)
    ]
    if panel.others:
        handles.append(style.marker_handle(style.GREY, "o", panel.others))
        handles[-1].set(markersize=3, markeredgewidth=0)
    entry = max(text_width(str(each.get_label())) for each in handles) + _HANDLE
    axes.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        ncols=max(1, min(len(handles), int(room / entry))),
    )


def kept_maps(ledger: Ledger) -> LayOut:
    """Return a function that computes maps once and keeps them.

    Parameters
    ----------
    ledger : Ledger
        Where maps are kept, found by their embeddings. If it cannot be written, each map is
        computed again every time.
    """

    def lay_out(X: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
        recipe = {
            "map": "t-SNE",
            "embeddings": hash_array(X),
            "perplexity": perplexity_for(len(X)),
            "seed": seed,
            "code": _CODE,
            "packages": {name: version(name) for name in ("numpy", "scikit-learn")},
        }
        places = ledger.find(recipe)
        if places is None:
            places = embed_in_plane(X, seed).tolist()
            with contextlib.suppress(LedgerError):
                ledger.keep(recipe, places)
        return np.array(places, np.float32)

    return lay_out
