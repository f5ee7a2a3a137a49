from .classifiers import ESTIMATORS
from .corpus_pairs import CorpusPair, Transfer
from .corpus_splitter import CorpusSplitter
from .document import study_json
from .evaluation import Evaluation, evaluate, evaluate_store
from .grid import PAPER_POINT, Grid, cv_results, cv_results_csv, grid_request, run_grid
from .label_maps import LABEL_MAPS, LabelMap, read_label_map
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
    "LABEL_MAPS",
    "METRICS",
    "PAPER_DATASETS",
    "PAPER_POINT",
    "PROTOCOLS",
    "Cell",
    "CorpusPair",
    "CorpusSplitter",
    "DatasetFacts",
    "Evaluation",
    "FoldOutcome",
    "FoldScore",
    "Grid",
    "LabelMap",
    "ModelFacts",
    "ProtocolSplitter",
    "Study",
    "StudyRequest",
    "Transfer",
    "cv_results",
    "cv_results_csv",
    "evaluate",
    "evaluate_store",
    "grid_request",
    "paper_value",
    "read_label_map",
    "recall_study",
    "results_folder",
    "run_grid",
    "run_study",
    "split",
    "study_json",
]
