"""One model's pass over a manifest's recordings, at batch speed and losing nothing.

Data walks: `planning` puts clips of similar length into batches, `recordings` decodes the
next ones in background threads while `embedding` has the model embed one, and `sinking`
writes the last ones in the background. `running` leads them along and says what was done.
"""

from reno_store.extraction.planning import default_batch_seconds
from reno_store.extraction.recordings import Recording
from reno_store.extraction.running import Extraction, Task

__all__ = ["Extraction", "Recording", "Task", "default_batch_seconds"]
