"""Merging one store into another: where both have a clip or an embedding, they must agree.

Data walks: both clip tables -> one table, or conflicts (`tables`) -> both models' fingerprints
and all embeddings of the source, or conflicts (`plans`), before anything is written -> the
clip axis -> rows that the target lacks, a piece at a time, compared again with the locks held.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
