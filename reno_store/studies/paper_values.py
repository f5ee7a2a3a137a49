"""The paper's Tables I and II, as printed: accuracy and macro-F1 in per cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["PAPER_DATASETS", "PAPER_LETTERS", "PAPER_PAIRS", "paper_dataset", "paper_value"]

PAPER_DATASETS = ("asvp-esd", "jnv", "vivae")
"""Datasets of the paper, by the names of their cards and in the order of its columns."""

_Row = tuple[float, ...]


def _read(table: str) -> dict[str, _Row]:
    """Read a table as printed: a name and its numbers per line."""
    rows = [line.split() for line in table.strip().splitlines()]
    return {name: tuple(map(float, numbers)) for name, *numbers in rows}


# Accuracy and macro-F1 of each dataset in turn.
_TABLE_I: Mapping[str, Mapping[str, _Row]] = {
    "fcn": _read("""
        A(T)    66.51 58.71  59.82 58.14  52.21 51.95
        A(S)    71.15 68.74  61.17 60.84  57.48 56.31
        A(B)    72.64 69.47  62.28 60.97  58.99 58.57
        W       52.69 42.86  57.46 56.21  32.54 31.82
        W2      61.18 54.32  56.96 55.14  47.85 46.81
        U       54.96 53.21  57.52 56.62  34.28 33.68
        H       55.67 54.05  58.41 57.96  42.56 41.94
    """),
    "cnn": _read("""
        A(T)    67.59 65.84  62.77 61.14  53.92 53.57
        A(S)    72.90 70.64  63.10 61.42  60.41 59.93
        A(B)    73.96 71.98  64.29 63.81  62.42 61.29
        W       53.94 50.84  59.85 58.89  33.18 32.76
        W2      62.96 60.84  59.27 57.14  48.39 48.18
        U       55.41 54.16  60.71 59.20  36.69 35.91
        H       59.43 58.21  59.26 58.35  49.04 48.36
    """),
}

# For each dataset in turn accuracy and macro-F1 of Concat, then of RENO.
_TABLE_II: Mapping[tuple[str, str], _Row] = {
    (name.partition("+")[0], name.partition("+")[2]): row
    for name, row in _read("""
        A(T)+W  70.32 68.91  75.42 74.23  66.14 65.43  71.45 70.32  54.29 53.21  61.65 60.45
        A(T)+W2 68.54 67.74  74.23 73.56  59.42 58.92  64.54 63.76  56.61 55.03  62.34 61.32
        A(T)+U  71.89 70.45  77.34 76.12  65.45 64.41  72.45 71.87  56.87 55.91  63.76 62.43
        A(T)+H  74.41 73.71  78.71 77.89  76.56 75.43  79.09 78.41  56.53 55.72  61.45 61.03
        A(S)+W  75.08 74.78  81.65 80.23  66.31 65.79  71.67 70.23  64.43 62.99  73.65 72.49
        A(S)+W2 73.06 72.32  79.34 78.31  60.56 59.23  67.29 66.31  64.21 63.78  70.31 69.63
        A(S)+U  73.67 72.65  82.44 81.34  63.98 62.54  68.43 67.60  64.42 63.02  71.34 70.56
        A(S)+H  75.23 74.62  76.20 75.45  74.37 73.11  77.56 76.83  57.83 56.72  62.47 61.43
        A(B)+W  75.21 74.47  83.56 82.54  66.74 65.27  72.56 71.09  63.70 62.65  72.76 71.65
        A(B)+W2 75.54 74.78  82.65 81.34  67.62 66.09  72.56 71.50  61.03 60.34  68.93 67.32
        A(B)+U  75.67 74.84  83.56 82.51  66.72 65.87  69.70 69.04  61.94 60.13  68.53 67.08
        A(B)+H  75.09 74.21  77.98 76.48  67.88 66.60  71.90 71.62  67.69 66.51  72.51 71.82
        W+W2    63.93 62.32  71.45 70.59  62.01 61.97  69.39 68.51  48.39 47.93  59.31 58.47
        W+U     56.73 55.62  67.31 66.10  64.34 63.97  73.41 72.89  38.56 37.54  47.99 46.81
        W2+U    65.32 64.75  74.78 73.01  64.53 63.78  71.43 70.89  52.83 51.93  63.42 62.90
        H+U     62.57 61.71  66.29 65.72  61.54 60.78  68.21 67.45  54.50 53.02  56.06 55.22
        H+W2    64.72 63.90  67.53 66.01  63.65 62.73  69.78 68.65  52.41 51.63  59.71 58.64
        H+W     59.72 58.34  63.09 62.21  67.72 66.49  74.51 72.57  55.60 52.71  64.63 62.20
    """).items()
}

PAPER_PAIRS: Sequence[tuple[str, str]] = tuple(_TABLE_II)
"""The pairs of Table II, by the paper's letters and in its order."""

PAPER_LETTERS: Sequence[str] = tuple(_TABLE_I["fcn"])
"""The models of Table I, by the paper's letters and in its order."""

_PRINTED = ("accuracy", "macro_f1")
_FUSIONS = ("concat", "reno")


_PAIR: Mapping[tuple[str, str], _Row] = {
    **_TABLE_II,
    **{(second, first): row for (first, second), row in _TABLE_II.items()},
}


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
    if dataset not in PAPER_DATASETS or metric not in _PRINTED:
        return None
    row: _Row | None
    if len(letters) == 1:
        row, place, width = _TABLE_I.get(estimator, {}).get(letters[0]), 0, len(_PRINTED)
    elif len(letters) == 2 and estimator in _FUSIONS:
        row, width = _PAIR.get((letters[0], letters[1])), len(_PRINTED) * len(_FUSIONS)
        place = len(_PRINTED) * _FUSIONS.index(estimator)
    else:
        return None
    if row is None:
        return None
    return row[width * PAPER_DATASETS.index(dataset) + place + _PRINTED.index(metric)]
