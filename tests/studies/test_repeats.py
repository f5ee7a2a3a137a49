"""Several seeds: each kept with its folds, and put together."""

import io
import json
import statistics

import numpy as np
import pytest
from rich.console import Console

from reno_store.errors import ProtocolError
from reno_store.studies import Comparison, Evaluation, FoldScore
from reno_store.studies.comparison_table import comparison_table
from reno_store.studies.repeats import put_together
from reno_store.studies.seeds import check_seeds


def evaluation(seed, accuracies, *, estimator="fcn", protocol="paper", lacking=(), speakers=None):
    folds = tuple(
        FoldScore(
            accuracy,
            accuracy / 2,
            accuracy / 3,
            80,
            20,
            n_labels=3 - (number in lacking),
            speaker=speakers[number] if speakers else "",
        )
        for number, accuracy in enumerate(accuracies)
    )
    return Evaluation("cries", ("mfcc",), estimator, protocol, seed, True, folds)


def comparison(*evaluations):
    return Comparison("cries", 100, 3, 10, 0, 0.5, evaluations)


def text_of(told):
    file = io.StringIO()
    Console(file=file, width=300).print(comparison_table(told))
    return "\n".join(" ".join(line.split()) for line in file.getvalue().splitlines())


SCORES = {0: (0.5, 0.7), 7: (0.2, 0.8), 3: (0.6, 0.6)}
BY_SEED = tuple(evaluation(seed, scores) for seed, scores in SCORES.items())


def test_mean_and_sd_are_over_the_folds_of_all_seeds():
    (repeats,) = put_together(BY_SEED)
    everything = [score for scores in SCORES.values() for score in scores]
    assert repeats.seeds == (0, 7, 3)
    assert repeats.scores("accuracy") == everything
    assert repeats.mean("accuracy") == pytest.approx(statistics.fmean(everything))
    assert repeats.sd("accuracy") == pytest.approx(statistics.stdev(everything))
    assert repeats.mean("macro_f1") == pytest.approx(statistics.fmean(everything) / 2)


def test_only_what_differs_in_its_seed_alone_is_put_together():
    other = evaluation(0, (0.1, 0.2), estimator="cnn")
    elsewhere = evaluation(0, (0.3, 0.4), protocol="speaker")
    together = put_together([BY_SEED[0], other, BY_SEED[1], elsewhere])
    assert [each.evaluations for each in together] == [
        (BY_SEED[0], BY_SEED[1]),
        (other,),
        (elsewhere,),
    ]


def test_json_keeps_seed_and_fold_beside_what_they_come_to():
    told = json.loads(json.dumps(comparison(*BY_SEED).to_dict()))
    kept = {
        each["seed"]: tuple(fold["accuracy"] for fold in each["folds"])
        for each in told["evaluations"]
    }
    assert kept == SCORES
    (repeats,) = told["repeats"]
    assert (repeats["seeds"], repeats["n_scores"]) == ([0, 7, 3], 6)
    assert repeats["mean"]["accuracy"] == pytest.approx(np.mean(list(SCORES.values())))


def test_table_has_a_column_a_seed_and_says_over_what_the_mean_is():
    text = text_of(comparison(*BY_SEED))
    assert "2 folds, seeds 0, 7, 3; embeddings" in text
    assert "estimator models score seed 0 seed 7 seed 3 mean sd" in text
    assert "fcn mfcc accuracy 60.0 50.0 60.0 56.7 20.7" in text
    assert "mean and sd are over all 3 x 2 folds, which share clips" in text


def test_table_of_one_seed_has_its_folds():
    text = text_of(comparison(BY_SEED[0]))
    assert "estimator models score fold 1 fold 2 mean sd" in text
    assert "folds, seed 0; embeddings" in text
    assert "share clips" not in text


def test_folds_that_lack_a_label_are_named_with_their_seed():
    text = text_of(comparison(evaluation(0, (0.5, 0.6), lacking=[1]), evaluation(4, (0.5, 0.6))))
    assert "Fold 2 (seed 0) tests no clip of some labels" in text


def test_speakers_that_lack_a_label_are_named_once():
    each = [
        evaluation(seed, (0.5, 0.6), protocol="loso", lacking=[1], speakers=["ann", "bo"])
        for seed in (0, 1)
    ]
    assert "Fold bo tests no clip of some labels" in text_of(comparison(*each))


@pytest.mark.parametrize(
    ("given", "seeds"),
    [(3, (3,)), ([2, 0], (2, 0)), (np.int64(4), (4,)), (range(3), (0, 1, 2)), (2**32 - 1, None)],
)
def test_one_seed_or_several_are_taken(given, seeds):
    found = check_seeds(given)
    assert found == (seeds or (2**32 - 1,))
    assert all(type(seed) is int for seed in found)


@pytest.mark.parametrize(
    ("seeds", "told"),
    [
        ([], "expected at least one seed, got none."),
        ([1, 2, 1], "seed 1 is given twice; the same seed gives the same scores. Give each once."),
        (-1, "seed -1 is out of range; expected 0 to 4294967295."),
        ([0, 2**32], "seed 4294967296 is out of range; expected 0 to 4294967295."),
    ],
)
def test_seeds_that_cannot_be_are_refused(seeds, told):
    with pytest.raises(ProtocolError) as caught:
        check_seeds(seeds)
    assert str(caught.value) == told
