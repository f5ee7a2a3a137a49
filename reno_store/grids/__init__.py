"""A grid of β, δ and λ for RENO on what a store holds, kept fold by fold.

`requests` is what is asked, `running` trains what is not kept yet, `grid` is what came of it,
`findings` says what that allows one to conclude, `results` and `tables` lay it out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reno_store.runtime.lazy import load_on_use

if TYPE_CHECKING:
    from reno_store.grids.findings import findings_of
    from reno_store.grids.grid import Grid, Point
    from reno_store.grids.requests import PAPER_POINT, GridRequest
    from reno_store.grids.results import cv_results, cv_results_csv
    from reno_store.grids.running import run_grid
    from reno_store.grids.tables import grid_renderable

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

__getattr__ = load_on_use(
    __name__,
    {
        "Grid": "grid",
        "GridRequest": "requests",
        "PAPER_POINT": "requests",
        "Point": "grid",
        "cv_results": "results",
        "cv_results_csv": "results",
        "findings_of": "findings",
        "grid_renderable": "tables",
        "run_grid": "running",
    },
)
