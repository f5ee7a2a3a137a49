"""Store -> arrays that scikit-learn takes: X, y, groups.

`loading` gives a whole dataset at once, with labels and speakers; `lookup` gives the rows
that are asked for, as a transformer, so that the models themselves can be searched over.
"""

from reno_store.samples.loading import EmbeddingStore, Samples, open_store
from reno_store.samples.lookup import EmbeddingLookup

__all__ = ["EmbeddingLookup", "EmbeddingStore", "Samples", "open_store"]
