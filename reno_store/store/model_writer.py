"""Writing one model's rows while its lock, or a claim to some stripes, is held: marks come last.

A process that is killed at any moment leaves rows that are either complete or not marked, and
the next build writes the latter again. zarr replaces a chunk by renaming a finished file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from reno_store.errors import StaleStoreError, StoreError
from reno_store.store import nodes, schema
from reno_store.store.known_embeddings import known_embeddings
from reno_store.store.marks import clear_marks, fitting_stripe, rechunk, remove_outdated, stripes
from reno_store.store.precision import storage_of
from reno_store.store.raw_chunks import Damage
from reno_store.store.reader import StoreReader

__all__ = ["ModelWriter"]


class ModelWriter:
    """The rows of one model, open for writing inside one block of a `StoreWriter`.

    Parameters
    ----------
    reader : StoreReader
        The store.
    root : zarr.Group
        The same store, open for writing.
    dataset, model : str
        Names.

    Attributes
    ----------
    is_changed : numpy.ndarray of bool, shape (n_clips of the table,)
        Which clips of the table that the block began with have another recording by now. No
        recording changes while the lock is held.
    """

    def __init__(self, reader: StoreReader, root: zarr.Group, dataset: str, model: str) -> None:
        self.reader, self.dataset, self.model = reader, dataset, model
        self.is_changed: NDArray[np.bool_] = np.zeros(0, bool)
        self._root: zarr.Group | None = root
        self._claim: _Claim | None = None

    def close(self) -> None:
        """Refuse to write from now on: the lock is released."""
        self._root = None

    def claim(self, rows: NDArray[np.int64]) -> frozenset[int]:
        """Write only stripes with some rows from now on; return the stripes.

        Each write then checks that the model is still the one that was prepared. With locks it
        always is; not every file system has them.
        """
        fingerprint = self.reader.fingerprint(self.dataset, self.model)
        stripe_rows = self.stripe_rows
        self._claim = _Claim(fingerprint, stripe_rows, np.unique(rows // stripe_rows))
        return frozenset(self._claim.stripes.tolist())

    @property
    def stripe_rows(self) -> int:
        """How many rows a stripe has; one process at a time writes a stripe."""
        return self.reader.stripe_rows(self.dataset, self.model)

    def stripe_rows_then(self, n_clips: int) -> int:
        """Return how many rows a stripe has once the model is prepared for so many clips."""
        with self._group() as group:
            marks = schema.child_array(group, schema.DONE)
            rows_a_chunk = schema.child_array(group, schema.EMBEDDING).chunks[0]
            return stripes(n_clips, rows_a_chunk, marks.chunks[0])

    def _check_claim(
        self, rows: NDArray[np.int64], fingerprint: Mapping[str, Any], stripe_rows: int
    ) -> None:
        claim = self._claim
        if claim is None:
            return
        if fingerprint != claim.fingerprint or stripe_rows != claim.stripe_rows:
            raise StaleStoreError(
                f"store {self.reader.path}: another process has replaced {self.model!r} of "
                f"dataset {self.dataset!r} while this one filled it; build again. Does the file "
                "system support locks?"
            )
        if not np.isin(rows // claim.stripe_rows, claim.stripes).all():
            raise ValueError("rows of a stripe that is not claimed")

    def _writable(self) -> zarr.Group:
        if self._root is None:
            raise RuntimeError("the block that holds this model's lock has ended")
        return self._root

    @contextlib.contextmanager
    def _group(self) -> Iterator[zarr.Group]:
        """Open the model's group for writing; errors about damage name it."""
        root = self._writable()
        where = f"store {self.reader.path}: dataset {self.dataset!r}, model {self.model!r}"
        with schema.naming_damage(where), nodes.own_codecs():
            yield schema.child_group(root, f"{self.dataset}/{self.model}")

    def missing(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of the rows that have no embedding yet, in their order."""
        return rows[~self.reader.settled().done(self.dataset, self.model)[rows]]

    def put(self, rows: NDArray[np.int64], embeddings: NDArray[np.float32]) -> None:
        """Store embeddings and, once they are written, mark their rows as done.

        Parameters
        ----------
        rows : numpy.ndarray of int64, shape (n,)
            Rows of the clip axis, each once.
        embeddings : numpy.ndarray of float32, shape (n, dim)
            Finite numbers.

        Raises
        ------
        ValueError
            If numbers are not finite or too large for the precision in which they are stored.
        StaleStoreError
            If the stored embeddings have another length.
        """
        if not np.isfinite(embeddings).all():
            raise ValueError("embeddings hold NaN or infinite numbers; expected finite ones")
        reader = self.reader.settled()
        fingerprint = reader.fingerprint(self.dataset, self.model)
        self._check_claim(rows, fingerprint, reader.stripe_rows(self.dataset, self.model))
        largest = storage_of(fingerprint).largest
        if np.abs(embeddings).max(initial=0) > largest:
            raise ValueError(f"embeddings hold numbers beyond {largest:g}; expected none")
        self._check_dim(reader, embeddings.shape[1])
        order = np.argsort(rows)
        with self._group() as group:
            embedding = schema.child_array(group, schema.EMBEDDING)
            embedding.oindex[rows[order], :] = embeddings[order]
            schema.child_array(group, schema.DONE).oindex[rows[order]] = True

    def copy_known(self, rows: NDArray[np.int64]) -> int:
        """Copy embeddings of the same recordings by the same model, from any dataset.

        Returns
        -------
        int
            How many were copied.
        """
        missing = self.missing(rows)
        hashes = self.reader.texts_at(self.dataset, schema.SHA256, missing)
        rows_of: dict[str, list[int]] = {}
        for row, sha256 in zip(missing.tolist(), hashes, strict=True):
            rows_of.setdefault(sha256, []).append(row)
        rows_of.pop("", None)
        n_copied = 0
        fingerprint = self.reader.fingerprint(self.dataset, self.model)
        for found in known_embeddings(self.reader, fingerprint, rows_of):
            pairs = [(row, each) for sha256, each in found.items() for row in rows_of[sha256]]
            if pairs:
                known = np.array([row for row, _ in pairs], np.int64)
                self.put(known, np.stack([each for _, each in pairs]))
            n_copied += len(pairs)
        return n_copied

    def forget(self, rows: NDArray[np.int64]) -> None:
        """Mark rows as missing and overwrite them with NaN."""
        with self._group() as group:
            done = schema.child_array(group, schema.DONE)
            rows = np.sort(rows[rows < done.shape[0]])
            if len(rows):
                # In this order: rows without their mark are written again in any case.
                done.oindex[rows] = False
                schema.child_array(group, schema.EMBEDDING).oindex[rows, :] = np.float32("nan")

    def discard(self, damage: Sequence[Damage]) -> None:
        """Mark unreadable rows as missing and delete their chunks.

        Complete rows in a damaged chunk are lost too: they cannot be read either.
        """
        with self._group() as group:
            done = schema.child_array(group, schema.DONE)
            embedding = schema.child_array(group, schema.EMBEDDING)
            for each in damage:
                done[each.start : min(each.stop, done.shape[0])] = False
                key = embedding.metadata.encode_chunk_key((each.start // embedding.chunks[0], 0))
                (self.reader.path / embedding.path / key).unlink(missing_ok=True)

    def reset_unreadable_marks(self) -> None:
        """Mark all rows as missing if the marks cannot be read."""
        try:
            self.reader.done(self.dataset, self.model)
        except StoreError:
            with self._group() as group:
                clear_marks(schema.child_array(group, schema.DONE))

    def stretch(self) -> None:
        """Extend the arrays to the length of the clip axis; they never get shorter."""
        reader = self.reader.settled()
        if not reader.has_model(self.dataset, self.model):
            return
        n_clips = reader.n_clips(self.dataset)
        with self._group() as group:
            for name in (schema.EMBEDDING, schema.DONE):
                array = schema.child_array(group, name)
                if array.shape[0] < n_clips:
                    array.resize((n_clips, *array.shape[1:]))

    def make_room(self, fingerprint: Mapping[str, Any], dim: int, *, is_alone: bool = True) -> bool:
        """Create the model's arrays, or extend those that exist; fit the stripes to their length.

        Parameters
        ----------
        fingerprint : Mapping[str, Any]
            What the embeddings depend on.
        dim : int
            Their length.
        is_alone : bool
            Whether no other process fills stripes of the model.

        Returns
        -------
        bool
            False if only a process that is alone can do it.

        Raises
        ------
        StaleStoreError
            If the stored embeddings have another length.
        StoreError
            If there are embeddings whose marks are lost.
        """
        reader = self.reader.settled()
        if reader.has_model(self.dataset, self.model):
            self._check_dim(reader, dim)
            self.stretch()
            return self._fit_stripes(is_alone)
        if not is_alone:
            return False
        n_clips = reader.n_clips(self.dataset)
        parent = schema.child_group(self._writable(), self.dataset)
        with nodes.own_codecs():
            is_begun = self.model in parent and schema.EMBEDDING in schema.child_group(
                parent, self.model
            )
        if is_begun:
            with self._group() as group:
                chunks = schema.child_array(group, schema.EMBEDDING).nchunks_initialized
                if chunks and not group.attrs.get(schema.DROPPED):
                    raise ValueError(f"its array {schema.DONE!r} is lost")
        # A group that a killed build left unfinished holds no embedding yet.
        group = parent.create_group(
            self.model, attributes={schema.FINGERPRINT: dict(fingerprint)}, overwrite=True
        )
        schema.create_embedding(group, n_clips, dim, storage_of(fingerprint))
        schema.create_done(group, n_clips, fitting_stripe(n_clips, schema.EMBEDDING_CHUNK_ROWS))
        return True

    def _fit_stripes(self, is_alone: bool) -> bool:
        n_clips = self.reader.n_clips(self.dataset)
        with self._group() as group:
            marks, rows = schema.child_array(group, schema.DONE), self.stripe_rows_then(n_clips)
            if is_alone and rows != marks.chunks[0]:
                rechunk(group, rows, n_clips)
            elif is_alone:
                remove_outdated(marks)
        return is_alone or rows == marks.chunks[0]

    def _check_dim(self, reader: StoreReader, dim: int) -> None:
        stored = reader.dim(self.dataset, self.model)
        if stored != dim:
            raise StaleStoreError(
                f"store {self.reader.path}: {self.model!r} of dataset {self.dataset!r} has "
                f"embeddings of {stored:,} dimensions, these have {dim:,}. Use another model name."
            )


@dataclass(frozen=True, slots=True, eq=False)
class _Claim:
    """Stripes that a writer may write, of a model that is as it was prepared."""

    fingerprint: Mapping[str, Any]
    stripe_rows: int
    stripes: NDArray[np.int64]
