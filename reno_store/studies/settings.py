"""Settings: the hyperparameters that a request gives to its estimators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from reno_store.errors import SearchError, suggestion
from reno_store.estimators.parameters import check_parameters
from reno_store.studies.classifiers import find_estimator

__all__ = ["check_settings", "combinations"]

_SET_BY_THE_STUDY = ("block_sizes", "device", "n_jobs", "random_state", "verbose")


def combinations(settings: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Yield every combination of values, the last parameter's values first.

    Examples
    --------
    >>> list(combinations({"beta": (1.5, 2.0), "lam": (0.4,)}))
    [{'beta': 1.5, 'lam': 0.4}, {'beta': 2.0, 'lam': 0.4}]
    """
    for values in product(*settings.values()):
        yield dict(zip(settings, values, strict=True))


def check_settings(
    settings: Mapping[str, Mapping[str, Any]], estimators: Sequence[Any]
) -> dict[str, dict[str, tuple[Any, ...]]]:
    """Return settings with a tuple of values for each parameter.

    A whole number becomes a float where the parameter's default is one, so that ``beta=2`` and
    ``beta=2.0`` are one setting.

    Parameters
    ----------
    settings : Mapping[str, Mapping[str, Any]]
        Estimator -> parameter -> one value, or a tuple or list of values.
    estimators : Sequence of str or (str, estimator)
        The estimators of the request.

    Raises
    ------
    SearchError
        With every unknown estimator and parameter and every value that is not allowed.
    """
    named = {each if isinstance(each, str) else each[0]: each for each in estimators}
    problems: list[str] = []
    checked: dict[str, dict[str, tuple[Any, ...]]] = {}
    for name, own in settings.items():
        if name not in named:
            nearest = suggestion(name, named).rstrip(".")
            problems.append(f"settings of {name!r}: not an estimator of the request{nearest}")
            continue
        choice = find_estimator(named[name])
        checked[name] = {}
        for parameter, given in own.items():
            values = tuple(given) if isinstance(given, tuple | list) else (given,)
            where = f"{name}.{parameter}"
            if parameter in _SET_BY_THE_STUDY:
                problems.append(f"{where}: set by the study itself")
            elif not values:
                problems.append(f"{where}: expected at least one value, got none")
            elif parameter not in choice.parameters:
                nearest = suggestion(parameter, choice.parameters).rstrip(".")
                problems.append(f"{where}: unknown hyperparameter{nearest}")
            else:
                values = tuple(_like(value, choice.parameters[parameter]) for value in values)
                checked[name][parameter] = tuple(
                    value for n, value in enumerate(values) if value not in values[:n]
                )
                problems += _not_allowed(where, parameter, values, is_ours=choice.of_paper)
    if problems:
        raise SearchError("; ".join(problems) + ".")
    return {name: own for name, own in checked.items() if own}


def _like(value: Any, default: Any) -> Any:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if is_whole and isinstance(default, float) else value


def _not_allowed(
    where: str, parameter: str, values: Sequence[Any], *, is_ours: bool
) -> Iterator[str]:
    for value in values if is_ours else ():
        try:
            check_parameters(where, {parameter: value})
        except ValueError as error:
            yield str(error)
