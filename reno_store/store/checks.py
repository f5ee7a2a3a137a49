"""What a build compares with a store before it starts and again before it writes."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora import check_name
from reno_store.errors import Remedy, StaleStoreError, StoreError, UnknownNameError, listed
from reno_store.runtime.places import has_files
from reno_store.store.clip_table import Columns, TableChanges, compare_tables
from reno_store.store.fingerprints import fingerprint_differences
from reno_store.store.reader import StoreReader

__all__ = [
    "check_clips",
    "check_model",
    "check_names",
    "check_stored",
    "embedded_rows",
]

_ACCEPT_LABELS = Remedy("Accept the changed labels and speakers", {"refresh": "labels"})
_EMBED_AGAIN = Remedy("Embed the changed recordings again", {"refresh": "audio"})
_OTHER_DATASET = Remedy(
    "Or build another dataset, which reuses the embeddings of identical recordings",
    {"dataset": ...},
)
_NAMED = 20
"""More clips than an error lists."""

_RESTORE_LINES = Remedy("Clips are never removed from a dataset; restore their manifest lines")
_APPEND = Remedy("Or keep them, if the manifest lists only clips to add", {"append": True})


def check_names(
    reader: StoreReader, dataset: str, columns: Iterable[str], models: Iterable[str]
) -> None:
    """Check that names are valid and that no model has the name of a column.

    Models and columns are members of one group, the dataset's.

    Raises
    ------
    ValueError
        If the dataset's or a model's name is not allowed; see `check_name`.
    StoreError
        If a model and a column, of the manifest or of the store, have the same name, or
        one of them has the name of an array that somebody else added.
    """
    check_name("dataset", dataset)
    reader = reader.settled()
    taken, named = set(columns), {check_name("model", model) for model in models}
    if dataset in reader.datasets:
        foreign = set(reader.foreign_arrays(dataset))
        if clashes := sorted(foreign & (taken | named)):
            raise StoreError(
                f"store {reader.path}: dataset {dataset!r} has an array {clashes[0]!r} that is "
                "not reno-store's, so nothing of that name can be stored. Rename the column "
                "or the model, or move the array."
            )
        taken.update(reader.columns(dataset))
        named.update(reader.models(dataset))
    if clashes := sorted(taken & named):
        raise StoreError(
            f"store {reader.path}: dataset {dataset!r} cannot have both a column and a model "
            f"named {clashes[0]!r}. Name the model NAME=SPEC, or rename the manifest's column."
        )


def check_clips(
    reader: StoreReader,
    dataset: str,
    columns: Columns,
    *,
    refresh: Collection[str] = (),
    part: bool = False,
    changes: TableChanges | None = None,
) -> None:
    """Check that a clip table fits the embeddings that are stored.

    Parameters
    ----------
    reader : StoreReader
        The store.
    dataset : str
        Name of the dataset.
    columns : Mapping[str, Sequence[str]]
        Column name -> one string per clip; at least clip_id, label, speaker, audio_sha256.
    refresh : Collection[str]
        What may have changed: ``"labels"`` (speakers too), ``"audio"``.
    part : bool
        Whether the table may lack clips that are stored.
    changes : TableChanges, optional
        How the table differs from the stored one, if that is known.

    Raises
    ------
    StoreError
        If the stored table is damaged.
    StaleStoreError
        If clips have vanished, or labels, speakers or embedded recordings changed. Recordings
        without an embedding of any model may be replaced freely.
    """
    reader = reader.settled()
    if changes is None:
        check_stored(reader, dataset)
        changes = compare_tables(reader, dataset, columns)
    recordings = changes.recordings
    if len(recordings):
        recordings = recordings[embedded_rows(reader, dataset)[recordings]]
    kinds = {"labels": changes.labels, "speakers": changes.speakers, "recordings": recordings}
    problems: list[str] = []
    remedies: dict[str, Remedy] = {}
    if not part and len(vanished := changes.vanished()):
        named = _clips(reader, dataset, vanished)
        problems.append(f"{named} in the store but not in the manifest")
        remedies |= {"vanished": _RESTORE_LINES, "append": _APPEND}
    for kind, rows in kinds.items():
        remedy = _EMBED_AGAIN if kind == "recordings" else _ACCEPT_LABELS
        if len(rows) and remedy.arguments["refresh"] not in refresh:
            problems.append(f"{kind} changed: {_clips(reader, dataset, rows)}")
            remedies[remedy.text] = remedy
    if problems:
        described = "\n  ".join(problems)
        raise StaleStoreError(
            f"store {reader.path}: dataset {dataset!r} was built from something else; nothing "
            f"was changed:\n  {described}",
            *remedies.values(),
            _OTHER_DATASET,
        )


def check_model(
    reader: StoreReader, dataset: str, model: str, fingerprint: Mapping[str, Any]
) -> None:
    """Check that a model is the stored one of that name.

    Raises
    ------
    StaleStoreError
        If the fingerprints differ; each different part is named.
    """
    reader = reader.settled()
    if not reader.has_model(dataset, model):
        return
    stored = reader.fingerprint(dataset, model)
    if differences := fingerprint_differences(stored, fingerprint):
        place = {"store": str(reader.path), "dataset": dataset, "model": model}
        described = "\n  ".join(differences)
        raise StaleStoreError(
            f"store {reader.path}: {model!r} of dataset {dataset!r} was computed by a different "
            f"model; nothing was changed:\n  {described}\nUse another name, NAME=SPEC.",
            Remedy("Or remove the old embeddings", place, "remove_from_store"),
            Remedy("Or compute them again in a build", {"refresh": "model"}),
        )


def check_stored(reader: StoreReader, dataset: str) -> tuple[str, ...]:
    """Check that a stored clip table has all clips of the embeddings, without reading it.

    Returns
    -------
    tuple of str
        The models whose arrays and marks are not damaged.

    Raises
    ------
    StoreError
        If it lost some, or is lost itself.
    """
    if dataset in reader.datasets:
        n_clips, readable = reader.n_clips(dataset), _readable_models(reader, dataset)
        for model in readable:
            with contextlib.suppress(UnknownNameError):  # another process has just removed it
                reader.check_marks(dataset, [model], n_clips)
        return readable
    if has_files(reader.path / dataset):
        raise StoreError(
            f"store {reader.path}: damaged: folder {dataset!r} exists but its zarr.json is "
            "lost. Restore it from a copy, or use another dataset name."
        )
    return ()


def embedded_rows(reader: StoreReader, dataset: str) -> NDArray[np.bool_]:
    """Return which clips have an embedding of any model; all, where marks are damaged."""
    embedded = np.zeros(reader.n_clips(dataset), bool)
    for model in reader.models(dataset):
        try:
            done = reader.done(dataset, model)[: len(embedded)]
        except UnknownNameError:  # another process has just removed it
            continue
        except StoreError:
            done = np.ones(len(embedded), bool)
        embedded |= done
    return embedded


def _readable_models(reader: StoreReader, dataset: str) -> tuple[str, ...]:
    """Return the models of a dataset whose arrays and marks are not damaged."""
    readable = []
    for model in reader.models(dataset):
        with contextlib.suppress(StoreError, UnknownNameError):
            reader.done(dataset, model)
            reader.dim(dataset, model)
            readable.append(model)
    return tuple(readable)


def _clips(reader: StoreReader, dataset: str, rows: NDArray[np.int64]) -> str:
    first = reader.texts_at(dataset, "clip_id", rows[:_NAMED])
    return f"{len(rows):,} clip{'s' * (len(rows) != 1)} ({listed(first, len(rows))})"
