"""Embeddings stored rounded: in half the space, within a bound that the store itself tells."""

import numpy as np
import pytest
import zarr
from click.testing import CliRunner
from factories.corpora import make_corpus
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from reno_cli.main import main

from reno_store.errors import StaleStoreError, StoreError, UnknownNameError
from reno_store.exchange.verification import verify_store
from reno_store.extraction.build import build_store
from reno_store.foundation_models.spectral import MfccStatistics
from reno_store.samples import open_store
from reno_store.store import StoreReader, StoreWriter, fingerprint_as_stored, storage_of


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus"))


def test_rounded_embeddings_keep_to_the_bounds_that_are_stored_beside_them(corpus, tmp_path):
    for name in ("float32", "float16"):
        build_store(corpus.manifest, tmp_path / name, "mfcc", storage=name)
    exact, rounded = (
        open_store(tmp_path / name).load("small", "mfcc").X for name in ("float32", "float16")
    )
    group = zarr.open_group(tmp_path / "float16", mode="r")["small/mfcc"]
    bounds = dict(group["embedding"].attrs)
    assert group["embedding"].dtype == np.float16
    assert group.attrs["fingerprint"]["storage"] == bounds
    assert rounded.dtype == np.float32
    error = np.abs(exact - rounded)
    allowed = np.maximum(bounds["max_relative_error"] * np.abs(exact), bounds["max_absolute_error"])
    assert (error <= allowed).all()
    assert error.max() > 0
    sizes = [
        StoreReader(tmp_path / name).n_bytes("small", "mfcc") for name in ("float32", "float16")
    ]
    assert sizes[1] < 0.52 * sizes[0]
    assert verify_store(tmp_path / "float16").is_sound


@given(arrays(np.float32, 20, elements=st.floats(-65504, 65504, width=32)))
def test_the_bounds_hold_for_every_number_that_can_be_stored(numbers):
    bounds = storage_of(fingerprint_as_stored({}, "float16")).error_bounds
    error = np.abs(numbers.astype(np.float16).astype(np.float64) - numbers)
    relative = bounds["max_relative_error"] * np.abs(numbers.astype(np.float64))
    assert (error <= np.maximum(relative, bounds["max_absolute_error"])).all()


def test_exact_storage_leaves_the_fingerprint_as_it_is():
    assert fingerprint_as_stored({"weights": "x"}, "float32") == {"weights": "x"}


def test_the_two_are_never_mixed(corpus, tmp_path):
    build_store(corpus.manifest, tmp_path / "s", "mfcc")
    with pytest.raises(StaleStoreError, match=r"storage\.stored_as: stored nothing, now float16"):
        build_store(corpus.manifest, tmp_path / "s", "mfcc", storage="float16")
    report = build_store(
        corpus.manifest, tmp_path / "s", "mfcc", storage="float16", refresh="model"
    )
    assert report.models[0].n_new == 6
    assert zarr.open_group(tmp_path / "s", mode="r")["small/mfcc/embedding"].dtype == np.float16


def test_exact_embeddings_are_not_copied_for_rounded_ones(corpus, tmp_path):
    build_store(corpus.manifest, tmp_path / "s", "mfcc")
    report = build_store(
        corpus.manifest, tmp_path / "s", "mfcc", dataset="again", storage="float16"
    )
    assert report.models[0].n_copied == 0
    report = build_store(
        corpus.manifest, tmp_path / "s", "mfcc", dataset="third", storage="float16"
    )
    assert report.models[0].n_copied == 6


def test_a_number_that_is_too_large_fails_its_clip_by_name(corpus, tmp_path, monkeypatch):
    embed = MfccStatistics.embed

    def embed_large(self, waveforms):
        embeddings = embed(self, waveforms)
        embeddings[[len(w) == len(largest) for w in waveforms], 3] = -70_000
        return embeddings

    from reno_store.corpora.audio import read_waveform

    largest = read_waveform(corpus.recording("clip5"), 16_000)
    monkeypatch.setattr(MfccStatistics, "embed", embed_large)
    report = build_store(corpus.manifest, tmp_path / "s", "mfcc", storage="float16")
    (failure,) = report.models[0].failures
    assert failure.clip_id == "clip5"
    assert "70000, more than the maximum of float16" in failure.reason
    assert StoreReader(tmp_path / "s").done("small", "mfcc").sum() == 5
    assert build_store(corpus.manifest, tmp_path / "t", "mfcc").complete


def test_the_writer_itself_takes_no_number_that_would_become_infinite(corpus, tmp_path):
    build_store(corpus.manifest, tmp_path / "s", "mfcc", storage="float16")
    with (
        StoreWriter.open(tmp_path / "s") as writer,
        writer.model("small", "mfcc") as target,
        pytest.raises(ValueError, match="beyond 65504"),
    ):
        target.put(np.array([0]), np.full((1, 120), 7e4, np.float32))
    assert np.isfinite(open_store(tmp_path / "s").load("small", "mfcc").X).all()


def test_an_unknown_precision_is_refused_before_anything_is_made(corpus, tmp_path):
    with pytest.raises(UnknownNameError, match="'float1'; did you mean 'float16'"):
        build_store(corpus.manifest, tmp_path / "s", "mfcc", storage="float1")
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("part", [{"stored_as": "int4"}, {"stored_as": []}, "float16", None, {}])
def test_a_fingerprint_that_names_no_known_precision(part):
    with pytest.raises(StoreError, match="float32, float16"):
        storage_of({"storage": part})


def test_info_tells_precision_and_size(corpus, tmp_path):
    build_store(corpus.manifest, tmp_path / "s", "mfcc", storage="float16")
    shown = CliRunner().invoke(main, ["info", str(tmp_path / "s")]).output
    assert "120 dimensions, " in shown
    assert " kB, float32 stored as float16, fingerprint " in shown
