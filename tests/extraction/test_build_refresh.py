"""What a build does anew when told, and what it need not compute at all."""

import numpy as np
import pytest
import zarr
from factories.checkpoints import write_checkpoint
from factories.corpora import make_corpus
from factories.recordings import write_manifest_csv, write_wav
from factories.stores import assert_stores_equal

from reno_store.errors import StaleStoreError, UnknownNameError
from reno_store.extraction.build import build_store
from reno_store.samples import open_store


@pytest.fixture
def corpus(tmp_path):
    return make_corpus(tmp_path)


def build(corpus, tmp_path, models=("mfcc", "logmel"), store="s.zarr", **options):
    return build_store(corpus.manifest, tmp_path / store, models, **options)


def counts(report):
    return [(model.n_new, model.n_reused, model.n_copied) for model in report.models]


class TestAudio:
    def test_changed_recordings_are_embedded_anew_and_nothing_else(self, corpus, tmp_path):
        build(corpus, tmp_path)
        write_wav(corpus.recording("clip3"), seed=99)
        report = build(corpus, tmp_path, refresh="audio")
        assert counts(report) == [(1, 5, 0), (1, 5, 0)]
        build(corpus, tmp_path, store="whole.zarr")
        assert_stores_equal(tmp_path / "s.zarr", tmp_path / "whole.zarr")

    def test_models_that_are_not_built_now_lose_the_stale_rows_too(self, corpus, tmp_path):
        build(corpus, tmp_path)
        write_wav(corpus.recording("clip3"), seed=99)
        build(corpus, tmp_path, ["mfcc"], refresh="audio")
        group = zarr.open_group(tmp_path / "s.zarr", mode="r")["small"]
        assert group["mfcc/done"][:].all()
        assert group["logmel/done"][:].tolist() == [True, True, True, False, True, True]
        assert np.isnan(group["logmel/embedding"][3]).all()
        assert counts(build(corpus, tmp_path)) == [(0, 6, 0), (1, 5, 0)]

    def test_changed_labels_are_still_refused(self, corpus, tmp_path):
        build(corpus, tmp_path)
        text = corpus.manifest.read_text()
        corpus.manifest.write_text(text.replace("clip3.wav,laugh", "clip3.wav,cry"))
        with pytest.raises(StaleStoreError, match="labels changed"):
            build(corpus, tmp_path, refresh=("audio", "model"))

    def test_with_nothing_changed_nothing_is_computed(self, corpus, tmp_path):
        build(corpus, tmp_path)
        assert counts(build(corpus, tmp_path, refresh="all")) == [(0, 6, 0), (0, 6, 0)]


class TestModel:
    def test_a_changed_model_is_replaced_whole_and_others_are_kept(self, corpus, tmp_path):
        folder = write_checkpoint(tmp_path / "tiny", "hubert", seed=1)
        models = ["mfcc", f"hf:{folder}"]
        build(corpus, tmp_path, models)
        write_checkpoint(tmp_path / "tiny", "hubert", seed=2)
        with pytest.raises(StaleStoreError, match="refresh='model'"):
            build(corpus, tmp_path, models)
        report = build(corpus, tmp_path, models, refresh="model")
        assert counts(report) == [(0, 6, 0), (6, 0, 0)]
        build(corpus, tmp_path, models, store="whole.zarr")
        assert_stores_equal(tmp_path / "s.zarr", tmp_path / "whole.zarr")

    def test_another_dimension_is_another_array(self, corpus, tmp_path):
        folder = write_checkpoint(tmp_path / "tiny", "hubert")
        build(corpus, tmp_path, [f"x=hf:{folder}"])
        build(corpus, tmp_path, [f"x=hf:{folder}?pool=mean+max"], refresh="all")
        assert open_store(tmp_path / "s.zarr").dim("small", "x") == 64

    @pytest.mark.slow
    def test_stopped_at_any_file_it_ends_in_the_new_model(self, corpus, tmp_path, monkeypatch):
        import zarr.storage._local as local

        folder = tmp_path / "tiny"
        put, budget = local._put, [0]

        class Killed(BaseException):
            pass

        def put_within_budget(*arguments, **options):
            if not budget[0]:
                raise Killed
            budget[0] -= 1
            return put(*arguments, **options)

        write_checkpoint(folder, "hubert", seed=2)
        build(corpus, tmp_path, [f"hf:{folder}"], store="whole.zarr")
        for files in range(100):
            store = f"killed{files}.zarr"
            write_checkpoint(folder, "hubert", seed=1)
            build(corpus, tmp_path, [f"hf:{folder}"], store=store)
            write_checkpoint(folder, "hubert", seed=2)
            budget[0] = files
            with monkeypatch.context() as patched:
                patched.setattr(local, "_put", put_within_budget)
                try:
                    build(corpus, tmp_path, [f"hf:{folder}"], store=store, refresh="model")
                except Killed:
                    killed = True
                else:
                    killed = False
            build(corpus, tmp_path, [f"hf:{folder}"], store=store, refresh="model")
            assert_stores_equal(tmp_path / store, tmp_path / "whole.zarr")
            if not killed:
                break
        assert files > 2
        assert not killed


class TestAll:
    def test_it_is_labels_audio_and_model(self, corpus, tmp_path):
        folder = write_checkpoint(tmp_path / "tiny", "wavlm", seed=1)
        build(corpus, tmp_path, [f"hf:{folder}"])
        write_checkpoint(tmp_path / "tiny", "wavlm", seed=2)
        write_wav(corpus.recording("clip3"), seed=99)
        text = corpus.manifest.read_text()
        corpus.manifest.write_text(text.replace("clip2.wav,cry", "clip2.wav,sob"))
        build(corpus, tmp_path, [f"hf:{folder}"], refresh="all")
        build(corpus, tmp_path, [f"hf:{folder}"], store="whole.zarr")
        assert_stores_equal(tmp_path / "s.zarr", tmp_path / "whole.zarr")

    def test_vanished_clips_are_refused_all_the_same(self, corpus, tmp_path):
        build(corpus, tmp_path, ["mfcc"])
        lines = corpus.manifest.read_text().splitlines()
        corpus.manifest.write_text("\n".join(lines[:-1]) + "\n")
        with pytest.raises(StaleStoreError, match="in the store but not in the manifest"):
            build(corpus, tmp_path, ["mfcc"], refresh="all")


def test_an_unknown_part_lists_the_choices(corpus, tmp_path):
    with pytest.raises(UnknownNameError, match="all, audio, labels, model"):
        build(corpus, tmp_path, refresh="adio")


class TestKnownRecordings:
    @pytest.fixture
    def twins(self, tmp_path):
        """Three ids, two recordings."""
        folder = tmp_path / "twins"
        for name, seed in (("a", 1), ("b", 2)):
            write_wav(folder / f"{name}.wav", seed=seed)
        write_wav(folder / "c.wav", seed=1)
        rows = [(name, f"{name}.wav", "laugh", "") for name in "abc"]
        return write_manifest_csv(folder / "twins.csv", rows)

    def embedded(self, monkeypatch):
        """Have the waveforms counted that the model is asked for."""
        from reno_store.foundation_models.spectral import MfccStatistics

        embed, seen = MfccStatistics.embed, []

        def counted(self, waveforms):
            seen.extend(waveforms)
            return embed(self, waveforms)

        monkeypatch.setattr(MfccStatistics, "embed", counted)
        return seen

    def test_one_recording_under_two_ids_is_computed_once(self, twins, tmp_path, monkeypatch):
        seen = self.embedded(monkeypatch)
        report = build_store(twins, tmp_path / "s.zarr", "mfcc")
        assert len(seen) == 2
        assert report.complete
        assert counts(report) == [(3, 0, 1)]
        X = open_store(tmp_path / "s.zarr").load("twins", "mfcc").X
        np.testing.assert_array_equal(X[0], X[2])
        assert not np.array_equal(X[0], X[1])

    def test_another_dataset_of_the_store_is_looked_into(self, twins, tmp_path, monkeypatch):
        build_store(twins, tmp_path / "s.zarr", "mfcc")
        seen = self.embedded(monkeypatch)
        report = build_store(twins, tmp_path / "s.zarr", "again=mfcc", dataset="copy")
        assert seen == []
        assert counts(report) == [(3, 0, 3)]
        store = open_store(tmp_path / "s.zarr")
        np.testing.assert_array_equal(store.load("copy", "again").X, store.load("twins", "mfcc").X)

    def test_another_model_is_no_source(self, twins, tmp_path):
        build_store(twins, tmp_path / "s.zarr", "mfcc")
        report = build_store(twins, tmp_path / "s.zarr", "mfcc=logmel", dataset="copy")
        assert counts(report) == [(3, 0, 1)]
        assert open_store(tmp_path / "s.zarr").dim("copy", "mfcc") == 240

    def test_twins_of_a_recording_that_fails_fail_too(self, twins, tmp_path):
        for name in "ac":
            (twins.parent / f"{name}.wav").write_text("no sound")
        report = build_store(twins, tmp_path / "s.zarr", "mfcc")
        assert [failure.clip_id for failure in report.models[0].failures] == ["a", "c"]
        assert report.models[0].n_new == 1

    def test_a_damaged_source_is_computed_instead(self, twins, tmp_path):
        build_store(twins, tmp_path / "s.zarr", "mfcc")
        chunk = tmp_path / "s.zarr" / "twins" / "mfcc" / "embedding" / "c" / "0" / "0"
        chunk.write_bytes(chunk.read_bytes()[:-1])
        report = build_store(twins, tmp_path / "s.zarr", "mfcc", dataset="copy")
        assert counts(report) == [(3, 0, 1)]
        assert report.complete


class TestAnotherBuildMeanwhile:
    """Between taking over the clip table and building a model, another process may come."""

    def meanwhile(self, monkeypatch, action):
        """Do something once, just before a model's lock is taken."""
        from reno_store.store import StoreWriter

        model_of, calls = StoreWriter.model, []

        def first_something_else(self, dataset, model):
            if not calls:
                calls.append(model)
                action()
            return model_of(self, dataset, model)

        monkeypatch.setattr(StoreWriter, "model", first_something_else)

    def test_a_recording_that_it_took_over_is_left_to_the_next_build(
        self, corpus, tmp_path, monkeypatch
    ):
        def change_and_build():
            write_wav(corpus.recording("clip3"), seed=99)
            build(corpus, tmp_path, ["logmel"])

        self.meanwhile(monkeypatch, change_and_build)
        report = build(corpus, tmp_path, ["mfcc"])
        (failure,) = report.models[0].failures
        assert failure.clip_id == "clip3"
        assert "another build has stored another recording" in failure.reason
        assert build(corpus, tmp_path).complete
        build(corpus, tmp_path, store="whole.zarr")
        assert_stores_equal(tmp_path / "s.zarr", tmp_path / "whole.zarr")

    def test_a_dataset_made_anew_in_another_order_gets_no_row_of_this_build(
        self, corpus, tmp_path, monkeypatch
    ):
        from reno_store.store import StoreWriter

        lines = corpus.manifest.read_text().splitlines()
        other = corpus.manifest.with_name("other.csv")
        other.write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")

        def remove_and_build():
            with StoreWriter.open(tmp_path / "s.zarr") as writer:
                writer.remove_dataset("small")
            build_store(other, tmp_path / "s.zarr", ["logmel"], dataset="small")

        self.meanwhile(monkeypatch, remove_and_build)
        with pytest.raises(StaleStoreError, match="removed or rebuilt"):
            build(corpus, tmp_path, ["mfcc"])
        assert open_store(tmp_path / "s.zarr").models("small") in {("logmel",), ("logmel", "mfcc")}
        assert build(corpus, tmp_path).complete
