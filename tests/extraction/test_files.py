"""Audio files to embeddings without a store: the numbers of a build, at any rate."""

import numpy as np
import pandas as pd
import pytest
import soundfile
import soxr
from factories.checkpoints import write_checkpoint
from factories.corpora import make_corpus
from factories.recordings import write_manifest_csv, write_wav

import reno_store as rs
from reno_store.errors import AudioError, ModelError, UnknownNameError
from reno_store.foundation_models import parse_model_spec
from reno_store.foundation_models.testing import FoundationModelContract


@pytest.fixture
def corpus(tmp_path):
    return make_corpus(tmp_path)


def test_numbers_are_those_of_a_build_whatever_the_files_rate(tmp_path):
    folder = write_checkpoint(tmp_path / "tiny", "wavlm")
    models = ["mfcc", "logmel", f"hf:{folder}"]
    rows, paths = [], []
    for number, rate_hz in enumerate((8000, 16_000, 22_050, 44_100, 48_000)):
        path = write_wav(
            tmp_path / f"{number}.wav", 0.4 + 0.2 * number, rate_hz, 1 + number % 2, seed=number
        )
        rows.append((f"c{number}", path.name, "cry", "s"))
        paths.append(path)
    manifest = write_manifest_csv(tmp_path / "mine.csv", rows)
    rs.build_store(manifest, tmp_path / "s.zarr", models, device="cpu")
    samples = rs.open_store(tmp_path / "s.zarr").load("mine", ["mfcc", "logmel", "tiny"])
    frame = rs.embed_files(paths, models, device="cpu")
    np.testing.assert_array_equal(frame.to_numpy(), samples.X)
    assert frame.columns.tolist() == samples.feature_names
    assert frame.index.tolist() == [str(path) for path in paths]
    assert frame.index.name == "path"
    assert (frame.dtypes == np.float32).all()


def test_a_file_is_embedded_in_any_company_as_if_alone(corpus):
    paths = [corpus.recording(clip_id) for clip_id in corpus.clip_ids]
    together = rs.embed_files([*paths, paths[0]], "mfcc", device="cpu")
    for row, path in enumerate([*paths, paths[0]]):
        alone = rs.embed_files(path, "mfcc", device="cpu")
        pd.testing.assert_frame_equal(together.iloc[[row]], alone)


def test_48_khz_is_resampled_here_and_mistaken_by_embed(tmp_path):
    path = write_wav(tmp_path / "high.wav", 1.0, 48_000)
    samples, rate_hz = soundfile.read(path, dtype="float32")
    model = rs.load_model("mfcc")
    row = rs.embed_files(path, "mfcc").to_numpy()
    resampled = soxr.resample(samples, rate_hz, model.sample_rate_hz)
    np.testing.assert_array_equal(row, model.embed([resampled]))
    wrong = model.embed([samples])
    assert np.linalg.norm(wrong - row) / np.linalg.norm(row) > 0.05


def test_a_loaded_model_and_its_spec_give_the_same(corpus):
    path = corpus.recording("clip0")
    spec = rs.embed_files(path, ["mfcc", "logmel"])
    pd.testing.assert_frame_equal(
        rs.embed_files(path, [rs.load_model("mfcc"), parse_model_spec("logmel")]), spec
    )
    pd.testing.assert_frame_equal(
        rs.embed_files(path, {"mfcc": rs.load_model("mfcc"), "logmel": "logmel"}), spec
    )
    named = rs.embed_files(path, ["a=mfcc", "mfcc"])
    assert named.columns[0] == "a:0"
    assert named.columns[120] == "mfcc:0"


def test_a_model_of_ones_own_is_named_by_its_kind_or_class(corpus):
    class Peak:
        sample_rate_hz, min_samples, dim = 8000, 1, 1

        def __init__(self):
            self.fingerprint = {"weights": "none"}

        def embed(self, waveforms):
            return np.array([[abs(w).max()] for w in waveforms], np.float32)

    paths = [corpus.recording("clip0")]
    assert rs.embed_files(paths, Peak()).columns.tolist() == ["Peak:0"]
    assert rs.embed_files(paths, {"p": Peak()}).columns.tolist() == ["p:0"]
    with pytest.raises(ModelError, match="more than one model is named 'Peak'; give a mapping"):
        rs.embed_files(paths, [Peak(), Peak()])


def test_new_files_are_predicted_from_the_names_of_the_columns(corpus, tmp_path):
    rs.build_store(corpus.manifest, tmp_path / "s.zarr", ["mfcc", "logmel"], device="cpu")
    samples = rs.open_store(tmp_path / "s.zarr").load("small", ["mfcc", "logmel"])
    fusion = rs.ConcatClassifier(max_epochs=1, early_stopping=False, random_state=0)
    fusion.fit(samples.to_frame(), samples.y)
    frame = rs.embed_files(
        [corpus.recording(clip_id) for clip_id in corpus.clip_ids], ["mfcc", "logmel"], device="cpu"
    )
    np.testing.assert_array_equal(
        fusion.predict_proba(frame), fusion.predict_proba(samples.to_frame())
    )


def test_every_bad_file_is_named_with_its_reason(corpus, tmp_path):
    text = tmp_path / "notes.wav"
    text.write_text("no sound")
    cut = tmp_path / "cut.wav"
    cut.write_bytes(corpus.recording("clip5").read_bytes()[:-400])
    missing = tmp_path / "missing.wav"
    with pytest.raises(AudioError) as caught:
        rs.embed_files([corpus.recording("clip0"), text, cut, missing], "mfcc")
    heading, *lines = str(caught.value).splitlines()
    assert heading == "3 of 4 files cannot be embedded with mfcc:"
    assert lines[0].startswith(f"  {text}: not audio that can be decoded")
    assert lines[1].startswith(f"  {cut}: truncated: ")
    assert lines[2] == f"  {missing}: no such file. Check its path."


def test_one_bad_file_is_the_whole_message(tmp_path):
    missing = tmp_path / "missing.wav"
    with pytest.raises(AudioError) as caught:
        rs.embed_files(missing, "mfcc")
    assert str(caught.value).startswith(f"{missing}: no such file.")


def test_file_that_a_model_cannot_take_is_named(tmp_path):
    folder = write_checkpoint(tmp_path / "tiny", "wav2vec2")
    short = write_wav(tmp_path / "short.wav", 0.01)
    with pytest.raises(ModelError) as caught:
        rs.embed_files([short], f"hf:{folder}", device="cpu")
    assert str(caught.value).startswith(f"{short}: 160 samples at 16000 Hz are shorter than")


def test_long_files_are_refused_unless_allowed(tmp_path):
    path = write_wav(tmp_path / "long.wav", 2.0)
    with pytest.raises(AudioError, match=r"lasts 2.00 s; the maximum is 1 s"):
        rs.embed_files(path, "mfcc", max_seconds=1)
    assert rs.embed_files(path, "mfcc", max_seconds=None).shape == (1, 120)


def test_many_bad_files_are_counted(tmp_path):
    with pytest.raises(AudioError) as caught:
        rs.embed_files([tmp_path / f"{number}.wav" for number in range(14)], "mfcc")
    assert len(str(caught.value).splitlines()) == 12
    assert str(caught.value).endswith("  and 4 more")


def test_nothing_to_embed_or_to_embed_with_is_refused(corpus):
    with pytest.raises(AudioError, match="no file is given"):
        rs.embed_files([], "mfcc")
    for models in ([], {}):
        with pytest.raises(ModelError, match="no model is given"):
            rs.embed_files(corpus.recording("clip0"), models)
    with pytest.raises(UnknownNameError, match="unknown model 'mfc'; did you mean 'mfcc'"):
        rs.embed_files(corpus.recording("clip0"), "mfc")
    with pytest.raises(ModelError, match="expected specs such as 'mfcc' or loaded models, got int"):
        rs.embed_files(corpus.recording("clip0"), [3])


@pytest.mark.parametrize(
    "described",
    [
        rs.FoundationModel,
        rs.FoundationModel.embed,
        rs.load_model,
        FoundationModelContract.clips,
        type(rs.load_model("mfcc")).embed,
    ],
)
def test_docstrings_give_the_rate_of_waveforms(described):
    assert "sample_rate_hz" in described.__doc__


@pytest.mark.parametrize("described", [rs.FoundationModel.embed, rs.load_model])
def test_docstrings_lead_from_files_to_embed_files(described):
    assert "embed_files" in described.__doc__
