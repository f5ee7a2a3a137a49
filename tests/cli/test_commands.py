"""The commands as a user types them: what they print, and their exit codes."""

import csv
import functools
import json
import os
import re

import pytest
from click.testing import CliRunner
from factories.corpora import make_corpus
from factories.recordings import write_wav
from reno_cli.main import main


def run(*words, expect=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == expect, result.output
    return result


@pytest.fixture
def corpus(tmp_path):
    return make_corpus(tmp_path, 12)


@pytest.fixture
def store(corpus, tmp_path):
    run("build", corpus.manifest, "--model", "mfcc", "--model", "logmel", "--store", tmp_path / "s")
    return tmp_path / "s"


class TestManifest:
    def test_a_folder_of_ones_own_goes_all_the_way_to_a_table(self, tmp_path):
        for label in ("cry", "laugh"):
            for number in range(4):
                write_wav(tmp_path / "mine" / label / f"{number}.wav", seed=number)
        (tmp_path / "mine" / "notes.txt").write_text("ignore me")
        out = tmp_path / "mine" / "mine.csv"
        shown = run("manifest", "folders", tmp_path / "mine", "-o", out).output
        assert "8 clips, 2 labels, speakers unknown" in shown
        assert "ignored: 1 files" in shown
        assert "notes.txt" in shown
        rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
        assert rows[0] == {
            "clip_id": "cry/0",
            "path": "cry/0.wav",
            "label": "cry",
            "speaker": "",
        }
        run("build", out, "--model", "mfcc", "--store", tmp_path / "s")
        shown = run("evaluate", tmp_path / "s", "mine", "--model", "mfcc", "--folds", 2).output
        assert "mine: 8 clips, 2 labels, speakers unknown; 2 folds, seed 0" in shown

    def test_recordings_elsewhere_are_named_in_the_next_command(self, tmp_path):
        write_wav(tmp_path / "there" / "cry" / "1.wav")
        (tmp_path / "here").mkdir()
        out = tmp_path / "here" / "m.csv"
        shown = run("manifest", "folders", tmp_path / "there", "-o", out).output
        assert f"--audio-folder {tmp_path / 'there'}" in shown
        built = ("build", out, "--model", "mfcc", "--store", tmp_path / "s")
        assert "--audio-folder" in run(*built, expect=1).output
        run(*built, "--audio-folder", tmp_path / "there")

    def test_an_unknown_card_lists_the_choices(self, tmp_path):
        shown = run("manifest", "emogater", tmp_path, "-o", tmp_path / "m.csv", expect=1).output
        assert "unknown card 'emogater'; did you mean 'emogator'?" in shown
        assert "Choices: asvp-esd, cnvve, crema-d, deeply, donateacry, emogator," in shown

    def test_an_existing_manifest_is_kept(self, corpus):
        before = corpus.manifest.read_text()
        words = ("manifest", "folders", corpus.folder, "-o", corpus.manifest)
        assert "already exists" in run(*words, expect=1).output
        assert corpus.manifest.read_text() == before
        run(*words, "--force")
        assert corpus.manifest.read_text() != before


class TestBuild:
    def test_the_summary_counts_new_reused_and_failed(self, corpus, tmp_path):
        words = ("build", corpus.manifest, "--model", "mfcc", "--store", tmp_path / "s")
        assert "mfcc: 12 new, 0 reused, 0 failed" in run(*words).output
        assert "mfcc: 0 new, 12 reused, 0 failed" in run(*words).output

    def test_a_failed_clip_is_named_and_the_exit_code_is_1(self, corpus, tmp_path):
        corpus.recording("clip7").write_text("no sound")
        words = ("build", corpus.manifest, "--model", "mfcc", "--store", tmp_path / "s")
        shown = run(*words, expect=1).output
        assert "mfcc: 11 new, 0 reused, 1 failed" in shown
        assert "failed: mfcc, clip clip7:" in shown
        assert "not audio" in shown

    def test_one_recording_under_two_ids_is_said(self, corpus, tmp_path):
        corpus.recording("clip7").write_bytes(corpus.recording("clip3").read_bytes())
        shown = run("build", corpus.manifest, "--model", "mfcc", "--store", tmp_path / "s").output
        assert "the same recording, which would leak across folds: clip3, clip7" in shown

    def test_speakers_filled_in_later_are_taken_over_when_asked(self, corpus, tmp_path):
        text = corpus.manifest.read_text()
        corpus.manifest.write_text(re.sub(",s[0-9]$", ",", text, flags=re.MULTILINE))
        words = ("build", corpus.manifest, "--model", "mfcc", "--store", tmp_path / "s")
        run(*words)
        evaluated = ("evaluate", tmp_path / "s", "small", "--model", "mfcc", "--estimator", "fcn")
        by_speaker = (*evaluated, "--protocol", "speaker", "--folds", 3)
        assert "--refresh labels" in run(*by_speaker, expect=1).output
        corpus.manifest.write_text(text)
        assert "--refresh labels" in run(*words, expect=1).output
        assert "mfcc: 0 new, 12 reused" in run(*words, "--refresh", "labels").output
        run(*by_speaker)

    def test_silence_is_said(self, corpus, tmp_path):
        import numpy as np
        import soundfile

        soundfile.write(corpus.recording("clip7"), np.zeros(8000), 16_000)
        shown = run("build", corpus.manifest, "--model", "mfcc", "--store", tmp_path / "s").output
        assert "silent, but embedded: clip clip7" in shown

    def test_an_interrupt_before_clips_are_embedded_has_exit_code_130_too(
        self, corpus, tmp_path, monkeypatch
    ):
        def interrupt(path):
            raise KeyboardInterrupt

        monkeypatch.setattr("reno_store.extraction.recordings.hash_file", interrupt)
        words = ("build", corpus.manifest, "--model", "mfcc", "--store", tmp_path / "s.zarr")
        assert "Interrupted" in run(*words, expect=130).stderr
        assert not (tmp_path / "s.zarr").exists()

    def test_an_interrupted_build_says_so_with_exit_code_130(self, corpus, tmp_path, monkeypatch):
        def stop(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr("reno_store.extraction.recordings.read_waveform", stop)
        words = ("build", corpus.manifest, "--model", "mfcc", "--store", tmp_path / "s")
        assert "interrupted: the same command continues" in run(*words, expect=130).output

    def test_an_unknown_model_lists_the_choices(self, corpus, tmp_path):
        words = ("build", corpus.manifest, "--model", "wavlm-bas", "--store", tmp_path / "s")
        shown = run(*words, expect=1).output
        assert "unknown model 'wavlm-bas'; did you mean 'wavlm-base'?" in shown
        assert "hubert-base" in shown
        assert not (tmp_path / "s").exists()

    def test_a_wrong_manifest_is_refused_with_every_problem(self, corpus, tmp_path):
        lines = corpus.manifest.read_text().splitlines()
        lines[2] = lines[1]
        lines[5] = "x,../outside.wav,cry,s1"
        corpus.manifest.write_text("\n".join(lines))
        words = ("build", corpus.manifest, "--model", "mfcc", "--store", tmp_path / "s")
        shown = run(*words, expect=1).output
        assert "2 problems found" in shown
        assert "line 3: clip_id 'clip0'" in shown
        assert "line 6: clip 'x': path '../outside.wav' leaves the folder" in shown

    def test_a_device_that_is_not_there(self, corpus, tmp_path):
        words = ("build", corpus.manifest, "--model", "mfcc", "--store", tmp_path / "s")
        missing = run(*words, "--device", "cuda:7", expect=1).output
        assert "cuda:7" in missing
        assert "not available" in missing
        assert "'gpu' is unknown" in run(*words, "--device", "gpu", expect=1).output


class TestInfo:
    def test_datasets_and_models_are_listed(self, store):
        shown = run("info", store).output
        assert "small: 12 clips, 2 labels, 3 speakers" in shown
        assert re.search(
            r"mfcc: 12 done, 0 missing, 120 dimensions, \d+ kB, float32, fingerprint \w{12}\n",
            shown,
        )

    def test_json_is_for_programs(self, store):
        (logmel, mfcc) = json.loads(run("info", store, "--json").output)
        assert (logmel["model"], mfcc["model"]) == ("logmel", "mfcc")
        assert (mfcc["n_clips"], mfcc["n_done"], mfcc["n_missing"], mfcc["dim"]) == (12, 12, 0, 120)

    def test_what_is_damaged_is_named_and_the_rest_is_listed(self, store):
        (store / "small" / "logmel" / "zarr.json").write_text("{")
        shown = run("info", store, expect=1).output
        assert "mfcc: 12 done" in shown
        assert "damaged: " in shown
        assert "small/logmel" in shown
        (logmel, mfcc) = json.loads(run("info", store, "--json", expect=1).output)
        assert "damaged" in logmel["problem"]
        assert (mfcc["problem"], mfcc["precision"], mfcc["storage"]) == ("", "float32", "float32")
        files = (store / "small" / "mfcc").rglob("*")
        assert mfcc["n_bytes"] == sum(file.stat().st_size for file in files if file.is_file())

    def test_no_store(self, tmp_path):
        assert "does not exist" in run("info", tmp_path / "none", expect=1).output


class TestEvaluate:
    def test_json_holds_each_fold_mean_and_sd(self, store):
        words = ("--model", "mfcc", "--estimator", "fcn", "--protocol", "speaker", "--folds", 3)
        shown = json.loads(run("evaluate", store, "small", *words, "--json").stdout)
        (evaluation,) = shown["evaluations"]
        assert [fold["n_test"] for fold in evaluation["folds"]] == [4, 4, 4]
        scores = [fold["accuracy"] for fold in evaluation["folds"]]
        assert evaluation["mean"]["accuracy"] == pytest.approx(sum(scores) / 3)
        assert "no speaker on both sides" in evaluation["protocol_description"]

    @pytest.mark.slow
    def test_a_pair_gets_the_four_networks_and_the_probe_by_default(self, store):
        words = ("--model", "mfcc", "--model", "logmel", "--folds", 2, "--json")
        shown = json.loads(run("evaluate", store, "small", *words).stdout)
        ran = [(each["estimator"], each["models"]) for each in shown["evaluations"]]
        assert ran == [
            ("fcn", ["logmel"]),
            ("fcn", ["mfcc"]),
            ("cnn", ["logmel"]),
            ("cnn", ["mfcc"]),
            ("concat", ["mfcc", "logmel"]),
            ("reno", ["mfcc", "logmel"]),
            ("logreg", ["logmel"]),
            ("logreg", ["mfcc"]),
            ("logreg", ["mfcc", "logmel"]),
        ]

    def test_more_folds_than_speakers(self, store):
        words = ("--model", "mfcc", "--estimator", "fcn", "--protocol", "speaker")
        shown = run("evaluate", store, "small", *words, expect=1).output
        assert "3 speakers cannot be divided into 5 speaker-disjoint folds" in shown
        assert "--folds 3" in shown
        assert "--protocol loso" in shown

    def test_more_folds_than_clips_of_a_label(self, store):
        words = ("--model", "mfcc", "--estimator", "fcn", "--folds", 7)
        shown = run("evaluate", store, "small", *words, expect=1).output
        assert "fewer clips than the 7 folds: cry (6), laugh (6)" in shown


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
class TestReadOnlyFolder:
    @pytest.fixture
    def as_nobody(self, tmp_path):
        """Root writes anywhere: become nobody, who may read but not write the folder."""
        if os.geteuid() != 0:
            yield
            return
        # pytest makes its folders for their owner alone.
        for folder in (tmp_path, *tmp_path.parents):
            if folder == tmp_path or folder.name.startswith(("pytest-", "popen-")):
                folder.chmod(0o755)
        os.seteuid(65534)
        yield
        os.seteuid(0)

    @pytest.fixture
    def locked_folder(self, tmp_path):
        (tmp_path / "locked").mkdir()
        (tmp_path / "locked").chmod(0o555)
        return tmp_path / "locked"

    def test_a_store_that_cannot_be_written_says_so(
        self, corpus, tmp_path, locked_folder, as_nobody
    ):
        folder = locked_folder
        words = ("build", corpus.manifest, "--model", "mfcc", "--store", folder / "s")
        shown = run(*words, expect=1).output
        assert f"store {folder / 's'} cannot be written: Permission denied" in shown

    @pytest.fixture
    def locked_store(self, store):
        for path in (store, *store.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        return store

    def test_a_store_that_cannot_be_written_can_be_read(self, locked_store, as_nobody):
        store = locked_store
        assert "small: 12 clips" in run("info", store).output
        words = ("build", store.parent / "small.csv", "--model", "new=mfcc", "--store", store)
        assert "cannot be written: Permission denied" in run(*words, expect=1).output


@pytest.mark.parametrize(
    "words", [("--jobs", 0), ("--seed", -1), ("--seed", 2**32), ("--seed", "0,x"), ("--folds", "x")]
)
def test_numbers_that_cannot_be_are_refused_with_the_range(store, words):
    shown = run("evaluate", store, "small", "--model", "mfcc", *words, expect=2).output
    assert f"Invalid value for '{words[0]}'" in shown


def test_many_folds_are_printed_whole_into_a_pipe(tmp_path):
    corpus = make_corpus(tmp_path, 40)
    run("build", corpus.manifest, "--model", "mfcc", "--store", tmp_path / "s")
    words = ("--model", "mfcc", "--estimator", "fcn", "--folds", 20)
    shown = run("evaluate", tmp_path / "s", "small", *words).output
    assert "fold 20" in shown
    assert "…" not in shown


class TestDemo:
    def test_it_ends_in_a_table_that_says_it_is_synthetic(self, tmp_path, monkeypatch):
        # All but most of the training, which takes the better part of the demo's minute.
        from reno_store.demo import running
        from reno_store.estimators.base import TrainingPlan

        few = functools.partial(running.evaluate_store, n_folds=2)
        monkeypatch.setattr(running, "evaluate_store", few)

        plan = TrainingPlan.__init__
        monkeypatch.setattr(
            TrainingPlan,
            "__init__",
            lambda self, **options: plan(self, **{**options, "max_epochs": 1}),
        )
        shown = run("demo", "-o", tmp_path / "demo", "--jobs", 1).output
        assert "synthetic: 240 clips, 6 labels, 8 speakers" in shown
        assert "SYNTHETIC" in shown
        for word in ("fcn", "cnn", "concat", "reno", "mfcc + logmel", "paper", "speaker"):
            assert word in shown
        assert "reno-store build YOUR_FOLDER/mine.csv" in shown
        assert (tmp_path / "demo" / "synthetic.csv").exists()
        assert (tmp_path / "demo" / "embeddings.zarr" / "zarr.json").exists()

    def test_it_keeps_its_hands_off_a_folder_of_somebody_elses(self, tmp_path):
        (tmp_path / "thesis.tex").write_text("precious")
        assert "was not made by the demo" in run("demo", "-o", tmp_path, expect=1).output
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_version(capsys):
    assert run("--version").output.startswith("reno-store, version 0.2.0")
