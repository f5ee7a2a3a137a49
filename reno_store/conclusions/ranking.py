"""Which cells cannot be told apart: the cells of one dataset and protocol in groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reno_store.conclusions.corrected import LEVEL, CorrectedTest, adjust_holm, paired_test
from reno_store.conclusions.guessing import Standing
from reno_store.conclusions.resampling import paired_differences

__all__ = ["Ranked", "rank_cells"]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A cell's place in the ranking of its dataset and protocol.

    Attributes
    ----------
    standing : Standing
        The cell, its score and interval, and whether it beats guessing.
    group : int
        1 for the best cell and all that cannot be told from it, 2 for the best of the others and
        those that cannot be told from that one, and so on.
    difference : float
        Score minus that of the best cell, in [-1, 0].
    p_holm : float
        p of the paired corrected test of that difference, adjusted (Holm) for all cells but the
        best; NaN for the best cell, and where there is no spread.
    """

    standing: Standing
    group: int
    difference: float
    p_holm: float


def rank_cells(standings: Sequence[Standing], *, n_speakers: int) -> tuple[Ranked, ...]:
    """Rank cells of one dataset and protocol, the best first.

    Each group starts with the best cell that is left. The others are tested against it on the
    same folds, with p adjusted (Holm) for their number, and those that are not lower at 5 % join
    it. So the best of all cells is in the first group with a confidence of about 95 %, although
    the highest score was chosen among many.

    Parameters
    ----------
    standings : Sequence[Standing]
        At least one. Cells that collapsed in some fold are left out, unless all did.
    n_speakers : int
        Speakers of the dataset.

    Raises
    ------
    ConclusionError
        If the cells were not scored on the same folds.
    """
    learnt = [each for each in standings if not each.cell.n_collapsed] or list(standings)
    rest = sorted(learnt, key=lambda each: -each.score)
    ranked: list[Ranked] = []
    against_best: dict[int, tuple[float, float]] = {}
    group = 0
    while rest:
        group += 1
        head, *others = rest
        tests = [_test(each, head, n_speakers) for each in others]
        p_holm = adjust_holm([test.p for test in tests])
        if group == 1:
            differences = [min(0.0, test.difference) for test in tests]
            places = [id(each) for each in others]
            against_best = dict(zip(places, zip(differences, p_holm, strict=True), strict=True))
        lower = {id(each) for each, p in zip(others, p_holm, strict=True) if p <= LEVEL}
        ranked += [
            Ranked(each, group, *against_best.get(id(each), (0.0, float("nan"))))
            for each in rest
            if id(each) not in lower
        ]
        rest = [each for each in others if id(each) in lower]
    return tuple(ranked)


def _test(each: Standing, head: Standing, n_speakers: int) -> CorrectedTest:
    return paired_test(paired_differences(each.cell, head.cell, head.metric, n_speakers=n_speakers))
