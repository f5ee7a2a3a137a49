"""``reno-store train`` and ``predict``, from a store to labels of new recordings."""

import csv
import json
import shutil

import pytest
from click.testing import CliRunner
from factories.recordings import write_manifest_csv, write_wav
from reno_cli.main import main

from reno_store import build_store, load_recognizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recognition")
    rows = []
    for n in range(12):
        write_wav(folder / "in" / f"{n:02}.wav", 0.2 + 0.2 * (n % 2), seed=n)
        rows.append((f"clip{n:02}", f"in/{n:02}.wav", ("cry", "laugh")[n % 2], f"s{n // 4}"))
    write_manifest_csv(folder / "cries.csv", rows)
    build_store(folder / "cries.csv", folder / "my.zarr", ["mfcc", "logmel"])
    done = train(folder, "--no-scores", "-o", folder / "laughs")
    assert done.exit_code == 0, done.output
    return folder


def train(folder, *words):
    small = ("--set", "reno.max_epochs=1", "--set", "reno.n_tokens=4", "--set", "reno.align_dim=8")
    models = ("--model", "mfcc", "--model", "logmel")
    return run("train", folder / "my.zarr", "cries", *models, *small, *words)


def run(*words, **how):
    return CliRunner().invoke(main, list(map(str, words)), **how)


def test_train_writes_a_recognizer_with_scores(folder, tmp_path):
    done = train(folder, "--folds", "2", "--calibrate", "-o", tmp_path / "x")
    assert done.exit_code == 0, done.output
    recognizer = load_recognizer(tmp_path / "x")
    assert recognizer.temperature is not None
    assert "| speaker |" in recognizer.card
    again = train(folder, "--no-scores", "-o", tmp_path / "x")
    assert (again.exit_code, "--force" in again.output) == (1, True)
    assert train(folder, "--no-scores", "--force", "-o", tmp_path / "x").exit_code == 0
    assert load_recognizer(tmp_path / "x").temperature is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--set", "fcn.lr=1"], "expected those of 'reno'"),
        (["--set", "reno.beta=1.5,2"], "one value each"),
        (["--estimator", "rneo"], "did you mean 'reno'"),
        (["--model", "mfc"], "did you mean 'mfcc'"),
        (["--device", "gpu"], "device 'gpu' is unknown"),
    ],
)
def test_train_refuses_what_is_wrong(folder, tmp_path, words, told):
    done = train(folder, "-o", tmp_path / "x", *words)
    assert (done.exit_code, told in done.output) == (1, True), done.output
    assert not list(tmp_path.iterdir())


def test_predict_prints_a_line_per_recording(folder):
    done = run("predict", folder / "laughs", folder / "in" / "01.wav", folder / "in", "--top", 1)
    lines = done.stdout.splitlines()
    assert done.exit_code == 0, done.output
    assert len(lines) == 13
    assert lines[0].startswith(f"{folder}/in/01.wav: ")
    assert lines[0].endswith(" %")
    assert "," not in lines[0]


def test_predict_writes_files_with_all_probabilities(folder, tmp_path):
    listed = f"{folder}/in/03.wav\n{folder}/in/02.wav\n"
    for name in ("x.csv", "x.json", "x.jsonl"):
        done = run("predict", folder / "laughs", "-", "-o", tmp_path / name, input=listed)
        assert done.exit_code == 0, done.output
    rows = list(csv.DictReader((tmp_path / "x.csv").read_text().splitlines()))
    records = json.loads((tmp_path / "x.json").read_text())
    expected = load_recognizer(folder / "laughs").predict_proba(listed.split())
    for row, record, probabilities in zip(rows, records, expected.tolist(), strict=True):
        assert [float(row["p(cry)"]), float(row["p(laugh)"])] == pytest.approx(probabilities)
        assert list(record["probabilities"].values()) == pytest.approx(probabilities)
    assert [row["path"] for row in rows] == listed.split()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["x.csv", "x.json", "x.jsonl"]


def test_a_bad_recording_stops_no_other(folder, tmp_path):
    (tmp_path / "bad.wav").write_text("no sound")
    given = [tmp_path / "bad.wav", folder / "cries.csv"]
    done = run("predict", folder / "laughs", *given, "-o", tmp_path / "x.csv")
    assert done.exit_code == 1
    assert "1 of 13 recordings failed" in done.stderr
    rows = list(csv.DictReader((tmp_path / "x.csv").read_text().splitlines()))
    assert [bool(row["problem"]) for row in rows] == [True, *[False] * 12]
    assert rows[1]["clip_id"] == "clip00"


@pytest.mark.parametrize(("name", "kept"), [("x.csv", 3), ("x.jsonl", 2), ("x.json", None)])
def test_ctrl_c_keeps_what_is_finished(folder, tmp_path, monkeypatch, name, kept):
    import reno_store.recognition as recognition

    def stopped(*given, **how):
        found = recognition.predicting.predict_recordings(*given, **how)
        yield from (next(found), next(found))
        raise KeyboardInterrupt

    monkeypatch.setattr(recognition, "predict_recordings", stopped)
    done = run("predict", folder / "laughs", folder / "in", "-o", tmp_path / name)
    assert done.exit_code == 130
    assert [each.name for each in tmp_path.iterdir()] == ([name] if kept else [])
    assert not kept or len((tmp_path / name).read_text().splitlines()) == kept


@pytest.mark.parametrize("name", ["x.txt", "x.TextGrid", "x.csv"])
def test_timelines(folder, tmp_path, name):
    long = write_wav(tmp_path / "long.wav", 3.0)
    words = ["--timeline", "--window", 1, "-o", tmp_path / name]
    done = run("predict", folder / "laughs", long, *words)
    assert done.exit_code == 0, done.output
    text = (tmp_path / name).read_text()
    assert len(text.splitlines()) == {"x.txt": 5, "x.TextGrid": 60, "x.csv": 6}[name]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-o", "x.xls"], "expected an ending of"),
        (["-o", "x.txt"], "is for --timeline"),
        (["--window", "2"], "are for --timeline"),
        (["--max-seconds", "0"], "more than 0"),
        (["--timeline", "--format", "textgrid"], "one recording per file"),
        (["--device", "gpu"], "device 'gpu' is unknown"),
        (["--model", "mffc=mfcc"], "did you mean 'mfcc'"),
        (["--model", "mfcc=logmel"], "--model mfcc=SPEC"),
        (["--timeline", "--hop", "5"], "longer than window_s"),
    ],
)
def test_predict_refuses_what_is_wrong(folder, tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    done = run("predict", folder / "laughs", folder / "in", *words)
    assert (done.exit_code in (1, 2), told in done.output) == (True, True), done.output
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_no_recognizer_or_was_edited(folder, tmp_path):
    assert "not a folder" in run("predict", tmp_path / "none", folder / "in").output
    edited = shutil.copytree(folder / "laughs", tmp_path / "edited")
    config = (edited / "config.json").read_text()
    (edited / "config.json").write_text(config.replace('"cry"', '"joy"'))
    done = run("predict", edited, folder / "in")
    assert (done.exit_code, "edited" in done.output) == (1, True)
