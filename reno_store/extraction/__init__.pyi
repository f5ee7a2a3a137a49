from .files import embed_files
from .planning import default_batch_seconds
from .recordings import (
    MAX_SECONDS,
    Recording,
    clip_columns,
    read_durations,
)
from .running import Extraction, Task

__all__ = [
    "MAX_SECONDS",
    "Extraction",
    "Recording",
    "Task",
    "clip_columns",
    "default_batch_seconds",
    "embed_files",
    "read_durations",
]
