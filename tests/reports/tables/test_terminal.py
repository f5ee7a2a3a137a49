"""The tables in a terminal: whole names and numbers at 100 columns, bold where best."""

import io

import pytest
from factories.odd_studies import (
    make_study,
    make_study_with_svm,
    rename,
)
from rich.console import Console

from reno_store.reports.tables import study_renderable, tables_of


def show(study, width=100):
    file = io.StringIO()
    Console(file=file, width=width).print(study_renderable(study))
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
