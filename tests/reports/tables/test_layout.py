"""Tables as they are shown: columns, entries, rows without results, notes."""

from dataclasses import replace

import pytest
from factories.odd_studies import (
    change_cells,
    keep_folds,
    make_study,
    make_study_with_svm,
    make_study_without_results,
)

from reno_store.reports.tables import views_of


def view(study, number="I", protocol="paper", dataset="jnv"):
    (found,) = [
        each
        for each in views_of(study)
        if (each.number, each.protocol, each.dataset) == (number, protocol, dataset)
    ]
    return found


def entry(row, shown, heading):
    return row.entries[shown.columns.index(heading)]


def test_the_paper_stands_behind_accuracy_and_macro_f1():
    assert view(make_study()).columns == (
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
    )


def test_without_values_of_the_paper_there_are_no_columns_for_them():
    expected = ("estimator", "models", "accuracy", "macro-F1", "balanced accuracy", "n")
    assert view(make_study(datasets=("cries",)), dataset="cries").columns == expected
    baseline = make_study_with_svm()
    only_svm = replace(baseline, cells=tuple(baseline.select(estimator="svm")))
    assert view(only_svm).columns == expected


def test_each_row_has_an_entry_for_each_column():
    for shown in views_of(make_study(lacking=("mfcc",), datasets=("jnv", "cries"))):
        assert {len(row.entries) for row in shown.rows} == {len(shown.columns)}


def test_a_row_in_full():
    shown = view(make_study())
    row = shown.rows[0]
    mean, sd = 100 * row.cell.mean("accuracy"), 100 * row.cell.sd("accuracy")
    texts = [each.text for each in row.entries]
    assert texts[:4] == ["FCN", "audio-mamba-tiny A(T)", f"{mean:.1f} ± {sd:.1f}", "59.82"]
    assert texts[-1] == "5"
    assert [each.value for each in row.entries[2:5]] == [
        pytest.approx(mean),
        59.82,
        pytest.approx(mean - 59.82),
    ]


def test_a_difference_has_its_sign_and_a_real_minus():
    texts = {
        each.text
        for shown in views_of(make_study())
        for row in shown.rows
        for each in [entry(row, shown, "difference")]
        if each.text
    }
    assert all(text[0] in "+−0" for text in texts)
    assert any(text[0] == "−" for text in texts)


def test_pairs_are_named_with_their_letters():
    names = [row.entries[1].text for row in view(make_study(), "II").rows]
    assert names[0] == "audio-mamba-tiny A(T) + wav2vec2-base W2"
    assert "wav2vec2-base W2 + mfcc" in names


def test_the_best_of_a_column_is_marked_among_all_estimators():
    shown = view(make_study_with_svm())
    for heading in ("accuracy", "macro-F1", "balanced accuracy"):
        entries = [entry(row, shown, heading) for row in shown.rows]
        highest = max(each.value for each in entries)
        assert [each.best for each in entries] == [each.value == highest for each in entries]
    assert not any(
        entry(row, shown, heading).best for row in shown.rows for heading in ("n", "paper")
    )


def test_a_baseline_stands_in_both_tables():
    study = make_study_with_svm()
    for number in ("I", "II"):
        assert [row.entries[0].text for row in view(study, number).rows].count("SVM (RBF)") == 3


def test_one_fold_shows_its_score_alone():
    shown = view(keep_folds(make_study(), 1))
    assert "±" not in shown.rows[0].entries[2].text
    assert "n = 1: 1 fold (seed 0); of one fold there is no standard deviation." in shown.notes


def test_a_row_that_was_not_computed_stays_and_a_note_says_why_and_what_to_type():
    shown = view(make_study(lacking=("wav2vec2-base",)))
    (fcn, cnn) = [row for row in shown.rows if row.cell.models == ("wav2vec2-base",)]
    for heading in ("accuracy", "difference", "macro-F1", "balanced accuracy", "n"):
        assert entry(fcn, shown, heading).text == ""
        assert entry(fcn, shown, heading).value is None
    assert entry(cnn, shown, "paper").text == "59.27"
    assert [note for note in shown.notes if note.startswith("Not computed")] == [
        "Not computed (FCN, CNN on wav2vec2-base): jnv has no embeddings of wav2vec2-base. "
        "What to type: reno-store build jnv.csv --store s.zarr --model wav2vec2-base"
    ]


def test_many_rows_with_one_reason_are_counted_in_one_note():
    study = make_study_without_results(protocols=("paper",))
    cells = [
        replace(cell, models=(f"model{number}",), reason="no speakers.\n", command="")
        for number in range(9)
        for cell in [next(study.select(estimator="fcn"))]
    ]
    models = tuple(replace(study.models[2], name=f"model{number}") for number in range(9))
    notes = view(replace(study, cells=tuple(cells), models=models)).notes
    assert [note for note in notes if "Not computed" in note] == [
        "Not computed (9 rows): no speakers."
    ]


def test_a_reason_that_nobody_gave_is_not_made_up():
    study = make_study(lacking=("mfcc",))
    silent = change_cells(study, lambda cell: replace(cell, reason="", command=""))
    assert "Not computed (FCN, CNN on mfcc): the reason is not known." in view(silent).notes


def test_nothing_computed_is_a_table_of_empty_rows():
    for shown in views_of(make_study_without_results()):
        assert {entry(row, shown, "accuracy").text for row in shown.rows} == {""}
        assert not any(each.best for row in shown.rows for each in row.entries)
        assert not any(note.startswith("n = ") for note in shown.notes)
        assert len([note for note in shown.notes if note.startswith("Not computed")]) == 3 - (
            shown.number == "II"
        )


def test_notes_say_what_n_is():
    assert "n = 5: 5 folds (seed 0)." in view(make_study()).notes
    assert "n = 10: 2 seeds (3, 8) of 5 folds." in view(make_study(seeds=(3, 8))).notes
    loso = view(make_study(protocols=("loso",)), protocol="loso")
    assert "n = 5: 5 folds, one a speaker (seed 0)." in loso.notes


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
    for shown in views_of(study):
        assert [note for note in shown.notes if "no clip of some labels" in note] == [
            f"{start} of some labels: macro-F1 and balanced accuracy there are over the others, "
            "so compare folds and protocols with care."
        ]


def test_folds_that_test_all_labels_need_no_note():
    assert "no clip of some labels" not in " ".join(view(make_study()).notes)


def test_notes_say_what_guessing_scores_and_how_many_clips_are_left_out():
    study = make_study()
    assert "Always guessing the most frequent label gives an accuracy of 25.0 %." in (
        view(study).notes
    )
    assert "left out" not in " ".join(view(study).notes)
    fewer = replace(study, datasets=(replace(study.datasets[0], n_left_out=1_000),))
    assert "1,000 of 1,200 clips are left out, since they lack an embedding." in view(fewer).notes


def test_notes_say_whether_embeddings_are_scaled_and_that_sd_is_no_standard_error():
    study = make_study()
    told = " ".join(view(study).notes)
    assert "scaled by the mean and standard deviation of each training fold" in told
    assert "no standard error" in told
    as_stored = replace(study, request=replace(study.request, standardize=False))
    assert "Embeddings are taken as stored, not scaled." in view(as_stored).notes


def test_beside_speaker_disjoint_scores_a_note_says_what_the_paper_does_not():
    study = make_study()
    assert "keep speakers apart" not in " ".join(view(study, protocol="paper").notes)
    assert "keep speakers apart" in " ".join(view(study, protocol="speaker").notes)
