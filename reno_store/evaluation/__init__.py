"""Cross-validation of the classifiers on what a store holds.

`protocols` says how folds are made, `crossvalidation` scores one estimator over them,
`comparison` runs several estimators, models and protocols, `tables` shows the result.
"""

from reno_store.evaluation.comparison import ESTIMATORS, Comparison, evaluate_store
from reno_store.evaluation.crossvalidation import Evaluation, FoldScore, evaluate
from reno_store.evaluation.protocols import PROTOCOLS, split

__all__ = [
    "ESTIMATORS",
    "PROTOCOLS",
    "Comparison",
    "Evaluation",
    "FoldScore",
    "evaluate",
    "evaluate_store",
    "split",
]
