"""Checks of a grid before anything is trained.

Only for this package's classifiers: other estimators accept parameters that `get_params` does not
list (aliases of LightGBM, ``module__hidden`` of skorch), so `set_params` checks theirs.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline

from reno_store.errors import SearchError

__all__ = ["candidates_of", "refuse_class"]


def refuse_class(estimator: Any) -> None:
    """Raise an error for a class in place of an estimator.

    Raises
    ------
    SearchError
        If the estimator is a class.
    """
    if isinstance(estimator, type):
        owner = estimator.__name__
        raise SearchError(f"estimator: expected an instance, such as {owner}(...), got the class.")


def candidates_of(
    estimator: BaseEstimator, param_grid: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """List the candidates of a grid over one of our classifiers, in scikit-learn's order.

    Raises
    ------
    SearchError
        If the grid is empty, or has parameters that the estimator does not have; the message
        lists all of them, each with the nearest existing one. Parameters of pipeline steps
        with their own `set_params` are not checked.
    ValueError, TypeError
        From scikit-learn, for values that are not lists, or empty lists.
    """
    grids = [param_grid] if isinstance(param_grid, Mapping) else list(param_grid)
    if not any(grids):
        raise SearchError(
            f"param_grid: expected at least one parameter with a list of values, such as "
            f"{{'lam': [0.2, 0.4, 0.8]}}, got {param_grid!r}."
        )
    candidates = ParameterGrid(param_grid)
    known = sorted(estimator.get_params(deep=True))
    unknown = sorted(
        {
            name
            for grid in grids
            for name in grid
            if not _exists(name, grid, known) and _is_checked(str(name), estimator)
        },
        key=str,
    )
    if unknown:
        owner = type(estimator).__name__
        wrong = "; ".join(f"{name!r}{_nearest(str(name), known)}" for name in unknown)
        raise SearchError(
            f"param_grid: {owner} has no parameter {wrong}. It has: {', '.join(known)}."
        )
    return list(candidates)


def _exists(name: str, grid: Mapping[str, Any], known: Iterable[str]) -> bool:
    """Return whether a parameter exists, or belongs to a part that the grid replaces."""
    parts = str(name).split("__")
    replaced = any("__".join(parts[:end]) in grid for end in range(1, len(parts)))
    return name in known or replaced


def _is_checked(name: str, estimator: Any) -> bool:
    """Return whether an estimator rejects every parameter that `get_params` does not list."""
    head, _, rest = name.partition("__")
    parts = estimator.get_params(deep=True)
    if rest and head in parts:
        part = parts[head]
        return hasattr(part, "get_params") and _is_checked(rest, part)
    setter = getattr(type(estimator), "set_params", None)
    return setter is BaseEstimator.set_params or isinstance(estimator, Pipeline)


def _nearest(name: str, known: Sequence[str]) -> str:
    """Return the nearest parameter; in a pipeline also one whose step is missing."""
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if "__" not in name:
        ends = {each.rpartition("__")[2]: each for each in reversed(known)}
        within = difflib.get_close_matches(name, ends, n=1, cutoff=0.6)
        # 'beta' is nearer to the 'beta' of a step than to any whole name.
        if within and (not found or _likeness(name, within[0]) > _likeness(name, found[0])):
            found = [ends[within[0]]]
    return f" (did you mean {found[0]!r}?)" if found else ""


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()
