"""What `evaluate` and `grid` show in a terminal: their numbers, in per cent, and their notes."""

import io
from dataclasses import replace

import pytest
from factories.made_up_grids import make_grid
from factories.scored_studies import scored_cell, study_of
from rich.console import Console

from reno_store.reports.tables import evaluation_renderable, grid_renderable
from reno_store.studies import Cell

FCN = scored_cell(("mfcc",), "fcn", (0.5, 0.6, 0.7))
RENO = scored_cell(("mfcc", "wav2vec2-base"), "reno", (0.75, 0.85, 0.95))
SPEAKER = scored_cell(("mfcc",), "fcn", (0.3, 0.4, 0.5), protocol="speaker")


def printed(renderable):
    file = io.StringIO()
    Console(file=file, width=400).print(renderable)
    return " ".join(file.getvalue().split())


def show(*cells, **how):
    return printed(evaluation_renderable(study_of(*cells, **how)))


def test_each_fold_has_a_column_before_mean_and_sd():
    text = show(FCN, RENO, SPEAKER)
    assert text.count("estimator models score fold 1 fold 2 fold 3 mean sd") == 2
    assert "fcn mfcc accuracy 50.0 60.0 70.0 60.0 10.0" in text
    assert "macro-F1 25.0 30.0 35.0 30.0 5.0" in text
    assert "reno mfcc + wav2vec2-base accuracy 75.0 85.0 95.0 85.0 10.0" in text
    assert text.index("Protocol paper:") < text.index("Protocol speaker:")


def test_the_heading_has_the_counts():
    text = show(FCN)
    assert "jnv: 100 clips, 10 labels, 8 speakers; 3 folds, seed 0" in text
    assert "standardized on each training fold" in text
    assert "10.0 %" in text
    assert "left out" not in text
    study = study_of(FCN, n_speakers=0)
    facts = replace(study.datasets[0], n_left_out=1234)
    request = replace(study.request, standardize=False)
    unusual = printed(evaluation_renderable(replace(study, datasets=(facts,), request=request)))
    assert "100 clips (1,234 left out), 10 labels, speakers unknown" in unusual
    assert "embeddings as stored" in unusual


def test_with_several_seeds_each_has_a_column():
    text = show(scored_cell(("mfcc",), "fcn", (0.5, 0.6), (0.7, 0.8)))
    assert "seed 0 seed 1 mean sd" in text
    assert "accuracy 55.0 75.0 65.0 12.9" in text
    assert "2 x 2 folds" in text


def loso(n, n_labels=10):
    cell = scored_cell(
        ("mfcc",), "fcn", [0.5] * n, protocol="loso", speakers=[f"voice{i}" for i in range(n)]
    )
    folds = [replace(f, score=replace(f.score, n_labels=n_labels)) for f in cell.folds]
    return replace(cell, outcomes=(tuple(folds),))


def test_folds_are_named_by_the_speaker_left_out():
    text = show(loso(4))
    assert "score voice0 voice1 voice2 voice3 mean sd" in text
    assert "no clip of some labels" not in text
    assert "Folds voice0, voice1 test no clip of some labels" in show(loso(2, n_labels=1))


@pytest.mark.parametrize(("n", "shown"), [(30, True), (31, False)])
def test_too_many_folds_are_left_out(n, shown):
    text = show(loso(n, n_labels=1))
    assert ("voice29 mean sd" in text) == shown
    assert ("31 folds are too many" in text) != shown
    assert ("31 folds test no clip of some labels" in text) != shown


def test_collapsed_cells_are_marked_and_named():
    scores = [replace(f.score, collapsed=place == 0) for place, f in enumerate(FCN.folds)]
    folds = tuple(replace(f, score=s) for f, s in zip(FCN.folds, scores, strict=True))
    text = show(replace(FCN, outcomes=(folds,)), RENO)
    assert "FCN on mfcc (1 of 3 folds)" in text
    assert text.count("†") == 3  # two scores, one note


def test_cells_that_were_not_computed_have_their_reason():
    text = show(FCN, Cell("jnv", "paper", "cnn", ("mfcc",), reason="training failed"))
    assert "cnn on mfcc: training failed" in text


def test_a_grid_shows_its_points_best_first_with_what_they_are():
    paper, best, failed = (2.0, 0.2, 0.4), (3.0, 0.05, 0.8), (1.5, 0.05, 0.2)
    grid = make_grid({paper: [0.5] * 5, best: [0.9, 0.8, 0.9, 0.8, 0.9]}, failed=[failed])
    text = printed(grid_renderable(grid))
    assert "rank β δ λ accuracy sd macro-F1 sd n" in text
    assert "1 3 0.05 0.8 86.0 5.5 85.0 5.5 5" in text
    assert "2 0.2 0.4 50.0 0.0 49.0 0.0 5 paper" in text
    assert "- 1.5 0.05 0.2 - - - - 0" in text
    assert "β 1.5, δ 0.05, λ 0.2 failed: training failed" in text
    assert "cries: 100 clips, 3 labels, 10 speakers" in text
