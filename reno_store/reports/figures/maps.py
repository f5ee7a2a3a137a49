"""Maps: t-SNE of raw embeddings, by label and by speaker beside it (the paper's Figure 2)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reno_store.errors import RenoStoreError
from reno_store.reports.figures.drawing import Figure
from reno_store.reports.figures.map_drawing import Panel, draw_map
from reno_store.reports.figures.naming import file_name
from reno_store.reports.figures.neighbours import (
    Agreement,
    agree,
    embed_in_plane,
    perplexity_for,
    standardize,
    subsample,
)

__all__ = ["FEWEST_CLIPS", "MOST_CLIPS", "LayOut", "map_figure"]

LayOut: TypeAlias = Callable[[NDArray[np.float32], int], NDArray[np.float32]]
"""(standardised embeddings, seed) -> places in the plane, shape (n_clips, 2)."""

FEWEST_CLIPS = 4
"""t-SNE of fewer says nothing."""
MOST_CLIPS = 5_000
"""Of more, so many are drawn at random."""

_MOST_NAMED_SPEAKERS = 12
_NAMED_SPEAKERS = 8


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
    lay_out : Callable
        (standardised embeddings, seed) -> places in the plane, shape (n_clips, 2).

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
    places = functools.cache(functools.partial(lay_out, scaled, seed))
    headings = [_heading("by label", by_label), _heading("by speaker", by_speaker)]
    named = [
        Panel(heading, panel.series, panel.others, panel.other_rows)
        for heading, panel in zip(headings, panels, strict=False)
    ]
    title = f"{dataset}: {model}, t-SNE"

    def draw() -> Canvas:
        return draw_map(places(), named, title)

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


def _label_panel(labels: NDArray[np.str_]) -> Panel:
    names = np.unique(labels).tolist()
    return Panel("", {name: np.flatnonzero(labels == name) for name in names})


def _named_speakers(speakers: NDArray[np.str_]) -> tuple[list[str], int]:
    """Choose the speakers that get a colour, sorted by name; and count all."""
    names, counts = np.unique(speakers[speakers != ""], return_counts=True)
    if len(names) <= _MOST_NAMED_SPEAKERS:
        return names.tolist(), len(names)
    most = np.argsort(-counts, kind="stable")[:_NAMED_SPEAKERS]  # ties: first by name
    return sorted(names[most].tolist()), len(names)


def _speaker_panel(speakers: NDArray[np.str_]) -> Panel:
    named, n_speakers = _named_speakers(speakers)
    rest = np.flatnonzero(~np.isin(speakers, named))
    words = []
    if n_speakers > len(named):
        words.append(f"{n_speakers - len(named):,} other speakers")
    if (speakers == "").any():
        words.append("unknown")
    return Panel(
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
