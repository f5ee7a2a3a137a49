"""What was asked of a store last, read from the note that a study left."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reno_store.errors import LedgerError, RenoStoreError, UnknownNameError
from reno_store.samples import EmbeddingStore, open_store
from reno_store.studies.ledger import Ledger
from reno_store.studies.requests import StudyRequest, results_folder

__all__ = ["LAST_REQUEST", "LastRequest", "find_last_request"]

LAST_REQUEST = "last-request"
"""The ledger's note of what was asked last."""


@dataclass(frozen=True, slots=True)
class LastRequest:
    """What was asked last.

    Attributes
    ----------
    store : EmbeddingStore
        The store, open for reading.
    ledger : Ledger
        Where its results are kept.
    request : StudyRequest
        Without datasets that the store no longer has.
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
    """Find what was asked last.

    Parameters
    ----------
    store, results, datasets
        As for `recall_study`.

    Raises
    ------
    LedgerError
        If nothing was asked yet, or what was asked cannot be understood.
    UnknownNameError
        If a dataset was not part of it.
    """
    opened = open_store(store)
    ledger = Ledger(results_folder(store) if results is None else results)
    request = _last_request(opened, ledger, datasets)
    for name in datasets:
        if name not in request.datasets:
            raise UnknownNameError.among("dataset of the last tables", name, request.datasets)
    request, notes = _without_what_has_gone(opened, ledger, request)
    chosen = tuple(name for name in request.datasets if not datasets or name in datasets)
    return LastRequest(opened, ledger, request, chosen, notes)


def _last_request(store: EmbeddingStore, ledger: Ledger, datasets: Sequence[str]) -> StudyRequest:
    told = ledger.find_note(LAST_REQUEST)
    if told is None:
        for name in datasets:
            store.check_names(name)
        command = _command(store, ledger, datasets)
        if ledger.damaged:
            raise LedgerError(
                f"{ledger.damaged[0]}, the note of what was asked last, is damaged. The folds are "
                f"kept; ask again: {command}"
            )
        raise LedgerError(
            f"no results of store {store.path} in {ledger.folder}. Compute them first: {command}"
        )
    try:
        return StudyRequest.from_dict(told)
    except (ValueError, TypeError, RenoStoreError) as error:
        raise LedgerError(
            f"{ledger.folder}: the note of what was asked last cannot be understood "
            f"({str(error).rstrip('.')}). The folds are kept; ask again: "
            f"{_command(store, ledger, datasets)}"
        ) from None


def _command(store: EmbeddingStore, ledger: Ledger, datasets: Sequence[str] = ()) -> str:
    """Write the command that asks for tables of a store, kept where the ledger is."""
    words = ["reno-store", "tables", str(store.path), *(datasets or store.datasets)]
    if ledger.folder.resolve() != results_folder(store.path):
        words += ["--results", str(ledger.folder)]
    return shlex.join(words)


def _without_what_has_gone(
    store: EmbeddingStore, ledger: Ledger, request: StudyRequest
) -> tuple[StudyRequest, tuple[str, ...]]:
    """Leave datasets out that the store no longer has."""
    gone = [name for name in request.datasets if name not in store.datasets]
    if not gone:
        return request, ()
    there = [name for name in request.datasets if name not in gone]
    if not there:
        raise LedgerError(
            f"{ledger.folder}: the last tables were of {', '.join(gone)}, which store "
            f"{store.path} no longer has. Ask again: {_command(store, ledger)}"
        )
    return request.of(there), (f"No longer in the store, and left out: {', '.join(gone)}.",)
