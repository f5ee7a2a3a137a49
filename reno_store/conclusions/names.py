"""What cells are called in sentences, tables and figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from reno_store.runtime.numbers import plain
from reno_store.studies import Cell
from reno_store.studies.classifiers import describe_estimator

__all__ = [
    "SYMBOLS",
    "cell_title",
    "comparison_title",
    "estimator_title",
    "models_title",
    "settings_title",
]

SYMBOLS = MappingProxyType({"beta": "β", "delta": "δ", "lam": "λ"})
"""The paper's letters for RENO's parameters."""


def estimator_title(cell: Cell | str) -> str:
    """Return an estimator's title, such as ``"FCN"``; a name without a title stays as it is.

    A cell's title also names the hyperparameters that were set: ``"RENO(beta=1.5)"``.
    """
    name = cell if isinstance(cell, str) else cell.estimator
    title = describe_estimator(name).title
    return title if isinstance(cell, str) else title + cell.name.removeprefix(cell.estimator)


def models_title(models: Iterable[str]) -> str:
    """Join the names of models."""
    return " + ".join(models)


def cell_title(cell: Cell) -> str:
    """Return a cell's estimator and models: ``"RENO on mfcc + logmel"``."""
    return f"{estimator_title(cell)} on {models_title(cell.models)}"


def comparison_title(first: Cell, second: Cell) -> str:
    """Return what is compared: ``"RENO vs Concat on mfcc + logmel"``, ``"mfcc vs logmel, CNN"``."""
    if first.protocol != second.protocol:
        return f"{cell_title(first)}: {first.protocol} vs {second.protocol}"
    if first.models == second.models:
        sides = f"{estimator_title(first)} vs {estimator_title(second)}"
        return f"{sides} on {models_title(first.models)}"
    if first.name == second.name:
        sides = f"{models_title(first.models)} vs {models_title(second.models)}"
        return f"{sides}, {estimator_title(first)}"
    return f"{cell_title(first)} vs {cell_title(second)}"


def settings_title(settings: Mapping[str, Any]) -> str:
    """Write hyperparameters, with the paper's letters: ``"β 2, δ 0.2, λ 0.4"``."""
    return ", ".join(f"{SYMBOLS.get(n, n)} {plain(value)}" for n, value in settings.items())
