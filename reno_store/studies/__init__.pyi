from .classifiers import ESTIMATORS
from .document import study_json
from .evaluation import Evaluation, evaluate, evaluate_store
from .grid import PAPER_POINT, Grid, cv_results, cv_results_csv, grid_request, run_grid
from .outcomes import FoldOutcome
from .paper_values import PAPER_DATASETS, paper_value
from .protocols import PROTOCOLS, split
from .requests import StudyRequest, results_folder
from .running import recall_study, run_study
from .scores import METRICS, FoldScore
from .splitters import ProtocolSplitter
from .study import Cell, DatasetFacts, ModelFacts, Study

__all__ = [
    "ESTIMATORS",
    "METRICS",
    "PAPER_DATASETS",
    "PAPER_POINT",
    "PROTOCOLS",
    "Cell",
    "DatasetFacts",
    "Evaluation",
    "FoldOutcome",
    "FoldScore",
    "Grid",
    "ModelFacts",
    "ProtocolSplitter",
    "Study",
    "StudyRequest",
    "cv_results",
    "cv_results_csv",
    "evaluate",
    "evaluate_store",
    "grid_request",
    "paper_value",
    "recall_study",
    "results_folder",
    "run_grid",
    "run_study",
    "split",
    "study_json",
]
