"""Merging all of a store, or nothing if there are conflicts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reno_store.errors import StoreError, UnknownNameError
from reno_store.exchange.merging.plans import DatasetPlan, refusal
from reno_store.exchange.merging.tables import read_table
from reno_store.runtime.places import Place, open_place
from reno_store.runtime.progress import counting, tell
from reno_store.store import StoreReader, StoreWriter

__all__ = ["MergeReport", "ModelMerge", "merge_stores"]


@dataclass(frozen=True, slots=True)
class ModelMerge:
    """What was merged of one model.

    Attributes
    ----------
    dataset, model : str
        Names; `model` is empty for a dataset without models.
    n_new, n_there : int
        Embeddings copied, and those that both stores had.
    """

    dataset: str
    model: str
    n_new: int
    n_there: int


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What a merge did.

    Attributes
    ----------
    store : Path
        The store that was written to.
    models : tuple[ModelMerge, ...]
        By dataset and model.
    n_new_clips : int
        Clips that the store lacked.
    """

    store: Place
    models: tuple[ModelMerge, ...]
    n_new_clips: int


def merge_stores(
    source: str | Path,
    store: str | Path,
    *,
    datasets: Sequence[str] = (),
    models: Sequence[str] = (),
    progress: bool | None = None,
) -> MergeReport:
    """Merge one store into another.

    Clips of a dataset that both have are matched by their ids, whatever their rows. What only
    one store knows of a clip (a speaker, a column) is filled in. `source` does not change. An
    interrupted merge continues when run again.

    Parameters
    ----------
    source : str or Path
        The store to read from.
    store : str or Path
        The store to write to; created if it does not exist.
    datasets, models : Sequence[str]
        Only these; by default all. With `models`, only datasets that have any.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Returns
    -------
    MergeReport

    Raises
    ------
    MergeConflictError
        If the stores differ in a clip's label, speaker, recording or further column, a model's
        fingerprint, or an embedding. All conflicts are listed; nothing is changed. (Where only
        the path of the same recording differs, the target's is kept.)
    StoreError, UnknownNameError
        If a store cannot be read, or is damaged, or `source` has no such
        dataset or model.
    StaleStoreError
        If another process changes one of the stores during the merge.
    """
    origin, target_place = (
        open_place(source, "store", StoreError),
        open_place(store, "store", StoreError),
    )
    _check_apart(origin, target_place)
    with _reading(origin):
        plans = list(_plans(StoreReader(origin), datasets, models))
    reports, n_new_clips = [], 0
    with StoreWriter.open(target_place, notify=tell) as writer, _reading(origin):
        conflicts = [conflict for plan in plans for conflict in plan.find_conflicts(writer)]
        if conflicts:
            raise refusal(plans[0].reader, writer.reader, conflicts)
        for plan in plans:
            is_there = plan.dataset in writer.reader.datasets
            before = writer.reader.n_clips(plan.dataset) if is_there else 0
            clips = plan.put_clips(writer)
            n_new_clips += len(clips.rows) - before
            if not plan.models:
                reports.append(ModelMerge(plan.dataset, "", 0, 0))
            for model in plan.models:
                label, n_done = f"{plan.dataset}: {model}", plan.n_done(model)
                with (
                    clips.writing(model, *plan.description(model)) as target,
                    counting(label, n_done, unit="clips", show=progress) as counter,
                ):
                    counts = plan.copy(target, model, counter)
                reports.append(ModelMerge(plan.dataset, model, *counts))
    return MergeReport(target_place, tuple(reports), n_new_clips)


def _check_apart(source: Place, store: Place) -> None:
    one, other = source.resolve(), store.resolve()
    if one == other:
        raise StoreError(f"store {store} cannot be merged into itself; use another.")
    if f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/"):
        raise StoreError(f"one of {source} and {store} is inside the other; move it out.")


@contextlib.contextmanager
def _reading(source: Place) -> Iterator[None]:
    """Distinguish unreadable files of the source from those of the target."""
    try:
        yield
    except OSError as error:
        is_of_source = error.filename is not None and (
            not isinstance(source, Path) or Path(error.filename).is_relative_to(source)
        )
        if not is_of_source:
            raise
        raise StoreError(f"store {source} cannot be read: {error.strerror or error}.") from error


def _plans(
    reader: StoreReader, datasets: Sequence[str], models: Sequence[str]
) -> Iterator[DatasetPlan]:
    for name in datasets:
        reader.n_clips(name)  # raises if there is none of that name
    if lost := [name for name in reader.lost_datasets() if not datasets or name in datasets]:
        raise StoreError(f"store {reader.path}: damaged: zarr.json of {lost[0]!r} is lost.")
    there = {name: reader.models(name) for name in datasets or reader.datasets}
    for model in models:
        if not any(model in names for names in there.values()):
            known = {name for names in there.values() for name in names}
            raise UnknownNameError.among(f"model in store {reader.path}:", model, known)
    for name, known_models in there.items():
        chosen = tuple(model for model in known_models if not models or model in models)
        table = read_table(reader, name)
        if table and (chosen or not models):
            yield DatasetPlan(reader, name, chosen, table)
