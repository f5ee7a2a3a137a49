"""Tables as they are shown: columns, entries, rows without results, notes."""

import math
from dataclasses import replace

import pytest
from factories.odd_studies import (
    change_cells,
    keep_folds,
    make_study,
    make_study_with_svm,
    make_study_without_results,
)

from reno_store.reports.tables import tables_of
from reno_store.reports.tables.layout import share_notes


def view(study, number="I", protocol="paper", dataset="jnv"):
    (found,) = [
        each
        for each in tables_of(study)
        if (each.number, each.protocol, each.dataset) == (number, protocol, dataset)
    ]
    return found


def entry(entries, shown, heading):
    return entries[shown.headings.index(heading)]


def rows(shown):
    return [entries for _, entries in shown.rows()]


def texts(shown):
    return [str(note) for note in shown.notes]


def test_the_paper_stands_behind_accuracy_and_macro_f1():
    assert view(make_study()).headings == [
        "estimator",
        "models",
        "accuracy",
        "paper",
        "difference",
        "macro-F1",
        "paper",
        "difference",
        "balanced accuracy",
        "n",
    ]


def test_without_values_of_the_paper_there_are_no_columns_for_them():
    expected = ["estimator", "models", "accuracy", "macro-F1", "balanced accuracy", "n"]
    assert view(make_study(datasets=("cries",)), dataset="cries").headings == expected
    baseline = make_study_with_svm()
    only_svm = replace(baseline, cells=tuple(baseline.select(estimator="svm")))
    assert view(only_svm).headings == expected


def test_a_row_in_full():
    shown = view(make_study())
    cell, row = next(shown.rows())
    mean, sd = 100 * cell.mean("accuracy"), 100 * cell.sd("accuracy")
    written = [each.text for each in row]
    assert written[:4] == ["FCN", "audio-mamba-tiny A(T)", f"{mean:.1f} ± {sd:.1f}", "59.82"]
    assert written[-1] == "5"
    assert [each.value for each in row[2:5]] == [
        pytest.approx(mean),
        59.82,
        pytest.approx(mean - 59.82),
    ]


def test_a_difference_has_its_sign_and_a_real_minus():
    found = {
        each.text
        for shown in tables_of(make_study())
        for row in rows(shown)
        if "difference" in shown.headings
        for each in [entry(row, shown, "difference")]
        if each.text
    }
    assert all(text[0] in "+−0" for text in found)
    assert any(text[0] == "−" for text in found)


def test_pairs_are_named_with_their_letters():
    names = [row[1].text for row in rows(view(make_study(), "II"))]
    assert names[0] == "audio-mamba-tiny A(T) + wav2vec2-base W2"
    assert "wav2vec2-base W2 + mfcc" in names


def test_a_baseline_stands_in_both_tables():
    study = make_study_with_svm()
    for number in ("I", "II"):
        assert [row[0].text for row in rows(view(study, number))].count("SVM (RBF)") == 3


def test_one_fold_shows_its_score_alone():
    shown = view(keep_folds(make_study(), 1))
    assert "±" not in rows(shown)[0][2].text
    assert any(text.startswith("n = 1: 1 fold (seed 0);") for text in texts(shown))


def test_a_row_that_was_not_computed_stays_and_a_note_says_why_and_what_to_type():
    shown = view(make_study(lacking=("wav2vec2-base",)))
    (fcn, cnn) = [row for cell, row in shown.rows() if cell.models == ("wav2vec2-base",)]
    for heading in ("accuracy", "difference", "macro-F1", "balanced accuracy", "n"):
        assert entry(fcn, shown, heading).text == ""
        assert math.isnan(entry(fcn, shown, heading).value)
    assert entry(cnn, shown, "paper").text == "59.27"
    (note,) = [each for each in shown.notes if each.text.startswith("Not computed")]
    assert "FCN, CNN on wav2vec2-base" in note.text
    assert "jnv has no embeddings of wav2vec2-base" in note.text
    assert len(note.commands) == 1
    assert "build_store" in note.commands[0]


def test_many_rows_with_one_reason_are_counted_in_one_note():
    study = make_study_without_results(protocols=("paper",))
    cells = [
        replace(cell, models=(f"model{number}",), reason="no speakers.\n", remedy=None)
        for number in range(9)
        for cell in [next(study.select(estimator="fcn"))]
    ]
    models = tuple(replace(study.models[2], name=f"model{number}") for number in range(9))
    shown = view(replace(study, cells=tuple(cells), models=models))
    (note,) = [each for each in shown.notes if "Not computed" in each.text]
    assert "(9 rows): no speakers." in note.text
    assert len(note.commands) == 9


def test_a_reason_that_is_missing_is_not_made_up():
    study = make_study(lacking=("mfcc",))
    silent = change_cells(study, lambda cell: replace(cell, reason=""))
    assert any("the reason is not known" in text for text in texts(view(silent)))


def test_notes_say_what_n_is():
    assert "n = 5: 5 folds (seed 0)." in texts(view(make_study()))
    assert "n = 10: 2 seeds (3, 8) of 5 folds." in texts(view(make_study(seeds=(3, 8))))
    loso = view(make_study(protocols=("loso",)), protocol="loso")
    assert "n = 5: 5 folds, one per speaker (seed 0)." in texts(loso)


def lose_a_label(study, which, speaker=""):
    """Let the numbered folds of each seed test three labels of the four."""

    def change(cell):
        return replace(
            cell,
            outcomes=tuple(
                tuple(
                    replace(each, score=replace(each.score, n_labels=3, speaker=speaker))
                    if number in which
                    else each
                    for number, each in enumerate(folds, start=1)
                )
                for folds in cell.outcomes
            ),
        )

    return change_cells(study, change)


@pytest.mark.parametrize(
    ("study", "start"),
    [
        (lose_a_label(make_study(), {2}), "Fold 2 tests no clip"),
        (lose_a_label(make_study(), {2, 4}), "Folds 2, 4 test no clip"),
        (lose_a_label(make_study(seeds=(0, 9)), {1}), "Folds 1 (seed 0), 1 (seed 9) test no clip"),
        (lose_a_label(make_study(seeds=(0, 9)), {1}, "ann"), "Fold ann tests no clip"),
        (lose_a_label(make_study(seeds=(0, 9)), {1, 2, 3, 4}), "8 folds test no clip"),
    ],
)
def test_folds_that_do_not_test_a_label_are_named(study, start):
    for shown in tables_of(study):
        (note,) = [text for text in texts(shown) if "no clip of some labels" in text]
        assert note.startswith(start)


def test_folds_that_test_all_labels_need_no_note():
    assert "no clip of some labels" not in " ".join(texts(view(make_study())))


def test_notes_give_the_majority_and_the_clips_left_out():
    study = make_study()
    assert "25.0 %" in " ".join(texts(view(study)))
    assert "left out" not in " ".join(texts(view(study)))
    fewer = replace(study, datasets=(replace(study.datasets[0], n_left_out=1_000),))
    assert "1,000 of 1,200 clips are left out" in " ".join(texts(view(fewer)))


def test_notes_say_whether_embeddings_are_scaled_and_that_sd_is_no_standard_error():
    study = make_study()
    words = " ".join(texts(view(study)))
    assert "scaled by the mean" in words
    assert "no standard error" in words
    as_stored = replace(study, request=replace(study.request, standardize=False))
    assert "not scaled" in " ".join(texts(view(as_stored)))


def test_beside_speaker_disjoint_scores_a_note_says_what_the_paper_does_not():
    study = make_study()
    assert "keep speakers apart" not in " ".join(texts(view(study, protocol="paper")))
    assert "keep speakers apart" in " ".join(texts(view(study, protocol="speaker")))


def test_notes_are_shown_once():
    study = make_study(datasets=("jnv", "mine"), lacking=("mfcc",))
    tables = tables_of(study)
    everywhere, after = share_notes(study, tables)
    shown = [*everywhere, *(note for notes in after for note in notes)]
    assert set(shown) == {note for table in tables for note in table.notes}
    for text in ("Protocol paper:", "Protocol speaker:", "Scores are in", "n = 5:"):
        assert sum(note.text.startswith(text) for note in shown) == 1
    # Tables I and II of a dataset and protocol have theirs after the second.
    assert [bool(notes) for notes in after] == [False, True] * 4
