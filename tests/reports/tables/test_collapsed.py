"""Collapsed cells are marked in every form, explained, and never the best."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from factories.made_up_grids import make_grid
from factories.made_up_studies import make_study, with_collapsed
from reno_store.reports.tables.grid_search import grid_renderable
from reno_store.reports.tables.measures import measure_study
from rich.console import Console

from reno_store.conclusions.grids import findings_of
from reno_store.reports.figures import surface_figure
from reno_store.reports.figures.choosing import best_cell
from reno_store.reports.page import render_page
from reno_store.reports.tables import render, study_renderable, views_of
from reno_store.studies import Comparison, Evaluation, FoldScore, cv_results
from reno_store.studies.comparison_table import comparison_table
from reno_store.studies.scores import score_fold

WHERE = "RENO on audio-mamba-tiny + wav2vec2-base (2 of 5 folds)"


@pytest.fixture(scope="module")
def studies():
    """A study whose best pair is RENO, and the same with that cell collapsed in two folds."""
    study = make_study(protocols=("paper",))
    best = next(study.select(estimator="reno", models=("audio-mamba-tiny", "wav2vec2-base")))
    high = [
        replace(each, score=FoldScore(0.97 + 0.001 * place, 0.97, 0.97, 160, 40, 4))
        for place, each in enumerate(best.folds)
    ]
    cells = [
        replace(each, outcomes=(tuple(high),)) if each is best else each for each in study.cells
    ]
    fine = replace(study, cells=tuple(cells))
    chosen = next(fine.select(estimator="reno", models=best.models))
    return fine, with_collapsed(fine, chosen, n_folds=2)


def printed(renderable):
    file = io.StringIO()
    Console(file=file, width=200).print(renderable)
    return file.getvalue()


def test_the_best_cell_loses_its_place_when_it_collapses(studies):
    fine, collapsed = studies
    for study, expected in ((fine, True), (collapsed, False)):
        rows = [row for table in measure_study(study) for row in table.rows]
        (row,) = [each for each in rows if each.cell.mean("accuracy") > 0.96]
        assert {measure.best for measure in row.measures} == {expected}
        others = [each for each in rows if each is not row and len(each.cell.models) == 2]
        assert any(measure.best for each in others for measure in each.measures) != expected


@pytest.mark.parametrize("form", ["markdown", "latex", "terminal", "page"])
def test_its_scores_are_marked_and_explained(studies, form):
    texts = []
    for study in studies:
        if form == "terminal":
            texts.append(printed(study_renderable(study)))
        elif form == "page":
            texts.append(render_page(study, views=views_of(study)))
        else:
            texts.append(render(study, form))
    fine, collapsed = texts
    mark = r"\textsuperscript{\textdagger}" if form == "latex" else "†"
    assert mark not in fine
    assert mark in collapsed
    if form != "latex":
        assert WHERE in " ".join(collapsed.split())
    # Two scores and the caption, or three, of which none is bold.
    if form == "latex":
        assert r"\textbf{97.2}" in fine
        assert r"\textbf{97.2}" not in collapsed
    if form == "markdown":
        assert "**97.2" in fine
        assert "**97.2" not in collapsed


def test_csv_and_json_count_the_folds(studies):
    rows = list(csv.DictReader(io.StringIO(render(studies[1], "csv"))))
    counts = {row["collapsed"] for row in rows if row["estimator"] == "reno"}
    assert counts == {"0", "2"}
    assert {row["best"] for row in rows if row["collapsed"] == "2"} == {"false"}
    told = json.loads(render(studies[1], "json"))
    (cell,) = [each for each in told["cells"] if each["n_collapsed"]]
    assert [fold["collapsed"] for fold in cell["folds"]] == [True, True, False, False, False]


def test_figures_choose_another_cell(studies):
    fine, collapsed = studies
    assert best_cell(fine.cells).estimator == "reno"
    assert best_cell(collapsed.cells).mean("accuracy") < 0.96
    only = [cell for cell in collapsed.cells if cell.n_collapsed]
    assert best_cell(only) is only[0]


def test_evaluate_marks_them_too():
    folds = [FoldScore(0.1 * place, 0.1, 0.1, 80, 20, 2) for place in range(1, 4)]
    stuck = [*folds[:2], FoldScore(0.5, 0.1, 0.1, 80, 20, 2, collapsed=True)]
    comparison = Comparison(
        *("cries", 100, 2, 10, 0, 0.5),
        evaluations=tuple(
            Evaluation("cries", (name,), "fcn", "paper", 0, True, tuple(own))
            for name, own in (("mfcc", folds), ("logmel", stuck))
        ),
    )
    text = printed(comparison_table(comparison))
    assert "fcn on logmel (1 of 3 folds)" in text
    assert text.count("†") == 3  # two scores, one note
    assert comparison.to_dict()["repeats"][1]["n_collapsed"] == 1


def test_points_of_a_grid_that_collapsed_rank_last_and_are_never_the_best():
    grid = make_grid({(2.0, 0.2, 0.4): [0.9] * 5}, beta=(1.5, 2.0), lam=(0.4,))
    assert grid.best().is_paper
    paper = grid.paper
    for outcome in paper.outcomes[:2]:
        object.__setattr__(outcome.score, "collapsed", True)
    assert not grid.best().is_paper
    assert grid.rank(paper) == len(grid.points)
    assert cv_results(grid)["rank_test_accuracy"].max() == grid.rank(paper)
    assert "collapsed in 2 of 5" in printed(grid_renderable(grid))
    assert any(
        f"1 of {len(grid.points)} points. They rank last" in sentence
        for sentence in findings_of(grid)
    )
    assert f"1 of {len(grid.points)} points. They rank last" in surface_figure(grid).caption


def test_one_label_for_many_clips_of_several_is_a_collapse_whoever_predicts():
    def collapsed(true, predicted):
        return score_fold(true, predicted, n_train=80).collapsed

    two, one = np.arange(20) % 2, np.zeros(20, int)
    assert collapsed(two, one)
    assert not collapsed(two, two)
    assert not collapsed(one, one)  # a fold that tests a single label
    assert not collapsed(two[:9], one[:9])  # too few clips to tell
