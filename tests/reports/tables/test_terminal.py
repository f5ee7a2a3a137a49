"""The tables in a terminal: whole names and numbers at 100 columns, bold where best."""

import io
import re
from dataclasses import replace

import pytest
from factories.odd_studies import (
    ODD_NAMES,
    conclude,
    make_study,
    make_study_with_odd_names,
    make_study_with_svm,
    make_study_without_results,
    rename,
)
from rich.console import Console

from reno_store.reports.tables import study_renderable, views_of


def show(study, width=100, *, colours=False, **conclusions):
    file = io.StringIO()
    console = Console(
        file=file, width=width, force_terminal=colours, color_system="standard" if colours else None
    )
    console.print(study_renderable(study, **conclusions))
    return file.getvalue()


def test_every_number_stands_whole_at_100_columns():
    study = make_study_with_svm(seeds=(0, 1))
    lines = show(study).splitlines()
    assert max(map(len, lines)) <= 100
    assert not any("…" in line for line in lines)
    for view in views_of(study):
        for row in view.rows:
            numbers = [entry.text for entry in row.entries[2:] if entry.text]
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


def test_the_best_is_bold_and_nothing_else_of_a_table_is():
    study = make_study(protocols=("paper",), datasets=("cries",))
    told = show(study, colours=True)
    for view in views_of(study):
        for row in view.rows:
            for entry in row.entries[2:-1]:
                bold = re.search(rf"\x1b\[1m *{re.escape(entry.text)}\x1b", told)
                assert (bold is not None) == entry.best


def test_a_note_that_holds_for_two_tables_stands_once():
    told = " ".join(show(make_study(protocols=("paper",))).split())
    assert told.count("n = 5: 5 folds (seed 0).") == 1
    assert told.count("no standard error") == 1
    assert told.count("Protocol paper: stratified") == 1


def test_datasets_are_described():
    told = show(make_study(datasets=("jnv", "cries", "vivae")))
    for name in ("jnv", "cries", "vivae"):
        assert f"{name}: 200 clips, 4 labels, 4 speakers" in told


def test_nothing_computed_says_what_to_type():
    told = " ".join(show(make_study_without_results()).split())
    assert "reno-store build jnv.csv --store s.zarr --model mfcc" in told
    assert "±" not in told.split("Scores are in per cent.")[0]


def test_names_are_not_read_as_markup():
    told = show(make_study_with_odd_names(), width=140)
    for name in ODD_NAMES.values():
        assert name in told


def test_claims_stand_under_the_tables_and_comparisons_are_counted():
    study = make_study()
    claims, comparisons = conclude(study)
    told = " ".join(show(study, claims=claims, comparisons=comparisons).split())
    assert claims[0].sentence in told.split("What may be concluded")[1]
    assert comparisons[0].sentence not in told
    assert "1 comparison, told one by one" in told
    assert "What may be concluded" not in show(study)


def test_notes_of_the_study_are_shown():
    study = replace(make_study(), notes=("one kept result was damaged and made again",))
    assert "- one kept result was damaged and made again" in show(study)
