"""One model's pass over a manifest's recordings, in batches, so that a crash loses little.

Data walks: `planning` groups clips of similar length into batches, `recordings` decodes the
next batches in background threads while `embedding` runs the model on one, and `sinking`
writes the last ones in the background. `running` drives them and reports. `files` does the
same for a list of audio files, into a table instead of a store.
"""

from reno_store.extraction.files import embed_files
from reno_store.extraction.planning import default_batch_seconds
from reno_store.extraction.recordings import (
    MAX_SECONDS,
    Recording,
    clip_columns,
    read_durations,
)
from reno_store.extraction.running import Extraction, Task

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
