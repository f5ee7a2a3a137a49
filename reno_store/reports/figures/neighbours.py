"""What a t-SNE picture cannot be trusted with: whether like lies by like in the embeddings.

t-SNE makes clusters of whatever it is given and says nothing with their sizes and distances.
How often a clip's nearest neighbour, in the embeddings themselves, has its label, and how
often its speaker, is a number that can be held against chance.
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
        Clips whose name is known; others are neither asked nor neighbours.
    """

    share: float
    chance: float
    n_clips: int


def standardize(X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give each column mean 0 and standard deviation 1; a constant one becomes 0.

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
    """Draw rows so that each label keeps its share, and at least one clip.

    Parameters
    ----------
    y : numpy.ndarray of str, shape (n,)
        Labels.
    n_clips : int
        How many rows to draw, not fewer than there are labels; all where there are no more.
    seed : int
        Of the draw.

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
    # What rounding down left over goes to the largest remainders, ties to the first label;
    # what "at least one" took too much comes from the largest labels.
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
        Standardised embeddings.
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
    """Choose t-SNE's perplexity: 30, less where there are too few clips for it."""
    return min(_PERPLEXITY, (n_clips - 1) / 3)


def reduce(X: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Take the first 50 principal components, or as many as there are; at least two columns."""
    n_components = min(_N_COMPONENTS, *X.shape)
    reduced = PCA(n_components, svd_solver="auto", random_state=seed).fit_transform(X)
    missing = max(0, 2 - n_components)
    return np.pad(reduced, ((0, 0), (0, missing))).astype(np.float32)


def embed_in_plane(X: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Lay clips out in the plane by t-SNE (van der Maaten and Hinton, 2008).

    It begins at the first two principal components and is the same for the same numbers and
    seed; on another processor, rounding may turn it into another, equally good picture.

    Parameters
    ----------
    X : numpy.ndarray of float32, shape (n_clips, dim)
        Standardised embeddings, of at least four clips; reduced to their first 50 principal
        components where they are wider.
    seed : int

    Returns
    -------
    numpy.ndarray of float32, shape (n_clips, 2)
    """
    if not X.any():  # all clips are the same; nothing has a direction
        return np.zeros((len(X), 2), np.float32)
    reduced = reduce(X, seed)
    spread = float(reduced[:, 0].std())
    start = (reduced[:, :2] * (1e-4 / spread)).astype(np.float32)
    tsne = TSNE(n_components=2, perplexity=perplexity_for(len(X)), init=start, random_state=seed)
    # One thread: on busy cores two wait for each other, and took 20 times as long.
    with threadpool_limits(limits=1):
        plane = tsne.fit_transform(reduced)
    return np.asarray(plane, np.float32)
