from .embedded_windows import EmbeddedWindows, embed_windows
from .files import embed_files
from .planning import default_batch_seconds
from .recordings import (
    MAX_SECONDS,
    Recording,
    clip_columns,
    read_durations,
)
from .running import Extraction, Task
from .windows import Windows

__all__ = [
    "MAX_SECONDS",
    "EmbeddedWindows",
    "Extraction",
    "Recording",
    "Task",
    "Windows",
    "clip_columns",
    "default_batch_seconds",
    "embed_files",
    "embed_windows",
    "read_durations",
]
