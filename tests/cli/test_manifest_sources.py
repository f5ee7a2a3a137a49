"""``reno-store manifest`` with sources other than cards."""

import json

import pytest
from click.testing import CliRunner
from factories.recordings import write_wav
from factories.tables import audio_struct, labels_as_numbers, write_parquet
from reno_cli.main import main


def run(*words, expect=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == expect, result.output
    return result.output


@pytest.fixture
def dataset(tmp_path):
    sounds = [write_wav(tmp_path / f"wav/{n}.wav", 0.3, seed=n) for n in range(4)]
    columns = {
        "audio": [audio_struct(path.read_bytes(), path.name) for path in sounds],
        "emotion": [0, 1, 0, 1],
        "label": ["x", "y", "y", "x"],
        "actor": ["a", "a", "b", "b"],
    }
    features = {"emotion": labels_as_numbers("joy", "fear")}
    write_parquet(tmp_path / "ds/data/train-00000-of-00001.parquet", columns, features)
    return tmp_path / "ds"


def test_dataset_becomes_a_manifest_that_builds(dataset, tmp_path):
    out = tmp_path / "laughs.csv"
    words = ("--label-column", "emotion", "--speaker-column", "actor", "--audio-column", "audio")
    shown = run("manifest", f"hf-dataset:{dataset}", "-o", out, *words, "--split", "train")
    assert "laughs.csv: 4 clips, 2 labels, 2 speakers" in shown
    assert "columns: audio = audio, label = emotion, speaker = actor" in shown
    assert f"next: reno-store build {out} --model mfcc" in shown
    store = tmp_path / "s.zarr"
    run("build", out, "--model", "mfcc", "--store", store)
    run("verify", store, "--audio", tmp_path)
    (about,) = json.loads(run("info", store, "--json"))
    assert about["n_clips"] == 4


def test_ambiguous_column_shows_the_option(dataset, tmp_path):
    shown = run("manifest", f"hf-dataset:{dataset}", "-o", tmp_path / "m.csv", expect=1)
    assert "Name the column: --columns label=NAME." in shown


def test_columns_option_is_the_same_as_the_single_ones(dataset, tmp_path):
    source = f"hf-dataset:{dataset}"
    run("manifest", source, "-o", tmp_path / "a.csv", "--columns", "label=emotion, speaker=actor")
    words = ("--label-column", "emotion", "--speaker-column", "actor")
    run("manifest", source, "-o", tmp_path / "b.csv", *words)
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()


def test_csv_with_other_names_and_folder(dataset, tmp_path):
    own = tmp_path / "own.csv"
    own.write_text("file,mood\n0.wav,joy\n1.wav,fear\n")
    out = tmp_path / "m.csv"
    shown = run("manifest", own, tmp_path / "wav", "-o", out, "--columns", "path=file,label=mood")
    assert "m.csv: 2 clips, 2 labels, speakers unknown" in shown
    assert "wav/1.wav" in out.read_text()


def test_rows_without_a_label_show_the_option_that_leaves_them_out(tmp_path):
    own = tmp_path / "own.csv"
    own.write_text("file,label\na.wav,joy\nb.wav,\n")
    words = ("manifest", own, "-o", tmp_path / "m.csv")
    assert "--allow-missing" in run(*words, expect=1)
    shown = run(*words, "--allow-missing")
    assert "m.csv: 1 clips" in shown
    assert "left out: 1 recordings: no label in column 'label'" in shown


def test_audformat_database(tmp_path):
    (tmp_path / "db.yaml").write_text("tables: {a: {type: filewise, columns: {emotion: {}}}}")
    (tmp_path / "db.a.csv").write_text("file,emotion\nx.wav,joy\n")
    shown = run("manifest", f"audformat:{tmp_path}", "-o", tmp_path / "m.csv")
    assert "m.csv: 1 clips, 1 labels" in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["folders"], "Missing argument 'FOLDER'"),
        (["hf-dataset:x/y", "."], "FOLDER does not go with a dataset"),
        (["audformat:x", "--split", "a"], "--split does not go with a database"),
        (["folders", ".", "--columns", "label=a"], "--columns does not go with a card"),
        (["own.csv", "--subset", "a"], "--subset does not go with a CSV"),
        (["own.csv", "--columns", "label"], "expected FIELD=COLUMN"),
    ],
)
def test_options_that_do_not_fit_the_source_are_reported(words, told, tmp_path):
    assert told in run("manifest", *words, "-o", tmp_path / "m.csv", expect=2)
