from .classifiers import ESTIMATORS
from .comparison import Comparison, evaluate_store
from .crossvalidation import Evaluation, evaluate
from .grid import PAPER_POINT, Grid, cv_results, cv_results_csv, grid_request, run_grid
from .outcomes import FoldOutcome
from .paper_values import PAPER_DATASETS, paper_value
from .protocols import PROTOCOLS, split
from .recalling import recall_study
from .repeats import Repeats
from .requests import StudyRequest, results_folder
from .running import run_study
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
    "Comparison",
    "DatasetFacts",
    "Evaluation",
    "FoldOutcome",
    "FoldScore",
    "Grid",
    "ModelFacts",
    "ProtocolSplitter",
    "Repeats",
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
]
