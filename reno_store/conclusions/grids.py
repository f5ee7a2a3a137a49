"""What a grid of hyperparameters shows, in sentences that can be quoted alone."""

from __future__ import annotations

import math

from reno_store.conclusions.corrected import CorrectedTest, paired_test
from reno_store.conclusions.names import settings_title
from reno_store.conclusions.resampling import paired_differences
from reno_store.runtime.numbers import decimal, interval, p_value, points, score
from reno_store.studies import Cell
from reno_store.studies.grid import PAPER_POINT, Grid

__all__ = ["best_against_paper", "findings_of"]


def best_against_paper(grid: Grid) -> CorrectedTest | None:
    """Test the best point's accuracy against that of the paper's, over the same folds.

    The best point was chosen on these folds, so the test rejects too often.

    Returns
    -------
    CorrectedTest or None
        None where the paper's point is the best, or is not in the grid.
    """
    best, paper = grid.best(), grid.paper
    if paper is None or best is paper:
        return None
    n_speakers = grid.facts.n_speakers
    return paired_test(paired_differences(best, paper, "accuracy", n_speakers=n_speakers))


def findings_of(grid: Grid) -> list[str]:
    """Return which point is best, how it compares with the paper's, and how rough the grid is.

    Returns
    -------
    list of str
        A sentence or two each.
    """
    best, paper = grid.best(), grid.paper
    n_best = grid.ranks().count(1)
    among = f", the first of {n_best} with that mean" if n_best > 1 else ""
    found = [f"Best: {_scored(best)}{among}."]
    if paper is best:
        found.append("This is the paper's point.")
    elif paper is not None:
        found.append(f"The paper's point: {_scored(paper)}, rank {grid.rank(paper)}.")
        found.append(_compared(grid))
    elif set(grid.axes) & set(PAPER_POINT):
        found.append(f"The paper's point ({settings_title(PAPER_POINT)}) was not scored.")
    found.append(_spread(grid))
    n_collapsed = sum(point.n_collapsed > 0 for point in grid.scored)
    if n_collapsed:
        found.append(
            f"{n_collapsed} of {len(grid.scored)} points collapsed in some fold (the classifier "
            "did not learn). They rank last."
        )
    return found


def _scored(point: Cell) -> str:
    written = score(100 * point.mean("accuracy"), 100 * point.sd("accuracy"))
    return f"{settings_title(point.settings)}, {written} % accuracy"


def _compared(grid: Grid) -> str:
    test = best_against_paper(grid)
    if test is None:
        return ""
    difference = f"Best vs paper: {points(100 * test.difference)} points over {grid.over}"
    if math.isnan(test.t):
        return f"{difference}, the same in every fold, so there is no spread to test with."
    low, high = test.interval
    tested = (
        f"{difference} (95 % interval {interval((100 * low, 100 * high))}; paired t-test corrected "
        f"for folds that share clips, t({test.df:.0f}) = {decimal(test.t, 2)}, "
        f"p {p_value(test.p, sign='= ')})"
    )
    if test.p >= 0.05:
        return f"{tested}: inconclusive. The best was chosen on these folds, which favours it."
    return (
        f"{tested}. The best was chosen among {len(grid.scored)} points on these folds, so the "
        "difference is too large and p too small: repeat both points with another seed."
    )


def _spread(grid: Grid) -> str:
    over_grid, over_folds = grid.spread_over_grid(), grid.spread_over_folds()
    spreads = (
        f"Spread over the grid (best mean minus worst): {decimal(100 * over_grid)} points; over "
        f"the folds (mean standard deviation): {decimal(100 * over_folds)} points."
    )
    if len(grid.scored) < 2:
        return f"{spreads} One point is no grid."
    if over_grid <= over_folds:
        return f"{spreads} The grid varies no more than folds do, so it shows no best values."
    return f"{spreads} The grid varies more than folds do; another seed shows whether it repeats."
