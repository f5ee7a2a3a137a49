"""A study as a table: its numbers and its labels."""

import dataclasses
import statistics

import numpy as np
import pandas as pd
import pytest
from factories.made_up_studies import LABELS, make_study

from reno_store.studies.scores import METRICS


@pytest.fixture(scope="module")
def study():
    return make_study(datasets=("jnv", "vivae"), seeds=(0, 1), lacking=("mfcc",))


def test_confusion_has_the_true_labels_as_index_and_the_predicted_ones_as_columns(study):
    cell = next(study.select(computed=True))
    counts = cell.confusion()
    assert isinstance(counts, pd.DataFrame)
    assert counts.index.tolist() == counts.columns.tolist() == list(LABELS)
    assert (counts.index.name, counts.columns.name) == ("true", "predicted")
    assert (counts.dtypes == np.int64).all()
    pairs = [
        (cell.labels[true], cell.labels[predicted])
        for outcome in cell.folds
        for true, predicted in zip(outcome.true, outcome.predicted, strict=True)
    ]
    for true in LABELS:
        for predicted in LABELS:
            assert counts.loc[true, predicted] == pairs.count((true, predicted))


def test_there_is_a_row_for_each_cell_with_its_mean_and_deviation(study):
    frame = study.to_frame()
    assert len(frame) == len(study.cells)
    for row, cell in zip(frame.itertuples(), study.cells, strict=True):
        assert (row.dataset, row.protocol, row.estimator) == (
            cell.dataset,
            cell.protocol,
            cell.estimator,
        )
        assert row.models == "+".join(cell.models)
        assert (row.n, row.reason, row.settings) == (cell.n, cell.reason, "")
        for metric in METRICS:
            if cell.computed:
                assert getattr(row, metric) == statistics.fmean(cell.scores(metric))
                assert getattr(row, f"{metric}_sd") == statistics.stdev(cell.scores(metric))
            else:
                assert np.isnan(getattr(row, metric))
    assert frame.n.eq(0).any()


def test_there_is_a_row_for_each_fold_if_asked(study):
    frame = study.to_frame(folds=True)
    assert len(frame) == sum(cell.n for cell in study.cells)
    keys = ["dataset", "protocol", "estimator", "models"]
    means = frame.groupby(keys)[list(METRICS)].mean()
    for row in study.to_frame().query("n > 0").itertuples():
        found = means.loc[(row.dataset, row.protocol, row.estimator, row.models)]
        np.testing.assert_allclose(found, [getattr(row, metric) for metric in METRICS])
    assert sorted(frame.seed.unique()) == [0, 1]
    first = frame.groupby([*keys, "seed"]).fold
    assert (first.min() == 1).all()
    assert (first.max() == first.count()).all()


def test_a_study_of_nothing_computed_is_a_table_too(study):
    empty = dataclasses.replace(study, cells=())
    assert empty.to_frame().columns.tolist() == study.to_frame().columns.tolist()
    assert (
        empty.to_frame(folds=True).columns.tolist() == study.to_frame(folds=True).columns.tolist()
    )
