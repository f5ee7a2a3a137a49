"""The tables as LaTeX: the paper's layout, nothing unescaped, and TeX takes it."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from factories.made_up_studies import with_collapsed
from factories.odd_studies import (
    keep_folds,
    make_study,
    make_study_of_chance,
    make_study_with_odd_names,
    make_study_with_svm,
    make_study_without_results,
)

from reno_store.conclusions import answers_of, claims_of, compare_study
from reno_store.reports.tables import results_frame, to_latex
from reno_store.reports.tables.findings import comparison_tables
from reno_store.reports.tables.latex import escape

THREE = ("asvp-esd", "jnv", "vivae")
STUDIES = {
    "three datasets": make_study(datasets=THREE, seeds=(0, 1)),
    "odd names": make_study_with_odd_names(lacking=("mfcc",), datasets=("a_b#1", "jnv")),
    "svm": make_study_with_svm(datasets=THREE),
    "nothing": make_study_without_results(),
    "one fold": keep_folds(make_study(), 1),
}
WHOLE = r"""\documentclass[a4paper,twocolumn]{article}
\usepackage[width=516pt,height=700pt]{geometry}
\usepackage{array,booktabs}
\begin{document}
%s
\end{document}
"""


def tables(text):
    return re.findall(r"\\begin\{table\*\}.*?\\end\{table\*\}", text, re.S)


def conclusions_of(study):
    found = compare_study(study)
    claims = claims_of(study, found)
    return {"answers": answers_of(study, found), "claims": claims, "comparisons": found}


def rows(table):
    """Give each line of the body as its columns; headings over several count as several."""
    body = table.split(r"\toprule")[1].split(r"\bottomrule")[0]
    return [
        re.split(r"(?<!\\)&", line.removesuffix(r" \\"))
        for line in body.splitlines()
        if line.endswith(r"\\")
    ]


def n_columns(row):
    spans = [re.match(r"\s*\\multicolumn\{(\d+)\}", entry) for entry in row]
    return sum(int(span[1]) if span else 1 for span in spans)


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_every_row_has_as_many_columns_as_its_table(study):
    found = tables(to_latex(study))
    assert found
    for table in found:
        layout = re.search(r"\\begin\{tabular\}\{@\{\}(l.*?)@\{\}\}", table)[1]
        assert {n_columns(row) for row in rows(table)} == {len(layout)}


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_tex_takes_it_and_it_fits_a_page_of_two_columns(study, tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("there is no pdflatex on this machine (Debian: texlive-latex-base)")
    cell = next(study.select(computed=True), None)
    if cell is not None and len(cell.seeds) == 1:
        study = with_collapsed(study, cell)
    text = to_latex(study, **conclusions_of(study))
    tmp_path.joinpath("tables.tex").write_text(WHOLE % text, encoding="utf-8")
    ran = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-2_000:]
    assert "Overfull \\hbox" not in ran.stdout
    assert "Float too large" not in ran.stdout


def test_table_i_has_models_down_in_sections_and_datasets_across():
    table = tables(to_latex(make_study(datasets=THREE)))[0]
    read = [[entry.strip() for entry in row] for row in rows(table)]
    assert read[0] == ["", *(rf"\multicolumn{{3}}{{c}}{{{name}}}" for name in THREE)]
    assert read[1] == ["Models", *["A", "F1", "B"] * 3]
    assert read[2] == [r"\multicolumn{10}{l}{\textit{FCN}}"]
    assert [row[0] for row in read[3:6]] == ["A(T)", "W2", "mfcc"]
    assert read[6] == [r"\multicolumn{10}{l}{\textit{CNN}}"]
    assert r"\cmidrule(lr){2-4}\cmidrule(lr){5-7}\cmidrule(lr){8-10}" in table


def test_table_ii_has_concat_and_reno_side_by_side_in_sections_of_the_paper():
    table = tables(to_latex(make_study(datasets=THREE[:2])))[1]
    read = [[entry.strip() for entry in row] for row in rows(table)]
    assert read[0] == ["", *(rf"\multicolumn{{6}}{{c}}{{{name}}}" for name in THREE[:2])]
    assert read[1] == ["", *[r"\multicolumn{3}{c}{Concat}", r"\multicolumn{3}{c}{RENO}"] * 2]
    assert read[2] == ["Models", *["A", "F1", "B"] * 4]
    assert read[3] == [r"\multicolumn{13}{l}{\textit{AAFM + MAFM}}"]
    assert read[4][0] == "A(T) + W2"


def test_pairs_of_one_section_stand_together_whatever_their_order():
    study = make_study(protocols=("paper",))
    models = (*study.models[:2], replace(study.models[2], family="attention"))
    order = [("audio-mamba-tiny", "wav2vec2-base"), ("wav2vec2-base", "mfcc")]
    cells = sorted(study.cells, key=lambda cell: (*order, cell.models).index(cell.models))
    table = tables(to_latex(replace(study, models=models, cells=tuple(cells))))[1]
    assert [row[0].strip() for row in rows(table)][3:] == [
        r"\multicolumn{7}{l}{\textit{AAFM + MAFM}}",
        "A(T) + W2",
        "A(T) + mfcc",
        r"\multicolumn{7}{l}{\textit{AAFM + AAFM}}",
        "W2 + mfcc",
        "guessing",
    ]


def test_numbers_stand_under_their_dataset_and_estimator():
    study = make_study(datasets=("asvp-esd", "jnv"), protocols=("paper",))
    cell = next(study.select(dataset="jnv", estimator="reno", models=("audio-mamba-tiny", "mfcc")))
    (row,) = [row for row in rows(tables(to_latex(study))[1]) if row[0].strip() == "A(T) + mfcc"]
    mean, sd = 100 * cell.mean("macro_f1"), 100 * cell.sd("macro_f1")
    plain = row[11].strip().replace(r"\textbf{", "").replace("}{", "{")
    assert plain == rf"{mean:.1f}{{\tiny$\pm${sd:.1f}}}"


def test_each_column_has_its_best_in_bold():
    for table in tables(to_latex(make_study(datasets=THREE))):
        read = [row for row in rows(table) if r"\pm" in " ".join(row)]
        for column in list(zip(*read, strict=True))[1:]:
            bold = [entry for entry in column if r"\textbf" in entry]
            numbers = [float(re.search(r"\d+\.\d", entry)[0]) for entry in column]
            assert bold
            assert {float(re.search(r"\d+\.\d", entry)[0]) for entry in bold} == {max(numbers)}


def test_what_does_not_fit_a_page_continues_in_further_tables():
    found = tables(to_latex(make_study(datasets=THREE, protocols=("paper",))))
    assert re.findall(r"\\label\{(.*?)\}", "".join(found)) == [
        "tab:I-paper", "tab:II-paper", "tab:II-paper-2",
    ]  # fmt: skip
    assert ["Concat" in table for table in found] == [False, True, False]
    many = tuple(f"corpus-{number}" for number in range(5))
    found = tables(to_latex(make_study(datasets=many, protocols=("paper",), estimators=("fcn",))))
    assert [sum(name in table for name in many) for table in found] == [4, 1]


def test_the_last_row_has_what_guessing_scores():
    for table in tables(to_latex(make_study(protocols=("paper",)))):
        last = [entry.strip() for entry in rows(table)[-1]]
        assert last[0] == "guessing"
        assert set(last[1:]) == {"25.0"}


def test_what_does_not_beat_guessing_is_never_bold():
    chance = make_study_of_chance()
    assert results_frame(chance)["mean"].max() > 25
    assert r"\textbf" not in to_latex(chance)


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_findings_have_a_line_each(study):
    conclusions = conclusions_of(study)
    found = conclusions["comparisons"]
    more = tables(to_latex(study, **conclusions))[len(tables(to_latex(study))) :]
    for table in more:
        layout = re.search(r"\\begin\{tabular\}\{@\{\}>.*?textwidth\}(r+l)@\{\}\}", table)[1]
        assert {n_columns(row) for row in rows(table)} == {1 + len(layout)}
        assert len(rows(table)) < 60
    text = "".join(more)
    for findings in comparison_tables(found):
        for row in findings.rows:
            assert " & ".join(map(escape, row)) in text


def test_the_caption_says_what_letters_stand_for():
    captions = [
        re.search(r"\\caption\{(.*)\}", table)[1] for table in tables(to_latex(make_study()))
    ]
    assert all(
        caption.endswith(" A(T): audio-mamba-tiny; W2: wav2vec2-base.") for caption in captions
    )


def test_two_models_with_one_letter_go_by_their_names():
    study = make_study()
    twin = replace(study, models=(*study.models[:2], replace(study.models[2], letter="W2")))
    names = {row[0].strip() for row in rows(tables(to_latex(twin))[0])}
    assert {"A(T)", "wav2vec2-base", "mfcc"} <= names


def test_further_estimators_of_pairs_get_a_table_of_their_own():
    found = tables(to_latex(make_study_with_svm(datasets=THREE[:2])))
    assert len(found) == 3
    assert "SVM (RBF)" in found[0]
    assert "SVM (RBF)" not in found[1]
    assert "SVM (RBF)" in found[2]
    labels = re.findall(r"\\label\{(.*?)\}", "".join(found))
    assert labels == ["tab:I-paper", "tab:II-paper", "tab:II-paper-2"]


def test_what_was_not_computed_is_a_dash_and_a_comment_says_why():
    study = make_study(lacking=("wav2vec2-base",), protocols=("paper",))
    text = to_latex(study)
    (row,) = [row for row in rows(tables(text)[0]) if row[0].strip() == "W2"][:1]
    assert [entry.strip() for entry in row[1:]] == ["--"] * 3
    (line,) = [each for each in text.splitlines() if each.startswith("% Not computed on jnv")][:1]
    assert "jnv has no embeddings of wav2vec2-base" in line
    assert "build_store(" in line
    assert "A dash marks what was not computed." in tables(text)[0]
    assert "A dash" not in to_latex(make_study())


def test_the_caption_says_how_many_folds_there_are():
    study = make_study(datasets=("jnv", "vivae"), protocols=("paper",))
    assert "over folds (n = 5);" in tables(to_latex(study))[0]
    fewer = tuple(
        replace(cell, outcomes=(cell.outcomes[0][:4],)) if cell.dataset == "jnv" else cell
        for cell in study.cells
    )
    caption = tables(to_latex(replace(study, cells=fewer)))[0]
    assert "over folds (n = 4 for jnv, 5 for vivae);" in caption


@pytest.mark.parametrize(
    ("words", "escaped"),
    [
        ("a_b", r"a\_b"),
        ("50 % & $3 #1 {x}", r"50 \% \& \$3 \#1 \{x\}"),
        ("\\~^", r"\textbackslash{}\textasciitilde{}\textasciicircum{}"),
        ("a|b<c>", r"a\textbar{}b\textless{}c\textgreater{}"),
        ("[m]*", "{[}m{]}{*}"),
        ("two\nlines", "two lines"),
        ('"', r"{\char34}"),
    ],
)
def test_special_characters_mean_themselves(words, escaped):
    assert escape(words) == escaped
