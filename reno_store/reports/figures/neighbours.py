"""Whether clips of one label or speaker are near each other in the embeddings.

A t-SNE picture does not show that: it makes clusters of anything, and their sizes and distances
mean nothing. How often a clip's nearest neighbour in the embeddings has its label, or its
speaker, can be compared with chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

__all__ = ["Agreement", "agree", "embed_in_plane", "perplexity_for", "standardize", "subsample"]

_N_COMPONENTS = 50
_PERPLEXITY = 30.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often clips and their nearest neighbours have the same name.

    Attributes
    ----------
    share : float
        Share of the clips whose nearest other clip (Euclidean) has their name, in [0, 1].
    chance : float
        Share for another clip drawn at random.
    n_clips : int
        Clips whose name is known; others are ignored, also as neighbours.
    """

    share: float
    chance: float
    n_clips: int


def standardize(X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each column to mean 0 and standard deviation 1; a constant one becomes 0.

    Parameters
    ----------
    X : numpy.ndarray of float, shape (n_clips, dim)
    """
    wide = np.asarray(X, np.float64)
    spread = wide.std(axis=0)
    # Rounding leaves a constant column a spread of some 1e-16 times its value.
    constant = spread <= 1e-12 * np.abs(wide).max(axis=0, initial=0.0)
    scaled = (wide - wide.mean(axis=0)) / np.where(constant, 1.0, spread)
    scaled[:, constant] = 0.0
    return np.asarray(scaled, np.float32)


def subsample(y: NDArray[np.str_], n_clips: int, seed: int) -> NDArray[np.int64]:
    """Choose rows at random so that each label keeps its share, and at least one clip.

    Parameters
    ----------
    y : numpy.ndarray of str, shape (n,)
        Labels.
    n_clips : int
        How many rows to choose, at least one per label; all rows if there are not more.
    seed : int
        Seed of the choice.

    Returns
    -------
    numpy.ndarray of int64, shape (min(n, n_clips),)
        Sorted row numbers.
    """
    if len(y) <= n_clips:
        return np.arange(len(y))
    labels, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    exact = counts * n_clips / len(y)
    quota = np.maximum(1, exact.astype(np.int64))
    # Rows left over by rounding down go to the largest remainders (ties: the first label); rows
    # too many because of "at least one" come from the largest labels.
    for place in np.argsort(quota - exact, kind="stable")[: max(0, n_clips - quota.sum())]:
        quota[place] += 1
    while quota.sum() > n_clips:
        quota[np.argmax(quota)] -= 1
    rng = np.random.default_rng(seed)
    drawn = [
        rng.choice(np.flatnonzero(codes == code), quota[code], replace=False)
        for code in range(len(labels))
    ]
    return np.sort(np.concatenate(drawn))


def agree(X: NDArray[np.float32], names: NDArray[np.str_]) -> Agreement | None:
    """Compare each clip's name with that of its nearest other clip.

    Parameters
    ----------
    X : numpy.ndarray of float32, shape (n_clips, dim)
        Standardized embeddings.
    names : numpy.ndarray of str, shape (n_clips,)
        Labels or speakers; empty where unknown.

    Returns
    -------
    Agreement or None
        None where fewer than two names are known.
    """
    known = np.flatnonzero(names != "")
    if len(known) < 2:
        return None
    names = names[known]
    finder = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(X[known])
    nearest = finder.kneighbors(return_distance=False)[:, 0]  # of others: no clip is its own
    counts = np.unique(names, return_counts=True)[1].astype(np.float64)
    n = len(names)
    return Agreement(
        share=float(np.mean(names[nearest] == names)),
        chance=float((counts * (counts - 1)).sum() / (n * (n - 1))),
        n_clips=n,
    )


def perplexity_for(n_clips: int) -> float:
    """Return t-SNE's perplexity: 30, or less for few clips."""
    return min(_PERPLEXITY, (n_clips - 1) / 3)


def reduce(X: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Return the first 50 principal components, or fewer; at least two columns."""
    n_components = min(_N_COMPONENTS, *X.shape)
    reduced = PCA(n_components, svd_solver="auto", random_state=seed).fit_transform(X)
    missing = max(0, 2 - n_components)
    return np.pad(reduced, ((0, 0), (0, missing))).astype(np.float32)


def embed_in_plane(X: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Compute places in the plane by t-SNE (van der Maaten and Hinton, 2008).

    It starts at the first two principal components. The same numbers and seed give the same
    places; on another processor, rounding may lead to another, equally good picture.

    Parameters
    ----------
    X : numpy.ndarray of float32, shape (n_clips, dim)
        Standardized embeddings, of at least four clips; reduced to their first 50 principal
        components where they are wider.
    seed : int

    Returns
    -------
    numpy.ndarray of float32, shape (n_clips, 2)
    """
    if not X.any():  # all clips are the same
        return np.zeros((len(X), 2), np.float32)
    reduced = reduce(X, seed)
    spread = float(reduced[:, 0].std())
    start = (reduced[:, :2] * (1e-4 / spread)).astype(np.float32)
    tsne = TSNE(n_components=2, perplexity=perplexity_for(len(X)), init=start, random_state=seed)
    # One thread: on busy cores, two waited for each other and took 20 times as long.
    with threadpool_limits(limits=1):
        plane = tsne.fit_transform(reduced)
    return np.asarray(plane, np.float32)
