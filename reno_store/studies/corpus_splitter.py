"""Protocols across corpora as a scikit-learn splitter, for ``cv=``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.metadata_routing import MetadataRequest

from reno_store.errors import ProtocolError
from reno_store.studies.corpus_pairs import CorpusPair, few_labels, list_pairs, shared_labels
from reno_store.studies.protocols import Fold, check_protocol

__all__ = ["CorpusSplitter"]


class CorpusSplitter:
    """Protocols across corpora as a scikit-learn splitter: ``cv=`` of `cross_val_score`.

    Each fold trains on one corpus and tests on another. Rows whose label is missing on the other
    side are in neither.

    Parameters
    ----------
    protocol : {"cross-corpus", "leave-one-corpus-out"}
        Whether each other corpus is trained on alone, or all together.
    train_on, test_on : str or Sequence[str]
        Corpora to train and to test on; all unless given.

    Raises
    ------
    ProtocolError, UnknownNameError
        If there is no such protocol.

    Examples
    --------
    The groups are the corpora, such as `Samples.corpus` of `EmbeddingStore.load_many`:

    >>> X, y = np.array([[0.0], [1], [0], [1], [2]]), ["cry", "laugh", "cry", "laugh", "sigh"]
    >>> corpus = ["jnv", "jnv", "vivae", "vivae", "vivae"]
    >>> splitter = CorpusSplitter()
    >>> [pair.name for pair in splitter.pairs(corpus)]
    ['jnv → vivae', 'vivae → jnv']
    >>> [test.tolist() for _, test in splitter.split(X, y, corpus)]
    [[2, 3], [0, 1]]
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> probe = KNeighborsClassifier(1)
    >>> cross_val_score(probe, X, y, groups=corpus, cv=splitter).tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        protocol: str = "cross-corpus",
        train_on: str | Sequence[str] = (),
        test_on: str | Sequence[str] = (),
    ) -> None:
        if not check_protocol(protocol).across:
            list_pairs(protocol, ())  # raises, with the choices
        self.protocol = protocol
        self.train_on = (train_on,) if isinstance(train_on, str) else tuple(train_on)
        self.test_on = (test_on,) if isinstance(test_on, str) else tuple(test_on)

    def __repr__(self) -> str:
        return f"CorpusSplitter({self.protocol!r}, {self.train_on!r}, {self.test_on!r})"

    def pairs(self, groups: ArrayLike) -> list[CorpusPair]:
        """Return the pair of each fold, in order.

        Parameters
        ----------
        groups : array-like of str, shape (n_clips,)
            The corpus of each row.
        """
        corpora = np.unique(np.asarray(groups)).tolist()
        return list_pairs(self.protocol, corpora, self.train_on, self.test_on)

    def split(self, X: object, y: ArrayLike, groups: ArrayLike | None = None) -> Iterator[Fold]:
        """Yield the (train, test) row numbers of each fold.

        Parameters
        ----------
        X : object
            Ignored.
        y : array-like of str, shape (n_clips,)
            Labels, in common words.
        groups : array-like of str, shape (n_clips,)
            The corpus of each row.

        Raises
        ------
        ProtocolError
            If there are no groups, fewer than two corpora, or corpora with fewer than two labels
            in common.
        UnknownNameError
            If a corpus to train or to test on is not among the groups.
        """
        if groups is None:
            raise ProtocolError(f"{self!r} needs the corpus of each row; pass it as groups.")
        labels, corpus = np.asarray(y), np.asarray(groups)
        for pair in self.pairs(corpus):
            train, test = np.isin(corpus, pair.train_on), corpus == pair.test_on
            common, _ = shared_labels(labels[train], labels[test])
            if len(common) < 2:
                raise ProtocolError(few_labels(pair, common, labels[train], labels[test]))
            known = np.isin(labels, common)
            yield np.flatnonzero(train & known), np.flatnonzero(test & known)

    def get_n_splits(
        self, X: object = None, y: object = None, groups: ArrayLike | None = None
    ) -> int:
        """Return the number of pairs.

        Raises
        ------
        ProtocolError
            If there are no groups.
        """
        if groups is None:
            raise ProtocolError(f"{self!r} needs the corpus of each row; pass it as groups.")
        return len(self.pairs(groups))

    def get_metadata_routing(self) -> MetadataRequest:
        """Ask scikit-learn's metadata routing for `groups`."""
        routing = MetadataRequest(owner=self)
        routing.split.add_request(param="groups", alias=True)
        return routing
