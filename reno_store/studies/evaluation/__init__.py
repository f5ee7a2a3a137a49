"""Cross-validation of the classifiers on what a store holds.

`protocols` says how folds are made, `splitters` hands them to scikit-learn, `outcomes` fits
and predicts one of them, `scores` says what that is worth, `crossvalidation` scores one
estimator over all, `classifiers` are those that have a name, `comparison` runs several of
them, models, protocols and seeds, which `checking` and `seeds` check, `repeats` puts the seeds
together, `tables` shows the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reno_store.runtime.lazy import load_on_use

if TYPE_CHECKING:
    from reno_store.studies.evaluation.classifiers import ESTIMATORS
    from reno_store.studies.evaluation.comparison import Comparison, evaluate_store
    from reno_store.studies.evaluation.crossvalidation import Evaluation, evaluate
    from reno_store.studies.evaluation.outcomes import FoldOutcome
    from reno_store.studies.evaluation.protocols import PROTOCOLS, split
    from reno_store.studies.evaluation.repeats import Repeats
    from reno_store.studies.evaluation.scores import METRICS, FoldScore
    from reno_store.studies.evaluation.splitters import ProtocolSplitter

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

__getattr__ = load_on_use(
    __name__,
    {
        "Comparison": "comparison",
        "ESTIMATORS": "classifiers",
        "Evaluation": "crossvalidation",
        "FoldOutcome": "outcomes",
        "FoldScore": "scores",
        "METRICS": "scores",
        "PROTOCOLS": "protocols",
        "ProtocolSplitter": "splitters",
        "Repeats": "repeats",
        "evaluate": "crossvalidation",
        "evaluate_store": "comparison",
        "split": "protocols",
    },
)
