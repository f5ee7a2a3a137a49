"""Cross-validation of the classifiers on what a store holds.

`protocols` says how folds are made, `splitters` hands them to scikit-learn,
`crossvalidation` scores one estimator over them, `comparison` runs several estimators,
models, protocols and seeds, `repeats` puts the seeds together, `tables` shows the result.
"""

from reno_store.evaluation.comparison import ESTIMATORS, Comparison, evaluate_store
from reno_store.evaluation.crossvalidation import Evaluation, FoldScore, evaluate
from reno_store.evaluation.protocols import PROTOCOLS, split
from reno_store.evaluation.repeats import Repeats
from reno_store.evaluation.splitters import ProtocolSplitter

__all__ = [
    "ESTIMATORS",
    "PROTOCOLS",
    "Comparison",
    "Evaluation",
    "FoldScore",
    "ProtocolSplitter",
    "Repeats",
    "evaluate",
    "evaluate_store",
    "split",
]
