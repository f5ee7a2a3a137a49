"""RENOGridSearchCV: scikit-learn's GridSearchCV with all fits done together."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.model_selection import GridSearchCV, check_cv
from sklearn.utils.validation import _check_method_params, indexable

from reno_store.errors import SearchError
from reno_store.estimators.parameters import is_whole
from reno_store.estimators.searching.candidates import Evaluated, evaluate_candidates
from reno_store.estimators.searching.checking import candidates_of, refuse_class
from reno_store.estimators.searching.planning import Parts, PlainFitsWarning, parts_of, speakers_of

__all__ = ["RENOGridSearchCV"]


class RENOGridSearchCV(GridSearchCV):
    """Grid search with cross-validation whose fits are done together.

    A drop-in for `sklearn.model_selection.GridSearchCV` with the same arguments and results.
    Fits of the package's classifiers go to `reno_store.estimators.together.fit_together` in
    one call; scoring, ranks, failed fits and warnings are scikit-learn's own. Other fits are
    done one by one as in GridSearchCV, and a `PlainFitsWarning` gives the reason.

    Parameters
    ----------
    estimator : sklearn estimator
        `FCNClassifier`, `CNNClassifier`, `ConcatClassifier` or `RENOClassifier`, alone or as
        the last step of a Pipeline; the steps before it are then fitted once per split, and
        their output for all training sides is in memory at once, up to 1 GiB. Anything else
        is fitted one by one.
    param_grid : dict or list of dict
        Parameter -> values to try. Those of steps before the last are tried one by one.
    scoring, refit, cv, error_score, return_train_score
        As for GridSearchCV. With ``error_score="raise"`` the first error is raised after the
        call that fitted it.
    n_jobs : int, optional
        Processes that share the work on a CPU.
    verbose : int
        As for GridSearchCV; above 0 a progress bar is shown where standard error is a
        terminal. The lines of single fits (above 1) show the time of their scoring.
    pre_dispatch : int or str
        As for GridSearchCV, for fits that are done one by one.
    max_memory : int, optional
        Bytes that fitting together may use beyond the data; by default what is free.

    Attributes
    ----------
    cv_results_, best_estimator_, best_score_, best_params_, best_index_, scorer_, n_splits_, \
refit_time_, multimetric_, classes_, n_features_in_, feature_names_in_
        As for GridSearchCV. The time of a fit is that of its epochs (in a stack its share)
        and its share of the steps before it.
    n_batched_, n_plain_ : int
        Number of fits done together, and one by one.
    n_repeated_ : int
        Number of fits copied from an identical one: all β and δ with λ = 1 train one network.

    Examples
    --------
    >>> from reno_store.estimators import RENOClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["cry", "laugh"], 20)
    >>> X = rng.normal(size=(40, 24)) + (y == "cry")[:, None]
    >>> reno = RENOClassifier(block_sizes=(16, 8), max_epochs=2, random_state=0)
    >>> search = RENOGridSearchCV(reno, {"beta": [1.5, 2.0], "lam": [0.2, 0.8]}, cv=2).fit(X, y)
    >>> search.n_batched_, sorted(search.best_params_)
    (8, ['beta', 'lam'])
    """

    def __init__(
        self,
        estimator: BaseEstimator,
        param_grid: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]],
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: bool | str | Callable[[Mapping[str, Any]], int] = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        error_score: Any = np.nan,
        return_train_score: bool = False,
        max_memory: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.param_grid = param_grid
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.refit = refit
        self.cv = cv
        self.verbose = verbose
        self.pre_dispatch = pre_dispatch
        self.error_score = error_score
        self.return_train_score = return_train_score
        self.max_memory = max_memory

    def fit(self, X: Any, y: ArrayLike | None = None, **params: Any) -> Self:
        """Try all candidates, and fit the best on all rows.

        Parameters
        ----------
        X : array-like, shape (n_clips, n_features)
            Embeddings, or what the first step of the pipeline takes.
        y : array-like, shape (n_clips,)
            Labels.
        **params : object
            ``groups``, speakers, go to the splitter; with scikit-learn's metadata routing
            also to every ``fit`` that requests them. Others go to ``fit``.

        Returns
        -------
        Self

        Raises
        ------
        SearchError
            If the grid over one of the package's classifiers is empty or has unknown
            parameters. For other estimators `set_params` checks, as in GridSearchCV.
        ValueError
            If all fits fail.
        """
        self._validate_params()
        _check_memory(self.max_memory)
        refuse_class(self.estimator)
        parts = parts_of(self.estimator)
        if not isinstance(parts, str):
            candidates = candidates_of(self.estimator, self.param_grid)
            obstacle = self._obstacle(y)
            if not obstacle:
                return self._search(parts, candidates, X, y, params)
            parts = obstacle
        _warn_of_plain_fits("all", [parts], stacklevel=3)
        super().fit(X, y, **params)
        self.n_batched_ = self.n_repeated_ = 0
        n_candidates = len(getattr(self, "cv_results_")["params"])  # noqa: B009
        self.n_plain_ = n_candidates * self.n_splits_
        return self

    def _obstacle(self, y: ArrayLike | None) -> str:
        if y is None:
            return "there is no y"
        if getattr(self, "_skl_callbacks", None):
            return "scikit-learn's callbacks are called within each fit"
        return ""

    def _search(
        self,
        parts: Parts,
        candidates: list[dict[str, Any]],
        X: Any,
        y: Any,
        params: dict[str, Any],
    ) -> Self:
        """Do what BaseSearchCV.fit does, with fits done together."""
        scorers, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        n_splits = cv.get_n_splits(X, y, **routed.splitter.split)
        splits = list(cv.split(X, y, **routed.splitter.split))
        if len(splits) != n_splits:
            raise SearchError(
                f"cv={cv!r}: expected {n_splits} splits, as its get_n_splits says, got "
                f"{len(splits)} of its split."
            )
        if self.verbose > 0:
            print(  # noqa: T201  GridSearchCV's own line
                f"Fitting {n_splits} folds for each of {len(candidates)} candidates, totalling "
                f"{n_splits * len(candidates)} fits"
            )
        speakers, obstacle = speakers_of(parts, routed.estimator.fit)
        found: Evaluated = evaluate_candidates(
            self,
            parts,
            candidates,
            X,
            y,
            splits,
            speakers,
            obstacle=obstacle,
            scorers=scorers,
            fit_params=routed.estimator.fit,
            score_params=routed.scorer.score,
        )
        if found.reasons:
            n_fits = n_splits * len(candidates)
            _warn_of_plain_fits(f"{found.n_plain:,} of {n_fits:,}", found.reasons, stacklevel=4)
        results = self._format_results(candidates, n_splits, found.scored)
        # Only now is it known whether a scoring function returns several scores.
        first = found.scored[0]["test_scores"]
        multimetric = isinstance(first, dict)
        if callable(self.scoring) and multimetric:
            self._check_refit_for_multimetric(first)
            refit_metric = self.refit
        self.n_splits_, self.multimetric_ = n_splits, multimetric
        self.n_batched_, self.n_plain_ = found.n_batched, found.n_plain
        self.n_repeated_ = found.n_repeated
        if self.refit or not multimetric:
            self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
            if not callable(self.refit):
                self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
            self.best_params_ = results["params"][self.best_index_]
        if self.refit:
            self._refit(X, y, routed.estimator.fit)
        self.scorer_ = getattr(scorers, "_scorers", scorers)
        self.cv_results_ = results
        return self

    def _refit(self, X: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
        # Parameters may be estimators, which must not be fitted in the grid itself.
        best = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))
        began = time.time()
        best.fit(X, y, **fit_params)
        self.refit_time_ = time.time() - began
        self.best_estimator_ = best
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_


def _warn_of_plain_fits(which: str, reasons: Sequence[str], *, stacklevel: int) -> None:
    warnings.warn(
        f"{which} fits are done one by one, as GridSearchCV does, not together: "
        f"{'; '.join(reasons)}.",
        PlainFitsWarning,
        stacklevel=stacklevel,  # the line that called fit
    )


def _check_memory(max_memory: int | None) -> None:
    if max_memory is not None and not (is_whole(max_memory) and max_memory >= 1):
        raise SearchError(
            f"max_memory: expected None or a whole number of bytes, at least 1, got {max_memory!r}."
        )
