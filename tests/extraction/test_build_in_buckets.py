"""From recordings in a bucket to scores: the whole way with URLs."""

import json
import uuid
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from factories.corpora import make_corpus
from factories.recordings import write_manifest_csv
from factories.stores import assert_stores_equal
from reno_cli.main import main

from reno_store import EmbeddingLookup, open_store
from reno_store.corpora import read_manifest
from reno_store.corpora.audio import hash_file, read_duration_s, read_waveform
from reno_store.errors import AudioError, BucketError, ManifestError, RenoStoreError
from reno_store.exchange.verification import verify_store
from reno_store.extraction import embed_files, embed_windows
from reno_store.extraction.build import build_store
from reno_store.recognition.finding import find_recordings
from reno_store.runtime.places import BucketPlace, open_place
from reno_store.samples.recordings import as_recordings


@pytest.fixture
def bucket(request):
    """The URL of an empty folder, in memory unless the test asks for the S3 server."""
    if getattr(request, "param", "memory") == "s3":
        return request.getfixturevalue("s3_url")
    return f"memory://{uuid.uuid4().hex}"


@pytest.fixture
def corpus(bucket, tmp_path):
    """Recordings on disk and, byte by byte, in the bucket; a manifest of them without any."""
    corpus = make_corpus(tmp_path / "corpus", 12)
    for path in (corpus.folder / "audio").iterdir():
        (open_place(bucket, "folder") / f"corpus/audio/{path.name}").write_bytes(path.read_bytes())
    manifest = tmp_path / "elsewhere" / "small.csv"
    manifest.parent.mkdir()
    manifest.write_bytes(corpus.manifest.read_bytes())
    return replace(corpus, manifest=manifest)


@pytest.mark.parametrize("bucket", ["memory", "s3"], indirect=True)
def test_a_build_from_and_into_a_bucket_equals_one_on_a_disk(bucket, corpus, tmp_path):
    there, here = f"{bucket}/corpus", corpus.folder
    first = build_store(corpus.manifest, f"{bucket}/a.zarr", "mfcc", audio_folder=there)
    assert first.complete
    build_store(corpus.manifest, tmp_path / "a.zarr", "mfcc", audio_folder=here)
    assert_stores_equal(tmp_path / "a.zarr", f"{bucket}/a.zarr")
    again = build_store(corpus.manifest, f"{bucket}/a.zarr", "mfcc", audio_folder=there)
    assert again.models[0].n_new == 0
    assert verify_store(f"{bucket}/a.zarr", audio_folder=there).n_recordings == 12
    lookup = EmbeddingLookup(f"{bucket}/a.zarr", "small", models=("mfcc",))
    found = lookup.fit_transform(corpus.clip_ids[3:5])
    expected = open_store(tmp_path / "a.zarr").load("small", "mfcc").X[3:5]
    np.testing.assert_array_equal(found, expected)


def test_windows_of_a_recording_in_a_bucket_are_those_of_a_file(corpus, bucket, tmp_path):
    windows = {"window_s": 0.25, "hop_s": 0.125}
    build_store(
        corpus.manifest, f"{bucket}/a.zarr", "mfcc", audio_folder=f"{bucket}/corpus", **windows
    )
    build_store(corpus.manifest, tmp_path / "a.zarr", "mfcc", audio_folder=corpus.folder, **windows)
    assert_stores_equal(tmp_path / "a.zarr", f"{bucket}/a.zarr")


def test_a_recording_that_changed_or_is_gone_is_noticed(corpus, bucket):
    there = open_place(f"{bucket}/corpus", "folder")
    build_store(corpus.manifest, f"{bucket}/a.zarr", "mfcc", audio_folder=str(there))
    (there / "audio/clip0.wav").write_bytes((there / "audio/clip1.wav").read_bytes())
    (there / "audio/clip2.wav").unlink()
    found = verify_store(f"{bucket}/a.zarr", audio_folder=str(there))
    assert [each.problem.split("'")[1] for each in found.findings] == ["clip0", "clip2"]


def test_a_recording_in_a_bucket_is_read_as_the_same_file(corpus, bucket):
    path = corpus.recording("clip3")
    there = open_place(f"{bucket}/corpus", "folder") / "audio/clip3.wav"
    np.testing.assert_array_equal(read_waveform(there, 16_000), read_waveform(path, 16_000))
    assert hash_file(there) == hash_file(path)
    assert read_duration_s(there) == read_duration_s(path)
    missing = there.with_name("none.wav")
    for read in (hash_file, lambda place: read_waveform(place, 16_000)):
        with pytest.raises(AudioError, match="no such file"):
            read(missing)
    assert np.isnan(read_duration_s(missing))


@pytest.mark.parametrize(
    "path", ["../a.wav", "/a.wav", "a/../../b.wav", "C:/a.wav", "a\\b.wav", ""]
)
def test_no_path_of_a_manifest_leaves_a_folder_in_a_bucket(tmp_path, path):
    folder = open_place(f"memory://{uuid.uuid4().hex}/corpus", "folder")
    (folder / "a.wav").write_bytes(b"x")
    manifest = write_manifest_csv(tmp_path / "m.csv", [("a", path, "cry", "")])
    with pytest.raises(ManifestError, match="path"):
        read_manifest(manifest, audio_folder=str(folder))


def test_a_missing_audio_folder_and_a_row_of_a_table_in_a_bucket_are_named(tmp_path):
    manifest = write_manifest_csv(
        tmp_path / "m.csv", [("a", "t.parquet#row=0&column=x", "cry", "")]
    )
    url = f"memory://{uuid.uuid4().hex}/corpus"
    with pytest.raises(ManifestError, match="does not exist"):
        read_manifest(manifest, audio_folder=url)
    place = open_place(url, "folder") / "t.parquet#row=0&column=x"
    (open_place(url, "folder") / "t.parquet").write_bytes(b"x")
    with pytest.raises(AudioError, match="cannot be read"):
        hash_file(place)


def test_a_build_stops_when_recordings_cannot_be_fetched_any_more(bucket, corpus, monkeypatch):
    read_bytes, n_read = BucketPlace.read_bytes, 0

    def fail_after_hashing(place):
        nonlocal n_read
        if place.suffix == ".wav":
            n_read += 1
            if n_read > 12:
                raise BucketError(f"{place}: the server cannot be reached.")
        return read_bytes(place)

    with monkeypatch.context() as patch:
        patch.setattr(BucketPlace, "read_bytes", fail_after_hashing)
        with pytest.raises(BucketError, match="cannot be reached"):
            build_store(
                corpus.manifest, f"{bucket}/a.zarr", "mfcc", audio_folder=f"{bucket}/corpus"
            )
    report = build_store(
        corpus.manifest, f"{bucket}/a.zarr", "mfcc", audio_folder=f"{bucket}/corpus"
    )
    assert report.complete


def test_recordings_to_recognize_may_be_in_a_bucket(corpus, bucket):
    """Named, below a folder, or in a manifest; and they are embedded as files are."""
    audio = f"{bucket}/corpus/audio"
    (open_place(audio, "folder") / ".hidden/x.wav").write_bytes(b"x")
    (open_place(audio, "folder") / "notes.txt").write_bytes(b"x")
    named = find_recordings([f"{audio}/clip0.wav", f"{audio}/none.wav"])
    assert [str(each.path) for each in named] == [f"{audio}/clip0.wav", f"{audio}/none.wav"]
    below = find_recordings([audio])
    assert {str(each.path) for each in below} == {f"{audio}/clip{n}.wav" for n in range(12)}
    listed = find_recordings([corpus.manifest], audio_folder=f"{bucket}/corpus")
    assert {each.path for each in listed} == {each.path for each in below}
    assert tuple(each.clip_id for each in listed) == corpus.clip_ids
    with pytest.raises(RenoStoreError, match="is a URL; only local"):
        find_recordings([f"{bucket}/small.csv"])
    (place,) = as_recordings(f"{audio}/clip0.wav")
    assert place == below[0].path
    here = embed_files(corpus.recording("clip0"), "mfcc")
    np.testing.assert_array_equal(embed_files(str(place), "mfcc"), here)
    windows = [
        embed_windows(path, "mfcc", 0.1).embeddings
        for path in (corpus.recording("clip0"), str(place))
    ]
    np.testing.assert_array_equal(*windows)


@pytest.mark.parametrize("bucket", ["s3"], indirect=True)
def test_every_command_takes_a_url(bucket, corpus, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store, local = f"{bucket}/a.zarr", tmp_path / "a.zarr"

    def run(*words, code=0):
        done = CliRunner().invoke(main, [str(word) for word in words])
        assert done.exit_code == code, done.output + str(done.exception)
        return done

    def scores(path):
        words = ("--model", "mfcc", "--estimator", "logreg", "--folds", 2, "--jobs", 1, "--json")
        done = run("evaluate", path, "small", *words)
        return json.loads(done.stdout), done.stderr

    audio = ("--audio-folder", f"{bucket}/corpus")
    built = run("build", corpus.manifest, "--store", store, *audio, "--model", "mfcc")
    assert built.output.startswith(f"{store}: small")
    assert "12 done" in run("info", store).output
    assert run("verify", store, "--audio", audio[1]).output.startswith(f"{store}: 12 embeddings")
    run("export", store, "small", "--model", "mfcc", "--output", "x.npz")
    run(
        "import",
        "x.npz",
        "--store",
        store,
        "--dataset",
        "small",
        "--model",
        "again",
        "--provenance",
        "a copy",
    )
    run("merge", store, "--store", local)
    assert_stores_equal(local, store)
    there, told = scores(store)
    assert "results are kept in" in told
    assert (tmp_path / "a.results").is_dir()
    (tmp_path / "a.results").rename(tmp_path / "others")
    here, _ = scores(local)
    assert there["repeats"] == here["repeats"]
    assert there["repeats"][0]["n_scores"] == 2
    run("remove", store, "small", "--model", "again", "--yes")
    assert open_store(store).models("small") == ("mfcc",)


def test_what_must_be_local_says_so(bucket, corpus):
    store = f"{bucket}/a.zarr"
    build_store(corpus.manifest, store, "mfcc", audio_folder=f"{bucket}/corpus")
    for words in (
        ("export", store, "small", "--model", "mfcc", "--output", f"{bucket}/x.npz"),
        (
            "evaluate",
            store,
            "small",
            "--model",
            "mfcc",
            "--estimator",
            "logreg",
            "--results",
            bucket,
        ),
    ):
        done = CliRunner().invoke(main, words)
        assert done.exit_code != 0
        assert "is a URL; only local" in done.output


def test_without_the_extra_a_url_names_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "obstore", None)
    with pytest.raises(RenoStoreError, match=r"reno-store\[cloud\]"):
        open_store(f"s3://{uuid.uuid4().hex}/a.zarr")
