"""From the folds of cells to what the test takes; cells of other folds are refused."""

import math
from dataclasses import replace

import numpy as np
import pytest
from factories.scored_studies import scored_cell, study_of

from reno_store.conclusions import Resamples, compare_study, paired_test
from reno_store.conclusions.resampling import paired_differences, scores_of
from reno_store.errors import ConclusionError

PAIR = ("audio-mamba-tiny", "wav2vec2-base")
SCORES = ((0.60, 0.70, 0.65), (0.55, 0.75, 0.60))
OTHERS = ((0.50, 0.65, 0.65), (0.50, 0.60, 0.65))
DIFFERENCES = (0.1, 0.05, 0.0, 0.05, 0.15, -0.05)


def differences(first, second, *, n_speakers=8):
    return paired_differences(first, second, "accuracy", n_speakers=n_speakers)


def both(**settings):
    return (
        scored_cell(PAIR, "reno", *SCORES, **settings),
        scored_cell(PAIR, "concat", *OTHERS, **settings),
    )


def test_folds_of_all_seeds_are_paired_in_order():
    found = differences(*both())
    assert found.values == pytest.approx(DIFFERENCES)
    assert (found.n_folds, found.ratio) == (6, 0.25)


def test_the_ratio_is_the_mean_over_folds_that_differ_in_size():
    cell, other = both(protocol="loso")
    sizes = ((10, 90), (20, 80), (40, 60))

    def resized(cell):
        return replace(
            cell,
            outcomes=tuple(
                tuple(
                    replace(
                        outcome,
                        score=replace(outcome.score, n_test=n_test, n_train=n_train),
                    )
                    for outcome, (n_test, n_train) in zip(outcomes, sizes, strict=True)
                )
                for outcomes in cell.outcomes
            ),
        )

    found = differences(resized(cell), resized(other))
    assert found.ratio == pytest.approx((10 / 90 + 20 / 80 + 40 / 60) / 3)


def test_a_speaker_left_out_with_several_seeds_is_one_fold():
    found = differences(*both(protocol="loso", speakers=("ann", "bo", "cy")))
    assert found.n_folds == 3
    assert found.values == pytest.approx(((0.1 + 0.05) / 2, (0.05 + 0.15) / 2, -0.05 / 2))


def test_speaker_folds_of_one_speaker_each_are_not_new_folds_with_a_new_seed():
    cells = both(protocol="speaker")
    assert differences(*cells, n_speakers=3).n_folds == 3
    assert differences(*cells, n_speakers=3).values == pytest.approx(DIFFERENCES)
    assert differences(*cells, n_speakers=4).n_folds == 6


def test_as_many_shuffled_folds_as_speakers_differ_between_seeds():
    assert differences(*both(protocol="paper"), n_speakers=3).n_folds == 6


def test_more_seeds_of_the_same_speakers_are_no_new_evidence():
    """Speakers differ, seeds hardly do: counting each seed's folds as new errs in 12 %."""
    rng = np.random.default_rng(0)
    n_trials, n_speakers, n_seeds, ratio = 600, 4, 5, 1 / 3
    shared = ratio / (1 + ratio)
    by_speaker = np.sqrt(shared) * rng.normal(size=(n_trials, 1, 1)) + np.sqrt(
        1 - shared
    ) * rng.normal(size=(n_trials, 1, n_speakers))
    trials = 0.1 * (by_speaker + 0.5 * rng.normal(size=(n_trials, n_seeds, n_speakers)))
    sizes = {"protocol": "loso", "n_test": 20, "n_train": 60}
    zeros = scored_cell(PAIR, "concat", *np.zeros((n_seeds, n_speakers)), **sizes)
    wrong, naive = 0, 0
    for trial in trials:
        found = differences(scored_cell(PAIR, "reno", *trial, **sizes), zeros)
        wrong += paired_test(found).p <= 0.05
        naive += paired_test(Resamples(tuple(trial.ravel()), ratio, trial.size)).p <= 0.05
    assert wrong / n_trials < 0.07
    assert naive / n_trials > 0.09


def test_scores_of_one_cell_are_taken_alike():
    found = scores_of(both()[0], "macro_f1", n_speakers=8)
    assert found.values == pytest.approx(tuple(score / 2 for seed in SCORES for score in seed))
    left_out = scores_of(both(protocol="loso")[0], "accuracy", n_speakers=3)
    assert (left_out.n_folds, len(left_out.values)) == (3, 3)


@pytest.mark.parametrize(
    "settings",
    [
        {"seeds": (0, 7)},
        {"n_test": 18},
        {"n_train": 79},
        {"labels": ("fear", "pain")},
        {"speakers": ("ann", "bo", "cy")},
    ],
)
def test_cells_of_other_folds_are_not_paired(settings):
    cells = scored_cell(PAIR, "reno", *SCORES), scored_cell(PAIR, "concat", *OTHERS, **settings)
    with pytest.raises(ConclusionError, match="the same folds") as refused:
        compare_study(study_of(*cells))
    assert "jnv, protocol paper, reno on audio-mamba-tiny+wav2vec2-base" in str(refused.value)


def test_folds_of_equal_size_with_other_clips_are_not_paired():
    cell, other = both()
    swapped = replace(other.outcomes[1][2], true=(1, 0) * 10)
    other = replace(other, outcomes=(other.outcomes[0], (*other.outcomes[1][:2], swapped)))
    with pytest.raises(ConclusionError, match="the same folds"):
        differences(cell, other)


@pytest.mark.parametrize("scores", [((0.5, math.nan), (0.5, 0.6)), ((0.5, 0.6), (0.5, 0.6, 0.7))])
def test_scores_that_are_no_numbers_or_as_many_for_each_seed_are_refused(scores):
    with pytest.raises(ConclusionError, match=r"reno on audio-mamba-tiny\+wav2vec2-base: expected"):
        scores_of(scored_cell(PAIR, "reno", *scores), "accuracy", n_speakers=8)
