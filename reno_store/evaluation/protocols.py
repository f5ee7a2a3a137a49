"""Protocols: how clips are divided into folds, and what that allows one to conclude."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from reno_store.errors import ProtocolError, UnknownNameError

__all__ = ["PROTOCOLS", "Fold", "Protocol", "check_protocol", "split"]

Fold: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Row numbers to train on, and row numbers to test on."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """A way to make folds.

    Attributes
    ----------
    name : str
        What a user types.
    description : str
        What it does, in words.
    speaker_disjoint : bool
        Whether no speaker stands on both sides of a fold; then early stopping holds out
        whole speakers too.
    """

    name: str
    description: str
    speaker_disjoint: bool


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        protocol.name: protocol
        for protocol in (
            Protocol(
                "paper",
                "stratified by label and shuffled; a speaker may stand on both sides, so "
                "scores may rest on knowing the voice",
                speaker_disjoint=False,
            ),
            Protocol(
                "speaker",
                "stratified by label and shuffled, with no speaker on both sides: scores are "
                "for voices never heard in training",
                speaker_disjoint=True,
            ),
        )
    }
)


def check_protocol(name: str) -> Protocol:
    """Find a protocol by name, or raise `UnknownNameError` with the choices."""
    if name not in PROTOCOLS:
        raise UnknownNameError.among("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]


def split(
    protocol: str,
    y: NDArray[np.str_],
    groups: NDArray[np.str_] | None,
    *,
    n_folds: int = 5,
    seed: int = 0,
) -> list[Fold]:
    """Divide clips into folds.

    Parameters
    ----------
    protocol : str
        A name in `PROTOCOLS`.
    y : numpy.ndarray of str, shape (n_clips,)
        Labels.
    groups : numpy.ndarray of str, shape (n_clips,), or None
        Speakers; the protocol ``speaker`` needs every one.
    n_folds : int
        How many folds, at least 2.
    seed : int
        Seeds the shuffling.

    Returns
    -------
    list of (train, test)
        Row numbers; every row is tested once, and every class is in each training side.

    Raises
    ------
    ProtocolError
        If a class has fewer clips than folds, or, for ``speaker``, a clip's speaker is
        unknown, there are fewer speakers than folds, or a class would be missing from a
        training side.
    """
    chosen = check_protocol(protocol)
    if n_folds < 2:
        raise ProtocolError(f"{n_folds} folds are too few; expected at least 2.")
    _check_classes(y, n_folds)
    if not chosen.speaker_disjoint:
        splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
        return list(splitter.split(y, y))
    speakers = _checked_speakers(y, groups, n_folds)
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    folds = list(splitter.split(y, y, speakers))
    for number, (train, _) in enumerate(folds, start=1):
        lost = sorted(set(y.tolist()) - set(y[train].tolist()))
        if lost:
            raise ProtocolError(
                f"fold {number} of {n_folds} leaves no clip of {', '.join(map(repr, lost))} to "
                "train on: too few speakers show it. Use fewer folds, another seed, or leave "
                "the label out of the manifest."
            )
    return folds


def _check_classes(y: NDArray[np.str_], n_folds: int) -> None:
    labels, counts = np.unique(y, return_counts=True)
    if len(labels) < 2:
        raise ProtocolError(
            f"all {len(y)} clips have the label {str(labels[0])!r}; expected 2 or more."
        )
    few = [
        f"{label!s} ({count})"
        for label, count in zip(labels, counts, strict=True)
        if count < n_folds
    ]
    if few:
        fewer = f"Use at most {counts.min()} folds (--folds)" if counts.min() > 1 else "Record more"
        raise ProtocolError(
            f"these labels have fewer clips than the {n_folds} folds: {', '.join(few)}. "
            f"{fewer}, or leave them out of the manifest."
        )


def _checked_speakers(
    y: NDArray[np.str_], groups: NDArray[np.str_] | None, n_folds: int
) -> NDArray[np.str_]:
    n_unknown = len(y) if groups is None else int((groups == "").sum())
    if groups is None or n_unknown:
        raise ProtocolError(
            f"the speaker of {n_unknown:,} of {len(y):,} clips is unknown, so folds cannot be "
            "speaker-disjoint. Fill in the manifest's column 'speaker' and build again "
            "with --refresh labels, or use --protocol paper."
        )
    n_speakers = len(np.unique(groups))
    if n_speakers < n_folds:
        instead = f"Use --folds {n_speakers}: leave one speaker out"
        raise ProtocolError(
            f"{n_speakers} speakers cannot be divided into {n_folds} speaker-disjoint folds. "
            f"{instead if n_speakers > 1 else 'Use --protocol paper'}."
        )
    return groups
