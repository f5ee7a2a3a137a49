"""Manifest + models -> store, on small recordings."""

import numpy as np
import pytest
import zarr
from factories.checkpoints import FAMILIES, write_checkpoint
from factories.corpora import make_corpus
from factories.recordings import write_manifest_csv, write_wav
from factories.stores import assert_stores_equal

from reno_store.corpora.audio import read_waveform
from reno_store.errors import ManifestError, ModelError, StaleStoreError, StoreError
from reno_store.extraction.build import build_store
from reno_store.foundation_models import load_model, parse_model_spec
from reno_store.samples import open_store


@pytest.fixture
def corpus(tmp_path):
    return make_corpus(tmp_path)


def test_every_row_is_the_models_word_on_its_own_clip(corpus, tmp_path):
    build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc", "logmel"])
    store = open_store(tmp_path / "s.zarr")
    for name in ("mfcc", "logmel"):
        model = load_model(parse_model_spec(name))
        samples = store.load("small", name)
        assert samples.clip_ids.tolist() == list(corpus.clip_ids)
        for row, clip_id in enumerate(corpus.clip_ids):
            waveform = read_waveform(corpus.recording(clip_id), model.sample_rate_hz)
            np.testing.assert_array_equal(samples.X[row], model.embed([waveform])[0])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_checkpoint_in_a_folder_gives_what_transformers_gives(corpus, tmp_path, family):
    import torch
    from transformers import AutoFeatureExtractor, AutoModel

    folder = write_checkpoint(tmp_path / "tiny", family)
    build_store(corpus.manifest, tmp_path / "s.zarr", [f"hf:{folder}"])
    samples = open_store(tmp_path / "s.zarr").load("small", "tiny")
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    encoder = AutoModel.from_pretrained(folder).eval()
    for row, clip_id in enumerate(corpus.clip_ids):
        waveform = read_waveform(corpus.recording(clip_id), 16_000)
        inputs = extractor(waveform, sampling_rate=16_000, return_tensors="pt")
        with torch.no_grad():
            expected = encoder(**inputs).last_hidden_state.mean(dim=1)[0].numpy()
        error = np.linalg.norm(samples.X[row] - expected) / np.linalg.norm(expected)
        assert error < 1e-5


def test_a_second_build_computes_nothing(corpus, tmp_path, monkeypatch):
    first = build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])
    assert (first.models[0].n_new, first.models[0].n_reused) == (6, 0)
    monkeypatch.setattr(
        "reno_store.extraction.recordings.read_waveform", lambda *_: pytest.fail("read again")
    )
    second = build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])
    assert (second.models[0].n_new, second.models[0].n_reused) == (0, 6)
    assert second.complete


def test_clips_added_to_the_manifest_are_appended(tmp_path):
    make_corpus(tmp_path, 4)
    build_store(tmp_path / "small.csv", tmp_path / "s.zarr", ["mfcc", "logmel"])
    before = open_store(tmp_path / "s.zarr").load("small", ["mfcc", "logmel"])
    grown = make_corpus(tmp_path, 7)
    report = build_store(grown.manifest, tmp_path / "s.zarr", ["mfcc"])
    assert (report.models[0].n_new, report.models[0].n_reused) == (3, 4)
    store = open_store(tmp_path / "s.zarr")
    np.testing.assert_array_equal(store.load("small", "mfcc").X[:4], before.X[:, :120])
    # The other model lacks them until it is built, and its old rows are as they were.
    old = store.load("small", ["logmel"], missing="drop")
    assert old.clip_ids.tolist() == list(grown.clip_ids[:4])
    np.testing.assert_array_equal(old.X, before.X[:, 120:])


def test_a_manifest_in_another_order_finds_its_rows(corpus, tmp_path):
    build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])
    lines = corpus.manifest.read_text().splitlines()
    corpus.manifest.write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    build_store(corpus.manifest, tmp_path / "s.zarr", ["logmel"])
    build_store(make_corpus(tmp_path).manifest, tmp_path / "t.zarr", ["mfcc", "logmel"])
    assert_stores_equal(tmp_path / "s.zarr", tmp_path / "t.zarr")


def test_further_columns_of_the_manifest_are_stored(tmp_path):
    write_wav(tmp_path / "a.wav")
    header = ("clip_id", "path", "label", "speaker", "intensity")
    write_manifest_csv(tmp_path / "m.csv", [("a", "a.wav", "cry", "s1", "peak")], header)
    build_store(tmp_path / "m.csv", tmp_path / "s.zarr", ["mfcc"])
    root = zarr.open_group(tmp_path / "s.zarr", mode="r")
    assert root["m/intensity"][:].tolist() == ["peak"]


def test_one_recording_under_two_ids_is_said(tmp_path):
    corpus = make_corpus(tmp_path, 4)
    corpus.recording("clip3").write_bytes(corpus.recording("clip1").read_bytes())
    report = build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])
    assert report.duplicates == (("clip1", "clip3"),)


def test_two_datasets_share_a_store(tmp_path):
    for name in ("one", "two"):
        corpus = make_corpus(tmp_path / name, 3, name=name)
        build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])
    assert open_store(tmp_path / "s.zarr").datasets == ("one", "two")


def test_progress_is_silent_where_there_is_no_terminal(corpus, tmp_path, capsys):
    build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])
    assert capsys.readouterr() == ("", "")


def test_progress_shows_rate_and_time_left_when_asked_for(corpus, tmp_path, capsys):
    build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"], progress=True)
    shown = capsys.readouterr().err
    assert "6/6" in shown
    assert "clips/s" in shown
    assert "left" in shown


class TestInterrupted:
    def test_ctrl_c_keeps_what_was_computed_and_the_next_build_goes_on(
        self, corpus, tmp_path, monkeypatch
    ):
        from reno_store.foundation_models.spectral import MfccStatistics

        embed, calls = MfccStatistics.embed, []

        def interrupted_at_the_fifth(self, waveforms):
            if len(calls) == 4:
                raise KeyboardInterrupt
            calls.append(waveforms)
            return embed(self, waveforms)

        with monkeypatch.context() as patched:
            patched.setattr(MfccStatistics, "embed", interrupted_at_the_fifth)
            report = build_store(
                corpus.manifest, tmp_path / "s.zarr", ["mfcc", "logmel"], batch_seconds=0.01
            )
        assert report.interrupted
        assert not report.complete
        assert [(model.model, model.n_new) for model in report.models] == [("mfcc", 4)]
        report = build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc", "logmel"])
        assert [(m.n_new, m.n_reused) for m in report.models] == [(2, 4), (6, 0)]
        build_store(corpus.manifest, tmp_path / "whole.zarr", ["mfcc", "logmel"])
        assert_stores_equal(tmp_path / "s.zarr", tmp_path / "whole.zarr")

    def test_ctrl_c_while_a_recording_is_read_keeps_the_batches_before(
        self, corpus, tmp_path, monkeypatch
    ):
        def interrupted_at_the_shortest(path, rate):
            if path.name == "clip0.wav":
                raise KeyboardInterrupt
            return read_waveform(path, rate)

        monkeypatch.setattr(
            "reno_store.extraction.recordings.read_waveform", interrupted_at_the_shortest
        )
        report = build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"], batch_seconds=0.01)
        assert report.interrupted
        n_new = report.models[0].n_new
        assert 1 <= n_new <= 5
        assert open_store(tmp_path / "s.zarr").summary()[0].n_done == n_new


class TestFailedClips:
    """One bad clip never stops a build, is named, and is tried again by the next."""

    def build(self, corpus, tmp_path):
        return build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])

    def reason(self, report, clip_id):
        (failure,) = report.models[0].failures
        assert failure.clip_id == clip_id
        assert report.models[0].n_new == 5
        assert not report.complete
        return failure.reason

    def test_missing_file(self, corpus, tmp_path):
        corpus.recording("clip2").unlink()
        reason = self.reason(self.build(corpus, tmp_path), "clip2")
        assert "clip2.wav: no such file" in reason

    def test_text_named_wav(self, corpus, tmp_path):
        corpus.recording("clip2").write_text("I am no sound.")
        reason = self.reason(self.build(corpus, tmp_path), "clip2")
        assert "clip2.wav: not audio that can be decoded" in reason
        assert "Expected wav, flac, ogg, mp3" in reason

    def test_truncated_mp3(self, corpus, tmp_path):
        path = write_wav(corpus.recording("clip2"), 2.0, format="MP3")
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        reason = self.reason(self.build(corpus, tmp_path), "clip2")
        assert "clip2.wav: truncated: its header states 32,000 samples" in reason

    def test_zero_samples(self, corpus, tmp_path):
        write_wav(corpus.recording("clip2"), 0.0)
        assert "no samples" in self.reason(self.build(corpus, tmp_path), "clip2")

    def test_nan_samples(self, corpus, tmp_path):
        import soundfile

        soundfile.write(
            corpus.recording("clip2"), np.array([0.1, np.nan, 0.2]), 16_000, subtype="FLOAT"
        )
        reason = self.reason(self.build(corpus, tmp_path), "clip2")
        assert "1 of 3 samples are NaN or infinite" in reason

    def test_clip_shorter_than_a_frame_of_the_model(self, corpus, tmp_path):
        write_wav(corpus.recording("clip2"), 0.02)
        folder = write_checkpoint(tmp_path / "tiny", "wav2vec2")
        report = build_store(corpus.manifest, tmp_path / "s.zarr", [f"hf:{folder}"])
        reason = self.reason(report, "clip2")
        assert "320 samples at 16000 Hz are shorter than one frame" in reason
        assert "400" in reason

    def test_a_model_that_gives_nan_is_not_stored(self, corpus, tmp_path, monkeypatch):
        from reno_store.foundation_models.spectral import MfccStatistics

        embed = MfccStatistics.embed

        def nan_for_the_shortest(self, waveforms):
            embedding = embed(self, waveforms)
            for row, waveform in enumerate(waveforms):
                if len(waveform) == 4800:
                    embedding[row, 7] = np.nan
            return embedding

        monkeypatch.setattr(MfccStatistics, "embed", nan_for_the_shortest)
        reason = self.reason(self.build(corpus, tmp_path), "clip0")
        assert "1 NaN or infinite numbers" in reason

    def test_a_model_that_raises_what_it_likes(self, corpus, tmp_path, monkeypatch):
        from reno_store.foundation_models.spectral import MfccStatistics

        embed = MfccStatistics.embed

        def index_error_for_the_shortest(self, waveforms):
            if any(len(waveform) == 4800 for waveform in waveforms):
                raise IndexError("seven")
            return embed(self, waveforms)

        monkeypatch.setattr(MfccStatistics, "embed", index_error_for_the_shortest)
        reason = self.reason(self.build(corpus, tmp_path), "clip0")
        assert reason == "the model raised IndexError: seven"

    def test_a_model_that_gives_another_shape(self, corpus, tmp_path, monkeypatch):
        from reno_store.foundation_models.spectral import MfccStatistics

        monkeypatch.setattr(MfccStatistics, "embed", lambda self, _: np.zeros((1, 7), np.float32))
        report = self.build(corpus, tmp_path)
        assert len(report.models[0].failures) == 6
        assert "returned shape (1, 7) for 1 clip(s); expected (1, 120)" in str(report.models[0])

    def test_a_recording_that_changes_while_it_is_built(self, corpus, tmp_path, monkeypatch):
        def read_and_replace(path, rate):
            if path.name == "clip2.wav":
                write_wav(path, seed=77)
            return read_waveform(path, rate)

        with monkeypatch.context() as patched:
            patched.setattr("reno_store.extraction.recordings.read_waveform", read_and_replace)
            reason = self.reason(self.build(corpus, tmp_path), "clip2")
        assert "clip2.wav: changed while it was being built; build again" in reason
        assert self.build(corpus, tmp_path).complete

    def test_silence_is_embedded_and_said(self, corpus, tmp_path):
        import soundfile

        soundfile.write(corpus.recording("clip2"), np.zeros(8000), 16_000)
        report = self.build(corpus, tmp_path)
        assert report.complete
        assert report.models[0].silent == ("clip2",)

    def test_a_bad_recording_that_is_replaced_is_embedded_next_time(self, corpus, tmp_path):
        good = corpus.recording("clip2").read_bytes()
        corpus.recording("clip2").write_text("damaged")
        self.build(corpus, tmp_path)
        corpus.recording("clip2").write_bytes(good)
        report = self.build(corpus, tmp_path)
        assert report.complete
        assert (report.models[0].n_new, report.models[0].n_reused) == (1, 5)
        build_store(corpus.manifest, tmp_path / "whole.zarr", ["mfcc"])
        assert_stores_equal(tmp_path / "s.zarr", tmp_path / "whole.zarr")

    def test_a_recording_that_is_gone_today_keeps_its_row_and_hash(self, corpus, tmp_path):
        build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])
        before = open_store(tmp_path / "s.zarr").load("small", "mfcc")
        corpus.recording("clip2").unlink()
        assert self.build(corpus, tmp_path).complete
        root = zarr.open_group(tmp_path / "s.zarr", mode="r")
        assert all(len(value) == 64 for value in root["small/audio_sha256"][:])
        after = open_store(tmp_path / "s.zarr").load("small", "mfcc")
        np.testing.assert_array_equal(after.X, before.X)


class TestRefused:
    """What changed since is named before anything is computed, and nothing stored changes."""

    @pytest.fixture
    def built(self, corpus, tmp_path):
        build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])
        build_store(corpus.manifest, tmp_path / "before.zarr", ["mfcc"])
        return corpus

    def refusal(self, corpus, tmp_path, models=("mfcc", "logmel"), **options):
        with pytest.raises(StaleStoreError) as caught:
            build_store(corpus.manifest, tmp_path / "s.zarr", models, **options)
        assert_stores_equal(tmp_path / "s.zarr", tmp_path / "before.zarr")
        assert "nothing was changed" in str(caught.value)
        return str(caught.value)

    def test_a_changed_recording(self, built, tmp_path):
        write_wav(built.recording("clip3"), seed=99)
        message = self.refusal(built, tmp_path)
        assert "recordings changed: 1 clip ('clip3')" in message

    def test_a_changed_label(self, built, tmp_path):
        text = built.manifest.read_text()
        built.manifest.write_text(text.replace("clip3.wav,laugh", "clip3.wav,cry"))
        message = self.refusal(built, tmp_path)
        assert "labels changed: 1 clip ('clip3')" in message
        assert "refresh='labels'" in message

    def test_changed_labels_and_speakers_are_taken_over_when_asked(self, built, tmp_path):
        text = built.manifest.read_text().replace("clip3.wav,laugh", "clip3.wav,cry")
        built.manifest.write_text(text.replace("s2", "t2"))
        report = build_store(built.manifest, tmp_path / "s.zarr", ["mfcc"], refresh="labels")
        assert (report.models[0].n_new, report.models[0].n_reused) == (0, 6)
        samples = open_store(tmp_path / "s.zarr").load("small", "mfcc")
        assert samples.y[3] == "cry"
        assert samples.groups.tolist() == ["s0", "s0", "s1", "s1", "t2", "t2"]
        before = open_store(tmp_path / "before.zarr").load("small", "mfcc")
        np.testing.assert_array_equal(samples.X, before.X)

    def test_weights_that_change_between_two_models_of_one_build(
        self, corpus, tmp_path, monkeypatch
    ):
        """Several models are loaded once to be checked and once more to be run."""
        from reno_store.extraction import settings

        folder = write_checkpoint(tmp_path / "tiny", "hubert", seed=1)
        for store in ("s.zarr", "before.zarr"):
            build_store(corpus.manifest, tmp_path / store, [f"hf:{folder}"])
        lines = corpus.manifest.read_text().splitlines()
        write_wav(corpus.folder / "audio" / "new.wav", seed=50)
        corpus.manifest.write_text("\n".join([*lines, "new,audio/new.wav,cry,s0"]) + "\n")
        load, loads = settings.load_model, []

        def load_and_change(spec, **options):
            loads.append(spec.name)
            if len(loads) == 4:
                write_checkpoint(tmp_path / "tiny", "hubert", seed=2)
            return load(spec, **options)

        monkeypatch.setattr(settings, "load_model", load_and_change)
        with pytest.raises(StaleStoreError, match="weights: stored"):
            build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc", f"hf:{folder}"])
        done = {row.model: row.n_done for row in open_store(tmp_path / "s.zarr").summary()}
        assert done == {"mfcc": 7, "tiny": 6}

    def test_a_changed_speaker(self, built, tmp_path):
        built.manifest.write_text(built.manifest.read_text().replace("s2", "t2"))
        message = self.refusal(built, tmp_path)
        assert "speakers changed: 2 clips ('clip4', 'clip5')" in message

    def test_clips_that_vanished(self, built, tmp_path):
        lines = built.manifest.read_text().splitlines()
        built.manifest.write_text("\n".join(lines[:-2]) + "\n")
        message = self.refusal(built, tmp_path)
        assert "2 clips ('clip4', 'clip5') in the store but not in the manifest" in message

    def test_other_weights_under_the_same_name(self, corpus, tmp_path):
        folder = write_checkpoint(tmp_path / "tiny", "hubert", seed=1)
        for store in ("s.zarr", "before.zarr"):
            build_store(corpus.manifest, tmp_path / store, [f"hf:{folder}"])
        write_checkpoint(tmp_path / "tiny", "hubert", seed=2)
        message = self.refusal(corpus, tmp_path, models=["logmel", f"hf:{folder}"])
        assert "'tiny' of dataset 'small' was computed by a different model" in message
        assert "weights: stored" in message
        assert "preprocessing" not in message


class TestWrongRequest:
    def test_a_store_path_that_is_a_file(self, corpus, tmp_path):
        (tmp_path / "s.zarr").write_text("precious")
        with pytest.raises(StoreError, match=r"s\.zarr is a file; expected a folder"):
            build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])
        assert (tmp_path / "s.zarr").read_text() == "precious"

    def test_a_folder_with_other_things_in_it(self, corpus, tmp_path):
        (tmp_path / "s.zarr").mkdir()
        (tmp_path / "s.zarr" / "thesis.tex").write_text("precious")
        with pytest.raises(StoreError, match=r"other things in it \(thesis\.tex\)"):
            build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])

    def test_a_zarr_group_of_somebody_elses(self, corpus, tmp_path):
        zarr.create_group(tmp_path / "s.zarr")
        with pytest.raises(StoreError, match="is a Zarr group but not a reno-store"):
            build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])

    def test_a_dataset_name_with_a_slash(self, corpus, tmp_path):
        with pytest.raises(ManifestError, match=r"the name '\.\./up'"):
            build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"], dataset="../up")
        assert not (tmp_path / "s.zarr").exists()

    def test_a_model_name_with_a_slash(self, corpus, tmp_path):
        with pytest.raises(ModelError, match=r"stored as '\.\./up'"):
            build_store(corpus.manifest, tmp_path / "s.zarr", ["../up=mfcc"])

    def test_a_model_that_would_hide_a_column(self, corpus, tmp_path):
        build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])
        with pytest.raises(StoreError, match="both a column and a model named 'label'"):
            build_store(corpus.manifest, tmp_path / "s.zarr", ["label=mfcc"])

    def test_a_new_dataset_whose_model_would_hide_a_column(self, corpus, tmp_path):
        with pytest.raises(StoreError, match="both a column and a model named 'label'"):
            build_store(corpus.manifest, tmp_path / "s.zarr", ["label=mfcc"])

    def test_a_column_that_would_hide_a_stored_model(self, corpus, tmp_path):
        build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])
        header, *lines = corpus.manifest.read_text().splitlines()
        wider = [f"{header},mfcc", *(f"{line},x" for line in lines)]
        corpus.manifest.write_text("\n".join(wider) + "\n")
        with pytest.raises(StoreError, match="both a column and a model named 'mfcc'"):
            build_store(corpus.manifest, tmp_path / "s.zarr", ["logmel"])

    def test_recordings_that_are_all_elsewhere(self, corpus, tmp_path):
        for clip_id in corpus.clip_ids:
            corpus.recording(clip_id).unlink()
        with pytest.raises(ManifestError, match="none of the 6 recordings can be read") as caught:
            build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc"])
        assert "audio_folder" in str(caught.value)

    def test_a_second_model_that_cannot_be_loaded_stops_before_the_first_is_run(
        self, corpus, tmp_path, monkeypatch
    ):
        folder = write_checkpoint(tmp_path / "tiny", "wavlm")
        (folder / "preprocessor_config.json").unlink()
        monkeypatch.setattr(
            "reno_store.extraction.recordings.read_waveform", lambda *_: pytest.fail("computed")
        )
        with pytest.raises(ModelError, match=r"no usable preprocessor_config\.json"):
            build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc", f"hf:{folder}"])
        assert not (tmp_path / "s.zarr").exists()
