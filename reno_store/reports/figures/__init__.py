"""A study in pictures: confusion, maps of embeddings, F1 by class, training, leaks.

`collection` makes all figures of a study, of the cells that `choosing` picks; `confusion`,
`maps` (with `neighbours` and `map_drawing`), `class_f1`, `training` (with `histories`) and `leak`
make one kind each; `surface` draws a grid's scores; `keeping` remembers maps; `saving` turns
figures into files; `style`, `words` and `naming` are how they look, how text fits, and what they
are called. Figures are matplotlib's, made without pyplot, so that they are safe in threads and
notebooks.
"""

from reno_store.reports.figures.collection import figures_of
from reno_store.reports.figures.confusion import confusion_figure
from reno_store.reports.figures.drawing import Figure
from reno_store.reports.figures.keeping import kept_maps
from reno_store.reports.figures.maps import map_figure
from reno_store.reports.figures.saving import FIGURE_FORMATS, save_figures, to_svg
from reno_store.reports.figures.surface import save_surface, surface_figure

__all__ = [
    "FIGURE_FORMATS",
    "Figure",
    "confusion_figure",
    "figures_of",
    "kept_maps",
    "map_figure",
    "save_figures",
    "save_surface",
    "surface_figure",
    "to_svg",
]
