"""The paper's claims: verdicts, counts, and why one could not be tested."""

import json

import pytest
from factories.made_up_studies import MODELS, make_study
from factories.scored_studies import scored_cell, study_of

from reno_store.conclusions import claims_of, compare_study
from reno_store.errors import ConclusionError
from reno_store.studies import Cell, ModelFacts

A, W, M = (model.name for model in MODELS)
LOW = (0.30, 0.35, 0.30, 0.25, 0.30)
HIGH = (0.70, 0.75, 0.80, 0.65, 0.75)
NEAR = (0.30, 0.40, 0.25, 0.30, 0.30)
UP, DOWN, OPEN, SAME = (HIGH, LOW), (LOW, HIGH), (NEAR, LOW), (LOW, LOW)


def cnn_claim(*sides, metric="accuracy"):
    """The claim CNN over FCN, with the scores of CNN and FCN on a model each."""
    cells = [
        scored_cell([model], estimator, scores)
        for model, both in zip((A, W, M), sides, strict=False)
        for estimator, scores in zip(("cnn", "fcn"), both, strict=True)
    ]
    study = study_of(*cells, models=tuple(ModelFacts(name) for name in (A, W, M)))
    (claim,) = (each for each in claims_of(study, metric=metric) if each.kind == "cnn-fcn")
    return claim


@pytest.mark.parametrize(
    ("sides", "verdict", "words"),
    [
        ((UP, UP, UP), "holds", "CNN over FCN holds: higher in 3 of 3"),
        ((UP,), "holds", "CNN over FCN holds: higher in 1 of 1 comparison, lower in 0"),
        ((UP, OPEN, UP), "holds in part", "holds in part: higher in 2 of 3 comparisons, lower in"),
        ((UP, SAME), "holds in part", "holds in part: higher in 1 of 2"),
        ((UP, DOWN), "mixed", "holds in some comparisons and is contradicted in others: higher"),
        ((UP, DOWN, OPEN), "mixed", "higher in 1 of 3 comparisons, lower in 1, undecided in 1"),
        ((OPEN, OPEN), "not shown", "is not shown, which is no proof against it: higher in 0"),
        ((SAME,), "not shown", "is not shown"),
        ((DOWN, DOWN), "contradicted", "is contradicted: higher in 0 of 2 comparisons, lower in 2"),
        ((DOWN, OPEN), "contradicted", "lower in 1, undecided in 1"),
    ],
)
def test_the_verdict_follows_from_the_counts(sides, verdict, words):
    claim = cnn_claim(*sides)
    assert claim.verdict == verdict
    assert claim.sentence.startswith("On jnv under protocol paper, CNN over FCN ")
    assert words in claim.sentence


def test_signs_are_counted_where_nothing_is_decided():
    claim = cnn_claim(OPEN, SAME, (LOW, NEAR))
    assert claim.tally.n_agreeing == 1
    assert claim.sentence.endswith(
        "higher in 0 of 3 comparisons, lower in 0, undecided in 3; the sign agrees with the paper "
        "in 1 of 3, and the mean difference is 0.0 points of accuracy."
    )
    assert (
        "mean difference is +21.5 points of macro-F1" in cnn_claim(UP, metric="macro_f1").sentence
    )


def test_each_dataset_and_protocol_has_the_three_claims_in_order():
    study = make_study(datasets=("jnv", "cries"))
    claims = claims_of(study)
    assert [(each.dataset, each.protocol, each.title) for each in claims] == [
        (dataset, protocol, title)
        for dataset in ("jnv", "cries")
        for protocol in ("paper", "speaker")
        for title in ("MAFM over AAFM", "CNN over FCN", "RENO over concatenation")
    ]
    of_claims = [each for claim in claims for each in claim.comparisons]
    assert of_claims == [each for each in compare_study(study) if each.kind != "paper-speaker"]


def test_given_comparisons_are_used_and_not_made_again():
    study = make_study()
    comparisons = compare_study(study)
    assert claims_of(study, comparisons) == claims_of(study)
    fewer = [each for each in comparisons if each.kind != "cnn-fcn"]
    assert {c.verdict for c in claims_of(study, fewer) if c.kind == "cnn-fcn"} == {"not tested"}


def test_comparisons_of_several_metrics_are_kept_apart():
    study = make_study()
    both = compare_study(study) + compare_study(study, "macro_f1")
    assert claims_of(study, both, "macro_f1") == claims_of(study, metric="macro_f1")
    with pytest.raises(ConclusionError, match="expected comparisons of accuracy, got macro_f1"):
        claims_of(study, compare_study(study, "macro_f1"))


def missing(name, estimator="cnn", reason="jnv has no embeddings of it."):
    models = name if isinstance(name, tuple) else (name,)
    return Cell("jnv", "paper", estimator, models, reason=reason)


SINGLE = [scored_cell([W], name, LOW) for name in ("fcn", "cnn")]


@pytest.mark.parametrize(
    ("kind", "cells", "settings", "why"),
    [
        ("mamba-attention", SINGLE, {}, "the study has no Audio-Mamba model"),
        (
            "mamba-attention",
            [*SINGLE, missing(A)],
            {},
            "no Audio-Mamba model was evaluated: jnv has no embeddings of it",
        ),
        (
            "mamba-attention",
            [*SINGLE, missing(A), missing(A, "fcn", "out of time")],
            {},
            "no Audio-Mamba model was evaluated: out of time (and 1 other reason)",
        ),
        (
            "mamba-attention",
            [scored_cell([A], "cnn", LOW)],
            {},
            "the study has no attention-based model",
        ),
        (
            "mamba-attention",
            [scored_cell([A], "cnn", LOW), scored_cell([W], "fcn", LOW)],
            {},
            "no classifier was evaluated on models of both kinds",
        ),
        (
            "mamba-attention",
            [scored_cell((A, W), "reno", LOW)],
            {"estimators": ("reno",)},
            "neither FCN nor CNN was asked for",
        ),
        ("cnn-fcn", SINGLE[:1], {"estimators": ("fcn",)}, "CNN was not asked for"),
        (
            "cnn-fcn",
            [SINGLE[1], missing(W, "fcn")],
            {},
            "FCN was not evaluated: jnv has no embeddings of it",
        ),
        (
            "cnn-fcn",
            [SINGLE[1], scored_cell([M], "fcn", LOW)],
            {},
            "no models were evaluated with both CNN and FCN",
        ),
        ("cnn-fcn", [scored_cell((A, W), "reno", LOW)], {}, "the study has no single model"),
        ("reno-concat", SINGLE, {}, "the study has no pair of models"),
        (
            "reno-concat",
            [scored_cell((A, W), "reno", LOW)],
            {"estimators": ("reno", "cnn")},
            "Concat was not asked for",
        ),
        (
            "reno-concat",
            [missing((A, W), "reno"), missing((A, W), "concat")],
            {},
            "RENO was not evaluated: jnv has no embeddings of it",
        ),
    ],
)
def test_what_could_not_be_tested_says_why(kind, cells, settings, why):
    study = study_of(*cells, **settings)
    (claim,) = (each for each in claims_of(study) if each.kind == kind)
    assert (claim.verdict, claim.comparisons) == ("not tested", ())
    assert claim.sentence.endswith(f" is not tested, since {why}.")


def test_json_has_the_counts_and_no_nan():
    tested = cnn_claim(UP, OPEN).to_dict()
    assert tested["mean_difference"] == pytest.approx(0.22)
    assert {name: tested[name] for name in ("verdict", "n_comparisons", "n_agreeing")} == {
        "verdict": "holds in part",
        "n_comparisons": 2,
        "n_agreeing": 2,
    }
    assert (tested["n_higher"], tested["n_lower"], tested["n_undecided"]) == (1, 0, 1)
    untested = claims_of(study_of(*SINGLE))[0].to_dict()
    assert untested["mean_difference"] is None
    json.dumps([tested, untested], allow_nan=False)
