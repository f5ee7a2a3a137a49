"""Groups that cannot be told apart, against the definition written out with scipy."""

import math

import numpy as np
import pytest
from factories.made_up_studies import with_collapsed
from factories.scored_studies import scored_cell, study_of
from scipy import stats

from reno_store.conclusions import rank_cells, standings_of

NAMES = ("fcn", "cnn", "svm", "logreg", "rf", "GaussianNB")


def ranked(study):
    return rank_cells(standings_of(study), n_speakers=8)


def study(scores):
    return study_of(
        *(scored_cell(["mfcc"], name, own) for name, own in zip(NAMES, scores, strict=False))
    )


def corrected_p(differences):
    error = math.sqrt((1 / len(differences) + 20 / 80) * np.var(differences, ddof=1))
    return 2 * stats.t.sf(abs(np.mean(differences)) / error, df=len(differences) - 1)


def groups_by_definition(scores):
    """Take the best and all that are not lower after Holm's steps, then begin again."""
    left, groups = list(range(len(scores))), {}
    while left:
        best = max(left, key=lambda place: np.mean(scores[place]))
        p = {
            place: corrected_p(np.subtract(scores[best], scores[place]))
            for place in left
            if place != best
        }
        lower = []
        for steps, place in enumerate(sorted(p, key=p.get)):
            if p[place] * (len(p) - steps) > 0.05:
                break
            lower.append(place)
        number = 1 + max(groups.values(), default=0)
        groups |= {place: number for place in left if place not in lower}
        left = lower
    return groups


@pytest.mark.parametrize("seed", range(12))
def test_groups_are_those_of_the_definition(seed):
    rng = np.random.default_rng(seed)
    level = rng.choice([0.3, 0.4, 0.55, 0.7], size=6)
    scores = level[:, None] + rng.normal(scale=0.03, size=(6, 5))
    found = {
        NAMES.index(each.standing.cell.estimator): each.group for each in ranked(study(scores))
    }
    assert found == groups_by_definition(scores)
    assert len(set(found.values())) > 1


def test_the_best_is_first_and_differences_are_to_it():
    rng = np.random.default_rng(3)
    scores = np.sort(rng.uniform(0.2, 0.8, size=(4, 5)), axis=0)
    found = ranked(study(scores))
    assert [each.standing.cell.estimator for each in found] == list(NAMES[3::-1])
    assert math.isnan(found[0].p_holm)
    for each, own in zip(found[1:], scores[2::-1], strict=True):
        assert each.difference == pytest.approx(own.mean() - scores[3].mean())
    p = [corrected_p(own - scores[3]) for own in scores[:3]]
    assert min(each.p_holm for each in found[1:]) == pytest.approx(min(1, 3 * min(p)))


def test_what_collapsed_is_not_ranked_unless_all_did():
    scores = (0.5, 0.4, 0.6), (0.2, 0.3, 0.2)
    whole = study(scores)
    once = with_collapsed(whole, whole.cells[0])
    assert [each.standing.cell.estimator for each in ranked(once)] == ["cnn"]
    twice = with_collapsed(once, once.cells[1])
    assert [each.standing.cell.estimator for each in ranked(twice)] == ["fcn", "cnn"]


def test_no_spread_or_a_single_fold_tells_nothing_apart():
    for scores in (((0.9,), (0.1,)), ((0.9, 0.8), (0.5, 0.4))):
        assert [each.group for each in ranked(study(scores))] == [1, 1]


def test_the_best_is_in_the_first_group_in_19_of_20_studies():
    """Six cells of nearly the same skill, of which one is better: it is rarely excluded."""
    rng = np.random.default_rng(0)
    n_excluded, n_trials = 0, 300
    shared = 0.2  # correlation of folds that share training clips, n_test / (n_test + n_train)
    for _ in range(n_trials):
        noise = math.sqrt(shared) * rng.normal(size=(6, 1)) + math.sqrt(1 - shared) * rng.normal(
            size=(6, 5)
        )
        scores = 0.5 + 0.04 * noise
        scores[2] += 0.01
        (best,) = [each for each in ranked(study(scores)) if each.standing.cell.estimator == "svm"]
        n_excluded += best.group > 1
    assert n_excluded / n_trials <= 0.05
