from .classifiers import ESTIMATORS
from .comparison import Comparison, evaluate_store
from .crossvalidation import Evaluation, evaluate
from .outcomes import FoldOutcome
from .protocols import PROTOCOLS, split
from .repeats import Repeats
from .scores import METRICS, FoldScore
from .splitters import ProtocolSplitter

__all__ = [
    "ESTIMATORS",
    "METRICS",
    "PROTOCOLS",
    "Comparison",
    "Evaluation",
    "FoldOutcome",
    "FoldScore",
    "ProtocolSplitter",
    "Repeats",
    "evaluate",
    "evaluate_store",
    "split",
]
