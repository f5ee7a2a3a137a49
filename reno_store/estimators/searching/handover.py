"""Estimators whose fit is done already, for scikit-learn to score as if it had fitted them."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from reno_store.estimators.searching.planning import Parts
from reno_store.estimators.searching.preparation import Split
from reno_store.estimators.searching.training import Outcome

__all__ = ["handed_over"]


class _Handover:
    """Stands in for one call of an estimator's ``fit``: gives what was fitted before."""

    def __init__(self, estimator: BaseEstimator, fitted: BaseEstimator | Exception) -> None:
        self.estimator, self.fitted = estimator, fitted
        self.traceback = fitted.__traceback__ if isinstance(fitted, Exception) else None

    def __call__(self, X: Any, y: Any = None, **fit_params: Any) -> BaseEstimator:
        del self.estimator.fit
        if isinstance(self.fitted, Exception):
            # One error may stand for several fits, and would gather the traces of all.
            raise self.fitted.with_traceback(self.traceback)
        vars(self.estimator).update(vars(self.fitted))
        return self.estimator


def handed_over(
    estimator: BaseEstimator, parts: Parts, split: Split, outcome: Outcome
) -> BaseEstimator:
    """Have the next ``fit`` of an estimator give an outcome instead of training.

    Parameters
    ----------
    estimator : sklearn estimator
        A clone of what is searched over; changed in place and given back.
    parts : Parts
        What is searched over.
    split : Split
        The split that it is to be fitted on.
    outcome : Outcome
        What it becomes, or raises.
    """
    fitted: BaseEstimator | Exception = outcome.fitted
    if parts.pipeline is not None and not isinstance(fitted, Exception):
        before = [] if split.head is None else list(split.head.steps)
        whole = Pipeline([*before, (parts.step, fitted)])
        vars(whole).update({**vars(parts.pipeline), "steps": whole.steps})
        fitted = whole
    # On the instance: its class, which scorers may look at, is that of a plain fit.
    estimator.fit = _Handover(estimator, fitted)
    return estimator
