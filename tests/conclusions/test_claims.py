"""The paper's claims: verdicts, counts, and why one could not be tested."""

import pytest
from factories.made_up_studies import MODELS
from factories.odd_studies import make_study
from factories.scored_studies import scored_cell, study_of

from reno_store.conclusions import CLAIMS, claims_of, compare_study
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
    ("sides", "verdict", "counts"),
    [
        ((UP, UP, UP), "holds", (3, 0, 0)),
        ((UP,), "holds", (1, 0, 0)),
        ((UP, OPEN, UP), "holds in part", (2, 0, 1)),
        ((UP, SAME), "holds in part", (1, 0, 1)),
        ((UP, DOWN), "mixed", (1, 1, 0)),
        ((UP, DOWN, OPEN), "mixed", (1, 1, 1)),
        ((OPEN, OPEN), "inconclusive", (0, 0, 2)),
        ((SAME,), "inconclusive", (0, 0, 1)),
        ((DOWN, DOWN), "contradicted", (0, 2, 0)),
        ((DOWN, OPEN), "contradicted", (0, 1, 1)),
    ],
)
def test_the_verdict_follows_from_the_counts(sides, verdict, counts):
    claim = cnn_claim(*sides)
    assert claim.verdict == verdict
    assert (claim.tally.n_higher, claim.tally.n_lower, claim.tally.n_inconclusive) == counts
    assert claim.sentence.startswith(f"CNN vs FCN on jnv, protocol paper: {verdict} (")


def test_signs_are_counted_where_nothing_is_decided():
    claim = cnn_claim(OPEN, SAME, (LOW, NEAR))
    assert (claim.tally.n_agreeing, claim.tally.n) == (1, 3)
    assert claim.tally.mean_difference == pytest.approx(0)
    assert "+21.5 points of macro-F1" in cnn_claim(UP, metric="macro_f1").sentence


def test_each_dataset_and_protocol_has_the_three_claims_in_order():
    study = make_study(datasets=("jnv", "cries"))
    claims = claims_of(study)
    assert [(each.dataset, each.protocol, each.title) for each in claims] == [
        (dataset, protocol, title)
        for dataset in ("jnv", "cries")
        for protocol in ("paper", "speaker")
        for title in ("MAFM vs AAFM", "CNN vs FCN", "RENO vs concatenation")
    ]
    of_claims = [each for claim in claims for each in claim.comparisons]
    assert of_claims == [each for each in compare_study(study) if each.kind in CLAIMS]


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
    with pytest.raises(ConclusionError, match="macro_f1"):
        claims_of(study, compare_study(study, "macro_f1"))


def missing(name, estimator="cnn", reason="jnv has no embeddings of it."):
    models = name if isinstance(name, tuple) else (name,)
    return Cell("jnv", "paper", estimator, models, reason=reason)


SINGLE = [scored_cell([W], name, LOW) for name in ("fcn", "cnn")]


@pytest.mark.parametrize(
    ("kind", "cells", "why"),
    [
        (
            "mamba-attention",
            [*SINGLE, missing(A)],
            "Audio-Mamba not computed: jnv has no embeddings of it",
        ),
        (
            "mamba-attention",
            [*SINGLE, missing(A), missing(A, "fcn", "out of time")],
            "Audio-Mamba not computed: jnv has no embeddings of it (and 1 other reason)",
        ),
        (
            "mamba-attention",
            [scored_cell([A], "cnn", LOW), scored_cell([W], "fcn", LOW)],
            "Audio-Mamba and attention-based model have nothing in common that was computed",
        ),
        (
            "cnn-fcn",
            [SINGLE[1], missing(W, "fcn")],
            "FCN not computed: jnv has no embeddings of it",
        ),
        (
            "cnn-fcn",
            [SINGLE[1], scored_cell([M], "fcn", LOW)],
            "CNN and FCN have nothing in common that was computed",
        ),
        (
            "reno-concat",
            [missing((A, W), "reno"), missing((A, W), "concat")],
            "RENO not computed: jnv has no embeddings of it",
        ),
    ],
)
def test_what_was_asked_for_and_not_tested_has_its_reason(kind, cells, why):
    (claim,) = (each for each in claims_of(study_of(*cells)) if each.kind == kind)
    assert (claim.verdict, claim.comparisons) == ("not tested", ())
    assert claim.why == why
    assert claim.sentence.endswith(f": not tested ({why}).")


def test_what_was_not_asked_for_is_left_out():
    assert [each.kind for each in claims_of(study_of(*SINGLE))] == ["cnn-fcn"]
    assert claims_of(study_of(SINGLE[0], scored_cell((A, W), "reno", LOW))) == ()


def test_signs_do_not_count_where_neither_side_beats_guessing():
    chance = (0.05, 0.15, 0.10, 0.05, 0.15), (0.10, 0.10, 0.05, 0.05, 0.10)
    claim = cnn_claim(chance, chance)
    assert claim.verdict == "no better than guessing"
    assert (claim.tally.n_guessing, claim.tally.n_agreeing, claim.tally.n_inconclusive) == (2, 0, 0)
    assert "sign" not in claim.sentence
    mixed = cnn_claim(UP, chance)
    assert (mixed.verdict, mixed.tally.n_agreeing) == ("holds in part", 1)
