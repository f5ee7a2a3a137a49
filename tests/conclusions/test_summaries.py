"""What opens a report: where each claim holds and where not, and what leaks."""

from factories.odd_studies import make_study
from factories.scored_studies import scored_cell, study_of

from reno_store.conclusions import compare_study, summary

A, W, M = "audio-mamba-tiny", "wav2vec2-base", "mfcc"
LOW = (0.30, 0.35, 0.30, 0.25, 0.30)
HIGH = (0.70, 0.75, 0.80, 0.65, 0.75)
NEAR = (0.30, 0.40, 0.25, 0.30, 0.30)


def cells(cnn, **where):
    return scored_cell([W], "cnn", cnn, **where), scored_cell([W], "fcn", LOW, **where)


def test_places_stand_with_their_verdicts_best_first():
    study = study_of(
        *cells(NEAR, dataset="cries"),
        *cells(HIGH, dataset="jnv"),
        *cells(HIGH, dataset="jnv", protocol="speaker"),
    )
    mamba, cnn, reno, leak, reading = summary(study)
    assert cnn.startswith(
        "CNN vs FCN: holds on jnv (protocol paper and speaker); inconclusive on cries (protocol "
        "paper); not tested on cries (protocol speaker) (no CNN in the study). Over all: higher in "
        "2 of 3 comparisons, lower in 0, inconclusive in 1;"
    )
    assert "+29.0 points" in cnn
    assert mamba.startswith("MAFM vs AAFM: not tested on cries (protocol paper and speaker), jnv")
    assert reno.startswith("RENO vs concatenation: not tested on cries (protocol paper and")
    assert "higher in 0 of 2 comparisons, lower in 0, inconclusive in 2" in leak
    assert "Inconclusive does not mean equal" in reading


def test_the_leak_is_counted_for_each_dataset():
    study = study_of(
        *(
            scored_cell([M], "cnn", scores, dataset=dataset, protocol=protocol)
            for dataset, protocol, scores in (
                ("jnv", "paper", HIGH),
                ("jnv", "speaker", LOW),
                ("cries", "paper", LOW),
                ("cries", "speaker", HIGH),
            )
        )
    )
    jnv, cries = summary(study)[3].split("; ")
    assert "higher in 1 of 1 comparison, lower in 0, inconclusive in 0" in jnv
    assert jnv.endswith("+43.0 points on jnv")
    assert "higher in 0 of 1 comparison, lower in 1, inconclusive in 0" in cries
    assert cries.endswith("−43.0 points on cries.")


def test_a_leak_that_was_not_measured_says_what_it_takes():
    said = summary(make_study(protocols=("paper",)))[3]
    assert "not tested (that takes protocol paper" in said


def test_a_dataset_without_a_measured_leak_is_named():
    study = study_of(*cells(HIGH), *cells(LOW, protocol="loso"), *cells(LOW, dataset="cries"))
    said = summary(study)[3]
    assert "higher in 1 of 2 comparisons" in said
    assert said.endswith(
        "; not tested (that takes protocol paper and one of speaker and loso) on cries."
    )


def test_a_study_without_comparisons_still_says_why():
    said = summary(study_of(scored_cell([M], "fcn", LOW), estimators=("fcn",)))
    assert len(said) == 4
    assert all("not tested" in each for each in said)


def test_given_comparisons_are_used():
    study = make_study()
    assert summary(study, compare_study(study, "macro_f1"), "macro_f1") == summary(
        study, metric="macro_f1"
    )
