"""What a grid allows one to conclude, in sentences that can be quoted alone."""

from __future__ import annotations

import math
import statistics

import numpy as np

from reno_store.conclusions import CorrectedTest, paired_test
from reno_store.conclusions.resampling import resamples_of
from reno_store.conclusions.sentences import in_points
from reno_store.studies.grid import PAPER_POINT, Grid
from reno_store.studies.protocols import PROTOCOLS
from reno_store.studies.study import Cell, settings_text

__all__ = ["best_against_paper", "findings_of"]


def best_against_paper(grid: Grid) -> CorrectedTest | None:
    """Test the best point's accuracy against that of the paper's, over the same folds.

    The best was chosen on these folds, so the test rejects too often.

    Returns
    -------
    CorrectedTest or None
        None where the paper's point is the best, or is not in the grid.
    """
    best, paper = grid.best(), grid.paper
    if paper is None or best is paper:
        return None
    differences = np.subtract(best.scores("accuracy"), paper.scores("accuracy"))
    ratio = statistics.fmean(fold.score.n_test / fold.score.n_train for fold in best.folds)
    return paired_test(
        resamples_of(
            differences.reshape(-1, grid.n_folds),
            PROTOCOLS[grid.protocol],
            ratio,
            n_speakers=grid.facts.n_speakers,
        )
    )


def findings_of(grid: Grid) -> list[str]:
    """Say which point is best, how it stands to the paper's, and whether the grid shows anything.

    Returns
    -------
    list of str
        A sentence or two each.
    """
    best, paper = grid.best(), grid.paper
    n_best = grid.ranks().count(1)
    among = f", the first of {n_best} with that mean" if n_best > 1 else ""
    found = [f"Best: {_scored(best)}{among}."]
    if paper is None:
        found.append(f"The paper's point ({_paper_values()}) is not among the points scored.")
    elif paper is best:
        found.append("That is the paper's point.")
    else:
        found.append(f"The paper's point: {_scored(paper)}, rank {grid.rank(paper)}.")
        found.append(_compared(grid))
    found.append(_spread(grid))
    n_collapsed = sum(point.n_collapsed > 0 for point in grid.scored)
    if n_collapsed:
        found.append(
            f"Collapsed in some fold, where RENO did not learn: {n_collapsed} of "
            f"{len(grid.scored)} points. They rank last."
        )
    return found


def _scored(point: Cell) -> str:
    mean, sd = 100 * point.mean("accuracy"), 100 * point.sd("accuracy")
    return f"{settings_text(point.settings)}, {mean:.1f} ± {sd:.1f} % accuracy"


def _paper_values() -> str:
    return settings_text(PAPER_POINT)


def _compared(grid: Grid) -> str:
    test = best_against_paper(grid)
    if test is None:
        return ""
    points = f"Best minus the paper's: {in_points(test.difference)} points over {grid.over}"
    if math.isnan(test.t):
        return f"{points}, the same in every fold, which leaves no spread to test with."
    low, high = (in_points(end) for end in test.interval)
    p = "p < 0.001" if test.p < 0.001 else f"p = {test.p:.3f}"
    t = f"{test.t:.2f}".replace("-", "\N{MINUS SIGN}")
    tested = (
        f"{points} (95 % interval {low} to {high}; paired t-test corrected for folds that share "
        f"clips, t({test.df:.0f}) = {t}, {p})."
    )
    if test.p >= 0.05:
        return (
            f"{tested} No difference may be concluded, the less so since the best was chosen on "
            "these folds."
        )
    return (
        f"{tested} The best was chosen among {len(grid.scored)} points on these folds, which makes "
        "the difference too large and p too small: compare the two with another --seed before you "
        "believe it."
    )


def _spread(grid: Grid) -> str:
    over_grid, over_folds = grid.spread_over_grid(), grid.spread_over_folds()
    spreads = (
        f"Spread over the grid (best mean minus worst): {100 * over_grid:.1f} points; over the "
        f"folds (mean standard deviation): {100 * over_folds:.1f} points."
    )
    if len(grid.scored) < 2:
        return f"{spreads} One point is no grid."
    if over_grid <= over_folds:
        return (
            f"{spreads} The former is within the latter: this grid says nothing about which values "
            "are better."
        )
    return (
        f"{spreads} The former exceeds the latter, so the values may matter; whether they do is "
        "for another --seed to say."
    )
