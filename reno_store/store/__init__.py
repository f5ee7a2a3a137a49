"""The Zarr store: pooled embeddings keyed by (dataset, model, clip).

`schema` fixes names, versions and codecs; `reader` and `writer` are the two ways in. `locking`
says who may write what, `checks` and `staleness` what does not fit, `clip_table` grows and
changes the clip axis, `model_rows` writes embeddings and `raw_chunks` reads them straight from
their files, `precision` says in how many digits,
`known` finds those of the same recordings, `summary` says what is there. Nothing
here knows torch or audio: rows of numbers and strings come in and go out.
"""

from reno_store.store.fingerprints import fingerprint_differences, short_fingerprint
from reno_store.store.precision import (
    STORAGE_PRECISIONS,
    StoragePrecision,
    fingerprint_as_stored,
    storage_of,
)
from reno_store.store.raw_chunks import Damage
from reno_store.store.reader import StoreReader
from reno_store.store.summary import ModelSummary, summarize
from reno_store.store.writer import StoreWriter

__all__ = [
    "STORAGE_PRECISIONS",
    "Damage",
    "ModelSummary",
    "StoragePrecision",
    "StoreReader",
    "StoreWriter",
    "fingerprint_as_stored",
    "fingerprint_differences",
    "short_fingerprint",
    "storage_of",
    "summarize",
]
