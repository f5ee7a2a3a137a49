"""eGeMAPS: openSMILE's own numbers, and a refusal of what it cannot describe."""

import sys
import warnings

import numpy as np
import pytest

from reno_store.corpora.audio import read_waveform
from reno_store.errors import ModelError
from reno_store.foundation_models import CATALOGUE, load_model


@pytest.fixture
def opensmile():
    return pytest.importorskip("opensmile")


@pytest.fixture
def model(opensmile):
    return load_model("egemaps")


def noise(n_samples=8000, level=0.1, seed=0):
    samples = np.random.default_rng(seed).normal(0, level, n_samples)
    return samples.astype(np.float32)


def voice(seconds=1.0, pitch_hz=220.0):
    time_s = np.arange(int(16_000 * seconds)) / 16_000
    waves = sum(np.sin(2 * np.pi * order * pitch_hz * time_s) / order for order in range(1, 8))
    return (0.2 * waves + 0.001 * noise(len(time_s))).astype(np.float32)


def test_clip_gets_88_finite_numbers(model):
    rows = model.embed([noise(), voice(), noise(960)])
    assert rows.shape == (3, 88)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    assert (model.dim, model.sample_rate_hz) == (88, 16_000)


def test_catalogue_tells_the_truth_of_it(model):
    entry = CATALOGUE["egemaps"]
    assert (entry.dim, entry.sample_rate_hz) == (model.dim, model.sample_rate_hz)


def test_numbers_are_those_of_opensmile(model, opensmile):
    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.Functionals,
    )
    for clip in (voice(), noise(5000), voice(0.4, pitch_hz=330)):
        table = smile.process_signal(clip, 16_000)
        np.testing.assert_array_equal(model.embed([clip])[0], table.to_numpy(np.float32)[0])


def test_pitch_is_the_one_that_is_heard(model, opensmile):
    names = list(
        opensmile.Smile(
            opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals
        ).feature_names
    )
    place = names.index("F0semitoneFrom27.5Hz_sma3nz_amean")
    low, high = model.embed([voice(pitch_hz=220), voice(pitch_hz=440)])[:, place]
    assert low == pytest.approx(36, abs=0.5)  # 220 Hz are three octaves above 27.5 Hz
    assert high == pytest.approx(48, abs=0.5)


def test_row_does_not_depend_on_what_came_before(model):
    clips = [voice(), noise(960), noise(seed=1), voice(0.5, pitch_hz=400)]
    alone = np.concatenate([load_model("egemaps").embed([clip]) for clip in clips])
    np.testing.assert_array_equal(model.embed(clips), alone)
    np.testing.assert_array_equal(model.embed(clips[::-1])[::-1], alone)


def test_no_clip_gives_no_row(model):
    assert model.embed([]).shape == (0, 88)


def test_shortest_clip_is_960_samples(model, opensmile):
    assert model.min_samples == 960
    for seed in range(5):
        assert np.isfinite(model.embed([noise(960, seed=seed)])).all()
    with pytest.raises(ModelError) as caught:
        model.embed([noise(), noise(959)])
    assert str(caught.value) == (
        "959 samples at 16000 Hz are shorter than the longest window of eGeMAPS; "
        "it needs at least 960 (0.060 s)."
    )
    # openSMILE itself makes nothing of it.
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert smile.process_signal(noise(959), 16_000).isna().all(axis=None)


def test_silence_is_described_without_a_word(model):
    assert np.isfinite(model.embed([np.zeros(16_000, np.float32)])).all()


def test_input_is_left_alone(model):
    clip = voice()
    before = clip.copy()
    clip.flags.writeable = False
    model.embed([clip])
    np.testing.assert_array_equal(clip, before)


def test_fingerprint_tells_which_opensmile_computed_it(model, opensmile, monkeypatch):
    assert model.fingerprint["opensmile"] == opensmile.__version__
    assert model.fingerprint["feature_set"] == "eGeMAPSv02"
    assert load_model("egemaps").fingerprint == model.fingerprint
    monkeypatch.setattr(opensmile, "__version__", "99.0")
    assert load_model("egemaps").fingerprint != model.fingerprint


def test_precision_and_device_make_no_difference(model):
    other = load_model("egemaps", device="cuda", precision="float16")
    assert other.fingerprint == model.fingerprint
    np.testing.assert_array_equal(other.embed([voice()]), model.embed([voice()]))


def test_it_has_no_options():
    with pytest.raises(ModelError, match=r"model egemaps: no option 'pool'; it has none\."):
        load_model("egemaps?pool=max")


def test_where_opensmile_is_missing_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opensmile", None)
    with pytest.raises(ModelError) as caught:
        load_model("egemaps")
    assert str(caught.value) == (
        "egemaps needs the package opensmile, which is not installed. Install it: "
        "pip install 'reno-store[egemaps]' (free for research; see its licence)."
    )
    assert not CATALOGUE["egemaps"].is_on_this_machine
    assert load_model("mfcc").dim == 120


def test_it_is_built_into_a_store(opensmile, tmp_path):
    from factories.corpora import make_corpus

    from reno_store.extraction.build import build_store
    from reno_store.samples import open_store

    corpus = make_corpus(tmp_path, 3)
    assert build_store(corpus.manifest, tmp_path / "s", "egemaps").complete
    stored = open_store(tmp_path / "s").load("small", "egemaps")
    waveforms = [read_waveform(corpus.recording(clip_id), 16_000) for clip_id in corpus.clip_ids]
    np.testing.assert_array_equal(stored.X, load_model("egemaps").embed(waveforms))
