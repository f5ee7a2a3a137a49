"""One dataset of the source: compared with the target, then copied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import (
    MergeConflictError,
    Remedy,
    StaleStoreError,
    StoreError,
    listed,
)
from reno_store.exchange.merging.tables import read_table, table_conflicts, union
from reno_store.runtime.progress import Counter
from reno_store.store import (
    ModelWriter,
    StoredClips,
    StoreReader,
    StoreWriter,
    check_names,
    fingerprint_differences,
)

__all__ = ["DatasetPlan", "refusal"]

_ROWS_AT_A_TIME = 16_384
_HASH = "audio_sha256"
# One model on two machines agrees up to rounding.
_TOLERANCES = {"float32": 1e-3, "bfloat16": 5e-2, "float16": 5e-2}


def refusal(source: StoreReader, target: StoreReader, conflicts: Sequence[str]) -> StoreError:
    """Return an error that lists the conflicts of two stores."""
    described = "\n  ".join(conflicts)
    return MergeConflictError(
        f"{source.path} and {target.path} do not agree; nothing was changed:\n  {described}",
        Remedy("Correct one of them"),
        Remedy("Or merge only what agrees", {"datasets": ..., "models": ...}),
    )


@dataclass(frozen=True, slots=True)
class DatasetPlan:
    """What to merge of one dataset, as the source was when the merge began.

    Attributes
    ----------
    reader : StoreReader
        The source.
    dataset : str
        Name of the dataset.
    models : tuple[str, ...]
        Names of the models to merge.
    table : dict of str to list of str
        Its clip table.
    """

    reader: StoreReader
    dataset: str
    models: tuple[str, ...]
    table: dict[str, list[str]]

    def find_conflicts(self, writer: StoreWriter) -> Iterator[str]:
        """Compare everything that both stores have, and read everything to copy.

        Raises
        ------
        StoreError
            If either store is damaged.
        """
        there = read_table(writer.reader, self.dataset)
        check_names(writer.reader, self.dataset, {*self.table, *there}, self.models)
        yield from table_conflicts(self.dataset, self.table, there)
        known = writer.reader.models(self.dataset) if there else ()
        for model in self.models:
            target = writer.reader if model in known else None
            yield from self._model_conflicts(target, model, there.get("clip_id", []))

    def put_clips(self, writer: StoreWriter) -> StoredClips:
        """Update the target's clip table to the union; compare again, as it may have changed."""

        def combine(there: dict[str, list[str]]) -> Mapping[str, Sequence[str]]:
            if conflicts := table_conflicts(self.dataset, self.table, there):
                raise refusal(self.reader, writer.reader, conflicts)
            return union(self.table, there)

        return writer.fill_clips(self.dataset, combine)

    def description(self, model: str) -> tuple[dict[str, Any], int]:
        """Return a model's fingerprint and the length of its embeddings."""
        return self.reader.fingerprint(self.dataset, model), self.reader.dim(self.dataset, model)

    def copy(self, target: ModelWriter, model: str, counter: Counter) -> tuple[int, int]:
        """Copy what the target lacks; return how many embeddings that were, and the rest."""
        fingerprint = target.reader.fingerprint(self.dataset, model)
        there = target.reader.table(self.dataset)
        conflicts = list(self._model_conflicts(target.reader, model, there["clip_id"]))
        if conflicts or table_conflicts(self.dataset, self.table, there):
            raise StaleStoreError(
                f"store {target.reader.path}: dataset {self.dataset!r} was changed by another "
                "process during the merge. What was merged is complete; merge again."
            )
        ours = self._done(model)
        theirs = self._rows_in(there["clip_id"], ours)
        is_missing = np.isin(theirs, target.missing(theirs))
        counter.advance(int((~is_missing).sum()))
        ours, theirs = ours[is_missing], theirs[is_missing]
        for piece in _pieces(len(ours)):
            embeddings = self._read(model, ours[piece])
            self._check_unchanged(model, fingerprint, ours[piece])
            target.put(theirs[piece], embeddings)
            counter.advance(len(embeddings))
        return len(ours), int((~is_missing).sum())

    def n_done(self, model: str) -> int:
        """Return the number of the source's embeddings of a model."""
        return len(self._done(model))

    def _model_conflicts(
        self, target: StoreReader | None, model: str, ids: Sequence[str]
    ) -> Iterator[str]:
        fingerprint = self.reader.fingerprint(self.dataset, model)
        if target is not None:
            differences = fingerprint_differences(
                target.fingerprint(self.dataset, model), fingerprint
            )
            dims = self.reader.dim(self.dataset, model), target.dim(self.dataset, model)
            if dims[0] != dims[1]:
                differences.append(f"dimensions: stored {dims[1]:,}, now {dims[0]:,}")
            yield from (
                f"{self.dataset}: {model} is a different model: {each}" for each in differences
            )
            if differences:
                return
        done = None if target is None else target.done(self.dataset, model)
        ours = self._done(model)
        differ: list[str] = []
        for piece in _pieces(len(ours)):
            rows = ours[piece]
            embeddings = self._read(model, rows)
            if target is None or done is None:
                continue
            theirs = self._rows_in(ids, rows)
            is_there = (theirs >= 0) & (theirs < len(done))
            is_there[is_there] = done[theirs[is_there]]
            numbers = target.embeddings(self.dataset, model, theirs[is_there])
            # NaN is never near; imported embeddings are compared exactly.
            error = np.linalg.norm(embeddings[is_there] - numbers, axis=1)
            near = error <= _tolerance(fingerprint) * np.linalg.norm(numbers, axis=1)
            differ += [self.table["clip_id"][row] for row in rows[is_there][~near].tolist()]
        if differ:
            yield f"{self.dataset}: {model}: embeddings of {len(differ):,} clips ({listed(differ)})"

    def _read(self, model: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        embeddings = self.reader.embeddings(self.dataset, model, rows)
        is_finite = np.isfinite(embeddings).all(axis=1)
        if not is_finite.all():
            bad = [self.table["clip_id"][row] for row in rows[~is_finite].tolist()]
            raise StoreError(
                f"store {self.reader.path}: dataset {self.dataset!r}, model {model!r}: damaged: "
                f"embeddings of {len(bad):,} clips hold NaN or infinity ({listed(bad)}).",
                Remedy(
                    "Mark them as missing",
                    {"store": str(self.reader.path), "repair": True},
                    "verify_store",
                ),
            )
        return embeddings

    def _done(self, model: str) -> NDArray[np.int64]:
        return np.flatnonzero(self.reader.done(self.dataset, model)[: len(self.table["clip_id"])])

    def _rows_in(self, ids: Sequence[str], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of the source's clips in another table; -1 where it lacks them."""
        row_of = {clip_id: row for row, clip_id in enumerate(ids)}
        found = [row_of.get(self.table["clip_id"][row], -1) for row in rows.tolist()]
        return np.array(found, np.int64)

    def _check_unchanged(
        self, model: str, fingerprint: Mapping[str, Any], rows: NDArray[np.int64]
    ) -> None:
        """Check that no build has changed the recordings or the model in the source."""
        now = {name: self.reader.texts(self.dataset, name) for name in ("clip_id", _HASH)}
        same = not fingerprint_differences(
            fingerprint, self.reader.fingerprint(self.dataset, model)
        ) and all(
            now[name][row : row + 1] == [self.table[name][row]] for name in now for row in rows
        )
        if not same:
            raise StaleStoreError(
                f"store {self.reader.path}: dataset {self.dataset!r} was changed by another "
                "process during the merge. What was merged is complete; merge again."
            )


def _tolerance(fingerprint: Mapping[str, Any]) -> float:
    if fingerprint.get("kind") == "foreign":
        return 0.0
    return _TOLERANCES.get(str(fingerprint.get("precision")), _TOLERANCES["float32"])


def _pieces(n_rows: int) -> Iterator[slice]:
    return (slice(start, start + _ROWS_AT_A_TIME) for start in range(0, n_rows, _ROWS_AT_A_TIME))
