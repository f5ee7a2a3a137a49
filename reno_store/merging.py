"""One store into another: what both say of a clip or a model must be the same.

Data walks: both clip tables -> one table, or conflicts -> both models' fingerprints and the
embeddings that both have, or conflicts -> nothing yet touched -> the clip axis -> rows that
the target lacks, a piece at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import (
    MergeConflictError,
    StaleStoreError,
    StoreError,
    UnknownNameError,
    listed,
)
from reno_store.manifests.names import check_column
from reno_store.progress import Counter, counting, tell
from reno_store.store import StoreReader, StoreWriter, fingerprint_differences

__all__ = ["MergeReport", "ModelMerge", "merge_stores"]

_ROWS_AT_A_TIME = 16_384
_KEY = ("clip_id", "audio_sha256")
_INTERNAL = ("clip_id", "label", "speaker", "path", "audio_sha256")
# One model on two machines agrees to rounding; what differs by more is not the same.
_TOLERANCE = {"float32": 1e-3}
_LOWER_TOLERANCE = 5e-2


@dataclass(frozen=True, slots=True)
class ModelMerge:
    """What was merged of one model.

    Attributes
    ----------
    dataset, model : str
        Names; `model` is empty for a dataset without models.
    n_new, n_there : int
        Embeddings that were copied, and those that both stores had.
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
        Clips that the store did not have.
    """

    store: Path
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
    """Bring what one store holds into another.

    Clips of a dataset that both have are found by their ids, whatever rows they stand in.
    What one store knows of a clip and the other does not (a speaker, a column) is filled in.
    Nothing is taken out of `source`. A merge that was cut off goes on when run again.

    Parameters
    ----------
    source : str or Path
        The store to read from.
    store : str or Path
        The store to write to; made where it is missing.
    datasets, models : Sequence[str]
        Only these; all of them unless given.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Returns
    -------
    MergeReport

    Raises
    ------
    MergeConflictError
        If the stores say different things: a clip's label, speaker, recording or further
        column, a model's fingerprint, an embedding. All conflicts are named; nothing is
        changed.
    StoreError, UnknownNameError
        If a store cannot be read, or `source` has no such dataset or model.
    StaleStoreError
        If another process changes one of the stores meanwhile.
    """
    source, store = Path(source), Path(store)
    if source.resolve() == store.resolve():
        raise StoreError(f"store {store} cannot be merged into itself; name another.")
    reader = StoreReader(source)
    plans = list(_plans(reader, datasets, models))
    reports, n_new_clips = [], 0
    with StoreWriter.open(store, tell=tell) as writer:
        conflicts = [conflict for plan in plans for conflict in plan.find_conflicts(writer)]
        if conflicts:
            told = "\n  ".join(conflicts)
            raise MergeConflictError(
                f"{source} and {store} do not agree; nothing was changed:\n  {told}\nMend one of "
                "them, or merge only what agrees: --dataset, --model."
            )
        for plan in plans:
            before = plan.n_clips(writer.reader)
            # Labels and speakers were compared: what changes is only filled in.
            rows = writer.put_clips(plan.dataset, plan.union(writer.reader), refresh={"labels"})
            n_new_clips += len(rows) - before
            reports += [plan.copy(writer, model, progress) for model in plan.models]
            if not plan.models:
                reports.append(ModelMerge(plan.dataset, "", 0, 0))
    return MergeReport(store, tuple(reports), n_new_clips)


def _plans(reader: StoreReader, datasets: Sequence[str], models: Sequence[str]) -> Iterator[_Plan]:
    for name in datasets:
        reader.n_clips(name)  # raises if there is none of that name
    chosen = datasets or reader.datasets()
    there = {name: reader.models(name) for name in chosen}
    for model in models:
        if not any(model in names for names in there.values()):
            known = {name for names in there.values() for name in names}
            raise UnknownNameError.among(f"model in store {reader.path}:", model, known)
    for name in chosen:
        names = tuple(model for model in there[name] if not models or model in models)
        table = _table(reader, name)
        ids = table.get("clip_id", [])
        if len(set(ids)) < len(ids):
            raise StoreError(f"store {reader.path}: damaged: dataset {name!r} has ids twice.")
        if ids:
            yield _Plan(reader, name, names, table)


def _table(reader: StoreReader, dataset: str) -> dict[str, list[str]]:
    if dataset not in reader.datasets() or not reader.n_clips(dataset):
        return {}
    columns = reader.columns(dataset)
    for column in columns:
        if column not in _INTERNAL and (problem := check_column(column)):
            raise StoreError(f"store {reader.path}: dataset {dataset!r}: {problem}.")
    return {column: reader.texts(dataset, column) for column in columns}


@dataclass(frozen=True, slots=True)
class _Plan:
    """One dataset of the source, as it was when the merge began."""

    reader: StoreReader
    dataset: str
    models: tuple[str, ...]
    table: dict[str, list[str]]

    def n_clips(self, target: StoreReader) -> int:
        """How many clips the target has of the dataset."""
        return target.n_clips(self.dataset) if self.dataset in target.datasets() else 0

    def find_conflicts(self, writer: StoreWriter) -> Iterator[str]:
        """Compare everything that both stores have; one sentence a kind of conflict."""
        target = writer.reader
        there = _table(target, self.dataset)
        writer.check_names(self.dataset, {*self.table, *there}, self.models)
        row_there = {clip_id: row for row, clip_id in enumerate(there.get("clip_id", ()))}
        rows = [
            (row, row_there[clip_id])
            for row, clip_id in enumerate(self.table["clip_id"])
            if clip_id in row_there
        ]
        for column in sorted(self.table.keys() & there.keys()):
            ours, theirs = self.table[column], there[column]
            differ = [
                self.table["clip_id"][row]
                for row, other in rows
                if ours[row] and theirs[other] and ours[row] != theirs[other]
            ]
            if differ:
                yield f"{self.dataset}: {column} of {len(differ):,} clips ({listed(differ)})"
        known = target.models(self.dataset) if there else ()
        for model in self.models:
            if model in known:
                yield from self._model_conflicts(target, model, rows)

    def _model_conflicts(
        self, target: StoreReader, model: str, rows: Sequence[tuple[int, int]]
    ) -> Iterator[str]:
        fingerprint = self.reader.fingerprint(self.dataset, model)
        theirs = target.fingerprint(self.dataset, model)
        differences = fingerprint_differences(theirs, fingerprint)
        yield from (f"{self.dataset}: {model} is another model: {each}" for each in differences)
        if differences or not rows:
            return
        tolerance = _TOLERANCE.get(str(fingerprint.get("precision")), _LOWER_TOLERANCE)
        pairs = np.array(rows, np.int64)
        both = self.reader.done(self.dataset, model)[pairs[:, 0]]
        both &= target.done(self.dataset, model)[pairs[:, 1]]
        pairs = pairs[both]
        differ: list[str] = []
        for start in range(0, len(pairs), _ROWS_AT_A_TIME):
            piece = pairs[start : start + _ROWS_AT_A_TIME]
            ours = self.reader.embeddings(self.dataset, model, piece[:, 0])
            there = target.embeddings(self.dataset, model, piece[:, 1])
            if ours.shape != there.shape:
                yield f"{self.dataset}: {model} has {ours.shape[1]} numbers, {there.shape[1]} there"
                return
            error = np.linalg.norm(ours - there, axis=1)
            bad = piece[error > tolerance * np.linalg.norm(there, axis=1), 0]
            differ += [self.table["clip_id"][row] for row in bad.tolist()]
        if differ:
            yield f"{self.dataset}: {model}: embeddings of {len(differ):,} clips ({listed(differ)})"

    def union(self, target: StoreReader) -> dict[str, list[str]]:
        """Put both tables together: the target's clips first, in its order."""
        there = _table(target, self.dataset)
        ids = list(dict.fromkeys([*there.get("clip_id", ()), *self.table["clip_id"]]))
        return {
            column: _filled(ids, _by_id(there, column), _by_id(self.table, column))
            for column in sorted({*there, *self.table})
        }

    def copy(self, writer: StoreWriter, model: str, progress: bool | None) -> ModelMerge:
        """Copy the embeddings that the target lacks."""
        fingerprint = self.reader.fingerprint(self.dataset, model)
        n_clips = len(self.table["clip_id"])
        ours = np.flatnonzero(self.reader.done(self.dataset, model)[:n_clips])
        with (
            writer.working_on(self.dataset, model),
            counting(f"{self.dataset}: {model}", len(ours), unit="clips", show=progress) as counter,
        ):
            dim = self.reader.dim(self.dataset, model)
            writer.add_model(self.dataset, model, fingerprint, dim)
            ids = writer.reader.texts(self.dataset, "clip_id")
            row_of = {clip_id: row for row, clip_id in enumerate(ids)}
            theirs = np.array([row_of[self.table["clip_id"][row]] for row in ours], np.int64)
            is_missing = np.isin(theirs, writer.missing(self.dataset, model, theirs))
            counter.advance(int((~is_missing).sum()))
            self._copy_rows(writer, model, ours[is_missing], theirs[is_missing], counter)
        return ModelMerge(self.dataset, model, int(is_missing.sum()), int((~is_missing).sum()))

    def _copy_rows(
        self,
        writer: StoreWriter,
        model: str,
        ours: NDArray[np.int64],
        theirs: NDArray[np.int64],
        counter: Counter,
    ) -> None:
        fingerprint = self.reader.fingerprint(self.dataset, model)
        for start in range(0, len(ours), _ROWS_AT_A_TIME):
            piece = slice(start, start + _ROWS_AT_A_TIME)
            embeddings = self.reader.embeddings(self.dataset, model, ours[piece])
            # A build may have taken over other recordings, or another model, in between.
            now = {name: self.reader.texts(self.dataset, name) for name in _KEY}
            changed: list[Any] = fingerprint_differences(
                fingerprint, self.reader.fingerprint(self.dataset, model)
            )
            changed += [
                row
                for row in ours[piece].tolist()
                if any(now[name][row] != self.table[name][row] for name in _KEY)
            ]
            if changed:
                raise StaleStoreError(
                    f"store {self.reader.path}: dataset {self.dataset!r} was changed by another "
                    "process while it was merged. What was merged is whole; merge again."
                )
            writer.put_embeddings(self.dataset, model, theirs[piece], embeddings)
            counter.advance(len(embeddings))


def _by_id(table: dict[str, list[str]], column: str) -> dict[str, str]:
    if column not in table:
        return {}
    return dict(zip(table["clip_id"], table[column], strict=True))


def _filled(ids: Iterable[str], first: dict[str, str], second: dict[str, str]) -> list[str]:
    return [first.get(clip_id) or second.get(clip_id, "") for clip_id in ids]
