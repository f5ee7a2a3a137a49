"""The paper's tables: a sample typed by hand from its text, counts, and pairs either way round."""

import pytest

from reno_store.studies import paper_value
from reno_store.studies.paper_values import PAPER_DATASETS, PAPER_LETTERS, PAPER_PAIRS

# dataset, estimator, models, accuracy, macro-F1: first, last and bold row of each section.
PRINTED = """
asvp-esd fcn    A(T)    66.51 58.71
jnv      fcn    A(T)    59.82 58.14
vivae    fcn    A(T)    52.21 51.95
asvp-esd fcn    H       55.67 54.05
jnv      fcn    H       58.41 57.96
vivae    fcn    H       42.56 41.94
asvp-esd cnn    A(T)    67.59 65.84
jnv      cnn    A(T)    62.77 61.14
vivae    cnn    A(T)    53.92 53.57
asvp-esd cnn    A(B)    73.96 71.98
jnv      cnn    A(B)    64.29 63.81
vivae    cnn    A(B)    62.42 61.29
asvp-esd cnn    H       59.43 58.21
jnv      cnn    H       59.26 58.35
vivae    cnn    H       49.04 48.36
asvp-esd concat A(T)+W  70.32 68.91
asvp-esd reno   A(T)+W  75.42 74.23
jnv      concat A(T)+W  66.14 65.43
jnv      reno   A(T)+W  71.45 70.32
vivae    concat A(T)+W  54.29 53.21
vivae    reno   A(T)+W  61.65 60.45
jnv      concat A(T)+H  76.56 75.43
jnv      reno   A(T)+H  79.09 78.41
asvp-esd concat A(B)+U  75.67 74.84
asvp-esd reno   A(B)+U  83.56 82.51
asvp-esd concat A(B)+H  75.09 74.21
asvp-esd reno   A(B)+H  77.98 76.48
vivae    concat A(B)+H  67.69 66.51
vivae    reno   A(B)+H  72.51 71.82
vivae    reno   A(S)+W  73.65 72.49
asvp-esd concat W+W2    63.93 62.32
jnv      reno   W+W2    69.39 68.51
vivae    reno   W+W2    59.31 58.47
asvp-esd concat H+W     59.72 58.34
asvp-esd reno   H+W     63.09 62.21
jnv      concat H+W     67.72 66.49
jnv      reno   H+W     74.51 72.57
vivae    concat H+W     55.60 52.71
vivae    reno   H+W     64.63 62.20
"""


@pytest.mark.parametrize("line", PRINTED.split("\n")[1:-1])
def test_a_row_is_as_printed(line):
    dataset, estimator, models, *printed = line.split()
    letters = models.split("+")
    found = [paper_value(dataset, estimator, letters, name) for name in ("accuracy", "macro_f1")]
    assert found == [float(number) for number in printed]


def test_there_are_seven_models_twice_and_eighteen_pairs_twice_for_each_dataset():
    assert len(PAPER_LETTERS) == 7
    assert len(PAPER_PAIRS) == 18
    for dataset in PAPER_DATASETS:
        alone = [
            paper_value(dataset, estimator, [letter], metric)
            for estimator in ("fcn", "cnn")
            for letter in PAPER_LETTERS
            for metric in ("accuracy", "macro_f1")
        ]
        fused = [
            paper_value(dataset, estimator, pair, metric)
            for estimator in ("concat", "reno")
            for pair in PAPER_PAIRS
            for metric in ("accuracy", "macro_f1")
        ]
        assert len(alone) == 28
        assert len(fused) == 72
        assert all(30 < value < 85 for value in alone + fused)


def test_no_pair_stands_twice_and_none_is_of_two_audio_mambas():
    assert len({frozenset(pair) for pair in PAPER_PAIRS}) == 18
    assert not [pair for pair in PAPER_PAIRS if all(letter.startswith("A") for letter in pair)]


@pytest.mark.parametrize("pair", PAPER_PAIRS, ids="+".join)
def test_a_pair_is_found_in_either_order(pair):
    for dataset in PAPER_DATASETS:
        for estimator in ("concat", "reno"):
            for metric in ("accuracy", "macro_f1"):
                value = paper_value(dataset, estimator, pair, metric)
                assert value is not None
                assert paper_value(dataset, estimator, pair[::-1], metric) == value


@pytest.mark.parametrize(
    "asked",
    [
        ("emogator", "cnn", ["H"], "accuracy"),
        ("jnv", "svm", ["H"], "accuracy"),
        ("jnv", "reno", ["H"], "accuracy"),
        ("jnv", "cnn", ["A(T)", "H"], "accuracy"),
        ("jnv", "cnn", [""], "accuracy"),
        ("jnv", "reno", ["A(T)", ""], "accuracy"),
        ("jnv", "reno", ["A(T)", "A(B)"], "accuracy"),
        ("jnv", "reno", ["A(T)", "H", "W"], "accuracy"),
        ("jnv", "cnn", ["H"], "balanced_accuracy"),
    ],
)
def test_what_the_paper_does_not_print_has_no_value(asked):
    assert paper_value(*asked) is None
