"""What every form of a study's tables must show: the same scores, all marks, any name."""

import csv
import io
import json
import re
from dataclasses import dataclass, replace

import pytest
from factories.made_up_studies import make_cell, with_collapsed
from factories.odd_studies import (
    ODD_NAMES,
    change_cells,
    conclude,
    make_study,
    make_study_of_chance,
    make_study_with_odd_names,
    make_study_without_results,
)
from factories.parsed_pages import Page
from markdown_it import MarkdownIt
from rich.console import Console

from reno_store.conclusions import answers_of, claims_of
from reno_store.errors import UnknownNameError
from reno_store.reports.page import render_page
from reno_store.reports.tables import FORMS, render, results_frame, study_renderable, tables_of
from reno_store.reports.tables.findings import comparison_tables
from reno_store.reports.tables.latex import escape

SHOWN = (*FORMS, "terminal", "page")
TAKES_CONCLUSIONS = ("json", "latex", "markdown", "terminal")


@dataclass
class ByName:
    """Commands that name what they compute."""

    def study(self, study):
        return "compute everything"

    def cell(self, study, cell):
        return f"compute {cell.estimator} on {'+'.join(cell.models)}"


def show(study, form, **how):
    if form == "terminal":
        file = io.StringIO()
        console = Console(file=file, width=250, force_terminal=True, color_system="standard")
        console.print(study_renderable(study, **how))
        return file.getvalue()
    if form == "page":
        return render_page(study, tables=tables_of(study, how.get("commands")), **how)
    return render(study, form, **how)


def words_of(text, form):
    """The words of a form as they are read, without its escapes and line breaks."""
    if form == "page":
        text = " ".join(element["text"] for element in Page(text).find("html"))
    if form == "markdown":
        tokens = MarkdownIt("commonmark").enable("table").parse(text)
        parts = [child.content for token in tokens for child in token.children or ()]
        text = " ".join([*parts, *(token.content for token in tokens if token.type == "fence")])
    if form == "terminal":
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    if form == "json":
        text = str(json.loads(text))
    return " ".join(text.split())


def bold_of(text, form):
    """The accuracies that a form marks as the best, as they are written."""
    if form == "csv":
        lines = csv.DictReader(io.StringIO(text))
        return {f"{float(line['mean']):.1f}" for line in lines if line["best"] == "true"}
    if form == "json":
        scores = [s for cell in json.loads(text)["cells"] for s in cell["scores"].values()]
        return {f"{score['mean']:.1f}" for score in scores if score["best"]}
    pattern = {
        "latex": r"\\textbf\{([\d.]+)\}",
        "markdown": r"\*\*([\d.]+) ",
        "terminal": r"\x1b\[1m *([\d.]+) ±",
        "page": r"<strong>([\d.]+) ",
    }[form]
    return set(re.findall(pattern, text))


@pytest.mark.parametrize("form", SHOWN)
def test_every_score_is_shown(form):
    study = make_study(datasets=("jnv", "cries"), lacking=("mfcc",))
    words = words_of(show(study, form), form)
    for cell in study.select(computed=True):
        for metric in ("accuracy", "macro_f1"):
            mean, sd = 100 * cell.mean(metric), 100 * cell.sd(metric)
            if form in ("csv", "json"):
                assert repr(mean) in words
                assert repr(sd) in words
            elif form == "latex":
                assert re.search(rf"{mean:.1f}}}?\{{\\tiny\$\\pm\${sd:.1f}\}}", words)
            else:
                assert f"{mean:.1f} ± {sd:.1f}" in words


@pytest.mark.parametrize("form", [form for form in SHOWN if form != "latex"])
def test_the_best_of_each_table_are_marked(form):
    study = make_study(protocols=("paper",))
    frame = results_frame(study)
    best = {f"{mean:.1f}" for mean in frame[frame["best"]]["mean"]}
    assert bold_of(show(study, form), form) == best


@pytest.mark.parametrize("form", SHOWN)
def test_a_collapsed_cell_is_marked_and_never_the_best(form):
    fine = make_study(protocols=("paper",))
    chosen = next(fine.select(estimator="reno"))
    high = make_cell(chosen.models, "reno", skill=0.99, seed=3)
    fine = change_cells(
        fine, lambda cell: replace(cell, outcomes=high.outcomes) if cell is chosen else cell
    )
    chosen = next(fine.select(estimator="reno"))
    collapsed = with_collapsed(fine, chosen, n_folds=2)
    mean = f"{100 * chosen.mean('accuracy'):.1f}"
    texts = [show(study, form) for study in (fine, collapsed)]
    assert mean in bold_of(texts[0], form)
    assert mean not in bold_of(texts[1], form)
    if form == "csv":
        counts = {line["collapsed"] for line in csv.DictReader(io.StringIO(texts[1]))}
        assert counts == {"0", "2"}
    elif form == "json":
        assert [each["n_collapsed"] for each in json.loads(texts[1])["cells"]].count(2) == 1
    else:
        mark = r"\textdagger" if form == "latex" else "†"
        assert mark not in texts[0]
        assert mark in texts[1]
    if form in ("markdown", "terminal", "page", "json"):
        assert "RENO on audio-mamba-tiny + wav2vec2-base (2 of 5 folds)" in words_of(texts[1], form)


@pytest.mark.parametrize("form", SHOWN)
def test_what_does_not_beat_guessing_is_never_the_best(form):
    assert bold_of(show(make_study_of_chance(protocols=("paper",)), form), form) == set()


@pytest.mark.parametrize("form", SHOWN)
def test_a_missing_cell_has_its_reason_and_what_to_run(form):
    study = make_study(lacking=("wav2vec2-base",))
    words = words_of(show(study, form, commands=ByName()), form)
    assert "jnv has no embeddings of wav2vec2-base" in words
    assert "compute fcn on wav2vec2-base" in words
    if form != "csv":
        assert "compute everything" in words or form == "terminal"


@pytest.mark.parametrize("form", SHOWN)
def test_without_commands_python_calls_are_shown(form):
    words = words_of(show(make_study(lacking=("mfcc",)), form), form)
    assert "build_store(manifest=" in words.replace("\\_", "_")


@pytest.mark.parametrize("form", SHOWN)
def test_names_are_not_read_as_markup(form):
    words = words_of(show(make_study_with_odd_names(lacking=("mfcc",)), form), form)
    for name in ODD_NAMES.values():
        written = {
            "latex": escape(name),
            "csv": name.replace('"', '""'),
            "json": str([name])[1:-1],
        }.get(form, name)
        assert written in words


@pytest.mark.parametrize("form", SHOWN)
def test_a_study_without_results_has_empty_rows(form):
    text = show(make_study_without_results(), form)
    assert not bold_of(text, form)
    assert not re.search(r"\d ± \d", text)
    assert "jnv has no embeddings of mfcc" in words_of(text, form)


@pytest.mark.parametrize("form", SHOWN)
def test_settings_tell_cells_of_one_estimator_apart(form):
    study = make_study(protocols=("paper",))
    twice = [
        replace(cell, settings={"beta": beta})
        for cell in study.cells
        if cell.estimator == "reno"
        for beta in (1.5, 3.0)
    ]
    others = [cell for cell in study.cells if cell.estimator != "reno"]
    text = show(replace(study, cells=(*others, *twice)), form)
    for beta in ("1.5", "3"):
        assert re.search(rf"RENO\(beta={beta}\)|beta={beta}\W|\"beta\": {beta}", text)


@pytest.mark.parametrize("form", TAKES_CONCLUSIONS)
def test_conclusions_are_tables(form):
    study = make_study()
    _, comparisons = conclude(study)
    found = {"claims": claims_of(study), "answers": answers_of(study), "comparisons": comparisons}
    words = words_of(show(study, form, **found), form)
    # Its interval is not known, so the dash for it is part of the row.
    (row,) = comparison_tables(comparisons)[0].rows
    if form == "json":
        told = json.loads(show(study, form, **found))
        assert told["answers"] == [answer.to_dict() for answer in found["answers"]]
        assert [each["sentence"] for each in told["claims"]] == [
            claim.sentence for claim in found["claims"]
        ]
    else:
        between = " & " if form == "latex" else " "
        assert between.join(row) in words
        assert "The paper's claims" in words
        assert "Ranking: jnv, protocol speaker" in words
        assert comparisons[0].sentence not in words
    if form in ("markdown", "terminal"):
        assert all(sentence in words for sentence in found["answers"][0].sentences)
    assert "Ranking" not in words_of(show(study, form), form)


@pytest.mark.parametrize("form", ["markdown", "terminal"])
def test_only_claims_that_were_asked_for_have_a_note(form):
    study = make_study(lacking=("audio-mamba-tiny",), protocols=("paper",))
    claims = claims_of(study)
    words = words_of(show(study, form, claims=claims), form)
    assert claims[0].verdict == "not tested"
    assert claims[0].sentence in words
    few = make_study(estimators=("fcn",))
    assert "not tested" not in words_of(show(few, form, claims=claims_of(few)), form)


@pytest.mark.parametrize("form", SHOWN)
def test_notes_of_the_study_are_shown(form):
    study = replace(make_study(), notes=("one kept result was damaged",))
    shown = "one kept result was damaged" in words_of(show(study, form), form)
    assert shown == (form not in ("csv", "latex"))


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_the_same_twice_and_ends_in_one_line_break(form):
    study = make_study()
    text = show(study, form)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    # Where folds came from changes nothing.
    assert show(replace(study, n_served=study.n_trained, n_trained=0), form) == text


def test_an_unknown_form_is_an_error():
    with pytest.raises(UnknownNameError, match="'markdown'"):
        render(make_study(), "markdwon")
