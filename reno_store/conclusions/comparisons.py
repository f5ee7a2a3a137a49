"""The differences that a study's conclusions rest on: every pair of cells, tested and adjusted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Literal

from reno_store.conclusions.corrected import (
    LEVEL,
    ROUNDING,
    CorrectedTest,
    adjust_holm,
    paired_test,
    unpaired_test,
)
from reno_store.conclusions.guessing import standings_of
from reno_store.conclusions.resampling import paired_differences, scores_of
from reno_store.conclusions.sentences import comparison_sentence
from reno_store.errors import UnknownNameError
from reno_store.studies import Cell, Study
from reno_store.studies.classifiers import LINEAR_PROBE
from reno_store.studies.scores import METRICS, Metric

__all__ = ["KINDS", "Comparison", "Kind", "Verdict", "compare_study"]

Kind = Literal[
    "mamba-attention",
    "model-model",
    "cnn-fcn",
    "reno-concat",
    "network-probe",
    "estimator-estimator",
    "fusion-half",
    "paper-speaker",
]
Verdict = Literal["higher", "lower", "inconclusive", "same", "guessing"]

KINDS: Mapping[Kind, str] = MappingProxyType(
    {
        "mamba-attention": "Audio-Mambas vs attention-based models, same classifier",
        "model-model": "Models, same classifier",
        "cnn-fcn": "CNN vs FCN, same model",
        "reno-concat": "RENO vs concatenation, same models",
        "network-probe": "Networks vs logistic regression, same models",
        "estimator-estimator": "Other classifiers, same models",
        "fusion-half": "Fused models vs the better of them alone",
        "paper-speaker": "Protocol paper vs speaker-disjoint folds",
    }
)
"""Kind of comparison -> title of its table. Each pair of cells has the first kind that fits."""

_ON_ONE_MODEL = ("fcn", "cnn")
_ORIENTED: Sequence[tuple[Kind, str, str]] = (
    ("cnn-fcn", "cnn", "fcn"),
    ("reno-concat", "reno", "concat"),
    *(("network-probe", name, LINEAR_PROBE) for name in ("fcn", "cnn", "concat", "reno")),
)
"""Estimators with a kind of their own, and which of them is the first."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much higher the first of two cells scores than the second.

    Attributes
    ----------
    kind : str
        What is compared with what; `KINDS` has the titles.
    first, second : Cell
        The difference is the score of the first minus that of the second. Where the paper makes
        a claim, it is that the first is higher.
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
    verdict : {"higher", "lower", "inconclusive", "same", "guessing"}
        Result at 5 % after the adjustment. ``"same"`` means equal in every fold, which does
        not prove that the two are equal on other clips. ``"guessing"`` means that neither side
        beats guessing (`standings_of`), so a difference between them would mean nothing.
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

    For each dataset and protocol, on the same folds:

    - each model vs each other with the same estimator;
    - each estimator vs each other on the same models;
    - each cell of fused models vs the better of its models alone: with the same estimator if the
      study has it on one model, else with the estimator that scores highest there. It was chosen
      on these folds, which favours it.

    In addition, for each dataset, estimator and models, the paper's protocol vs ``speaker``, or
    vs ``loso`` where ``speaker`` is missing; two protocols share no folds, so this test is
    unpaired.

    Each pair of cells is tested once. Its kind is the first in `KINDS` that fits, and p is
    adjusted (Holm) among the comparisons of the same kind, dataset, protocol and metric.

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
    pairs = list(_pairs(study, metric))
    tests = [_test(study, *pair, metric) for pair in pairs]
    families: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, (kind, first, _) in enumerate(pairs):
        families[kind, first.dataset, first.protocol].append(place)
    adjusted: dict[int, tuple[float, int]] = {}
    for places in families.values():
        p_holm = adjust_holm([tests[place].p for place in places])
        adjusted |= {place: (p, len(places)) for place, p in zip(places, p_holm, strict=True)}
    guesses = {id(s.cell) for s in standings_of(study, metric) if s.beats_guessing is False}
    return tuple(
        _comparison(*pair, metric, test, *adjusted[place], guesses)
        for place, (pair, test) in enumerate(zip(pairs, tests, strict=True))
    )


def _pairs(study: Study, metric: Metric) -> Iterator[tuple[Kind, Cell, Cell]]:
    """Return the computed cells to compare."""
    family = {model.name: model.family for model in study.models}
    order = list(KINDS)
    for dataset in study.datasets:
        computed = list(study.select(dataset=dataset.name, computed=True))
        for protocol in dict.fromkeys(cell.protocol for cell in computed):
            cells = [cell for cell in computed if cell.protocol == protocol]
            found = [
                *(_models(one, other, family) for one, other in combinations(cells, 2)),
                *(_estimators(one, other) for one, other in combinations(cells, 2)),
                *(_half(cell, cells, metric) for cell in cells),
            ]
            yield from sorted(filter(None, found), key=lambda each: order.index(each[0]))
        yield from _leaks(computed)


def _models(one: Cell, other: Cell, family: Mapping[str, str]) -> tuple[Kind, Cell, Cell] | None:
    """Compare two models with the same estimator; an Audio-Mamba is the first."""
    if one.name != other.name or one.models == other.models:
        return None
    if len(one.models) > 1 or len(other.models) > 1:
        return None
    families = [family.get(cell.models[0], "") for cell in (one, other)]
    if one.estimator in _ON_ONE_MODEL and set(families) == {"mamba", "attention"}:
        return "mamba-attention", *((one, other) if families[0] == "mamba" else (other, one))
    return "model-model", one, other


def _estimators(one: Cell, other: Cell) -> tuple[Kind, Cell, Cell] | None:
    """Compare two estimators on the same models."""
    if one.models != other.models:
        return None
    cells = {one.estimator: one, other.estimator: other}
    for kind, first, second in _ORIENTED:
        if cells.keys() == {first, second}:
            return kind, cells[first], cells[second]
    return "estimator-estimator", one, other


def _half(fused: Cell, cells: Sequence[Cell], metric: Metric) -> tuple[Kind, Cell, Cell] | None:
    """Compare a cell of fused models with the better of them alone."""
    if len(fused.models) == 1:
        return None
    halves = [c for c in cells if len(c.models) == 1 and c.models[0] in fused.models]
    halves = [cell for cell in halves if cell.name == fused.name] or halves
    halves = [cell for cell in halves if not cell.n_collapsed] or halves
    if not halves:
        return None
    return "fusion-half", fused, max(halves, key=lambda cell: cell.mean(metric))


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
    guesses: Set[int],
) -> Comparison:
    # Subtracting floats leaves a rest where there is no difference.
    difference = test.difference if abs(test.difference) > ROUNDING else 0.0
    # In this order, min and max keep a NaN.
    interval = max(test.interval[0], -1.0), min(test.interval[1], 1.0)
    verdict: Verdict = "same" if test.same else "inconclusive"
    if p_holm <= LEVEL:  # false for NaN
        verdict = "higher" if difference > 0 else "lower"
    if {id(first), id(second)} <= guesses:
        verdict = "guessing"
    numbers = (difference, interval, test.t, test.df, test.p, p_holm, n_family)
    return Comparison(kind, first, second, metric, *numbers, verdict)
