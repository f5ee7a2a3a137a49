"""The paper's Tables I and II, as printed: accuracy and macro-F1 in per cent.

The numbers are in ``paper_values.txt``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources

__all__ = ["PAPER_DATASETS", "PAPER_LETTERS", "PAPER_PAIRS", "paper_dataset", "paper_value"]

PAPER_DATASETS = ("asvp-esd", "jnv", "vivae")
"""Datasets of the paper, by the names of their cards and in the order of its columns."""

_METRICS = ("accuracy", "macro_f1")
_ROWS = [
    line.split()
    for line in resources.files(__package__).joinpath("paper_values.txt").read_text().splitlines()
    if line and not line.startswith("#")
]

PAPER_LETTERS: Sequence[str] = tuple(row[1] for row in _ROWS if row[0] == "fcn")
"""The models of Table I, by the paper's letters and in its order."""

PAPER_PAIRS: Sequence[tuple[str, ...]] = tuple(
    tuple(row[1].split("+")) for row in _ROWS if row[0] == "pair"
)
"""The pairs of Table II, by the paper's letters and in its order."""


def _values() -> Iterator[tuple[tuple[object, ...], float]]:
    for kind, models, *numbers in _ROWS:
        estimators = ("concat", "reno") if kind == "pair" else (kind,)
        places = ((d, e, m) for d in PAPER_DATASETS for e in estimators for m in _METRICS)
        for (dataset, estimator, metric), number in zip(places, numbers, strict=True):
            yield (dataset, estimator, tuple(sorted(models.split("+"))), metric), float(number)


_VALUES = dict(_values())


def paper_dataset(name: str) -> str:
    """Return which of the paper's datasets a name means; empty where none.

    Examples
    --------
    >>> paper_dataset("ASVP_ESD"), paper_dataset("vivae"), paper_dataset("emogator")
    ('asvp-esd', 'vivae', '')
    """
    plain = "".join(character for character in name.lower() if character.isalnum())
    return next((each for each in PAPER_DATASETS if each.replace("-", "") == plain), "")


def paper_value(dataset: str, estimator: str, letters: Sequence[str], metric: str) -> float | None:
    """Look a score up in the paper's Tables I and II.

    Parameters
    ----------
    dataset : str
        A name in `PAPER_DATASETS`.
    estimator : str
        ``"fcn"`` or ``"cnn"`` for one model, ``"concat"`` or ``"reno"`` for two.
    letters : Sequence[str]
        The paper's names of the models, in any order.
    metric : str
        ``"accuracy"`` or ``"macro_f1"``.

    Returns
    -------
    float or None
        In per cent, as printed; None where the paper has no such number.

    Examples
    --------
    >>> paper_value("jnv", "cnn", ["A(B)"], "accuracy")
    64.29
    >>> paper_value("vivae", "reno", ["H", "A(B)"], "macro_f1")
    71.82
    >>> paper_value("jnv", "svm", ["H"], "accuracy") is None
    True
    """
    return _VALUES.get((dataset, estimator, tuple(sorted(letters)), metric))
