"""Which cells stand against which, the adjustment, the verdicts, and what JSON gets."""

import math

import pytest
from factories.made_up_studies import with_collapsed
from factories.odd_studies import make_study
from factories.scored_studies import scored_cell, study_of

from reno_store.conclusions import adjust_holm, compare_study, paired_test, unpaired_test
from reno_store.conclusions.resampling import paired_differences, scores_of
from reno_store.errors import UnknownNameError
from reno_store.studies import ModelFacts

A, W, M = "audio-mamba-tiny", "wav2vec2-base", "mfcc"
LOW = (0.30, 0.35, 0.30, 0.25, 0.30)
HIGH = (0.70, 0.75, 0.80, 0.65, 0.75)
NEAR = (0.30, 0.40, 0.25, 0.30, 0.30)
CHANCE = (0.05, 0.15, 0.10, 0.05, 0.15)
"""Ten labels are guessed right in one of ten cases."""


def names(comparisons, kind):
    """Protocol, estimator and models of either side."""
    return [
        tuple(
            f"{cell.protocol} {cell.estimator} {'+'.join(cell.models)}"
            for cell in (each.first, each.second)
        )
        for each in comparisons
        if each.kind == kind
    ]


def test_each_pair_of_cells_is_compared_once_by_the_first_kind_that_fits():
    found = compare_study(make_study(protocols=("paper", "speaker")))
    for protocol in ("paper", "speaker"):
        own = [each for each in found if each.protocol == protocol]
        assert names(own, "mamba-attention") == [
            (f"{protocol} {name} {A}", f"{protocol} {name} {W}") for name in ("fcn", "cnn")
        ]
        assert names(own, "model-model") == [
            (f"{protocol} {name} {model}", f"{protocol} {name} {M}")
            for name in ("fcn", "cnn")
            for model in (A, W)
        ]
        assert names(own, "cnn-fcn") == [
            (f"{protocol} cnn {model}", f"{protocol} fcn {model}") for model in (A, W, M)
        ]
        pairs = f"{A}+{W}", f"{A}+{M}", f"{W}+{M}"
        assert names(own, "reno-concat") == [
            (f"{protocol} reno {pair}", f"{protocol} concat {pair}") for pair in pairs
        ]
        assert [first for first, _ in names(own, "fusion-half")] == [
            f"{protocol} {name} {pair}" for name in ("concat", "reno") for pair in pairs
        ]
    leaks = names(found, "paper-speaker")
    assert len(leaks) == 12
    assert leaks[0] == (f"paper fcn {A}", f"speaker fcn {A}")
    assert len(found) == 2 * (2 + 4 + 3 + 3 + 6) + 12
    assert list(dict.fromkeys(each.kind for each in found if each.protocol == "speaker")) == [
        "mamba-attention", "model-model", "cnn-fcn", "reno-concat", "fusion-half",
    ]  # fmt: skip


def test_each_mamba_stands_against_each_attention_model():
    models = tuple(
        ModelFacts(name, family=family)
        for name, family in (("t", "mamba"), ("w", "attention"), ("b", "mamba"), ("h", "attention"))
    )
    cells = [scored_cell([model.name], "cnn", LOW) for model in models]
    comparisons = compare_study(study_of(*cells, models=models))
    sides = {}
    for each in comparisons:
        sides.setdefault(each.kind, []).append((each.first.models[0], each.second.models[0]))
    assert sides["mamba-attention"] == [("t", "w"), ("t", "h"), ("b", "w"), ("b", "h")]
    assert sides["model-model"] == [("t", "b"), ("w", "h")]


def test_any_two_estimators_are_compared_on_the_same_models():
    cells = [scored_cell([M], name, LOW) for name in ("fcn", "svm", "logreg", "rf")]
    again = [scored_cell([M], "svm", HIGH, settings={"C": 2.0})]
    found = compare_study(study_of(*cells, *again))
    assert names(found, "network-probe") == [(f"paper fcn {M}", f"paper logreg {M}")]
    others = [(each.first.name, each.second.name) for each in found[1:]]
    assert others == [
        ("fcn", "svm"), ("fcn", "rf"), ("fcn", "svm(C=2)"), ("svm", "logreg"), ("svm", "rf"),
        ("svm", "svm(C=2)"), ("logreg", "rf"), ("logreg", "svm(C=2)"), ("rf", "svm(C=2)"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("single", "half"),
    [
        ({(A, "fcn"): LOW, (W, "fcn"): NEAR, (M, "fcn"): HIGH}, (W, "fcn")),
        ({(A, "svm"): LOW, (W, "svm"): NEAR, (W, "fcn"): HIGH}, (W, "svm")),
        ({(A, "fcn"): NEAR}, (A, "fcn")),
        ({(M, "fcn"): NEAR}, None),
    ],
    ids=["highest", "same estimator first", "one half", "other models"],
)
def test_fused_models_are_compared_with_the_better_of_them_alone(single, half):
    cells = [scored_cell([model], name, scores) for (model, name), scores in single.items()]
    found = compare_study(study_of(scored_cell((A, W), "svm", HIGH), *cells))
    halves = [each.second for each in found if each.kind == "fusion-half"]
    assert [(cell.models[0], cell.estimator) for cell in halves] == ([half] if half else [])


def test_a_half_that_collapsed_is_not_the_better_one():
    study = study_of(
        scored_cell((A, W), "reno", HIGH),
        scored_cell([A], "fcn", LOW),
        scored_cell([W], "fcn", HIGH),
    )
    collapsed = with_collapsed(study, study.cells[2])
    (half,) = [each.second for each in compare_study(collapsed) if each.kind == "fusion-half"]
    assert half.models == (A,)


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        (LOW, CHANCE, "higher"),
        (CHANCE, LOW, "lower"),
        (CHANCE, CHANCE[::-1], "guessing"),
        (CHANCE, CHANCE, "guessing"),
        ((0.10, 0.15, 0.10, 0.05, 0.15), (0.0, 0.05, 0.0, -0.05, 0.05), "guessing"),
    ],
)
def test_two_that_guess_are_not_compared(first, second, verdict):
    cells = [scored_cell([A], "cnn", first), scored_cell([A], "fcn", second)]
    (found,) = compare_study(study_of(*cells))
    assert found.verdict == verdict


def test_cells_that_were_not_computed_are_passed_over():
    comparisons = compare_study(make_study(lacking=(A,)))
    assert comparisons
    assert all(A not in each.first.models + each.second.models for each in comparisons)


@pytest.mark.parametrize(
    ("protocols", "second"),
    [
        (("loso", "paper", "speaker"), "speaker"),
        (("paper", "loso"), "loso"),
        (("speaker", "loso"), None),
        (("paper",), None),
    ],
)
def test_a_leak_is_measured_by_speaker_folds_else_by_loso(protocols, second):
    cells = [scored_cell([M], "svm", HIGH, protocol=name) for name in protocols]
    found = compare_study(study_of(*cells, estimators=("svm",)))
    assert [each.second.protocol for each in found] == ([second] if second else [])
    assert all(each.first.protocol == "paper" and not each.paired for each in found)


def test_numbers_are_those_of_the_tests():
    reno, concat = scored_cell((A, W), "reno", HIGH), scored_cell((A, W), "concat", NEAR)
    elsewhere = scored_cell((A, W), "reno", LOW[:3], protocol="speaker", n_train=60)
    pair, leak = compare_study(study_of(reno, concat, elsewhere), "macro_f1")
    ours = paired_test(paired_differences(reno, concat, "macro_f1", n_speakers=8))
    assert (pair.difference, pair.interval, pair.t, pair.df, pair.p) == (
        (ours.difference, ours.interval, ours.t, ours.df, ours.p)
    )
    sides = (scores_of(cell, "macro_f1", n_speakers=8) for cell in (reno, elsewhere))
    theirs = unpaired_test(*sides)
    assert (leak.difference, leak.t, leak.df, leak.p) == (
        (theirs.difference, theirs.t, theirs.df, theirs.p)
    )
    assert (pair.metric, pair.paired, leak.paired) == ("macro_f1", True, False)


def test_adjustment_is_among_the_same_kind_dataset_and_protocol():
    comparisons = compare_study(make_study(datasets=("jnv", "cries"), seeds=(0, 1)))
    families = {}
    for each in comparisons:
        families.setdefault((each.kind, each.dataset, each.protocol), []).append(each)
    assert sorted(map(len, families.values())) == [*[2] * 4, *[3] * 8, *[4] * 4, *[6] * 4, 12, 12]
    for family in families.values():
        adjusted = adjust_holm([each.p for each in family])
        assert [each.p_holm for each in family] == adjusted


def test_the_verdict_is_that_after_the_adjustment():
    strong = [scored_cell([A], "cnn", HIGH), scored_cell([A], "fcn", LOW)]
    # t(4) = 2.9, p = 0.04: enough alone, not among two
    weak = [
        scored_cell([W], "cnn", (0.43, 0.39, 0.35, 0.36, 0.36)),
        scored_cell([W], "fcn", LOW),
    ]
    (alone,) = compare_study(study_of(*weak))
    assert (alone.verdict, alone.p_holm) == ("higher", alone.p)
    assert 0.025 < alone.p < 0.05

    def verdicts(*cells):
        found = compare_study(study_of(*cells))
        return [each.verdict for each in found if each.kind == "cnn-fcn"]

    assert verdicts(*strong, *weak, scored_cell([M], "cnn", LOW)) == ["higher", "higher"]
    open_ = [scored_cell([M], "cnn", NEAR), scored_cell([M], "fcn", LOW)]
    assert verdicts(*weak, *open_) == ["inconclusive", "inconclusive"]
    swapped = [scored_cell([A], "cnn", LOW), scored_cell([A], "fcn", HIGH)]
    assert compare_study(study_of(*swapped))[0].verdict == "lower"


def test_equal_folds_are_the_same_and_a_constant_difference_is_undecided():
    same, constant = (
        compare_study(study_of(scored_cell([A], "cnn", ours), scored_cell([A], "fcn", LOW)))[0]
        for ours in (LOW, tuple(score + 0.05 for score in LOW))
    )
    assert (same.verdict, same.difference, same.p_holm) == ("same", 0, 1)
    assert (constant.verdict, constant.difference) == ("inconclusive", pytest.approx(0.05))
    assert math.isnan(constant.p_holm)


def test_an_interval_stays_within_what_scores_can_differ_by():
    (found,) = compare_study(
        study_of(scored_cell([A], "cnn", (0.9, 0.1)), scored_cell([A], "fcn", (0.2, 0.3)))
    )
    assert found.interval == (-1, 1)


def test_a_metric_that_does_not_exist_is_refused():
    with pytest.raises(UnknownNameError, match="acuracy"):
        compare_study(make_study(), "acuracy")
