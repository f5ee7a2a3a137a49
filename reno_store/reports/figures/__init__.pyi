from .collection import figures_of
from .confusion import confusion_figure
from .files import FIGURE_FORMATS, Figure, save_figures, to_svg
from .maps import kept_maps, map_figure
from .scores import scores_figure
from .surface import save_surface, surface_figure

__all__ = [
    "FIGURE_FORMATS",
    "Figure",
    "confusion_figure",
    "figures_of",
    "kept_maps",
    "map_figure",
    "save_figures",
    "save_surface",
    "scores_figure",
    "surface_figure",
    "to_svg",
]
