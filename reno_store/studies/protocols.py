"""Protocols: how clips are divided into folds, and what their scores mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import ProtocolError, Remedy, UnknownNameError

__all__ = ["PROTOCOLS", "Fold", "Protocol", "check_protocol", "check_protocol_within", "split"]

Fold: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Row numbers to train on, and row numbers to test on."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """A way to make folds.

    Attributes
    ----------
    name : str
        Its name in requests.
    description : str
        A description for people.
    speaker_disjoint : bool
        Whether no speaker is on both sides of a fold; then early stopping holds out
        whole speakers too.
    one_fold_a_speaker : bool
        Whether each fold tests one speaker; then there are as many folds as speakers, and
        a seed makes no difference to them.
    across : bool
        Whether it trains on some datasets and tests on another, in one fold per seed.
    """

    name: str
    description: str
    speaker_disjoint: bool
    one_fold_a_speaker: bool = False
    across: bool = False


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        protocol.name: protocol
        for protocol in (
            Protocol(
                "paper",
                "stratified by label and shuffled; a speaker may be on both sides, so scores may "
                "come from knowing the voice",
                speaker_disjoint=False,
            ),
            Protocol(
                "speaker",
                "stratified by label and shuffled, with no speaker on both sides: scores are "
                "for voices never heard in training",
                speaker_disjoint=True,
            ),
            Protocol(
                "loso",
                "one speaker left out in each fold and trained on all others (leave one speaker "
                "out): scores are for voices never heard in training, and differ between folds "
                "as speakers do",
                speaker_disjoint=True,
                one_fold_a_speaker=True,
            ),
            Protocol(
                "cross-corpus",
                "trained on all clips of one corpus and tested on all of another, with the labels "
                "that both have: scores are for other voices, other recordings and other "
                "instructions",
                speaker_disjoint=True,
                across=True,
            ),
            Protocol(
                "leave-one-corpus-out",
                "trained on all other corpora together and tested on one, with the labels that "
                "both sides have: scores are for other voices, other recordings and other "
                "instructions",
                speaker_disjoint=True,
                across=True,
            ),
        )
    }
)


_USE_PAPER = Remedy("Use the paper's protocol", {"protocol": "paper"})
_LEAVE_LABEL_OUT = Remedy("Leave the label out of the manifest")


def check_protocol(name: str) -> Protocol:
    """Return the protocol of a name, or raise `UnknownNameError` with the choices."""
    if name not in PROTOCOLS:
        raise UnknownNameError.among("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]


def check_protocol_within(name: str) -> Protocol:
    """Return a protocol that divides a single dataset; raise `ProtocolError` for another."""
    protocol = check_protocol(name)
    if protocol.across:
        raise ProtocolError(
            f"protocol {name} takes several datasets, and these clips are of one.",
            Remedy("Divide the rows of several datasets with CorpusSplitter"),
            _USE_PAPER,
        )
    return protocol


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
        A name in `PROTOCOLS` that divides a single dataset.
    y : numpy.ndarray of str, shape (n_clips,)
        Labels.
    groups : numpy.ndarray of str, shape (n_clips,), or None
        Speakers; the protocols ``speaker`` and ``loso`` need all of them.
    n_folds : int
        Number of folds, at least 2. ``loso`` has one per speaker, in the order of their names,
        whatever this is.
    seed : int
        Seeds the shuffling; ``loso`` has none.

    Returns
    -------
    list of (train, test)
        Row numbers; every row is tested once, and every class is in each training side.

    Raises
    ------
    ProtocolError
        If the protocol takes several datasets, a class has fewer clips than folds, or, for
        ``speaker`` and ``loso``, a clip's speaker is unknown, there are too few speakers, or a
        class would be missing from a training side.
    """
    # Here, so that a protocol can be checked without waiting for scikit-learn.
    from sklearn.model_selection import LeaveOneGroupOut, StratifiedGroupKFold, StratifiedKFold

    chosen = check_protocol_within(protocol)
    if chosen.one_fold_a_speaker:
        _check_labels(y)
        speakers = _known_speakers(y, groups)
        _check_that_speakers_can_be_left_out(speakers)
        folds = list(LeaveOneGroupOut().split(y, y, speakers))
        why = "only the speaker left out has it."
        remedies: tuple[Remedy, ...] = (_LEAVE_LABEL_OUT,)
    else:
        if n_folds < 2:
            raise ProtocolError(f"{n_folds} folds are too few; expected at least 2.")
        _check_labels(y)
        _check_classes(y, n_folds)
        if not chosen.speaker_disjoint:
            splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
            return list(splitter.split(y, y))
        speakers = _known_speakers(y, groups)
        _check_that_speakers_fill_folds(speakers, n_folds)
        splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
        folds = list(splitter.split(y, y, speakers))
        why = "too few speakers have it."
        remedies = (
            Remedy("Use fewer folds", {"n_folds": ...}),
            Remedy("Use another seed", {"seed": ...}),
            _LEAVE_LABEL_OUT,
        )
    _check_training_sides(y, folds, why, remedies)
    return folds


def _check_labels(y: NDArray[np.str_]) -> None:
    labels = np.unique(y)
    if len(labels) < 2:
        raise ProtocolError(
            f"all {len(y)} clips have the label {str(labels[0])!r}; expected 2 or more."
        )


def _check_classes(y: NDArray[np.str_], n_folds: int) -> None:
    labels, counts = np.unique(y, return_counts=True)
    few = [
        f"{label!s} ({count})"
        for label, count in zip(labels, counts, strict=True)
        if count < n_folds
    ]
    if few:
        most = int(counts.min())
        fewer = Remedy("Use fewer folds", {"n_folds": most}) if most > 1 else Remedy("Record more")
        raise ProtocolError(
            f"these labels have fewer clips than the {n_folds} folds: {', '.join(few)}.",
            fewer,
            Remedy("Leave them out", {"min_clips": n_folds}),
        )


def _known_speakers(y: NDArray[np.str_], groups: NDArray[np.str_] | None) -> NDArray[np.str_]:
    n_unknown = len(y) if groups is None else int((groups == "").sum())
    if groups is None or n_unknown:
        raise ProtocolError(
            f"the speaker of {n_unknown:,} of {len(y):,} clips is unknown, so folds cannot be "
            "speaker-disjoint.",
            Remedy(
                "Fill in the manifest's column 'speaker' and build again", {"refresh": "labels"}
            ),
            _USE_PAPER,
        )
    return groups


def _check_that_speakers_fill_folds(speakers: NDArray[np.str_], n_folds: int) -> None:
    n_speakers = len(np.unique(speakers))
    if n_speakers < n_folds:
        instead = (
            Remedy("Use fewer folds", {"n_folds": n_speakers}),
            Remedy("Leave one speaker out in each fold", {"protocol": "loso"}),
        )
        raise ProtocolError(
            f"{n_speakers} speakers cannot be divided into {n_folds} speaker-disjoint folds.",
            *(instead if n_speakers > 1 else (_USE_PAPER,)),
        )


def _check_that_speakers_can_be_left_out(speakers: NDArray[np.str_]) -> None:
    if len(np.unique(speakers)) < 2:
        raise ProtocolError(
            f"all {len(speakers)} clips are of speaker {str(speakers[0])!r}, so none can be left "
            "out; expected 2 speakers or more.",
            _USE_PAPER,
        )


def _check_training_sides(
    y: NDArray[np.str_], folds: list[Fold], why: str, remedies: tuple[Remedy, ...]
) -> None:
    for number, (train, _) in enumerate(folds, start=1):
        lost = sorted(set(y.tolist()) - set(y[train].tolist()))
        if lost:
            raise ProtocolError(
                f"fold {number} of {len(folds)} leaves no clip of {', '.join(map(repr, lost))} to "
                f"train on: {why}",
                *remedies,
            )
