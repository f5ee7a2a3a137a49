"""Embeddings that something else has made, into the store.

`sources` reads them (a folder of .npy files, a matrix with ids), `ids` says which row is which
in a matrix that does not say so itself, `matching` finds each one's clip among
`clip_tables`, `running` checks all
and then stores it, marked as foreign, with word of where it came from.
"""

from reno_store.exchange.importing.running import ImportReport, import_embeddings

__all__ = ["ImportReport", "import_embeddings"]
