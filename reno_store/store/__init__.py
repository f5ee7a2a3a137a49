"""The Zarr store: pooled embeddings by (dataset, model, clip).

`schema` defines names, versions and codecs. `reader` reads what `opened` finds; `writer` writes
clip tables, and for their `stored_clips` the `model_writer` the rows of a model, after the
comparisons in `checks`; `locking` keeps processes apart, and `marks` divides a model into stripes
for several. `clip_table` updates the clip axis and `index_writer` its `clip_index`, `folders`
creates and removes, `raw_chunks` reads embeddings directly from their files, `precision` rounds
them, `summary` gives an overview. Locks are `lock_files` on a file system and
`leases` in a bucket, which zarr sees as a `bucket_store`. Nothing here knows torch or audio: the
interface is numbers and strings.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
