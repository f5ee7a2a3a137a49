"""Rules for hyperparameters; `fit` reports every violation at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, NamedTuple

__all__ = ["check_parameters", "is_whole"]


class _Rule(NamedTuple):
    expected: str
    holds: Callable[[Any], bool]


def is_whole(value: Any) -> bool:
    """Return whether a value is a whole number, of Python or numpy, and not a bool."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool) or type(value).__name__ == "bool"  # Python's or numpy's


def _is_class_weight(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_is_number(weight) and weight >= 0 for weight in value.values())
    return value is None or (isinstance(value, str) and value == "balanced")


_FLAG = _Rule("True or False", _is_flag)
_NORMS = ("pre", "post")
_SHARE = _Rule("a number in [0, 1)", lambda v: _is_number(v) and 0 <= v < 1)
_COUNT = _Rule("a whole number of at least 1", lambda v: is_whole(v) and v >= 1)

_RULES: Mapping[str, _Rule] = {
    "align_dim": _COUNT,
    "attention": _FLAG,
    "batch_size": _COUNT,
    "beta": _Rule("a number above 1", lambda v: _is_number(v) and v > 1),
    "class_weight": _Rule(
        "None, 'balanced' or a dict from labels to numbers of at least 0", _is_class_weight
    ),
    "delta": _Rule("a number of at least 0", lambda v: _is_number(v) and v >= 0),
    "device": _Rule("a string such as 'cpu' or 'cuda'", lambda v: isinstance(v, str)),
    "distribution": _Rule(
        "'softmax' or None", lambda v: v is None or (isinstance(v, str) and v == "softmax")
    ),
    "dropout": _SHARE,
    "early_stopping": _FLAG,
    "input_dropout": _SHARE,
    "lam": _Rule("a number in [0, 1]", lambda v: _is_number(v) and 0 <= v <= 1),
    "lr": _Rule("a number above 0", lambda v: _is_number(v) and v > 0),
    "max_epochs": _COUNT,
    "n_heads": _COUNT,
    "n_iter_no_change": _COUNT,
    "n_tokens": _Rule(
        "a whole number of at least 1, or None", lambda v: v is None or (is_whole(v) and v >= 1)
    ),
    "norm": _Rule(
        "'pre', 'post' or None", lambda v: v is None or (isinstance(v, str) and v in _NORMS)
    ),
    "residual": _FLAG,
    "validation_fraction": _Rule("a number in (0, 1)", lambda v: _is_number(v) and 0 < v < 1),
    "verbose": _Rule(
        "a whole number of at least 0", lambda v: isinstance(v, Integral) and int(v) >= 0
    ),
}


def check_parameters(estimator: str, parameters: Mapping[str, Any]) -> None:
    """Check the hyperparameters that have a rule.

    Parameters
    ----------
    estimator : str
        Name of the estimator, for the message.
    parameters : Mapping[str, Any]
        Name -> value.

    Raises
    ------
    ValueError
        If any breaks its rule; the message lists each with the expected and actual value.
    """
    problems = [
        f"{name} must be {_RULES[name].expected}, got {value!r}"
        for name, value in sorted(parameters.items())
        if name in _RULES and not _RULES[name].holds(value)
    ]
    n_heads: Any = parameters.get("n_heads")
    align_dim: Any = parameters.get("align_dim")
    if _COUNT.holds(n_heads) and parameters.get("attention", True):
        widths: tuple[tuple[str, Any], ...] = (("64 channels", 64), ("align_dim", align_dim))
        for what, width in widths:
            if _COUNT.holds(width) and int(width) % int(n_heads):
                problems.append(f"n_heads must divide {what}, got {n_heads} for {width}")
    if problems:
        raise ValueError(f"{estimator}: " + "; ".join(problems))
