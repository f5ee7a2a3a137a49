"""Store -> arrays that scikit-learn takes: X, y, groups.

`samples` has X with labels and speakers, and `loading` returns it for a whole dataset; `lookup`
is a transformer from clip ids to embeddings, so that a search can compare models;
`audio_embedder` is one from recordings, which `recordings` embeds and `kept_embeddings` finds in
a store; `rare_labels` leaves out labels with few clips.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
