"""The last request of a store, read from the note that its study left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reno_store.errors import LedgerError, Remedy, RenoStoreError, UnknownNameError
from reno_store.samples import EmbeddingStore, open_store
from reno_store.studies.ledger import Ledger
from reno_store.studies.requests import StudyRequest, results_folder

__all__ = ["LAST_REQUEST", "LastRequest", "find_last_request"]

LAST_REQUEST = "last-request"
"""The ledger's note of the last request."""


@dataclass(frozen=True, slots=True)
class LastRequest:
    """The last request of a store.

    Attributes
    ----------
    store : EmbeddingStore
        The store, open for reading.
    ledger : Ledger
        Where its results are kept.
    request : StudyRequest
        Without datasets that are no longer in the store, and without estimator objects.
    datasets : tuple[str, ...]
        Which of its datasets are wanted.
    notes : tuple[str, ...]
        What was left out.
    """

    store: EmbeddingStore
    ledger: Ledger
    request: StudyRequest
    datasets: tuple[str, ...]
    notes: tuple[str, ...]


def find_last_request(
    store: str | Path, results: str | Path | None = None, datasets: Sequence[str] = ()
) -> LastRequest:
    """Find the last request of a store.

    Parameters
    ----------
    store, results, datasets
        As for `recall_study`.

    Raises
    ------
    LedgerError
        If there was none yet, or the note of it cannot be understood.
    UnknownNameError
        If a dataset was not part of it.
    """
    opened = open_store(store)
    ledger = Ledger(results_folder(store) if results is None else results)
    request, notes = _read(opened, ledger, datasets)
    for name in datasets:
        if name not in request.datasets:
            raise UnknownNameError.among("dataset of the last study", name, request.datasets)
    gone = [name for name in request.datasets if name not in opened.datasets]
    left = [name for name in request.datasets if name not in gone]
    if not left:
        raise LedgerError(
            f"{ledger.folder}: the last study was of {', '.join(gone)}, which are no longer in "
            f"store {opened.path}.",
            _remedy(opened, ledger),
        )
    if gone:
        request = request.of(left)
        notes += (f"No longer in the store, and left out: {', '.join(gone)}.",)
    chosen = tuple(name for name in request.datasets if not datasets or name in datasets)
    return LastRequest(opened, ledger, request, chosen, notes)


def _read(
    store: EmbeddingStore, ledger: Ledger, datasets: Sequence[str]
) -> tuple[StudyRequest, tuple[str, ...]]:
    note = ledger.find_note(LAST_REQUEST)
    if note is None:
        for name in datasets:
            store.check_names(name)
        if ledger.damaged:
            raise LedgerError(
                f"{ledger.damaged[0]}, the note of the last study, is damaged. Its folds are kept.",
                _remedy(store, ledger, datasets),
            )
        raise LedgerError(
            f"no results of store {store.path} in {ledger.folder}.",
            _remedy(store, ledger, datasets),
        )
    try:
        given = [each[0] for each in note["estimators"] if not isinstance(each, str)]
        named = [each for each in note["estimators"] if isinstance(each, str)]
        settings = {name: own for name, own in note.get("settings", {}).items() if name in named}
        request = StudyRequest.from_dict({**note, "estimators": named, "settings": settings})
    except (AttributeError, KeyError, ValueError, TypeError, RenoStoreError) as error:
        raise LedgerError(
            f"{ledger.folder}: the note of the last study cannot be understood "
            f"({str(error).rstrip('.')}). Its folds are kept.",
            _remedy(store, ledger, datasets),
        ) from None
    objects = f"Left out, since they were given as objects: {', '.join(map(str, given))}."
    return request, (objects,) * bool(given)


def _remedy(store: EmbeddingStore, ledger: Ledger, datasets: Sequence[str] = ()) -> Remedy:
    arguments = {"store": str(store.path), "datasets": tuple(datasets) or store.datasets}
    if ledger.folder.resolve() != results_folder(store.path):
        arguments["results"] = str(ledger.folder)
    return Remedy("Run a study", arguments, "run_study")
