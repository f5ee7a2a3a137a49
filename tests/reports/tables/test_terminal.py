"""The tables in a terminal: whole names and numbers at 100 columns, bold where best."""

import io

import pytest
from factories.odd_studies import (
    make_study,
    make_study_of_chance,
    make_study_with_svm,
    rename,
)
from rich.console import Console

from reno_store.conclusions import answers_of, claims_of, compare_study
from reno_store.reports.tables import study_renderable, tables_of


def show(study, width=100, **conclusions):
    file = io.StringIO()
    Console(file=file, width=width).print(study_renderable(study, **conclusions))
    return file.getvalue()


def test_every_number_stands_whole_at_100_columns():
    study = make_study_with_svm(seeds=(0, 1))
    lines = show(study).splitlines()
    assert max(map(len, lines)) <= 100
    assert not any("…" in line for line in lines)
    for table in tables_of(study):
        for _, entries in table.rows():
            numbers = [entry.text for entry in entries[2:] if entry.text]
            pattern = numbers[0]
            assert any(
                all(number in line for number in numbers) for line in lines if pattern in line
            )


def test_a_name_longer_than_its_column_is_wrapped_and_not_cut():
    long = "an-encoder-of-our-own-that-was-given-a-very-long-name-by-somebody"
    told = show(rename(make_study(), {"mfcc": long}), width=80)
    assert long in "".join(line.split(" ")[0] for line in told.splitlines())


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_name_in_conclusions_is_cut(width):
    long = "unispeech-sat-base-plus-of-our-own"
    study = rename(make_study(protocols=("paper",)), {"mfcc": long})
    found = compare_study(study)
    conclusions = {"answers": answers_of(study, found), "claims": claims_of(study, found)}
    lines = show(study, width, comparisons=found, **conclusions).splitlines()
    start = lines.index("Comparisons: jnv, protocol paper")
    assert max(map(len, lines)) <= width
    names = [line for line in lines[start:] if "unispeech" in line]
    assert len(names) > 10
    assert all(long in line for line in names)
    assert ("Not shown at this width" in "".join(lines[start:])) == (width == 80)


def test_long_tables_of_comparisons_are_shortened():
    study = make_study(protocols=("paper",), estimators=("fcn", "cnn", "svm", "logreg", "rf"))
    found = compare_study(study)
    assert len(found) > 60
    told = show(study, comparisons=found)
    assert f"{len(found) - 40} more; the Markdown form has them." in told


def test_comparisons_of_cells_that_guess_are_counted_alone():
    study = make_study_of_chance(protocols=("paper",))
    found = compare_study(study)
    told = show(study, comparisons=found)
    assert f"{len(found)} comparisons left out: neither side beats guessing." in told
    assert " vs " not in told
    assert "Inconclusive" not in told


def test_a_pair_beside_the_paper_has_its_second_model_indented_below():
    lines = [line.rstrip() for line in show(make_study()).splitlines()]
    below = [lines[i + 1] for i, line in enumerate(lines) if line.startswith("wav2vec2-base W2  ")]
    assert "  + mfcc" in below
    alone = show(make_study(datasets=("cries",)))
    assert "wav2vec2-base W2 + mfcc " in alone


@pytest.mark.parametrize("protocol", ["paper", "speaker"])
def test_each_table_has_its_title_and_sections(protocol):
    told = show(make_study())
    assert f"Table I: models alone, jnv, protocol {protocol}" in told
    assert f"Table II: pairs of models, jnv, protocol {protocol}" in told
    for estimator in ("FCN", "CNN", "Concat", "RENO"):
        assert [line.strip() for line in told.splitlines()].count(estimator) == 2


def test_a_note_that_holds_for_two_tables_stands_once():
    told = " ".join(show(make_study(protocols=("paper",))).split())
    assert told.count("n = 5: 5 folds (seed 0).") == 1
    assert told.count("no standard error") == 1
    assert told.count("Protocol paper: stratified") == 1
