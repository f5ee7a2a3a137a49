"""The clips of a table and their rows in a store, and how their embeddings come to be written.

`StoreWriter.put_clips` returns them. `StoredClips.writing` holds a model's lock, and
`StoredClips.filling` a claim to some of its stripes; both check or create the model's arrays first.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import StaleStoreError, UnknownNameError
from reno_store.store import schema
from reno_store.store.checks import check_model
from reno_store.store.clip_table import Columns
from reno_store.store.fingerprints import fingerprint_differences
from reno_store.store.folders import drop_model
from reno_store.store.model_writer import ModelWriter

if TYPE_CHECKING:
    from reno_store.store.writer import StoreWriter

__all__ = ["StoredClips"]


@dataclass(frozen=True, slots=True)
class StoredClips:
    """A clip table and its rows in a store.

    Attributes
    ----------
    writer : StoreWriter
        The store.
    dataset : str
        Name of the dataset.
    columns : Mapping[str, Sequence[str]]
        The clip table.
    rows : numpy.ndarray of int64, shape (n_clips of the table,)
        The row of the store's clip axis for each clip of the table.
    """

    writer: StoreWriter
    dataset: str
    columns: Columns
    rows: NDArray[np.int64]

    def only(self, is_kept: NDArray[np.bool_]) -> StoredClips:
        """Return some of the clips; the others are left alone."""
        kept = np.flatnonzero(is_kept).tolist()
        columns = {name: [texts[index] for index in kept] for name, texts in self.columns.items()}
        return StoredClips(self.writer, self.dataset, columns, self.rows[is_kept])

    @contextlib.contextmanager
    def writing(
        self,
        model: str,
        fingerprint: Mapping[str, Any],
        dim: int,
        *,
        refresh: Collection[str] = (),
    ) -> Iterator[ModelWriter]:
        """Hold the lock on a model, check or create its arrays, and yield its rows.

        Parameters
        ----------
        model : str
            Name of the model.
        fingerprint : Mapping[str, Any]
            What its embeddings depend on.
        dim : int
            Length of an embedding.
        refresh : Collection[str]
            With ``"model"``, the embeddings of a model that has changed are dropped.

        Raises
        ------
        StaleStoreError
            If the stored model is another one, or the dataset was removed and rebuilt since
            `put_clips`, so that its rows belong to other clips.
        StoreError
            If the model has embeddings whose marks are lost.
        """
        with self.writer.model(self.dataset, model) as rows:
            self._prepare(rows, fingerprint, dim, refresh, is_alone=True)
            yield rows

    @contextlib.contextmanager
    def filling(
        self,
        model: str,
        fingerprint: Mapping[str, Any],
        dim: int,
        *,
        refresh: Collection[str] = (),
        alone: bool = False,
        name: str = "",
        within: str = "",
    ) -> Iterator[ModelWriter]:
        """Check or create a model's arrays, then yield its rows while others fill other stripes.

        The model's lock is held only until the block begins. In the block, the stripes of all
        clips of this table are claimed, and may be written with `ModelWriter.put` and
        `ModelWriter.copy_known`.

        Parameters
        ----------
        model, fingerprint, dim, refresh
            As in `writing`.
        alone : bool
            Whether nobody else may fill the model when the block begins.
        name : str
            Name of the claim, unique; by default a random one.
        within : str
            Name of the claim of the process that hands out these stripes and has prepared the
            model; it does not fill them itself.

        Raises
        ------
        StaleStoreError, StoreError
            As in `writing`.
        """
        writer = self.writer
        writer.drop_consolidated(self.dataset, writer.locks.table(self.dataset))
        rows = writer.model_rows(self.dataset, model)

        def prepare(is_alone: bool) -> Collection[int] | None:
            if is_alone:
                writer.clean(self.dataset, model)
            elif alone:
                return None
            ready = self._prepare(rows, fingerprint, dim, refresh, is_alone=is_alone)
            if not ready and not within:
                return None
            return rows.claim(self.rows)

        claim = writer.locks.filling(
            self.dataset, model, prepare, name=name or secrets.token_hex(8), within=within
        )
        with claim:
            try:
                yield rows
            finally:
                rows.close()

    def _prepare(
        self,
        rows: ModelWriter,
        fingerprint: Mapping[str, Any],
        dim: int,
        refresh: Collection[str],
        *,
        is_alone: bool,
    ) -> bool:
        """Check or create a model's arrays; return False if that needs it alone."""
        reader, model = self.writer.reader.settled(), rows.model
        rows.is_changed = self._find_changed()
        is_new = not reader.has_model(self.dataset, model)
        if not is_new:
            stored = reader.fingerprint(self.dataset, model)
            if "model" not in refresh:
                check_model(reader, self.dataset, model, fingerprint)
            elif fingerprint_differences(stored, fingerprint):
                if not is_alone:
                    return False
                drop_model(self.writer.root, self.writer.path, self.dataset, model)
                is_new = True
        if not is_new:
            return rows.make_room(fingerprint, dim, is_alone=is_alone)
        with self.writer.locks.new_models(self.dataset):
            # Another process may have removed the dataset meanwhile.
            rows.is_changed = self._find_changed()
            return rows.make_room(fingerprint, dim, is_alone=is_alone)

    def _find_changed(self) -> NDArray[np.bool_]:
        """Return which clips have another recording in the store by now."""
        reader, ids = self.writer.reader.settled(), self.columns["clip_id"]
        try:
            is_same = len(self.rows) == 0 or int(self.rows.max()) < reader.n_clips(self.dataset)
        except UnknownNameError:
            is_same = False
        if not is_same or reader.differs(self.dataset, "clip_id", self.rows, ids).any():
            raise StaleStoreError(
                f"store {self.writer.path}: dataset {self.dataset!r} was removed or rebuilt by "
                "another process meanwhile; nothing more was stored. Build again."
            )
        hashes = self.columns[schema.SHA256]
        is_other = reader.differs(self.dataset, schema.SHA256, self.rows, hashes)
        return np.asarray(is_other & (np.array(hashes, object) != ""), bool)
