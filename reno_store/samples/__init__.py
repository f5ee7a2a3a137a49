"""Store -> arrays that scikit-learn takes: X, y, groups.

`loading` gives a whole dataset at once, with labels and speakers; `lookup` gives the rows
that are asked for, as a transformer, so that the models themselves can be searched over;
`rare_labels` leaves labels with few clips out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reno_store.runtime.lazy import load_on_use

if TYPE_CHECKING:
    from reno_store.samples.loading import EmbeddingStore, Samples, open_store
    from reno_store.samples.lookup import EmbeddingLookup

__all__ = ["EmbeddingLookup", "EmbeddingStore", "Samples", "open_store"]

__getattr__ = load_on_use(
    __name__,
    {
        "EmbeddingLookup": "lookup",
        "EmbeddingStore": "loading",
        "Samples": "loading",
        "open_store": "loading",
    },
)
