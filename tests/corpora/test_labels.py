"""Labels written in several ways are named before they become separate classes."""

import pytest
from click.testing import CliRunner
from factories.recordings import write_manifest_csv, write_wav
from reno_cli.main import main

from reno_store.corpora import label_variants
from reno_store.extraction.build import build_store

LABELS = ["Anger", "anger", " ANGER", "anger", "joy", "joy"]
TOLD = (
    "these labels differ only in case or spaces but are separate classes: "
    "'ANGER' (1 clip), 'Anger' (1 clip), 'anger' (2 clips). If they mean the same, use one spelling"
)


@pytest.mark.parametrize(
    ("counts", "variants"),
    [
        ({"joy": 3, "anger": 2}, ()),
        ({"joy": 3, "joy ": 1}, ({"joy": 3, "joy ": 1},)),
        ({"great  joy": 3, "great joy": 1}, ({"great  joy": 3, "great joy": 1},)),
        ({"g\u00eane": 1, "ge\u0302ne": 2}, ({"ge\u0302ne": 2, "g\u00eane": 1},)),
        ({"b": 1, "B": 1, "A": 2, "a": 1}, ({"A": 2, "a": 1}, {"B": 1, "b": 1})),
        ({"joy": 1, "joyful": 1}, ()),
    ],
)
def test_variants_are_found_with_their_counts(counts, variants):
    assert label_variants(counts) == variants


@pytest.fixture
def manifest(tmp_path):
    for number in range(len(LABELS)):
        write_wav(tmp_path / f"{number}.wav", 0.3, seed=number)
    rows = [(f"c{number}", f"{number}.wav", label, "s") for number, label in enumerate(LABELS)]
    return write_manifest_csv(tmp_path / "m.csv", rows)


def test_a_build_names_them_on_standard_error_and_goes_on(manifest, tmp_path, capsys):
    report = build_store(manifest, tmp_path / "s.zarr", "mfcc")
    assert report.complete
    out, err = capsys.readouterr()
    assert TOLD in err
    assert str(manifest) in err
    assert out == ""


def test_the_command_prints_its_result_apart_from_the_warning(manifest, tmp_path):
    words = ["build", str(manifest), "--model", "mfcc", "--store", str(tmp_path / "s.zarr")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0
    assert TOLD in result.stderr
    assert "differ only" not in result.stdout


def test_a_manifest_of_folders_names_them_too(tmp_path):
    for label in ("joy", "Joy"):
        write_wav(tmp_path / "r" / f"{label}" / f"{label}1.wav", 0.3)
    words = ["manifest", "folders", str(tmp_path / "r"), "-o", str(tmp_path / "m.csv")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0
    assert "'Joy' (1 clip), 'joy' (1 clip)" in result.stderr


def test_labels_that_are_written_alike_are_not_named(tmp_path, capsys):
    write_wav(tmp_path / "a.wav", 0.3)
    manifest = write_manifest_csv(tmp_path / "m.csv", [("a", "a.wav", "joy", "s")])
    build_store(manifest, tmp_path / "s.zarr", "mfcc")
    assert capsys.readouterr().err == ""
