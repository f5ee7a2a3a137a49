from .paper_values import PAPER_DATASETS, paper_value
from .recalling import recall_study
from .requests import StudyRequest, results_folder
from .running import run_study
from .study import Cell, DatasetFacts, ModelFacts, Study

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
