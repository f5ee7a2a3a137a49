"""Maps: t-SNE of embeddings, by label and by speaker (the paper's Figure 2)."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from importlib.metadata import version
from typing import TypeAlias

import numpy as np
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reno_store.errors import LedgerError, RenoStoreError
from reno_store.reports.figures.files import Figure, file_name
from reno_store.reports.figures.map_drawing import Panel, draw_map
from reno_store.reports.figures.neighbours import (
    Agreement,
    agree,
    embed_in_plane,
    perplexity_for,
    standardize,
    subsample,
)
from reno_store.runtime.numbers import per_cent
from reno_store.studies.ledger import Ledger
from reno_store.studies.recipes import hash_array

__all__ = ["FEWEST_CLIPS", "MOST_CLIPS", "LayOut", "kept_maps", "map_figure"]

LayOut: TypeAlias = Callable[[NDArray[np.float32], int], NDArray[np.float32]]
"""(standardised embeddings, seed) -> places in the plane, shape (n_clips, 2)."""

FEWEST_CLIPS = 4
"""t-SNE of fewer shows nothing."""
MOST_CLIPS = 5_000
"""Of more clips, this many are chosen at random."""

_CODE = 1
"""To be raised when `embed_in_plane` starts to return other places."""
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
    """Show a dataset's clips in a model's embedding space, by label and by speaker.

    Each column of X is standardised. Of more than 5,000 clips, 5,000 are chosen at random, so
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
        sentences.append("Speakers are not known, so nobody can tell whether clusters are voices.")
    if len(panels[0].series) > _NAMED_SPEAKERS:
        sentences.append("Colours recur; colour and marker together tell labels apart.")
    drawn = f"{len(rows):,} clips"
    if len(rows) < len(X):
        drawn = f"{drawn} (of {len(X):,}, chosen at random so that each label keeps its share)"
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
    # Slow, and drawn once per file and page: computed on the first drawing.
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
        f"{words}; nearest neighbour agrees: {per_cent(agreement.share, 0)} "
        f"(chance {per_cent(agreement.chance, 0)})"
    )


def _about_neighbours(by_label: Agreement | None, by_speaker: Agreement | None) -> str:
    parts = [
        f"its {word} in {per_cent(found.share, 1)} of cases (by chance {per_cent(found.chance, 1)})"
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
    """Return the speakers that get a colour, sorted by name, and the number of all speakers."""
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
