"""The leaderboard of a study, and what a notebook shows of it."""

import dataclasses
import math

import numpy as np
import pytest
from factories.made_up_studies import LABELS, make_study, with_collapsed
from factories.scored_studies import scored_cell, study_of
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from reno_store.errors import UnknownNameError
from reno_store.reports.leaderboard import guesses_of
from reno_store.studies import DatasetFacts
from reno_store.studies.scores import METRICS


@pytest.fixture(scope="module")
def study():
    return make_study(datasets=("jnv", "vivae"), lacking=("mfcc",))


@pytest.mark.parametrize("metric", METRICS)
def test_cells_are_sorted_within_each_dataset_and_protocol(study, metric):
    board = study.leaderboard(metric=metric)
    assert len(board) == sum(cell.computed for cell in study.cells)
    for (dataset, protocol), part in board.groupby(["dataset", "protocol"]):
        cells = study.select(dataset=dataset, protocol=protocol, computed=True)
        assert part[metric].tolist() == sorted((c.mean(metric) for c in cells), reverse=True)
        assert part["rank"].tolist() == list(range(1, len(part) + 1))


def test_a_dataset_and_a_protocol_can_be_chosen(study):
    board = study.leaderboard(dataset="vivae", protocol="speaker")
    assert set(board.dataset) == {"vivae"}
    assert set(board.protocol) == {"speaker"}
    for names in ({"dataset": "jvn"}, {"protocol": "speakr"}, {"metric": "acuracy"}):
        with pytest.raises(UnknownNameError, match="did you mean"):
            study.leaderboard(**names)


def test_the_interval_is_that_of_nadeau_and_bengio():
    accuracies = (0.5, 0.6, 0.7, 0.6, 0.55)
    board = study_of(scored_cell(["mfcc"], "svm", accuracies)).leaderboard()
    mean, variance = np.mean(accuracies), np.var(accuracies, ddof=1)
    reach = 2.7764451 * math.sqrt((1 / 5 + 20 / 80) * variance)  # t(4) at 97.5 %
    assert board.loc[0, ["low", "high"]].tolist() == pytest.approx([mean - reach, mean + reach])


def test_a_single_fold_has_no_interval():
    board = study_of(scored_cell(["mfcc"], "svm", (0.5,))).leaderboard()
    assert board[["low", "high"]].isna().all(axis=None)


def test_intervals_end_at_zero_and_one():
    board = study_of(scored_cell(["mfcc"], "svm", (0.1, 0.99))).leaderboard()
    assert board.loc[0, ["low", "high"]].tolist() == [0, 1]


def test_collapsed_cells_come_last(study):
    alone = make_study(estimators=("fcn", "svm"))
    best = alone.leaderboard(dataset="jnv", protocol="paper").iloc[0]
    chosen = next(
        alone.select(
            protocol="paper", estimator=best.estimator, models=tuple(best.models.split("+"))
        )
    )
    board = with_collapsed(alone, chosen).leaderboard(protocol="paper")
    last = board.iloc[-1]
    assert (last.estimator, last.models, last.n_collapsed) == (best.estimator, best.models, 1)


def test_guessing_scores_what_guesses_score():
    counts = {"a": 600, "b": 300, "c": 100}
    facts = DatasetFacts("mine", 1000, 0, 0, counts)
    true = np.repeat(list(counts), list(counts.values()))
    often = np.full(len(true), "a")
    scores = {
        "accuracy": accuracy_score,
        "balanced_accuracy": balanced_accuracy_score,
        "macro_f1": lambda y, z: f1_score(y, z, average="macro", zero_division=0.0),
    }
    for metric, score in scores.items():
        chance, majority = guesses_of(facts, metric)
        assert chance == pytest.approx(1 / 3)
        assert majority == pytest.approx(score(true, often))


def test_whether_a_cell_beats_guessing_is_tested():
    good = scored_cell(["mfcc"], "svm", (0.9, 0.92, 0.88, 0.9, 0.91))
    guess = 1 / len(good.labels)
    poor = scored_cell(["mfcc"], "rf", [guess + each for each in (0, 0.02, -0.02, 0.05, 0)])
    alone = scored_cell(["mfcc"], "fcn", (0.9,), protocol="speaker")
    board = study_of(good, poor, alone).leaderboard()
    assert board.beats_guessing.tolist()[:2] == [True, False]
    assert board.beats_guessing.isna().tolist() == [False, False, True]


def test_a_notebook_shows_the_best_cells_and_what_was_not_computed(study):
    shown = study._repr_html_()
    best = study.leaderboard(dataset="jnv", protocol="speaker").iloc[0]
    low, high = (f"{100 * best[end]:.1f}" for end in ("low", "high"))
    assert f">{100 * best.accuracy:.1f}</td>" in shown
    assert f">{low} to {high}</td>" in shown
    assert shown.index("jnv, protocol speaker") < shown.index(f">{low} to {high}</td>")
    assert "jnv has no embeddings of mfcc" in shown
    assert "vivae: 200 clips" in shown
    assert f"chance {100 / len(LABELS):.1f} %" in shown


def test_all_cells_of_a_long_study_are_shown_or_one_click_away():
    study = make_study(protocols=("paper",), estimators=("svm", "fcn", "cnn", "logreg", "rf"))
    shown = study._repr_html_()
    n_cells = len(study.leaderboard())
    assert n_cells > 10
    first, rest = shown.split(f"<summary>{n_cells - 10} more</summary>")
    assert ">10</td>" in first
    assert f">{n_cells}</td>" in rest


def test_an_empty_study_is_shown(study):
    assert "s.zarr" in dataclasses.replace(study, cells=())._repr_html_()


def test_text_of_a_store_cannot_be_markup(study):
    name = "<img src=x>"
    cells = [dataclasses.replace(each, dataset=name) for each in study.cells if each.computed]
    failed = dataclasses.replace(study.cells[0], dataset=name, outcomes=(), reason="<script>x")
    hostile = dataclasses.replace(
        study,
        cells=(*cells, failed),
        datasets=(dataclasses.replace(study.datasets[0], name=name),),
    )
    shown = hostile._repr_html_()
    assert "&lt;img" in shown
    assert "&lt;script" in shown
    assert "<script" not in shown
    assert "<img" not in shown


def test_a_study_and_its_cells_are_short_as_text():
    study = make_study(lacking=("mfcc",))
    assert repr(study) == "<Study of jnv: 12 of 24 cells computed>"
    assert repr(study.cells[0]).startswith("<Cell jnv, paper, fcn, audio-mamba-tiny: accuracy=0.")
    assert repr(study.cells[2]) == "<Cell jnv, paper, fcn, mfcc: none>"
