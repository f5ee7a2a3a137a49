"""What is said of a grid."""

import math
import time
from itertools import product

import numpy as np
import pytest
from factories.made_up_grids import make_grid

from reno_store.conclusions import Resamples, paired_test
from reno_store.conclusions.grids import best_against_paper, findings_of
from reno_store.studies import cv_results, cv_results_csv

PAPER = (2.0, 0.2, 0.4)
BEST = (3.0, 0.05, 0.8)
LOW, HIGH = [0.5, 0.52, 0.54, 0.5, 0.49], [0.7, 0.73, 0.75, 0.69, 0.72]


def values_of(grid):
    return [tuple(point.settings.values()) for point in grid.points]


def said(grid):
    return " ".join(findings_of(grid))


def test_the_best_and_the_papers_point_are_named_with_their_scores():
    grid = make_grid({PAPER: LOW, BEST: HIGH})
    mean, sd = np.mean(HIGH), np.std(HIGH, ddof=1)
    assert f"Best: β 3, δ 0.05, λ 0.8, {100 * mean:.1f} ± {100 * sd:.1f} % accuracy." in said(grid)
    assert "The paper's point: β 2, δ 0.2, λ 0.4, 51.0 ± 2.0 % accuracy, rank 27." in said(grid)


def test_the_test_is_the_one_corrected_for_folds_that_share_clips():
    grid = make_grid({PAPER: LOW, BEST: HIGH})
    differences = tuple(np.subtract(HIGH, LOW).tolist())
    expected = paired_test(Resamples(differences, ratio=20 / 80, n_folds=5))
    found = best_against_paper(grid)
    assert found.p == pytest.approx(expected.p)
    assert found.interval == pytest.approx(expected.interval)
    assert f"t(4) = {expected.t:.2f}" in said(grid)
    assert "among 27 points on these folds" in said(grid)


def test_of_points_as_good_as_each_other_the_papers_is_the_best():
    grid = make_grid({PAPER: HIGH, (1.5, 0.05, 0.2): HIGH, BEST: LOW})
    assert grid.is_paper(grid.best())


@pytest.mark.parametrize(("protocol", "n_folds", "df"), [("speaker", 5, 9), ("loso", 5, 4)])
def test_seeds_make_new_folds_but_where_each_is_a_speaker(protocol, n_folds, df):
    scores = {PAPER: [*LOW, *LOW], BEST: [*HIGH, *reversed(HIGH)]}
    grid = make_grid(scores, seeds=(0, 1), protocol=protocol, n_folds=n_folds)
    found = best_against_paper(grid)
    assert found.df == df
    assert "points over 5 folds, 2 seeds (95 %" in said(grid)
    place = values_of(grid).index(BEST)
    assert cv_results(grid)["split9_test_accuracy"][place] == HIGH[0]


def test_a_difference_that_folds_do_not_show_is_not_concluded():
    near = [each + shift for each, shift in zip(LOW, (0.2, -0.1, 0.3, 0.1, 0.0), strict=True)]
    assert "inconclusive" in said(make_grid({PAPER: LOW, BEST: near}, spread=0))


def test_the_same_difference_in_every_fold_is_no_test():
    grid = make_grid({PAPER: [0.5] * 5, BEST: [0.75] * 5}, spread=0)
    assert "no spread to test with" in said(grid)


def test_where_the_paper_is_best_or_missing_that_is_said():
    assert "This is the paper's point." in said(make_grid({PAPER: HIGH}))
    missing = said(make_grid(beta=(1.5, 3)))
    assert "(β 2, δ 0.2, λ 0.4) was not scored" in missing
    failed = make_grid(failed=[PAPER])
    assert "was not scored" in said(failed)
    assert best_against_paper(failed) is None


@pytest.mark.parametrize(("spread", "means"), [(0.1, 0.01), (0.01, 0.1)])
def test_a_grid_within_the_spread_of_folds_says_nothing(spread, means):
    folds = spread * np.array([-1, -0.5, 0, 0.5, 1])
    scores = {
        point: (0.5 + folds + means * place / 26).tolist()
        for place, point in enumerate(values_of(make_grid()))
    }
    grid = make_grid(scores)
    assert grid.spread_over_grid() == pytest.approx(means)
    assert grid.spread_over_folds() == pytest.approx(np.std(folds, ddof=1))
    assert ("shows no best values" in said(grid)) == (spread > means)
    assert ("varies more than folds" in said(grid)) == (spread < means)


def test_ties_are_told():
    grid = make_grid({PAPER: HIGH, BEST: HIGH[::-1]})
    assert "the first of 2 with that mean" in said(grid)
    assert [
        grid.rank(point)
        for point, values in zip(grid.points, values_of(grid), strict=True)
        if values in (PAPER, BEST)
    ] == [1, 1]


def test_a_thousand_points_are_ranked_at_once():
    rng = np.random.default_rng(0)
    values = tuple(np.linspace(0, 1, 11).tolist())
    axes = {"beta": tuple(1.5 + value for value in values), "delta": values, "lam": values}
    points = list(product(*axes.values()))
    means = rng.permutation(len(points))
    scores = {point: [mean / 2000] * 5 for point, mean in zip(points, means, strict=True)}
    grid = make_grid(scores, **axes)
    began = time.perf_counter()
    found = cv_results(grid)
    findings_of(grid)
    assert time.perf_counter() - began < 2
    assert found["rank_test_accuracy"].tolist() == (len(means) - means).tolist()


def test_results_are_those_of_a_search_over_several_metrics():
    failed = (3.0, 0.8, 0.8)
    grid = make_grid({BEST: HIGH}, failed=[failed])
    results = cv_results(grid)
    place = [tuple(each.values()) for each in results["params"]].index(BEST)
    assert results["rank_test_accuracy"][place] == 1
    assert results["mean_test_accuracy"][place] == pytest.approx(np.mean(HIGH))
    assert results["std_test_accuracy"][place] == pytest.approx(np.std(HIGH))
    assert results["split1_test_macro_f1"][place] == pytest.approx(HIGH[1] - 0.01)
    assert results["mean_fit_time"][place] == pytest.approx(2 + np.mean(HIGH))
    assert math.isnan(results["mean_test_accuracy"][-1])
    assert results["rank_test_accuracy"][-1] == 27
    lines = cv_results_csv(grid).splitlines()
    assert len(lines) == 28
    assert lines[0].startswith("mean_fit_time,std_fit_time,param_beta,param_delta,param_lam,params")


def test_points_that_collapsed_rank_last_and_are_never_the_best():
    grid = make_grid({PAPER: [0.9] * 5}, beta=(1.5, 2.0), lam=(0.4,))
    paper = grid.paper
    assert grid.best() is paper
    for outcome in paper.folds[:2]:
        object.__setattr__(outcome.score, "collapsed", True)
    assert grid.best() is not paper
    assert grid.rank(paper) == len(grid.points)
    assert cv_results(grid)["rank_test_accuracy"].max() == grid.rank(paper)
    assert f"1 of {len(grid.points)} points collapsed" in said(grid)
