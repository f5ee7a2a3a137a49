"""The scores as CSV: one line a cell and metric, read back by csv."""

import csv
import io

import pytest
from factories.odd_studies import (
    ODD_NAMES,
    keep_folds,
    make_study,
    make_study_with_odd_names,
    make_study_with_svm,
    make_study_without_results,
)

from reno_store.reports.tables import to_csv
from reno_store.studies import METRICS


def read(study):
    return list(csv.DictReader(io.StringIO(to_csv(study))))


def find(study, **wanted):
    (line,) = [line for line in read(study) if all(line[name] == wanted[name] for name in wanted)]
    return line


def test_there_is_a_line_for_each_cell_and_metric():
    study = make_study_with_svm(datasets=("asvp-esd", "jnv", "cries"))
    lines = read(study)
    assert len(lines) == len(METRICS) * len(study.cells)
    keys = {
        tuple(line[name] for name in ("dataset", "protocol", "estimator", "models", "metric"))
        for line in lines
    }
    assert len(keys) == len(lines)


def test_the_header():
    assert to_csv(make_study()).splitlines()[0] == (
        "table,dataset,protocol,estimator,models,metric,mean,sd,n,seeds,paper,difference,best,"
        "collapsed,reason,command"
    )


def test_numbers_have_all_their_digits():
    study = make_study(seeds=(0, 4))
    cell = next(study.select(estimator="reno", protocol="speaker"))
    line = find(
        study,
        table="II",
        dataset="jnv",
        protocol="speaker",
        estimator="reno",
        models="audio-mamba-tiny+wav2vec2-base",
        metric="macro_f1",
    )
    assert float(line["mean"]) == 100 * cell.mean("macro_f1")
    assert float(line["sd"]) == 100 * cell.sd("macro_f1")
    assert float(line["paper"]) == 63.76
    assert float(line["difference"]) == pytest.approx(100 * cell.mean("macro_f1") - 63.76)
    assert (line["n"], line["seeds"]) == ("10", "0 4")
    assert line["command"] == cell.command


def test_the_best_of_each_table_and_metric_is_marked():
    study = make_study()
    for metric in METRICS:
        lines = [line for line in read(study) if line["metric"] == metric]
        for key in {(line["table"], line["protocol"]) for line in lines}:
            own = [line for line in lines if (line["table"], line["protocol"]) == key]
            highest = max(float(line["mean"]) for line in own)
            assert [line["best"] for line in own] == [
                str(float(line["mean"]) == highest).lower() for line in own
            ]


def test_what_was_not_computed_is_empty_with_its_reason():
    for line in read(make_study_without_results()):
        assert (line["mean"], line["sd"], line["difference"], line["n"]) == ("", "", "", "0")
        assert line["best"] == "false"
        assert line["reason"].startswith("jnv has no embeddings of")
        assert line["command"].startswith("reno-store build")


def test_one_fold_has_no_deviation():
    assert {line["sd"] for line in read(keep_folds(make_study(), 1))} == {""}


def test_names_come_back_as_they_are():
    lines = read(make_study_with_odd_names())
    assert {line["models"] for line in lines if line["table"] == "I"} == set(ODD_NAMES.values())


def test_lines_end_alike_on_every_system():
    assert "\r" not in to_csv(make_study())
