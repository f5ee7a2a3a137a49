"""Pairs of corpora in tables, conclusions, figures and the page."""

import json

import numpy as np
import pytest
from factories.legibility import assert_legible, texts_of
from factories.study_stores import make_study_store

from reno_store.conclusions import answers_of, claims_of, compare_study
from reno_store.conclusions.names import cell_title, estimator_title
from reno_store.reports.figures import figures_of
from reno_store.reports.figures.transfer import transfer_figures
from reno_store.reports.page import write_report
from reno_store.reports.tables import render, tables_of
from reno_store.reports.tables.findings import across_table, comparison_tables
from reno_store.studies import StudyRequest, run_study

ONE = {"labels": ("angry", "fear", "happy"), "speaker": "a"}
TWO = {"labels": ("anger", "fear", "pain"), "recordings": 1000, "seed": 1, "speaker": "b"}
THREE = {"labels": ("anger", "fear"), "recordings": 2000, "seed": 2, "speaker": "c"}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("across") / "my.zarr"
    return make_study_store(path, one=ONE, two=TWO, three=THREE)


@pytest.fixture(scope="module")
def study(store):
    request = StudyRequest(
        ("one", "two", "three"),
        ("mfcc", "logmel"),
        estimators=("logreg", "GaussianNB"),
        protocols=("speaker", "cross-corpus", "leave-one-corpus-out"),
        n_folds=2,
        seeds=(0, 1),
        label_map={"one": {"angry": "anger"}},
    )
    return run_study(store, request)


def cell_of(study, dataset, estimator="logreg", models=("mfcc",)):
    return next(study.select(dataset=dataset, estimator=estimator, models=models))


def test_each_pair_has_its_tables_with_what_was_left_out(study):
    tables = [table for table in tables_of(study) if table.dataset == "one → two"]
    assert [(table.number, table.protocol) for table in tables] == [
        ("I", "cross-corpus"), ("II", "cross-corpus"),
    ]  # fmt: skip
    notes = " ".join(map(str, tables[0].notes))
    for words in ("anger (16 and 16)", "one happy (16); two pain (16)", "label map", "50.0 %"):
        assert words in notes


def test_no_form_loses_a_pair(study):
    csv, markdown, latex = (render(study, form) for form in ("csv", "markdown", "latex"))
    assert "one + three → two" in csv
    assert "one + three → two" in markdown
    # Not every font of LaTeX has an arrow.
    assert r"one + three \ensuremath{\rightarrow} two" in latex
    document = json.loads(render(study, "json"))
    pair = next(each for each in document["datasets"] if each["name"] == "one + three → two")
    assert (pair["train_on"], pair["test_on"]) == (["one", "three"], "two")
    assert pair["unmatched"] == {"one": {"happy": 16}, "two": {"pain": 16}}
    alone = next(each for each in document["datasets"] if each["name"] == "one")
    assert "train_on" not in alone


def test_the_answer_of_a_pair_has_its_scores_and_that_of_guessing(study):
    answers = {each.dataset: each for each in answers_of(study)}
    assert len(answers) == 3 + 6 + 3
    answer = answers["one → two"]
    highest = max(cell.mean("accuracy") for cell in study.select(dataset="one → two"))
    assert answer.best.score == highest
    assert answer.beats_guessing is not True
    (sentence,) = answer.sentences
    assert f"{100 * highest:.1f} %" in sentence
    assert "guessing the most frequent of 2 labels gives 50.0 %" in sentence
    assert answers["one"].protocol == "speaker"
    assert claims_of(study) == ()


def test_one_fold_is_never_significant(study):
    across = [each for each in compare_study(study) if "→" in each.dataset]
    assert across
    assert all(each.verdict not in ("higher", "lower") for each in across)
    assert not any("→" in table.title for table in comparison_tables(across))


def test_a_table_has_the_spread_of_accuracies_of_each_pair(study):
    table = across_table(study)
    assert list(table.sections.values()) == [f"protocol {name}" for name in study.request.across]
    for name, *numbers, guessing, best in table.rows:
        cells = list(study.select(dataset=name, computed=True))
        scores = sorted(100 * cell.mean("accuracy") for cell in cells)
        median = scores[(len(scores) - 1) // 2]
        assert numbers == [f"{each:.1f}" for each in (scores[-1], median, scores[0])]
        assert guessing == f"{100 * study.dataset(name).majority:.1f}"
        assert best in {cell_title(c) for c in cells if 100 * c.mean("accuracy") == scores[-1]}
    assert len(table.rows) == sum(each.transfer is not None for each in study.datasets)


def test_a_study_of_pairs_alone_has_their_answers(store):
    request = StudyRequest(
        ("one", "three"), "mfcc", estimators="logreg", protocols="cross-corpus",
        label_map={"one": {"angry": "anger"}},
    )  # fmt: skip
    pairs = run_study(store, request, remember=False)
    assert claims_of(pairs) == ()
    assert [each.dataset for each in answers_of(pairs)] == ["one → three", "three → one"]


def test_the_matrix_has_the_accuracy_of_each_pair_and_within_each_corpus(study):
    figures = transfer_figures(study)
    assert [figure.kind for figure in figures] == ["transfer"] * 2
    own = {cell.models for cell in study.select(estimator="logreg")}
    best = max(
        own,
        key=lambda models: np.mean(
            [
                cell_of(study, facts.name, models=models).mean("accuracy")
                for facts in study.datasets
                if facts.transfer is not None
            ]
        ),
    )
    logreg = estimator_title("logreg")
    (figure,) = (each for each in figures if f"{logreg} on {' + '.join(best)}" in each.title)
    canvas = figure.draw()
    texts = texts_of(canvas)
    for dataset in ("one → two", "three → one", "one + three → two", "two"):
        cell = cell_of(study, dataset, models=best)
        facts = study.dataset(dataset)
        assert f"{100 * cell.mean('accuracy'):.1f}\n({100 * facts.majority:.1f})" in texts
    assert {"one", "two", "three", "all others", "tested", "trained on"} <= set(texts)
    assert_legible(canvas)


@pytest.mark.parametrize("n", [2, 9])
def test_matrices_of_few_and_many_corpora_can_be_read(study, n):
    from dataclasses import replace

    from reno_store.studies import CorpusPair

    names = [f"a-corpus-with-a-long-name-{i}" for i in range(n)]
    like_facts, like = study.dataset("one → two"), cell_of(study, "one → two")
    pairs = [CorpusPair((one,), other) for one in names for other in names if one != other]
    made = replace(
        study,
        request=replace(study.request, datasets=tuple(names), label_map={}),
        datasets=tuple(
            replace(like_facts, name=p.name, transfer=replace(like_facts.transfer, pair=p))
            for p in pairs
        ),
        cells=tuple(replace(like, dataset=pair.name) for pair in pairs),
    )
    (figure,) = transfer_figures(made)
    assert_legible(figure.draw())


@pytest.mark.slow
def test_the_page_lists_pairs_apart_from_datasets(store, study, tmp_path):
    page = write_report(store, tmp_path / "page.html", maps=False).page.read_text()
    assert "9 pairs of corpora" in page
    assert page.count('<th scope="row" class="name">one → two</th>') >= 1
    assert "Accuracy across corpora" in page
    # Pairs share an article with a table, each dataset has its own.
    assert page.count("<article") == 4
    assert page.index('id="across"') < page.index("<nav")
    assert "one happy (16); two pain (16)" in page
    kinds = [figure.kind for figure in figures_of(study)]
    assert kinds.count("transfer") == 2
