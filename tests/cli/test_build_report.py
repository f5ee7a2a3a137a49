"""What a build prints of clips that failed, and of models that know the dataset."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from factories.corpora import make_corpus
from reno_cli.build import _print_report
from reno_cli.main import main

from reno_store.extraction.reports import BuildReport, Failure, ModelReport
from reno_store.foundation_models import CATALOGUE


def printed(capsys, *failures):
    model = ModelReport("m", 0, 0, tuple(Failure(*each) for each in failures))
    _print_report(BuildReport(Path("s"), "d", len(failures), (model,)))
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("failed")]


def test_clips_with_one_reason_stand_in_one_line(capsys):
    many = [(f"clip{i}", "out of memory") for i in range(1000)]
    assert printed(capsys, *many, ("x", "shorter than one frame")) == [
        "failed: m, 1,000 clips ('clip0', 'clip1', 'clip2', 'clip3', 'clip4' and 995 more): "
        "out of memory",
        "failed: m, clip x: shorter than one frame",
    ]


@pytest.mark.parametrize(("dataset", "warned"), [("vocal-sound", True), ("vivae", False)])
def test_dataset_that_a_model_was_trained_on_is_reported(tmp_path, monkeypatch, dataset, warned):
    seen = replace(CATALOGUE["mfcc"], trained_on=("VocalSound",))
    monkeypatch.setattr("reno_store.foundation_models.CATALOGUE", {**CATALOGUE, "mfcc": seen})
    corpus = make_corpus(tmp_path, 2, name=dataset)
    words = ["--model", "mine=mfcc", "--model", "logmel", "--store", str(tmp_path / "s.zarr")]
    shown = CliRunner().invoke(main, ["build", str(corpus.manifest), *words])
    assert shown.exit_code == 0, shown.output
    warning = f"mine was trained on VocalSound: scores on {dataset} are too high"
    assert shown.output.splitlines().count(warning) == warned
    assert shown.output.count("was trained on") == warned
