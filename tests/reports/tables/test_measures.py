"""What is measured: cells sorted into tables, per cent, the paper's values, the best."""

import statistics
from dataclasses import replace

import pytest
from factories.odd_studies import change_cells, keep_folds, make_study, score_alike
from reno_store.reports.tables.measures import mark_best, measure_study


def test_tables_come_by_dataset_protocol_and_number():
    tables = measure_study(make_study(datasets=("jnv", "cries")))
    assert [(each.dataset, each.protocol, each.number) for each in tables] == [
        (dataset, protocol, number)
        for dataset in ("jnv", "cries")
        for protocol in ("paper", "speaker")
        for number in ("I", "II")
    ]


def test_every_cell_stands_in_one_table():
    study = make_study()
    shown = [row.cell for table in measure_study(study) for row in table.rows]
    assert sorted(map(id, shown)) == sorted(map(id, study.cells))
    for table in measure_study(study):
        widths = {len(row.cell.models) for row in table.rows}
        assert widths == {1 if table.number == "I" else 2}


def test_scores_are_means_over_the_folds_of_all_seeds_in_per_cent():
    study = make_study(seeds=(0, 7))
    row = measure_study(study)[0].rows[0]
    accuracies = [outcome.score.accuracy for folds in row.cell.outcomes for outcome in folds]
    assert len(accuracies) == 10
    assert row.measure("accuracy").mean == pytest.approx(100 * statistics.fmean(accuracies))
    assert row.measure("accuracy").sd == pytest.approx(100 * statistics.stdev(accuracies))


def test_the_difference_is_the_mean_minus_the_value_of_the_paper():
    row = measure_study(make_study())[0].rows[0]
    assert (row.cell.estimator, row.cell.models) == ("fcn", ("audio-mamba-tiny",))
    assert row.measure("accuracy").paper == 59.82
    assert row.measure("macro_f1").paper == 58.14
    assert row.measure("balanced_accuracy").paper is None
    measure = row.measure("accuracy")
    assert measure.difference == pytest.approx(measure.mean - 59.82)
    assert replace(measure, mean=None).difference is None


def test_a_pair_is_compared_with_the_paper_in_either_order_of_its_models():
    study = make_study()
    turned = change_cells(study, lambda cell: replace(cell, models=cell.models[::-1]))
    found = [
        [row.measure("accuracy").paper for table in measure_study(each) for row in table.rows]
        for each in (study, turned)
    ]
    assert found[0] == found[1]
    assert 64.54 in found[0]


def test_a_dataset_that_is_not_the_papers_has_no_value_of_the_paper():
    tables = measure_study(make_study(datasets=("cries",)))
    assert not any(table.beside_paper for table in tables)


def test_one_fold_has_a_mean_and_no_deviation():
    measure = measure_study(keep_folds(make_study(), 1))[0].rows[0].measure("accuracy")
    assert measure.mean is not None
    assert measure.sd is None


def test_a_score_that_was_not_kept_is_not_known():
    study = make_study()
    lost = change_cells(
        study,
        lambda cell: replace(
            cell,
            outcomes=tuple(
                tuple(
                    replace(each, score=replace(each.score, balanced_accuracy=float("nan")))
                    for each in folds
                )
                for folds in cell.outcomes
            ),
        ),
    )
    row = measure_study(lost)[0].rows[0]
    assert row.measure("balanced_accuracy").mean is None
    assert row.measure("accuracy").mean is not None
    assert not any(
        each.measure("balanced_accuracy").best
        for table in measure_study(lost)
        for each in table.rows
    )


def test_one_row_of_each_table_is_best_and_equals_are_best_together():
    study = make_study(protocols=("paper",))
    table = measure_study(study)[0]
    (best,) = [row.cell for row in table.rows if row.measure("accuracy").best]
    assert best.mean("accuracy") == max(row.cell.mean("accuracy") for row in table.rows)
    other = next(row.cell for row in table.rows if row.cell is not best)
    tied = measure_study(score_alike(study, other, best))[0]
    assert sum(row.measure("accuracy").best for row in tied.rows) == 2


def test_what_differs_by_the_order_of_a_sum_alone_is_a_tie():
    assert mark_best([0.1 + 0.2, 0.3, None]) == [True, True, False]
    assert mark_best([60.0, 60.001]) == [False, True]


def test_nothing_is_best_where_nothing_is_known():
    assert mark_best([None, None]) == [False, False]
    assert mark_best([]) == []
