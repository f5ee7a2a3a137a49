"""The answer for each dataset: what is best, its ties, and at most five sentences."""

import json

import pytest
from factories.made_up_studies import with_collapsed
from factories.odd_studies import make_study, make_study_without_results
from factories.scored_studies import LABELS, scored_cell, study_of

from reno_store.conclusions import answers_of, compare_study

A, W, M = "audio-mamba-tiny", "wav2vec2-base", "mfcc"
LOW = (0.30, 0.35, 0.30, 0.25, 0.30)
NEAR = (0.30, 0.40, 0.25, 0.30, 0.32)
HIGH = (0.70, 0.75, 0.80, 0.65, 0.75)
CHANCE = (0.05, 0.15, 0.10, 0.05, 0.15)
CHANCE_TOO = (0.10, 0.05, 0.10, 0.15, 0.05)


def answer(*cells, **settings):
    (found,) = answers_of(study_of(*cells, **settings))
    return found


def test_the_best_its_interval_and_the_scores_of_guessing():
    found = answer(scored_cell([M], "fcn", HIGH), scored_cell([W], "fcn", LOW))
    assert (found.dataset, found.protocol, found.metric) == ("jnv", "paper", "accuracy")
    assert found.best.cell.models == (M,)
    assert found.best.score == pytest.approx(0.73)
    assert found.best.interval[0] < 0.73 < found.best.interval[1]
    assert (found.chance, found.majority) == (1 / len(LABELS), 0.1)
    assert (found.beats_guessing, found.ties) == (True, ())
    assert (
        "FCN on mfcc, 73.0 % accuracy (95 % interval 62.4 to 83.6, guessing 10.0 %)"
        in (found.sentences[0])
    )
    assert found.sentences[0].endswith("; the other is lower.")


def test_what_cannot_be_told_from_the_best_is_named():
    several = [scored_cell([M], name, NEAR) for name in ("svm", "rf", "fcn", "cnn")]
    found = answer(scored_cell([W], "fcn", HIGH[::-1]), scored_cell([M], "logreg", HIGH), *several)
    assert [cell.estimator for cell in found.ties] == ["logreg"]
    assert (
        "1 of the other 5 cannot be told from it: logistic regression on mfcc (73.0 %)."
        in (found.sentences[0])
    )
    near = answer(scored_cell([W], "fcn", LOW), *several)
    assert len(near.ties) == 4
    assert near.sentences[0].endswith("and 1 more.")


@pytest.mark.parametrize(
    ("protocols", "ranks", "words"),
    [
        (("paper", "loso", "speaker"), "speaker", "voices never heard in training"),
        (("paper", "loso"), "loso", "voices never heard in training"),
        (("paper",), "paper", "folds that share speakers"),
    ],
)
def test_folds_without_shared_speakers_rank_where_there_are_some(protocols, ranks, words):
    cells = [scored_cell([M], "fcn", HIGH, protocol=name) for name in protocols]
    found = answer(*cells)
    assert found.protocol == ranks
    assert f"{words} (protocol {ranks})" in found.sentences[0]


def test_a_protocol_without_results_does_not_rank():
    study = make_study(protocols=("paper",))
    empty = make_study_without_results(protocols=("speaker",))
    both = study_of(*study.cells, *empty.cells, models=study.models)
    assert [each.protocol for each in answers_of(both)] == ["paper"]


def test_a_study_of_one_cell_has_one_sentence():
    found = answer(scored_cell([M], "fcn", HIGH))
    assert found.sentences == (
        "jnv: FCN on mfcc, 73.0 % accuracy (95 % interval 62.4 to 83.6, guessing 10.0 %) for folds "
        "that share speakers (protocol paper).",
    )
    (ranked,) = found.ranking
    assert (ranked.group, found.ties) == (1, ())


def test_a_study_without_results_has_no_answer():
    assert answers_of(make_study_without_results()) == ()


def test_each_dataset_has_its_own_answer():
    study = make_study(datasets=("jnv", "cries"))
    found = answers_of(study)
    assert [each.dataset for each in found] == ["jnv", "cries"]
    for each in found:
        assert {ranked.standing.cell.dataset for ranked in each.ranking} == {each.dataset}
        assert all(f"on {each.dataset}" in sentence for sentence in each.sentences)
    again = answers_of(study, compare_study(study))
    assert [each.to_dict() for each in found] == [each.to_dict() for each in again]


def test_fusion_networks_and_speakers_have_a_sentence_each():
    cells = [
        scored_cell(models, name, scores, protocol=protocol)
        for protocol, fused in (("paper", HIGH), ("speaker", NEAR))
        for models, name, scores in (
            ((A, W), "reno", fused),
            ((A, W), "concat", LOW),
            ([A], "fcn", LOW),
            ([W], "fcn", CHANCE),
            ([A], "logreg", LOW),
        )
    ]
    winner, fusion, networks, leak = answer(*cells).sentences
    assert winner.startswith("Best on jnv: RENO on audio-mamba-tiny + wav2vec2-base, 31.4 %")
    assert fusion.startswith(
        "Fusion on jnv, vs the better of its models alone: inconclusive in 2 of 2; the best "
        "fusion, RENO on audio-mamba-tiny + wav2vec2-base vs FCN on audio-mamba-tiny: inconclusive "
        "(+1.4 points, 95 % interval"
    )
    assert networks.startswith(
        "Networks on jnv vs logistic regression on the same embeddings: FCN on audio-mamba-tiny: "
        "inconclusive (0.0 points in every fold"
    )
    assert leak.startswith(
        "Speaker-disjoint folds on jnv cost 8.3 points on average over 5 classifiers; protocol "
        "paper vs speaker: higher in 1, inconclusive in 3, no better than guessing in 1 of 5; for "
        "the best, RENO on audio-mamba-tiny + wav2vec2-base: higher (+41.6 points"
    )


def test_speaker_disjoint_folds_that_score_higher_cost_nothing():
    cells = [scored_cell([M], "fcn", LOW), scored_cell([M], "fcn", HIGH, protocol="speaker")]
    leak = answer(*cells).sentences[-1]
    assert leak.startswith(
        "Speaker-disjoint folds on jnv cost nothing (+43.0 points); protocol paper vs speaker, FCN "
        "on mfcc: lower (−43.0 points"
    )


NOTHING = [
    scored_cell((A, W), "reno", CHANCE, protocol="speaker"),
    scored_cell((A, W), "concat", CHANCE_TOO, protocol="speaker"),
    scored_cell([W], "fcn", CHANCE_TOO, protocol="speaker"),
    scored_cell([W], "logreg", (0.1,) * 5, protocol="speaker"),
]


def test_where_nothing_beats_guessing_that_comes_first_and_no_difference_is_claimed():
    found = answer(*NOTHING)
    assert found.beats_guessing is False
    assert found.sentences[0].startswith("Nothing here beats guessing on jnv: the highest accuracy")
    assert "guessing 10.0 %" in found.sentences[0]
    words = " ".join(found.sentences)
    for claim in ("higher in", "lower in", "cannot be told", "Fusion", "cost"):
        assert claim not in words
    assert {each.verdict for each in compare_study(study_of(*NOTHING))} == {"guessing"}


def test_what_beats_guessing_where_speakers_are_shared_is_still_reported():
    paper = [scored_cell([W], "fcn", HIGH), scored_cell([W], "logreg", CHANCE)]
    said = answer(*NOTHING, *paper).sentences[-1]
    assert said.startswith("Under protocol paper, whose folds share speakers, accuracy on jnv ")
    assert "1 of 2 classifiers" in said
    assert "FCN on wav2vec2-base, 73.0 %" in said


def test_a_cell_that_collapsed_is_not_the_best():
    study = study_of(scored_cell([M], "fcn", HIGH), scored_cell([W], "fcn", LOW))
    (found,) = answers_of(with_collapsed(study, study.cells[0]))
    assert found.best.cell.models == (W,)
    both = with_collapsed(study_of(*NOTHING[-1:]), NOTHING[-1], n_folds=5)
    (found,) = answers_of(both)
    assert found.beats_guessing is False
    assert "collapsed" in found.sentences[1]


def test_what_cannot_be_tested_is_not_called_guessing():
    found = answer(scored_cell([M], "fcn", (0.9,)), scored_cell([M], "svm", (0.8,)))
    assert found.beats_guessing is None
    assert "(guessing 10.0 %, the difference cannot be tested)" in found.sentences[0]


def test_another_metric_ranks_by_itself():
    cells = scored_cell([M], "fcn", HIGH), scored_cell([W], "fcn", LOW)
    (found,) = answers_of(study_of(*cells), metric="balanced_accuracy")
    assert found.best.cell.models == (W,)
    assert "70.0 % balanced accuracy" in found.sentences[0]


@pytest.mark.parametrize(
    "study",
    [
        make_study(seeds=(0, 1), datasets=("jnv", "cries")),
        make_study(protocols=("paper", "loso")),
        study_of(*NOTHING),
        study_of(scored_cell([M], "fcn", (0.9,))),
    ],
    ids=["two datasets", "loso", "nothing", "one fold"],
)
def test_there_are_at_most_five_sentences_and_json_takes_all(study):
    for each in answers_of(study):
        assert 1 <= len(each.sentences) <= 5
        assert all(s.endswith(".") and "nan" not in s for s in each.sentences)
        told = json.loads(json.dumps(each.to_dict(), allow_nan=False))
        assert [row["group"] for row in told["ranking"]] == [r.group for r in each.ranking]
        assert told["ranking"][0]["score"] == pytest.approx(100 * each.best.score)
