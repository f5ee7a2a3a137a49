"""One store into another: what both say of a clip or a model must be the same.

Data walks: both clip tables -> one table, or conflicts (`tables`) -> both models' fingerprints
and all embeddings of the source, or conflicts (`plans`) -> nothing yet touched -> the clip axis
-> rows that the target lacks, a piece at a time, compared once more with the locks held.
"""

from reno_store.exchange.merging.running import MergeReport, ModelMerge, merge_stores

__all__ = ["MergeReport", "ModelMerge", "merge_stores"]
