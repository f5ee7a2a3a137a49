"""One model's pass over a manifest's recordings, at batch speed and losing nothing.

Data walks: `planning` puts clips of similar length into batches, `recordings` decodes the
next ones in background threads while `embedding` has the model embed one, and `sinking`
writes the last ones in the background. `running` leads them along and says what was done.
`files` does the same for a list of audio files, into a table instead of a store.
"""

from reno_store.extraction.files import embed_files
from reno_store.extraction.planning import default_batch_seconds
from reno_store.extraction.recordings import MAX_SECONDS, Recording, read_durations
from reno_store.extraction.running import Extraction, Task

__all__ = [
    "MAX_SECONDS",
    "Extraction",
    "Recording",
    "Task",
    "default_batch_seconds",
    "embed_files",
    "read_durations",
]
