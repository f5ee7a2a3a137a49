from .checks import check_clips, check_model, check_names
from .clip_table import Columns
from .damage import NOT_FINITE, find_damage
from .fingerprints import fingerprint_differences, short_fingerprint
from .model_writer import ModelWriter
from .precision import (
    STORAGE_PRECISIONS,
    StoragePrecision,
    fingerprint_as_stored,
    storage_of,
)
from .raw_chunks import Damage
from .reader import StoreReader
from .removal import remove_from_store
from .stored_clips import StoredClips
from .summary import ModelSummary, summarize
from .writer import StoreWriter

__all__ = [
    "NOT_FINITE",
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
    "find_damage",
    "fingerprint_as_stored",
    "fingerprint_differences",
    "remove_from_store",
    "short_fingerprint",
    "storage_of",
    "summarize",
]
