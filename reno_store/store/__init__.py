"""The Zarr store: pooled embeddings by (dataset, model, clip).

`schema` defines names, versions and codecs. `reader` reads; `writer` writes clip tables and
`model_writer` the rows of a model, after the comparisons in `checks`; `locking` keeps
processes apart. `clip_table` updates the clip axis, `folders` creates and removes,
`raw_chunks` reads embeddings directly from their files, `precision` rounds them, `summary`
gives an overview. Nothing here knows torch or audio: the interface is numbers and strings.
"""

from reno_store.store.checks import check_clips, check_model, check_names
from reno_store.store.clip_table import Columns
from reno_store.store.fingerprints import fingerprint_differences, short_fingerprint
from reno_store.store.model_writer import ModelWriter
from reno_store.store.precision import (
    STORAGE_PRECISIONS,
    StoragePrecision,
    fingerprint_as_stored,
    storage_of,
)
from reno_store.store.raw_chunks import Damage
from reno_store.store.reader import StoreReader
from reno_store.store.removal import remove_from_store
from reno_store.store.summary import ModelSummary, summarize
from reno_store.store.writer import StoredClips, StoreWriter

__all__ = [
    "STORAGE_PRECISIONS",
    "Columns",
    "Damage",
    "ModelSummary",
    "ModelWriter",
    "StoragePrecision",
    "StoreReader",
    "StoreWriter",
    "StoredClips",
    "check_clips",
    "check_model",
    "check_names",
    "fingerprint_as_stored",
    "fingerprint_differences",
    "remove_from_store",
    "short_fingerprint",
    "storage_of",
    "summarize",
]
