"""A study in pictures: scores, confusion, maps of embeddings, F1 by class, training.

`collection` makes all figures of a study. `scores`, `confusion`, `maps` (with `neighbours`),
`class_f1`, `training` and `transfer` make one kind each; `surface` draws the scores of a grid.
`files` names figures and writes them, `style` and `text` are how they look. Figures are
matplotlib's without pyplot, so they are safe in threads and notebooks.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
