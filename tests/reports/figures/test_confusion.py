"""Confusion matrices: what stands in the cells, and that it can be read."""

from dataclasses import replace

import numpy as np
import pytest
from factories.legibility import assert_legible, texts_of
from factories.made_up_studies import make_cell, make_outcome
from factories.tested_folds import cell_of
from matplotlib.colors import same_color

from reno_store.errors import RenoStoreError
from reno_store.reports.figures import confusion_figure
from reno_store.reports.figures.style import SHARES, contrast
from reno_store.studies import Cell

LONG = "an extraordinarily long label that nobody would read to its end, number"


def numbers_in(canvas):
    """Texts of the cells by (row, column), from top to bottom."""
    found = {}
    for text in canvas.axes[0].texts:
        x, y = text.get_position()
        found[round(y), round(x)] = text.get_text().split("\n")
    return found


def test_cells_hold_counts_and_per_cents_of_their_row():
    figure = confusion_figure(cell_of(([0, 0, 0], [0, 0, 1]), ([0, 1], [1, 1])))
    assert numbers_in(figure.draw()) == {
        (0, 0): ["2", "50 %"],
        (0, 1): ["2", "50 %"],
        (1, 0): ["0", "0 %"],
        (1, 1): ["1", "100 %"],
    }
    assert "Accuracy 60.0 % of 5 predictions, over 2 test folds" in figure.details


def test_colour_is_the_share_of_the_row():
    canvas = confusion_figure(cell_of(([0, 0, 0, 1], [0, 0, 1, 1]))).draw()
    (mesh,) = canvas.axes[0].collections
    np.testing.assert_allclose(np.asarray(mesh.get_array()), [[2 / 3, 1 / 3], [0, 1]])
    assert (mesh.norm.vmin, mesh.norm.vmax) == (0, 1)


def test_true_labels_stand_from_top_to_bottom():
    axes = confusion_figure(cell_of(([0, 1], [0, 1]))).draw().axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    bottom, top = axes.get_ylim()
    assert top < bottom


def test_a_class_never_predicted_is_named_and_a_class_without_clips_has_an_empty_row():
    figure = confusion_figure(cell_of(([0, 0], [0, 0]), labels=("a", "b")))
    assert "Never predicted: b." in figure.details
    assert numbers_in(figure.draw())[1, 0] == ["0", "0 %"]


def test_with_many_labels_empty_cells_stay_empty():
    labels = tuple(f"label {i:02d}" for i in range(13))
    everything = list(range(13))
    figure = confusion_figure(cell_of((everything, [0, *everything[1:]]), labels=labels))
    found = numbers_in(figure.draw())
    assert set(found) == {(i, i) for i in everything}
    assert found[3, 3] == ["1", "100"]
    assert "Cells without numbers have no clips" in figure.details
    assert any("below: % of the row" in text for text in texts_of(figure.draw()))


def test_numbers_stand_out_from_their_cell():
    rng = np.random.default_rng(0)
    true = np.repeat(np.arange(8), 60)
    canvas = confusion_figure(
        cell_of((true, rng.integers(8, size=480)), (true, true), labels=tuple("abcdefgh"))
    ).draw()
    inks = {ink for text in canvas.axes[0].texts for ink in [text.get_color()]}
    assert inks <= {"black", "white"}
    for share in np.linspace(0, 1, 101):
        assert max(contrast(ink, SHARES(share)) for ink in ("black", "white")) >= 4.5
    shares = np.asarray(canvas.axes[0].collections[0].get_array())
    for text in canvas.axes[0].texts:
        x, y = text.get_position()
        assert contrast(text.get_color(), SHARES(shares[round(y), round(x)])) >= 4.5
    assert same_color(SHARES(0.0), "white")


@pytest.mark.parametrize("n_labels", [2, 4, 8, 13, 30])
@pytest.mark.parametrize("stem", ["x", "Surprise (Negative)", LONG])
def test_it_can_be_read_with_few_and_many_labels_long_and_short(n_labels, stem):
    labels = tuple(f"{stem} {i}" for i in range(n_labels))
    rng = np.random.default_rng(0)
    outcomes = (tuple(make_outcome(rng, 0.3, n_test=40 * n_labels, labels=labels) for _ in "123"),)
    cell = replace(make_cell(("mfcc",), "cnn"), labels=labels, outcomes=outcomes)
    canvas = confusion_figure(cell).draw()
    assert_legible(canvas)
    width, _ = canvas.get_size_inches()
    assert 3.35 <= width <= (7 if n_labels <= 13 else 9.5)
    ticks = [label.get_text() for label in canvas.axes[0].get_xticklabels()]
    assert len(set(ticks)) == n_labels


def test_four_labels_fit_a_column():
    assert confusion_figure(make_cell(("mfcc",), "cnn")).draw().get_size_inches()[0] == 3.35


def test_a_label_with_dollar_signs_is_no_formula():
    figure = confusion_figure(cell_of(([0, 1], [0, 1]), labels=("$x^2$", "b\nc")))
    assert {"$x^2$", "b c"} <= set(texts_of(figure.draw()))


def test_several_seeds_are_said():
    figure = confusion_figure(make_cell(("mfcc",), "cnn", seeds=(0, 1, 2)))
    assert "Each clip counts once for each of 3 seeds" in figure.details


def test_a_cell_that_was_not_computed_is_refused_with_its_reason():
    cell = Cell("jnv", "paper", "cnn", ("mfcc",), labels=("a", "b"), reason="no embeddings")
    with pytest.raises(RenoStoreError, match=r"was not computed\. no embeddings"):
        confusion_figure(cell)
