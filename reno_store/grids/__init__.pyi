from .findings import findings_of
from .grid import Grid, Point
from .requests import PAPER_POINT, GridRequest
from .results import cv_results, cv_results_csv
from .running import run_grid
from .tables import grid_renderable

__all__ = [
    "PAPER_POINT",
    "Grid",
    "GridRequest",
    "Point",
    "cv_results",
    "cv_results_csv",
    "findings_of",
    "grid_renderable",
    "run_grid",
]
