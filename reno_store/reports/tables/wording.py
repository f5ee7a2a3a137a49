"""How estimators, models and numbers are written in tables for people."""

from __future__ import annotations

from reno_store.reports.tables.measures import Measure, Number
from reno_store.studies import Cell, Study
from reno_store.studies.classifiers import describe_estimator
from reno_store.studies.scores import COLLAPSED

__all__ = [
    "TABLE_TITLES",
    "write_difference",
    "write_estimator",
    "write_model",
    "write_models",
    "write_score",
]

TABLE_TITLES: dict[Number, str] = {"I": "models alone", "II": "pairs of models"}


def write_estimator(cell: Cell) -> str:
    """Give the title of a cell's estimator, such as ``"FCN"``."""
    return describe_estimator(cell.estimator).title


def write_model(study: Study, name: str) -> str:
    """Give a model's name with the paper's letter, where it has one."""
    letter = study.model(name).letter
    return f"{name} {letter}" if letter else name


def write_models(study: Study, cell: Cell) -> str:
    """Give a cell's models: ``"audio-mamba-tiny A(T) + wav2vec2-base W2"``."""
    return " + ".join(write_model(study, name) for name in cell.models)


def write_score(measure: Measure) -> str:
    """Give mean and standard deviation in per cent; nothing where there is no score.

    Examples
    --------
    >>> write_score(Measure("accuracy", 62.34, 2.08, None))
    '62.3 ± 2.1'
    >>> write_score(Measure("accuracy", 62.34, None, None))
    '62.3'
    >>> write_score(Measure("accuracy", 12.5, 0.3, None, collapsed=True))
    '12.5 ± 0.3 †'
    """
    if measure.mean is None:
        return ""
    spread = "" if measure.sd is None else f" ± {measure.sd:.1f}"
    return f"{measure.mean:.1f}{spread}{COLLAPSED if measure.collapsed else ''}"


def write_difference(points: float | None) -> str:
    """Give a difference in points with its sign; nothing where there is none.

    Examples
    --------
    >>> write_difference(3.14), write_difference(-1.99), write_difference(-0.04)
    ('+3.1', '−2.0', '0.0')
    """
    if points is None:
        return ""
    written = f"{points:+.1f}"
    return "0.0" if float(written) == 0 else written.replace("-", "−")
