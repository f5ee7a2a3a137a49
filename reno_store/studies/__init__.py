"""Studies: the paper's tables and more, cell by cell, each fold kept when it is finished.

`requests` is what is asked, `models` says of which models and pairs, `preparation` loads a
dataset and cuts its folds, `planning` lists cells and their folds, `recipes` says what a
fold's outcome depends on, `folds` finds folds in the ledger or trains them, `running` makes
a study of them, `recalling` the last one without training (`last_request` finds which that
was), `study` is what comes out, `paper_values` is what the paper printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reno_store.runtime.lazy import load_on_use

if TYPE_CHECKING:
    from reno_store.studies.paper_values import PAPER_DATASETS, paper_value
    from reno_store.studies.recalling import recall_study
    from reno_store.studies.requests import StudyRequest, results_folder
    from reno_store.studies.running import run_study
    from reno_store.studies.study import Cell, DatasetFacts, ModelFacts, Study

__all__ = [
    "PAPER_DATASETS",
    "Cell",
    "DatasetFacts",
    "ModelFacts",
    "Study",
    "StudyRequest",
    "paper_value",
    "recall_study",
    "results_folder",
    "run_study",
]

__getattr__ = load_on_use(
    __name__,
    {
        "Cell": "study",
        "DatasetFacts": "study",
        "ModelFacts": "study",
        "PAPER_DATASETS": "paper_values",
        "Study": "study",
        "StudyRequest": "requests",
        "paper_value": "paper_values",
        "recall_study": "recalling",
        "results_folder": "requests",
        "run_study": "running",
    },
)
