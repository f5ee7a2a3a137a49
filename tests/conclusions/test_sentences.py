"""What is said of a comparison: everything a reader needs, and no equality that was not shown."""

import pytest
from factories.made_up_studies import make_study
from factories.scored_studies import scored_cell, study_of

from reno_store.conclusions import compare_study
from reno_store.conclusions.sentences import in_points

A, W = "audio-mamba-tiny", "wav2vec2-base"
LOW = (0.30, 0.35, 0.30, 0.25, 0.30)
HIGH = (0.70, 0.75, 0.80, 0.65, 0.75)
NEAR = (0.30, 0.40, 0.25, 0.30, 0.30)
WEAK = (0.43, 0.39, 0.35, 0.36, 0.36)


def sentences(*cells, metric="accuracy", **settings):
    return [each.sentence for each in compare_study(study_of(*cells, **settings), metric)]


def fusions(reno, concat, **settings):
    return sentences(
        scored_cell((A, W), "reno", *reno, **settings),
        scored_cell((A, W), "concat", *concat, **settings),
    )[0]


def test_a_higher_score_is_said_with_its_numbers():
    # differences 0.4, 0.4, 0.5, 0.4, 0.45: mean 0.43, var 0.002, SE^2 = 0.45 x 0.002 = 0.0009,
    # t = 0.43 / 0.03 = 14.33, interval 0.43 -+ 2.776 x 0.03
    assert fusions([HIGH], [LOW]) == (
        "On jnv under protocol paper, RENO scores higher than Concat on audio-mamba-tiny + "
        "wav2vec2-base, by 43.0 points of accuracy (95 % interval +34.7 to +51.3; paired over 5 "
        "folds; t(4) = 14.33, p < 0.001)."
    )


def test_a_lower_score_is_said_as_lower():
    said = fusions([LOW], [HIGH])
    assert "RENO scores lower than Concat on" in said
    assert "by 43.0 points of accuracy (95 % interval −51.3 to −34.7;" in said
    assert "t(4) = −14.33" in said


def test_an_undecided_comparison_says_what_the_folds_allow():
    assert fusions([NEAR], [LOW]) == (
        "On jnv under protocol paper, no difference in accuracy between RENO and Concat on "
        "audio-mamba-tiny + wav2vec2-base may be concluded: the mean difference is +1.0 points, "
        "and the folds are compatible with anything from −6.8 to +8.8 points (95 % interval; "
        "paired over 5 folds; t(4) = 0.36, p = 0.740)."
    )


def test_what_fails_only_for_the_adjustment_is_said_so():
    said = sentences(
        scored_cell([A], "cnn", WEAK),
        scored_cell([A], "fcn", LOW),
        scored_cell([W], "cnn", NEAR),
        scored_cell([W], "fcn", LOW),
    )
    weak = next(each for each in said if "CNN and FCN on audio-mamba-tiny" in each)
    assert "would suffice if it stood alone, but not among all comparisons of its kind" in weak
    assert "compatible with anything" not in weak
    assert "p = 0.043, after Holm's adjustment for 2 comparisons p = 0.085" in weak


def test_equal_scores_are_not_called_equal_models():
    said = fusions([LOW], [LOW])
    assert "both score the same in every fold, which leaves no spread to test with" in said
    assert "may be concluded" in said
    assert "t(" not in said


def test_the_same_difference_everywhere_is_no_certainty():
    said = fusions([[score + 0.05 for score in LOW]], [LOW])
    assert "the difference is +5.0 points in every fold, which leaves no spread" in said
    assert "no difference in accuracy between RENO and Concat" in said


def test_one_fold_shows_nothing():
    said = fusions([[0.7]], [[0.5]])
    assert "the difference is +20.0 points, and one fold shows no spread to test with" in said
    assert said.endswith("(paired over 1 fold).")


@pytest.mark.parametrize(("n_folds", "noted"), [(2, True), (3, True), (4, False), (5, False)])
def test_few_folds_are_noted(n_folds, noted):
    said = fusions([NEAR[:n_folds]], [LOW[:n_folds]])
    assert ("so few folds can show only very large differences" in said) == noted


def test_seeds_are_counted():
    assert "paired over 5 folds x 2 seeds; t(9)" in fusions([HIGH, LOW], [LOW, NEAR])
    assert "paired over 5 folds x 2 seeds; t(4)" in fusions(
        [HIGH, LOW], [LOW, NEAR], protocol="loso"
    )


def test_models_are_named_where_the_classifier_is_the_same():
    (said,) = sentences(scored_cell([A], "cnn", HIGH), scored_cell([W], "cnn", LOW))
    assert "audio-mamba-tiny scores higher than wav2vec2-base with CNN, by 43.0 points" in said


@pytest.mark.parametrize(
    ("paper", "elsewhere", "told"),
    [
        (HIGH, LOW, "On jnv, the paper's protocol overstates the accuracy of SVM (RBF) with"),
        (LOW, HIGH, "On jnv, the paper's protocol understates the accuracy of SVM (RBF) with"),
        (NEAR, LOW, "On jnv, it may not be concluded whether the paper's protocol overstates"),
    ],
)
def test_a_leak_is_said_of_voices_never_heard(paper, elsewhere, told):
    (said,) = sentences(
        scored_cell([W], "svm", paper),
        scored_cell([W], "svm", elsewhere[:4], protocol="speaker"),
        estimators=("svm",),
    )
    assert said.startswith(told)
    assert "on voices never heard in training (protocol speaker)" in said
    assert "unpaired, since the protocols have no folds in common: 5 folds and 4 folds" in said


def test_the_metric_is_named():
    cells = scored_cell([W], "cnn", HIGH), scored_cell([W], "fcn", LOW)
    assert "by 21.5 points of macro-F1" in sentences(*cells, metric="macro_f1")[0]
    assert "by 43.0 points of balanced accuracy" in sentences(*cells, metric="balanced_accuracy")[0]


def test_each_is_one_sentence_of_one_line():
    for each in compare_study(make_study(protocols=("paper", "loso"), seeds=(0, 1))):
        assert each.sentence.startswith("On jnv")
        assert each.sentence.endswith(").")
        assert ". " not in each.sentence
        assert "\n" not in each.sentence
        assert "nan" not in each.sentence


def test_points_have_no_negative_zero():
    assert [in_points(each) for each in (-0.0004, 0.0004, -0.0006)] == ["0.0", "0.0", "−0.1"]
