"""The scores as CSV, read back by csv."""

import csv
import io

import pytest
from factories.odd_studies import keep_folds, make_study
from factories.odd_studies import make_study_without_results as make_empty

from reno_store.reports.tables import results_frame, to_csv


def read(study):
    return list(csv.DictReader(io.StringIO(to_csv(study))))


@pytest.mark.parametrize(
    "study", [make_study(seeds=(0, 4)), make_empty(), keep_folds(make_study(), 1)]
)
def test_lines_are_the_rows_of_the_tidy_table_with_all_digits(study):
    lines, frame = read(study), results_frame(study)
    assert list(lines[0]) == [*frame.columns, "command"]
    assert len(lines) == len(frame)
    for name in ("mean", "sd", "paper", "difference"):
        read_back = [float(line[name]) if line[name] else float("nan") for line in lines]
        assert str(read_back) == str(frame[name].tolist())
    assert [line["best"] for line in lines] == [str(each).lower() for each in frame["best"]]
    assert all(line["command"].startswith(("run_study(", "Build them: ")) for line in lines)


def test_lines_end_alike_on_every_system():
    assert "\r" not in to_csv(make_study())
