"""Recordings in rows of tables: read in place, like files, from any thread, in bounded memory."""

import hashlib
import os
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from factories.recordings import write_wav
from factories.tables import audio_struct, write_arrow, write_parquet

from reno_store.corpora import Clip, Confinement, embedded, read_manifest, write_manifest
from reno_store.corpora.audio import hash_file, opened, read_duration_s, read_waveform
from reno_store.corpora.embedded import EmbeddedPlace, read_embedded
from reno_store.errors import AudioError, BucketError, ManifestError, RenoStoreError
from reno_store.runtime.places import Bucket, open_place

RATE_HZ = 16_000


@pytest.fixture
def contents(tmp_path):
    """Ten wav files of different lengths, as bytes."""
    files = [write_wav(tmp_path / f"{n}.wav", 0.05 * (n + 1), seed=n) for n in range(10)]
    return [path.read_bytes() for path in files]


@pytest.fixture(params=["parquet", "stream.arrow", "file.arrow", "binary.parquet"])
def table(request, contents, tmp_path):
    plain = request.param == "binary.parquet"
    columns = {
        "my audio": contents if plain else [audio_struct(content) for content in contents],
        "label": list(range(10)),
    }
    path = tmp_path / f"table.{request.param}"
    if path.suffix == ".parquet":
        return write_parquet(path, columns, row_group_size=3)
    return write_arrow(path, columns, stream=request.param == "stream.arrow")


def place(path, row, column="my audio"):
    return str(EmbeddedPlace(str(path), row, column))


def test_row_is_read_like_the_file_that_it_holds(table, tmp_path):
    for row in (0, 9, 2, 3):
        named, file = place(table, row), tmp_path / f"{row}.wav"
        assert np.array_equal(read_waveform(named, 8_000), read_waveform(file, 8_000))
        assert read_duration_s(named) == read_duration_s(file) == pytest.approx(0.05 * (row + 1))
        assert hash_file(named) == hash_file(file)
        with opened(named) as sound:
            assert (sound.samplerate, sound.frames) == (RATE_HZ, 800 * (row + 1))


@pytest.fixture(params=["memory", "s3"])
def bucket(request):
    if request.param == "s3":
        return request.getfixturevalue("s3_url")
    return f"memory://{uuid.uuid4().hex}"


def test_parquet_in_a_bucket_is_read_in_parts(contents, tmp_path, bucket, monkeypatch):
    columns = {"audio": [audio_struct(content) for content in contents], "n": list(range(10))}
    path = write_parquet(tmp_path / "table.parquet", columns, row_group_size=3)
    there = open_place(bucket, "folder") / "data/table.parquet"
    there.write_bytes(path.read_bytes())
    read, get = [], Bucket.get

    def counted(self, key, start=None, stop=None):
        read.append(stop - start)
        return get(self, key, start, stop)

    monkeypatch.setattr(Bucket, "get", counted)
    for row in (0, 2):
        named, file = place(there, row, "audio"), tmp_path / f"{row}.wav"
        assert hash_file(named) == hash_file(file)
        assert np.array_equal(read_waveform(named, 8_000), read_waveform(file, 8_000))
    assert 0 < sum(read) < path.stat().st_size
    with pytest.raises(AudioError, match="only 10 rows"):
        hash_file(place(there, 10, "audio"))
    with pytest.raises(AudioError, match="no such file"):
        hash_file(place(there.with_name("none.parquet"), 0, "audio"))
    monkeypatch.setattr(embedded, "_KNOWN_S", 0.0)
    columns["audio"].reverse()
    there.write_bytes(write_parquet(path, columns, row_group_size=3).read_bytes())
    assert hash_file(place(there, 0, "audio")) == hash_file(tmp_path / "9.wav")
    with pytest.raises(AudioError, match="Arrow files in a bucket"):
        hash_file(place(there.with_name("x.arrow"), 0, "audio"))


def test_an_outage_while_parquet_is_read_is_no_bad_recording(contents, tmp_path, monkeypatch):
    path = write_parquet(tmp_path / "t.parquet", {"audio": [audio_struct(contents[0])]})
    there = open_place(f"memory://{uuid.uuid4().hex}/t.parquet", "recording")
    there.write_bytes(path.read_bytes())

    def fail(*arguments):
        raise BucketError("the server cannot be reached")

    monkeypatch.setattr(Bucket, "get", fail)
    with pytest.raises(BucketError):
        hash_file(place(there, 0, "audio"))


def test_truncated_recording_in_a_row_is_refused_like_a_file(contents, tmp_path):
    whole = contents[5]
    path = write_parquet(tmp_path / "cut.parquet", {"audio": [audio_struct(whole[:-500])]})
    with pytest.raises(AudioError, match="truncated"):
        read_waveform(place(path, 0, "audio"), RATE_HZ)


@pytest.mark.parametrize(
    ("row", "column", "told"),
    [
        (10, "my audio", "only 10 rows"),
        (10**20, "my audio", "only 10 rows"),
        (0, "audio", "Columns: my audio, label"),
        (0, "label", "expected the bytes of an audio file, got int"),
    ],
)
def test_row_that_is_not_audio_says_what_there_is(table, row, column, told):
    with pytest.raises(AudioError, match=told):
        hash_file(place(table, row, column))


def test_damaged_and_missing_tables_are_audio_errors(tmp_path):
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 is not enough")
    (tmp_path / "bad.arrow").write_bytes(b"neither")
    for name in ("bad.parquet", "bad.arrow", "none.parquet"):
        with pytest.raises(AudioError, match=name):
            read_waveform(place(tmp_path / name, 0, "audio"), RATE_HZ)
        assert np.isnan(read_duration_s(place(tmp_path / name, 0, "audio")))


def test_null_row_has_no_audio(contents, tmp_path):
    rows = [audio_struct(contents[0]), audio_struct(None), None]
    path = write_parquet(tmp_path / "gaps.parquet", {"audio": rows})
    for row in (1, 2):
        with pytest.raises(AudioError, match="got nothing"):
            hash_file(place(path, row, "audio"))


def test_threads_read_a_row_group_once_in_order(contents, tmp_path, monkeypatch):
    from pyarrow import parquet

    path = write_parquet(
        tmp_path / "t.parquet", {"a": [audio_struct(each) for each in contents]}, row_group_size=5
    )
    read = []
    original = parquet.ParquetFile.read_row_group
    monkeypatch.setattr(
        parquet.ParquetFile,
        "read_row_group",
        lambda self, group, **words: read.append(group) or original(self, group, **words),
    )
    with ThreadPoolExecutor(8) as pool:
        hashes = list(pool.map(lambda row: hash_file(place(path, row, "a")), range(10)))
    assert hashes == [hashlib.sha256(each).hexdigest() for each in contents]
    assert sorted(read) == [0, 1]


def test_kept_row_groups_are_bounded(contents, tmp_path, monkeypatch):
    bound = 4 * len(contents[-1])
    monkeypatch.setattr(embedded, "_row_groups", embedded._Kept(bound))
    rows = [audio_struct(contents[-1])] * 12
    path = write_parquet(tmp_path / "t.parquet", {"a": rows}, row_group_size=1)
    for row in (*range(12), 0):
        assert read_embedded(EmbeddedPlace(str(path), row, "a")) == contents[-1]
        assert 0 < embedded._row_groups.size <= bound
    monkeypatch.setattr(embedded, "_row_groups", embedded._Kept(1))
    assert read_embedded(EmbeddedPlace(str(path), 3, "a")) == contents[-1]  # larger than allowed


def test_different_row_groups_are_read_side_by_side_within_the_bound():
    kept = embedded._Kept(2)
    together = threading.Barrier(2, timeout=10)
    sizes = []

    def make():
        together.wait()  # two are being made, or this breaks
        sizes.append(kept.size)
        return "value"

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda key: kept.get(key, 1, make), range(4))) == ["value"] * 4
    assert max(sizes) <= 2


def test_row_group_that_fails_is_tried_again():
    kept = embedded._Kept(2)
    with pytest.raises(OSError, match="disk"):
        kept.get("a", 3, lambda: (_ for _ in ()).throw(OSError("disk")))
    assert kept.get("a", 3, lambda: "value") == "value"
    assert kept.get("a", 3, lambda: "another") == "value"
    assert kept.get("b", 1, lambda: "b") == "b"
    assert kept.size == 1  # the larger one made room


def test_rewritten_table_is_read_again(contents, tmp_path):
    path = tmp_path / "t.parquet"
    for number, content in enumerate(contents[:2]):
        write_parquet(path, {"a": [audio_struct(content)]})
        os.utime(path, ns=(number, number))
        assert hash_file(place(path, 0, "a")) == hashlib.sha256(content).hexdigest()


def test_place_survives_its_text():
    for column in ("audio", "my audio", "a&row=3", "a/b", "100 %", "Lärm#1"):
        where = EmbeddedPlace("data/x#1.parquet", 3, column)
        assert EmbeddedPlace.parse(str(where)) == where
        assert str(where).rpartition("/")[0] == "data"


@pytest.mark.parametrize("name", ["a.wav", "a.parquet", "a.parquet#row=x&column=a", "a#row=1&b"])
def test_other_paths_name_files(name):
    assert EmbeddedPlace.parse(name) is None


def test_tables_cannot_lead_out_of_the_folder(contents, tmp_path):
    folder = tmp_path / "inside"
    folder.mkdir()
    outside = write_parquet(tmp_path / "t.parquet", {"a": [audio_struct(contents[0])]})
    (folder / "link.parquet").symlink_to(outside)
    for path in ("../t.parquet", str(outside), "link.parquet", "x/../../t.parquet"):
        clips = [Clip("c", place(path, 0, "a"), "joy")]
        with pytest.raises(ManifestError):
            read_manifest(write_manifest(folder / "m.csv", clips))
    assert Confinement(folder).problem(place("t.parquet", 0, "a")) is None


def test_missing_pyarrow_names_the_extra(table, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(RenoStoreError, match=r"pip install 'reno-store\[datasets\]'"):
        hash_file(place(table, 0))
