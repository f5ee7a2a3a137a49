"""The tidy table: cells sorted into the paper's tables, per cent, the paper's values, the best."""

import statistics
from dataclasses import replace

import numpy as np
import pytest
from factories.odd_studies import change_cells, make_study, score_alike

from reno_store.reports.tables import results_frame
from reno_store.studies import METRICS


def accuracies(study, **where):
    frame = results_frame(study)
    frame = frame[frame["metric"] == "accuracy"]
    for name, value in where.items():
        frame = frame[frame[name] == value]
    return frame


def test_there_is_a_row_per_cell_and_metric_in_order():
    study = make_study(datasets=("jnv", "cries"))
    frame = results_frame(study)
    assert frame.index.tolist() == [place for place in range(len(study.cells)) for _ in METRICS]
    for place, row in zip(frame.index, frame.itertuples(), strict=True):
        cell = study.cells[place]
        assert (row.dataset, row.protocol, row.estimator) == (
            cell.dataset,
            cell.protocol,
            cell.estimator,
        )
        assert row.models == "+".join(cell.models)
        assert row.table == ("I" if len(cell.models) == 1 else "II")


def test_scores_are_means_over_the_folds_of_all_seeds_in_per_cent():
    study = make_study(seeds=(0, 7))
    row = accuracies(study).iloc[0]
    scores = [outcome.score.accuracy for folds in study.cells[0].outcomes for outcome in folds]
    assert len(scores) == row["n"] == 10
    assert row["seeds"] == "0 7"
    assert row["mean"] == pytest.approx(100 * statistics.fmean(scores))
    assert row["sd"] == pytest.approx(100 * statistics.stdev(scores))


def test_the_difference_is_the_mean_minus_the_value_of_the_paper():
    rows = results_frame(make_study()).iloc[:3].set_index("metric")
    assert rows.loc["accuracy", "paper"] == 59.82
    assert rows.loc["macro_f1", "paper"] == 58.14
    assert np.isnan(rows.loc["balanced_accuracy", "paper"])
    assert rows.loc["accuracy", "difference"] == rows.loc["accuracy", "mean"] - 59.82


def test_a_pair_is_compared_with_the_paper_in_either_order_of_its_models():
    study = make_study()
    turned = change_cells(study, lambda cell: replace(cell, models=cell.models[::-1]))
    found = [accuracies(each)["paper"].tolist() for each in (study, turned)]
    np.testing.assert_array_equal(*found)
    assert 64.54 in found[0]


def test_other_datasets_have_no_value_of_the_paper():
    assert results_frame(make_study(datasets=("cries",)))["paper"].isna().all()


def test_a_score_that_is_not_finite_is_unknown_and_not_the_best():
    def lose(outcome):
        return replace(outcome, score=replace(outcome.score, balanced_accuracy=float("nan")))

    lost = change_cells(
        make_study(),
        lambda cell: replace(
            cell, outcomes=tuple(tuple(map(lose, folds)) for folds in cell.outcomes)
        ),
    )
    frame = results_frame(lost)
    unknown = frame["metric"] == "balanced_accuracy"
    assert frame[unknown]["mean"].isna().all()
    assert frame[~unknown]["mean"].notna().all()
    assert not frame[unknown]["best"].any()


def test_the_highest_of_each_table_and_metric_is_best_and_ties_are_best_together():
    study = make_study()
    frame = results_frame(study)
    for _, group in frame.groupby(["table", "protocol", "metric"]):
        assert (group["best"] == np.isclose(group["mean"], group["mean"].max())).all()
    best = study.cells[accuracies(study, table="I", protocol="paper").query("best").index[0]]
    other = next(c for c in study.cells if len(c.models) == 1 and c is not best)
    assert (
        accuracies(score_alike(study, other, best), table="I", protocol="paper")["best"].sum() == 2
    )


def test_settings_are_written_out_and_do_not_hide_the_estimator():
    study = make_study()
    set_ = change_cells(study, lambda cell: replace(cell, settings={"beta": 1.5, "kind": "a"}))
    assert set(results_frame(set_)["settings"]) == {"beta=1.5, kind=a"}
    assert set(results_frame(study)["settings"]) == {""}
