"""Comparisons in words: everything a reader needs, and no equality that was not shown."""

import pytest
from factories.odd_studies import make_study
from factories.scored_studies import scored_cell, study_of

from reno_store.conclusions import compare_study

A, W = "audio-mamba-tiny", "wav2vec2-base"
LOW = (0.30, 0.35, 0.30, 0.25, 0.30)
HIGH = (0.70, 0.75, 0.80, 0.65, 0.75)
NEAR = (0.30, 0.40, 0.25, 0.30, 0.30)
CHANCE = (0.05, 0.15, 0.10, 0.05, 0.15)
WEAK = (0.43, 0.39, 0.35, 0.36, 0.36)


def sentences(*cells, metric="accuracy", **settings):
    return [each.sentence for each in compare_study(study_of(*cells, **settings), metric)]


def fusions(reno, concat, **settings):
    return sentences(
        scored_cell((A, W), "reno", *reno, **settings),
        scored_cell((A, W), "concat", *concat, **settings),
    )[0]


def test_a_sentence_in_full():
    # differences 0.4, 0.4, 0.5, 0.4, 0.45: mean 0.43, var 0.002, SE^2 = 0.45 x 0.002 = 0.0009,
    # t = 0.43 / 0.03 = 14.33, interval 0.43 -+ 2.776 x 0.03
    assert fusions([HIGH], [LOW]) == (
        "jnv, protocol paper: RENO vs Concat on audio-mamba-tiny + wav2vec2-base: higher (+43.0 "
        "points, 95 % interval +34.7 to +51.3, p < 0.001)."
    )


@pytest.mark.parametrize(
    ("reno", "concat", "parts"),
    [
        (LOW, HIGH, ("lower (−43.0", "−51.3 to −34.7", "p < 0.001")),
        (NEAR, LOW, ("inconclusive (+1.0", "−6.8 to +8.8", "p = 0.740")),
        (LOW, LOW, ("inconclusive (0.0 points in every fold", "no spread to test with")),
        (
            [score + 0.05 for score in LOW],
            LOW,
            ("inconclusive (+5.0 points in every fold", "no spread to test with"),
        ),
        ([0.7], [0.5], ("inconclusive (+20.0 points in a single fold", "no spread")),
        (CHANCE, CHANCE[::-1], ("neither beats guessing (0.0 points, 95 %",)),
    ],
)
def test_each_result_has_its_numbers(reno, concat, parts):
    sentence = fusions([reno], [concat])
    assert all(part in sentence for part in parts)


def test_p_is_the_adjusted_one():
    found = sentences(
        scored_cell([A], "cnn", WEAK),
        scored_cell([A], "fcn", LOW),
        scored_cell([W], "cnn", NEAR),
        scored_cell([W], "fcn", LOW),
    )
    (weak,) = [each for each in found if "CNN vs FCN on audio-mamba-tiny" in each]
    assert "inconclusive" in weak
    assert "p = 0.085" in weak


@pytest.mark.parametrize(("n_folds", "noted"), [(2, True), (3, True), (4, False), (5, False)])
def test_few_folds_are_noted(n_folds, noted):
    assert ("so few folds" in fusions([NEAR[:n_folds]], [LOW[:n_folds]])) == noted


def test_models_are_named_where_the_classifier_is_the_same():
    (found,) = sentences(scored_cell([A], "cnn", HIGH), scored_cell([W], "cnn", LOW))
    assert "audio-mamba-tiny vs wav2vec2-base, CNN: higher (+43.0" in found


@pytest.mark.parametrize(
    ("paper", "elsewhere", "verdict"),
    [(HIGH, LOW, "higher"), (LOW, HIGH, "lower"), (NEAR, LOW, "inconclusive")],
)
def test_a_leak_names_both_protocols(paper, elsewhere, verdict):
    (found,) = sentences(
        scored_cell([W], "svm", paper),
        scored_cell([W], "svm", elsewhere[:4], protocol="speaker"),
        estimators=("svm",),
    )
    assert found.startswith(f"jnv: SVM (RBF) on wav2vec2-base: paper vs speaker: {verdict} (")


@pytest.mark.parametrize(
    ("metric", "words"),
    [("macro_f1", "+21.5 points of macro-F1"), ("balanced_accuracy", "of balanced accuracy")],
)
def test_the_metric_is_named(metric, words):
    cells = scored_cell([W], "cnn", HIGH), scored_cell([W], "fcn", LOW)
    assert words in sentences(*cells, metric=metric)[0]


def test_each_is_one_sentence_of_one_line():
    for each in compare_study(make_study(protocols=("paper", "loso"), seeds=(0, 1))):
        assert each.sentence.startswith("jnv")
        assert each.sentence.endswith(").")
        assert "). " not in each.sentence
        assert "\n" not in each.sentence
        assert "nan" not in each.sentence
