"""Store -> arrays that scikit-learn takes: X, y, groups.

`loading` returns a whole dataset at once, with labels and speakers; `lookup` is a transformer
from clip ids to embeddings, so that a search can compare models; `rare_labels` leaves out labels
with few clips.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
