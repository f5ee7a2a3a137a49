"""F1 by class: pooled over folds, with the spread over those that test the class."""

from dataclasses import replace

import numpy as np
import pytest
from factories.legibility import assert_legible, texts_of
from factories.made_up_studies import make_cell, make_outcome
from factories.tested_folds import cell_of
from sklearn.metrics import f1_score

from reno_store.reports.figures.class_f1 import class_f1, class_f1_figure, class_f1_spread


def test_f1_is_that_of_all_predictions_together():
    cell = make_cell(("mfcc",), "cnn")
    true = [label for fold in cell.folds for label in fold.true]
    predicted = [label for fold in cell.folds for label in fold.predicted]
    expected = f1_score(true, predicted, average=None)
    np.testing.assert_allclose(class_f1(cell.confusion().to_numpy()), expected)


def test_a_class_never_predicted_has_0_and_one_that_is_nowhere_has_none():
    counts = np.array([[3, 0, 0], [2, 0, 0], [0, 0, 0]])
    found = class_f1(counts)
    assert found[:2].tolist() == [0.75, 0.0]
    assert np.isnan(found[2])


def test_folds_that_do_not_test_a_class_do_not_count_for_its_spread():
    cell = cell_of(([0, 1], [0, 1]), ([0, 0], [0, 1]), ([0, 0], [1, 1]))
    spread = class_f1_spread(cell)
    np.testing.assert_allclose(spread[0], np.quantile([1, 2 / 3, 0], [0.25, 0.75]))
    assert spread[1].tolist() == [1, 1]


def drawn(canvas, estimator):
    """Label place -> F1 in per cent, of one estimator."""
    found = {}
    for axes in canvas.axes:
        for line in axes.get_lines():
            if line.get_label() == estimator:
                for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True):
                    found[round(y)] = x
    return found


@pytest.mark.parametrize("n_labels", [4, 13])
def test_marks_are_pooled_f1_and_lines_are_quartiles(n_labels):
    labels = tuple(f"label {i}" for i in range(n_labels))
    rng = np.random.default_rng(0)
    outcomes = (tuple(make_outcome(rng, 0.4, n_test=80, labels=labels) for _ in range(5)),)
    cells = [
        replace(make_cell(("mfcc",), name), labels=labels, outcomes=outcomes)
        for name in ("fcn", "cnn")
    ]
    canvas = class_f1_figure(cells).draw()
    assert len(canvas.axes) == (1 if n_labels == 4 else 2)
    expected = 100 * class_f1(cells[1].confusion().to_numpy())
    found = drawn(canvas, "cnn")
    np.testing.assert_allclose([found[i] for i in range(n_labels)], expected)
    spans = [
        segment[:, 0]
        for axes in canvas.axes
        for collection in axes.collections
        if collection.get_gid() == "cnn"
        for segment in collection.get_segments()
    ]
    np.testing.assert_allclose(spans, 100 * class_f1_spread(cells[1]))


@pytest.mark.parametrize("n_labels", [2, 8, 13, 30])
@pytest.mark.parametrize("n_estimators", [1, 7])
def test_it_can_be_read(n_labels, n_estimators):
    labels = tuple(f"a label that is much too long, number {i}" for i in range(n_labels))
    rng = np.random.default_rng(0)
    outcomes = (tuple(make_outcome(rng, 0.4, n_test=90, labels=labels) for _ in range(2)),)
    names = ("fcn", "cnn", "concat", "reno", "svm", "logreg", "rf")[:n_estimators]
    models = ("audio-mamba-base", "unispeech-sat-base-of-my-own")
    cells = [replace(make_cell(models, name), labels=labels, outcomes=outcomes) for name in names]
    canvas = class_f1_figure(cells).draw()
    assert_legible(canvas)
    assert canvas.get_size_inches()[0] == (3.35 if n_labels <= 10 else 7)
    assert canvas.get_size_inches()[1] < 11


def test_the_legend_names_estimators_and_models():
    cells = [make_cell(("mfcc",), "cnn"), make_cell(("mfcc", "logmel"), "reno")]
    assert {"CNN on mfcc", "RENO on mfcc + logmel"} <= set(texts_of(class_f1_figure(cells).draw()))
