"""Training curves: folds that stop at different epochs, and what is said of the divergence."""

from dataclasses import replace

import numpy as np
import pytest
from factories.legibility import assert_legible, texts_of
from factories.made_up_studies import make_cell

from reno_store.estimators import ConcatClassifier, RENOClassifier
from reno_store.reports.figures.training import (
    course_of,
    divergence_minimum,
    movement_of,
    training_figure,
)

PARAMETERS = {
    "lam": 0.4,
    "beta": 2.0,
    "delta": 0.2,
    "align_dim": 256,
    "distribution": "softmax",
}


def with_histories(cell, *histories):
    """The cell with its first folds, and these histories."""
    folds = zip(cell.folds, histories, strict=False)
    return replace(cell, outcomes=(tuple(replace(fold, history=h) for fold, h in folds),))


def falling(*entropies, **others):
    return tuple({"epoch": i, "train_cross_entropy": e} | others for i, e in enumerate(entropies))


def lines(axes):
    return {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()}


def test_a_course_is_over_the_folds_that_are_still_training():
    cell = with_histories(make_cell(("mfcc",), "cnn"), falling(3, 2, 1), falling(5), falling(4, 4))
    course = course_of(cell, "train_cross_entropy")
    assert course.index.tolist() == [1, 2, 3]
    assert course["median"].tolist() == [4, 3, 1]
    assert course.lowest.tolist() == [3, 2, 1]
    assert course.highest.tolist() == [5, 4, 1]
    assert course.n_folds.tolist() == [3, 2, 1]


def test_numbers_that_are_none_are_left_out():
    cell = with_histories(
        make_cell(("mfcc",), "cnn"), falling(1, float("nan"), 2), falling(float("inf"))
    )
    course = course_of(cell, "train_cross_entropy")
    assert (course.index.tolist(), course["median"].tolist()) == ([1, 3], [1, 2])
    assert course_of(cell, "valid_cross_entropy") is None


def test_lines_are_thin_where_less_than_half_of_the_folds_train():
    cell = with_histories(make_cell(("mfcc",), "cnn"), falling(3, 2, 1), falling(5), falling(4, 4))
    figure = training_figure([cell])
    (axes,) = figure.draw().axes
    assert lines(axes) == {"train": [[1, 4], [2, 3]], "train, few folds": [[2, 3], [3, 1]]}
    assert "Folds stopped after 1 to 3 epochs" in figure.details


def test_renos_divergence_has_a_panel_of_its_own_in_thousandths():
    cells = [make_cell(("mfcc",), "cnn"), make_cell(("mfcc", "logmel"), "reno")]
    axes = training_figure(cells).draw().axes
    assert [each.get_ylabel() for each in axes] == [
        "cross-entropy (nats)",
        "cross-entropy (nats)",
        "excess (0.001 nats)",
    ]
    np.testing.assert_allclose(lines(axes[2])["valid"], [[i, i] for i in range(1, 6)])
    assert axes[0].get_ylim() == axes[1].get_ylim()
    assert axes[0].get_ylim()[0] == 0


def test_a_divergence_that_hardly_moves_is_called_nearly_flat():
    cell = replace(make_cell(("mfcc", "logmel"), "reno"), parameters=PARAMETERS)
    details = training_figure([cell]).details
    assert "minimum of 3.955" in details
    assert "moves by 0.004, the cross-entropy by 1.1" in details
    assert "the term is nearly flat. Weighted as in the loss, its movement is 0.5 %" in details


def test_a_divergence_that_moves_is_not_called_flat():
    reno = make_cell(("mfcc", "logmel"), "reno")
    moving = (
        {"train_cross_entropy": 2.0, "train_divergence_excess": 0.0},
        {"train_cross_entropy": 1.0, "train_divergence_excess": 1.0},
    )
    cell = replace(with_histories(reno, moving, moving), parameters=PARAMETERS)
    details = training_figure([cell]).details
    assert "flat" not in details
    assert "1.5 times as far" in details


def test_a_divergence_that_rises_and_falls_again_has_moved():
    reno = make_cell(("mfcc", "logmel"), "reno")
    history = tuple(
        {"train_cross_entropy": entropy, "train_divergence_excess": excess}
        for entropy, excess in ((2.0, 0.0), (1.5, 0.3), (1.0, 0.0))
    )
    moved = movement_of(replace(with_histories(reno, history), parameters=PARAMETERS))
    assert (moved.divergence, moved.cross_entropy) == (0.3, 1.0)
    assert moved.share == pytest.approx(0.6 * 0.3 / 0.4)


def test_the_minimum_is_told_only_where_it_is_known():
    reno = make_cell(("mfcc", "logmel"), "reno")
    assert divergence_minimum(reno) is None
    assert divergence_minimum(replace(reno, parameters=PARAMETERS)) == pytest.approx(3.955, 1e-3)
    other = PARAMETERS | {"distribution": None}
    assert divergence_minimum(replace(reno, parameters=other)) is None
    assert movement_of(make_cell(("mfcc",), "cnn")) is None


def test_a_history_of_one_epoch_is_a_mark():
    reno = make_cell(("mfcc", "logmel"), "reno")
    cell = with_histories(reno, *(fold.history[:1] for fold in reno.folds))
    figure = training_figure([cell])
    assert "stopped after 1 epoch;" in figure.details
    assert "moves by" not in figure.details
    axes = figure.draw().axes[0]
    assert lines(axes) == {"train": [[1, 1.4]], "valid": [[1, 1.5]]}
    assert all(line.get_marker() in "os" for line in axes.get_lines())


def test_estimators_without_history_are_left_out():
    svm = with_histories(make_cell(("mfcc",), "svm"), *[()] * 5)
    assert training_figure([svm]) is None
    figure = training_figure([svm, make_cell(("mfcc",), "cnn")])
    assert len(figure.draw().axes) == 1
    assert "SVM" not in figure.details


def test_without_held_out_rows_there_is_a_line_for_training_alone():
    cell = with_histories(make_cell(("mfcc",), "cnn"), falling(3, 2))
    assert set(lines(training_figure([cell]).draw().axes[0])) == {"train"}


def test_the_histories_that_estimators_keep_are_understood():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 24)).astype(np.float32), np.arange(60) % 3
    cells = []
    for name, kind in (("concat", ConcatClassifier), ("reno", RENOClassifier)):
        fitted = kind(block_sizes=(12, 12), max_epochs=2, n_tokens=4, random_state=0).fit(X, y)
        cells.append(with_histories(make_cell(("a", "b"), name), tuple(fitted.history_)))
    axes = training_figure(cells).draw().axes
    assert len(axes) == 3
    for each in axes:
        assert set(lines(each)) == {"train", "valid"}
        assert len(lines(each)["train"]) == 2
    expected = 1_000 * cells[1].folds[0].history[-1]["train_divergence_excess"]
    assert lines(axes[2])["train"][-1] == [2, pytest.approx(expected)]


@pytest.mark.parametrize("n_cells", [1, 2, 4])
def test_it_can_be_read(n_cells):
    models = ("audio-mamba-base", "unispeech-sat-base-of-my-own")
    names = ("reno", "concat", "cnn", "fcn")[:n_cells]
    canvas = training_figure([make_cell(models, name) for name in names]).draw()
    assert_legible(canvas)
    assert {"training", "held out"} <= set(texts_of(canvas))
    assert canvas.get_size_inches()[0] == 7
