"""A study's comparisons: every pair of cells tested, adjusted together, put into words."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from reno_store.conclusions.candidates import Candidate, candidates_of
from reno_store.conclusions.comparisons import Comparison, Verdict
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
from reno_store.studies import Study
from reno_store.studies.scores import METRICS, Metric

__all__ = ["compare_study"]

_LEVEL = 0.05


def compare_study(study: Study, metric: Metric = "accuracy") -> tuple[Comparison, ...]:
    """Test every difference of a study that a conclusion rests on.

    For each dataset and protocol: each Audio-Mamba against each attention-based model, with
    FCN and with CNN; CNN against FCN on the same model; RENO against concatenation on the
    same two models; each of these networks against logistic regression on the same models.
    These are paired, fold by fold. And for each dataset, estimator and
    models the paper's protocol against ``speaker``, or ``loso`` where there is no
    ``speaker``: these cannot be paired, since two protocols have no folds in common.

    p-values are adjusted (Holm) among the comparisons of the same kind, dataset, protocol
    and metric.

    Parameters
    ----------
    study : Study
        Cells that were not computed are passed over.
    metric : str
        ``"accuracy"``, ``"macro_f1"`` or ``"balanced_accuracy"``.

    Returns
    -------
    tuple of Comparison
        By dataset, protocol (the leak after them), kind, then in the order of the cells.

    Raises
    ------
    UnknownNameError
        If there is no such metric.
    ConclusionError
        If cells of one dataset and protocol were not scored on the same folds, or a score
        is not finite.
    """
    if metric not in METRICS:
        raise UnknownNameError.among("metric", metric, METRICS)
    candidates = list(candidates_of(study))
    tests = [_test(candidate, metric, study) for candidate in candidates]
    families: dict[Hashable, list[int]] = {}
    for place, each in enumerate(candidates):
        family = (each.kind, each.first.dataset, each.first.protocol)
        families.setdefault(family, []).append(place)
    comparisons: dict[int, Comparison] = {}
    for places in families.values():
        adjusted = adjust_holm([tests[place].p for place in places])
        for place, p_holm in zip(places, adjusted, strict=True):
            comparisons[place] = _put_together(
                candidates[place], metric, tests[place], p_holm, len(places)
            )
    return tuple(comparisons[place] for place in sorted(comparisons))


def _test(candidate: Candidate, metric: Metric, study: Study) -> CorrectedTest:
    first, second = candidate.first, candidate.second
    n_speakers = study.dataset(first.dataset).n_speakers
    if candidate.kind == "paper-speaker":
        return unpaired_test(
            scores_of(first, metric, n_speakers=n_speakers),
            scores_of(second, metric, n_speakers=n_speakers),
        )
    return paired_test(paired_differences(first, second, metric, n_speakers=n_speakers))


def _put_together(
    candidate: Candidate, metric: Metric, tested: CorrectedTest, p_holm: float, n_family: int
) -> Comparison:
    lowest, highest = tested.interval
    comparison = Comparison(
        kind=candidate.kind,
        first=candidate.first,
        second=candidate.second,
        metric=metric,
        # What subtracting floats leaves of nothing is nothing.
        difference=tested.difference if abs(tested.difference) > ROUNDING else 0.0,
        # min and max hand a NaN on only where it stands first
        interval=(max(lowest, -1.0), min(highest, 1.0)),
        t=tested.t,
        df=tested.df,
        p=tested.p,
        p_holm=p_holm,
        paired=candidate.kind != "paper-speaker",
        verdict=_verdict(tested, p_holm),
        sentence="",
    )
    return replace(comparison, sentence=comparison_sentence(comparison, n_family))


def _verdict(tested: CorrectedTest, p_holm: float) -> Verdict:
    if p_holm <= _LEVEL:  # not so for NaN
        return "higher" if tested.difference > 0 else "lower"
    return "same" if tested.same else "undecided"
