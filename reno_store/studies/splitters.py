"""Protocols as scikit-learn splitters, for ``cv=``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.metadata_routing import MetadataRequest

from reno_store.errors import ProtocolError
from reno_store.studies.protocols import PROTOCOLS, Fold, check_protocol_within, split

__all__ = ["ProtocolSplitter"]


class ProtocolSplitter:
    """A protocol as a scikit-learn splitter: ``cv=`` of `cross_val_score`, `GridSearchCV`.

    It makes the folds of `split`, with its checks.

    Parameters
    ----------
    protocol : str
        A name in `PROTOCOLS`; `CorpusSplitter` has those across corpora.
    n_folds : int
        Number of folds; ``loso`` has one per speaker.
    seed : int
        Seeds the shuffling.

    Raises
    ------
    UnknownNameError
        If there is no such protocol.
    ProtocolError
        If it divides several datasets.

    Examples
    --------
    >>> y, speakers = np.array(["cry", "laugh"] * 4), np.repeat(["ann", "bo"], 4)
    >>> splitter = ProtocolSplitter("loso")
    >>> [set(speakers[test].tolist()) for _, test in splitter.split(y, y, speakers)]
    [{'ann'}, {'bo'}]
    """

    def __init__(self, protocol: str = "paper", n_folds: int = 5, seed: int = 0) -> None:
        self.protocol = check_protocol_within(protocol).name
        self.n_folds = n_folds
        self.seed = seed

    def __repr__(self) -> str:
        return f"ProtocolSplitter({self.protocol!r}, n_folds={self.n_folds}, seed={self.seed})"

    def split(self, X: object, y: ArrayLike, groups: ArrayLike | None = None) -> Iterator[Fold]:
        """Yield the (train, test) row numbers of each fold.

        Parameters
        ----------
        X : object
            Ignored.
        y : array-like of str, shape (n_clips,)
            Labels.
        groups : array-like of str, shape (n_clips,), optional
            Speakers.

        Raises
        ------
        ProtocolError
            If the clips cannot be divided so.
        """
        speakers = None if groups is None else np.asarray(groups)
        folds = split(self.protocol, np.asarray(y), speakers, n_folds=self.n_folds, seed=self.seed)
        return iter(folds)

    def get_n_splits(
        self, X: object = None, y: object = None, groups: ArrayLike | None = None
    ) -> int:
        """Return the number of folds; for ``loso`` it depends on the speakers.

        Raises
        ------
        ProtocolError
            If the protocol has one fold per speaker and `groups` is not given.
        """
        if not PROTOCOLS[self.protocol].one_fold_a_speaker:
            return self.n_folds
        if groups is None:
            raise ProtocolError(
                f"protocol {self.protocol} has one fold per speaker; pass the speakers as groups."
            )
        return len(np.unique(np.asarray(groups)))

    def get_metadata_routing(self) -> MetadataRequest:
        """Ask scikit-learn's metadata routing for `groups`."""
        routing = MetadataRequest(owner=self)
        routing.split.add_request(param="groups", alias=True)
        return routing
