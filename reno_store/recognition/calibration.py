"""Calibration: one temperature that makes probabilities match how often they are right.

Logits are divided by it before the softmax, so no prediction changes (Guo et al., On Calibration
of Modern Neural Networks, ICML 2017). It is fitted on clips that were held out from training.
scikit-learn's CalibratedClassifierCV has the same method, but hands no speakers to the fits, and
its state cannot be kept as plain numbers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Calibration", "calibration_error", "fit_calibration", "fit_temperature"]

_N_BINS = 15
_LOG_RANGE = (-4.0, 4.0)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A temperature, and what it changes.

    Attributes
    ----------
    temperature : float
        Divides logits; above 1, probabilities become less certain.
    error_before, error_after : float
        Expected calibration error on held-out clips, in [0, 1]; after, each fold with the
        temperature of the other folds.
    n_clips : int
        Held-out clips.
    protocol : str
        How they were held out: ``"speaker"``, or ``"paper"`` where speakers are not known.
    """

    temperature: float
    error_before: float
    error_after: float
    n_clips: int
    protocol: str

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return asdict(self)


def fit_temperature(logits: NDArray[np.float64], codes: NDArray[np.int64]) -> float:
    """Return the temperature with the smallest cross-entropy.

    Parameters
    ----------
    logits : numpy.ndarray of float64, shape (n_clips, n_classes)
        Of held-out clips.
    codes : numpy.ndarray of int, shape (n_clips,)
        Column of each clip's label.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> codes = rng.integers(3, size=3000)
    >>> heard = np.where(rng.random(3000) < 0.7, codes, (codes + 1) % 3)
    >>> logits = np.log(0.1 + 0.7 * np.eye(3)[heard])
    >>> round(fit_temperature(3 * logits, codes) / fit_temperature(logits, codes), 1)
    3.0
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows = np.arange(len(codes))

    def cross_entropy(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -float(scaled[rows, codes].mean())

    found = minimize_scalar(cross_entropy, bounds=_LOG_RANGE, method="bounded")
    return float(np.exp(found.x))


def calibration_error(
    probabilities: NDArray[np.float64], codes: NDArray[np.int64], n_bins: int = _N_BINS
) -> float:
    """Return the expected calibration error of the predicted labels.

    The mean over bins of equal width of the distance between accuracy and mean probability,
    weighted by clips.

    Parameters
    ----------
    probabilities : numpy.ndarray of float64, shape (n_clips, n_classes)
        Each row sums to one.
    codes : numpy.ndarray of int, shape (n_clips,)
        Column of each clip's label.
    n_bins : int
        Number of bins.

    Examples
    --------
    >>> calibration_error(np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0, 1]))
    0.4
    """
    confidence = probabilities.max(axis=1)
    is_right = probabilities.argmax(axis=1) == codes
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gaps = np.bincount(bins, is_right - confidence, minlength=n_bins)
    return float(np.abs(gaps).sum() / len(codes))


def fit_calibration(
    folds: list[tuple[NDArray[np.float64], NDArray[np.int64]]], protocol: str
) -> Calibration:
    """Fit a temperature on the held-out logits of all folds.

    Parameters
    ----------
    folds : list of (logits, codes)
        Of the clips that each fold held out.
    protocol : str
        How they were held out.
    """
    from scipy.special import softmax

    def joined(some: list[Any]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        return np.concatenate([each[0] for each in some]), np.concatenate(
            [each[1] for each in some]
        )

    logits, codes = joined(folds)
    after = []
    for number, (own, _) in enumerate(folds):
        others = joined([each for n, each in enumerate(folds) if n != number])
        after.append(softmax(own / fit_temperature(*others), axis=1))
    return Calibration(
        temperature=fit_temperature(logits, codes),
        error_before=calibration_error(softmax(logits, axis=1), codes),
        error_after=calibration_error(np.concatenate(after), codes),
        n_clips=len(codes),
        protocol=protocol,
    )
