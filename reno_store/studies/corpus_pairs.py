"""Pairs of corpora: which datasets are trained on, and which one is tested.

Under ``cross-corpus`` every dataset is tested with every other one as training data, under
``leave-one-corpus-out`` with all others together. Clips are used where their label occurs on both
sides of a pair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import ProtocolError, UnknownNameError
from reno_store.studies.protocols import PROTOCOLS, check_protocol

__all__ = ["CorpusPair", "Transfer", "few_labels", "list_pairs", "shared_labels"]


@dataclass(frozen=True, slots=True)
class CorpusPair:
    """Training corpora and a test corpus.

    Attributes
    ----------
    train_on : tuple[str, ...]
        Names of datasets, sorted.
    test_on : str
        Name of another dataset.
    """

    train_on: tuple[str, ...]
    test_on: str

    @property
    def name(self) -> str:
        """Its name in tables: ``"jnv + vivae → emogator"``."""
        return f"{' + '.join(self.train_on)} → {self.test_on}"


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a pair of corpora trains and tests on.

    Attributes
    ----------
    pair : CorpusPair
        The datasets.
    n_train : int
        Clips that are trained on.
    train_labels : Mapping[str, int]
        Common label -> clips that are trained on.
    unmatched : Mapping[str, Mapping[str, int]]
        Dataset -> its label that the other side lacks -> clips, which are left out.
    same_ids : tuple[str, ...]
        Speaker ids on both sides, taken as different people.
    unhashed : tuple[str, ...]
        Datasets with clips whose recordings have no hash, so that shared recordings cannot be
        found.
    map_source : str
        The label map; empty where labels match by name.
    unknown : Mapping[str, tuple[str, ...]]
        Dataset -> labels that the map lists and the dataset does not have.
    """

    pair: CorpusPair
    n_train: int = 0
    train_labels: Mapping[str, int] = field(default_factory=dict)
    unmatched: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    same_ids: tuple[str, ...] = ()
    unhashed: tuple[str, ...] = ()
    map_source: str = ""
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def n_unmatched(self) -> int:
        """Clips that are left out because their label is on one side only."""
        return sum(n for own in self.unmatched.values() for n in own.values())


def list_pairs(
    protocol: str,
    corpora: Sequence[str],
    train_on: Sequence[str] = (),
    test_on: Sequence[str] = (),
) -> list[CorpusPair]:
    """List the pairs of a protocol, by training corpora in the order of `corpora`.

    Parameters
    ----------
    protocol : {"cross-corpus", "leave-one-corpus-out"}
        Which.
    corpora : Sequence[str]
        Names of datasets.
    train_on, test_on : Sequence[str]
        Datasets to train and to test on; all unless given.

    Examples
    --------
    >>> [pair.name for pair in list_pairs("cross-corpus", ["jnv", "vivae"])]
    ['jnv → vivae', 'vivae → jnv']
    >>> [pair.name for pair in list_pairs("leave-one-corpus-out", "abc", test_on="c")]
    ['a + b → c']

    Raises
    ------
    ProtocolError
        If the protocol does not divide by corpora, or there is no pair.
    UnknownNameError
        If a dataset to train or to test on is not among the corpora.
    """
    if not check_protocol(protocol).across:
        across = ", ".join(name for name, each in PROTOCOLS.items() if each.across)
        raise ProtocolError(f"protocol {protocol} does not divide by corpora; expected {across}.")
    for name in (*train_on, *test_on):
        if name not in corpora:
            raise UnknownNameError.among("dataset", name, corpora)
    trained, tested = train_on or corpora, test_on or corpora
    if protocol == "cross-corpus":
        pairs = [CorpusPair((one,), other) for one in trained for other in tested if one != other]
    else:
        others = {other: tuple(sorted(set(trained) - {other})) for other in tested}
        pairs = [CorpusPair(names, other) for other, names in others.items() if names]
    if not pairs:
        raise ProtocolError(
            f"protocol {protocol} trains on one dataset and tests on another; expected two "
            f"datasets or more, got {', '.join(dict.fromkeys((*trained, *tested)))}."
        )
    return pairs


def shared_labels(
    train: NDArray[np.str_], test: NDArray[np.str_], min_clips: int = 1
) -> tuple[NDArray[np.str_], dict[str, int]]:
    """Return the labels that both sides have, and those of them that are too rare.

    Parameters
    ----------
    train, test : numpy.ndarray of str
        Labels of the clips on either side; empty ones are left out.
    min_clips : int
        How many clips a label needs on each side.

    Returns
    -------
    labels : numpy.ndarray of str
        Sorted.
    rare : dict of str to int
        Label with fewer clips on some side -> its clips on both.
    """
    counts = [
        dict(zip(*(each.tolist() for each in np.unique(side, return_counts=True)), strict=True))
        for side in (train, test)
    ]
    both = sorted((counts[0].keys() & counts[1].keys()) - {""})
    rare = {
        label: sum(side[label] for side in counts)
        for label in both
        if min(side[label] for side in counts) < min_clips
    }
    return np.array([label for label in both if label not in rare], np.str_), rare


def few_labels(
    pair: CorpusPair,
    common: NDArray[np.str_],
    train: NDArray[np.str_],
    test: NDArray[np.str_],
) -> str:
    """Say that a pair has too few labels in common, and which labels either side has."""
    sides = (sorted(set(side.tolist()) - {""}) for side in (train, test))
    trained, tested = (", ".join(names) or "none" for names in sides)
    return (
        f"{pair.name}: expected two labels or more in common, got "
        f"{', '.join(common.tolist()) or 'none'}. Trained on: {trained}. Tested: {tested}."
    )
