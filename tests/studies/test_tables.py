"""The table that a terminal shows: what it names, and its numbers in per cent."""

import dataclasses
import io

import pytest
from rich.console import Console

from reno_store.studies import Comparison, Evaluation, FoldScore
from reno_store.studies.comparison_table import comparison_table


def evaluation(estimator, models, protocol, accuracies, *, standardized=True):
    folds = tuple(
        FoldScore(accuracy, accuracy - 0.1, accuracy, 800, 200, n_labels=2)
        for accuracy in accuracies
    )
    return Evaluation("cries", models, estimator, protocol, 3, standardized, folds)


COMPARISON = Comparison(
    dataset="cries",
    n_clips=1000,
    n_labels=6,
    n_speakers=11,
    n_left_out=0,
    majority=0.23456,
    evaluations=(
        evaluation("fcn", ("mfcc",), "paper", (0.512, 0.612, 0.712)),
        evaluation("reno", ("mfcc", "logmel"), "paper", (0.75, 0.85, 0.95)),
        evaluation("fcn", ("mfcc",), "speaker", (0.3, 0.4, 0.5)),
    ),
)


def lines_of(comparison):
    file = io.StringIO()
    Console(file=file, width=400).print(comparison_table(comparison))
    return [line.split() for line in file.getvalue().splitlines() if line.strip()]


def text_of(comparison):
    return "\n".join(" ".join(words) for words in lines_of(comparison))


def changed(**parts):
    return dataclasses.replace(COMPARISON, **parts)


def test_rows_give_each_fold_mean_and_sample_sd_in_per_cent():
    rows = lines_of(COMPARISON)
    assert ["fcn", "mfcc", "accuracy", "51.2", "61.2", "71.2", "61.2", "10.0"] in rows
    assert ["macro-F1", "41.2", "51.2", "61.2", "51.2", "10.0"] in rows
    assert ["fcn", "mfcc", "accuracy", "30.0", "40.0", "50.0", "40.0", "10.0"] in rows


def test_a_fusion_names_all_its_models():
    reno = ["reno", "mfcc", "+", "logmel", "accuracy", "75.0", "85.0", "95.0", "85.0", "10.0"]
    assert reno in lines_of(COMPARISON)


def test_columns_are_named():
    header = "estimator models score fold 1 fold 2 fold 3 mean sd"
    assert text_of(COMPARISON).count(header) == 2


def test_each_protocol_has_a_table_below_its_description():
    text = text_of(COMPARISON)
    paper = text.index("Protocol paper: stratified by label and shuffled; a speaker may stand on")
    speaker = text.index("Protocol speaker: ")
    assert "no speaker on both sides" in text[speaker:]
    assert paper < text.index("fcn mfcc accuracy 51.2") < speaker
    assert speaker < text.index("fcn mfcc accuracy 30.0")


def test_heading_says_what_the_numbers_rest_on():
    heading = text_of(COMPARISON).split("Protocol")[0]
    assert "cries: 1,000 clips, 6 labels, 11 speakers; 3 folds, seed 3" in heading
    assert "standardised on each training fold" in heading
    assert "In per cent" in heading
    assert "always guessing the most frequent label gives an accuracy of 23.5%" in heading
    assert "left out" not in heading


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"n_left_out": 1234}, "1,000 clips (1,234 left out), 6 labels"),
        ({"n_speakers": 0}, "6 labels, speakers unknown;"),
        (
            {
                "evaluations": (
                    evaluation("fcn", ("mfcc",), "paper", (0.5, 0.6), standardized=False),
                )
            },
            "2 folds, seed 3; embeddings as stored.",
        ),
    ],
)
def test_heading_tells_what_is_unusual(parts, told):
    assert told in text_of(changed(**parts))


def leave_one_out(n_speakers, n_labels=6):
    folds = tuple(
        FoldScore(0.5, 0.4, 0.5, 800, 200, n_labels=n_labels, speaker=f"voice{i}")
        for i in range(n_speakers)
    )
    return Evaluation("cries", ("mfcc",), "fcn", "loso", 3, True, folds)


def test_folds_that_leave_one_speaker_out_carry_the_speakers_names():
    text = text_of(changed(evaluations=(leave_one_out(4),)))
    assert "estimator models score voice0 voice1 voice2 voice3 mean sd" in text
    assert "4 folds, seed 3" in text
    assert "no clip of some labels" not in text


def test_speakers_who_do_not_show_every_label_are_named():
    text = text_of(changed(evaluations=(leave_one_out(2, n_labels=5),)))
    assert "Fold voice0, voice1 tests no clip of some labels" in text


def test_more_folds_than_a_page_holds_give_mean_and_sd_alone():
    text = text_of(changed(evaluations=(leave_one_out(31, n_labels=5),)))
    assert "estimator models score mean sd" in text
    assert "fcn mfcc accuracy 50.0 0.0" in text
    assert "31 folds are too many to show each; --json has them." in text
    assert "31 folds test no clip of some labels" in text
    assert "voice29" in text_of(changed(evaluations=(leave_one_out(30),)))


def test_protocols_with_other_numbers_of_folds_stand_in_the_heading():
    paper = COMPARISON.evaluations[0]
    heading = text_of(changed(evaluations=(paper, leave_one_out(4)))).split("Protocol")[0]
    assert "3 or 4 folds, seed 3" in heading
