"""The differences that a study's conclusions rest on: every pair of cells, tested and adjusted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from reno_store.conclusions.corrected import (
    ROUNDING,
    CorrectedTest,
    adjust_holm,
    paired_test,
    unpaired_test,
)
from reno_store.conclusions.resampling import paired_differences, scores_of
from reno_store.conclusions.sentences import comparison_sentence
from reno_store.errors import UnknownNameError
from reno_store.studies import Cell, Study
from reno_store.studies.classifiers import LINEAR_PROBE
from reno_store.studies.scores import METRICS, Metric

__all__ = ["Comparison", "Kind", "Verdict", "compare_study"]

Kind = Literal["reno-concat", "mamba-attention", "cnn-fcn", "network-probe", "paper-speaker"]
Verdict = Literal["higher", "lower", "inconclusive", "same"]

_LEVEL = 0.05
_ON_ONE_MODEL = ("fcn", "cnn")
_PAIRS: Sequence[tuple[Kind, str, str]] = (
    ("cnn-fcn", "cnn", "fcn"),
    ("reno-concat", "reno", "concat"),
    *(("network-probe", name, LINEAR_PROBE) for name in ("fcn", "cnn", "concat", "reno")),
)
"""Estimators that are compared on the same models."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much higher the first of two cells scores than the second.

    Attributes
    ----------
    kind : str
        RENO vs concatenation, Audio-Mamba vs an attention-based model, CNN vs FCN, a network
        vs logistic regression, or the paper's protocol vs the speaker-disjoint one.
    first, second : Cell
        The difference is the score of the first minus that of the second. The paper claims
        that the first is higher.
    metric : str
        The score that is compared.
    difference : float
        Mean difference, in [-1, 1].
    interval : tuple[float, float]
        95 % confidence interval of the difference, cut off at -1 and 1, not adjusted for other
        comparisons. NaN where nothing can be tested.
    t, df, p : float
        Corrected t statistic, degrees of freedom, two-sided p. `CorrectedTest` lists where
        they are NaN.
    p_holm : float
        p after Holm's adjustment for the comparisons of the same kind, dataset, protocol and
        metric; NaN where p is.
    n_family : int
        How many comparisons p was adjusted for.
    verdict : {"higher", "lower", "inconclusive", "same"}
        Result at 5 % after the adjustment. ``"same"`` means equal in every fold, which does
        not prove that the two are equal on other clips.
    """

    kind: Kind
    first: Cell
    second: Cell
    metric: Metric
    difference: float
    interval: tuple[float, float]
    t: float
    df: float
    p: float
    p_holm: float
    n_family: int
    verdict: Verdict

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self.first.dataset

    @property
    def protocol(self) -> str:
        """Protocol of the first cell; the second has another one only for the leak."""
        return self.first.protocol

    @property
    def paired(self) -> bool:
        """Whether both cells were scored on the same folds."""
        return self.kind != "paper-speaker"

    @property
    def sentence(self) -> str:
        """The result in words."""
        return comparison_sentence(self)


def compare_study(study: Study, metric: Metric = "accuracy") -> tuple[Comparison, ...]:
    """Test every difference of a study that a conclusion rests on.

    For each dataset and protocol: each Audio-Mamba vs each attention-based model, with FCN and
    with CNN; CNN vs FCN on the same model; RENO vs concatenation on the same models; each of
    these networks vs logistic regression on the same models. These are paired by fold. In
    addition, for each dataset, estimator and models, the paper's protocol vs ``speaker``, or
    vs ``loso`` where ``speaker`` is missing; two protocols share no folds, so this test is
    unpaired.

    p-values are adjusted (Holm) among the comparisons of the same kind, dataset, protocol
    and metric.

    Parameters
    ----------
    study : Study
        Cells that were not computed are skipped.
    metric : str
        ``"accuracy"``, ``"macro_f1"`` or ``"balanced_accuracy"``.

    Returns
    -------
    tuple of Comparison
        By dataset, protocol (the leak last), kind, then in the order of the cells.

    Raises
    ------
    UnknownNameError
        If the metric does not exist.
    ConclusionError
        If cells of one dataset and protocol were not scored on the same folds, or a score
        is not finite.
    """
    if metric not in METRICS:
        raise UnknownNameError.among("metric", metric, METRICS)
    pairs = list(_pairs(study))
    tests = [_test(study, *pair, metric) for pair in pairs]
    families: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, (kind, first, _) in enumerate(pairs):
        families[kind, first.dataset, first.protocol].append(place)
    adjusted: dict[int, tuple[float, int]] = {}
    for places in families.values():
        p_holm = adjust_holm([tests[place].p for place in places])
        adjusted |= {place: (p, len(places)) for place, p in zip(places, p_holm, strict=True)}
    return tuple(
        _comparison(*pair, metric, test, *adjusted[place])
        for place, (pair, test) in enumerate(zip(pairs, tests, strict=True))
    )


def _pairs(study: Study) -> Iterator[tuple[Kind, Cell, Cell]]:
    """Return the computed cells to compare; the paper claims that the first scores higher."""
    family = {model.name: model.family for model in study.models}
    for dataset in study.datasets:
        computed = list(study.select(dataset=dataset.name, computed=True))
        for protocol in dict.fromkeys(cell.protocol for cell in computed):
            cells = [cell for cell in computed if cell.protocol == protocol]
            for estimator in _ON_ONE_MODEL:
                alone = [c for c in cells if c.estimator == estimator and len(c.models) == 1]
                mambas = [cell for cell in alone if family.get(cell.models[0]) == "mamba"]
                others = [cell for cell in alone if family.get(cell.models[0]) == "attention"]
                yield from (("mamba-attention", one, other) for one in mambas for other in others)
            for kind, first, second in _PAIRS:
                for one, other in product(cells, cells):
                    names = (one.estimator, other.estimator)
                    if names == (first, second) and one.models == other.models:
                        yield kind, one, other
        yield from _leaks(computed)


def _leaks(cells: Sequence[Cell]) -> Iterator[tuple[Kind, Cell, Cell]]:
    found = {(cell.protocol, cell.name, cell.models): cell for cell in cells}
    for cell in cells:
        elsewhere = [found.get((each, cell.name, cell.models)) for each in ("speaker", "loso")]
        other = next((each for each in elsewhere if each is not None), None)
        if cell.protocol == "paper" and other is not None:
            yield "paper-speaker", cell, other


def _test(study: Study, kind: Kind, first: Cell, second: Cell, metric: Metric) -> CorrectedTest:
    n_speakers = study.dataset(first.dataset).n_speakers
    if kind == "paper-speaker":
        sides = (scores_of(cell, metric, n_speakers=n_speakers) for cell in (first, second))
        return unpaired_test(*sides)
    return paired_test(paired_differences(first, second, metric, n_speakers=n_speakers))


def _comparison(
    kind: Kind,
    first: Cell,
    second: Cell,
    metric: Metric,
    test: CorrectedTest,
    p_holm: float,
    n_family: int,
) -> Comparison:
    # Subtracting floats leaves a rest where there is no difference.
    difference = test.difference if abs(test.difference) > ROUNDING else 0.0
    # In this order, min and max keep a NaN.
    interval = max(test.interval[0], -1.0), min(test.interval[1], 1.0)
    verdict: Verdict = "same" if test.same else "inconclusive"
    if p_holm <= _LEVEL:  # false for NaN
        verdict = "higher" if difference > 0 else "lower"
    numbers = (difference, interval, test.t, test.df, test.p, p_holm, n_family)
    return Comparison(kind, first, second, metric, *numbers, verdict)
