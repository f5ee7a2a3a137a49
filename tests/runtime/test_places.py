"""What a store needs of a folder, of this machine or in a bucket."""

import http.server
import pickle
import threading
import time
import uuid
from pathlib import Path

import pytest

from reno_store.errors import BucketError, RenoStoreError, StoreError
from reno_store.runtime.places import (
    BucketPlace,
    concurrently,
    has_files,
    open_place,
    remove_tree,
    subfolders,
    tree_bytes,
)


def write(place, content=b"x"):
    if isinstance(place, Path):
        place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


@pytest.fixture(params=["local", "file", "memory", "s3"])
def folder(request, tmp_path):
    match request.param:
        case "local":
            return open_place(tmp_path / "folder", "folder")
        case "file":
            return open_place(f"file://{tmp_path}/folder", "folder")
        case "memory":
            return open_place(f"memory://{uuid.uuid4().hex}/folder", "folder")
        case "s3":
            return open_place(request.getfixturevalue("s3_url") + "/folder", "folder")


def test_what_is_written_is_read_and_replaced(folder):
    write(folder / "a" / "b.bin", b"one")
    assert (folder / "a/b.bin").read_bytes() == b"one"
    write(folder / "a/b.bin", b"other")
    assert (folder / "a" / "b.bin").read_bytes() == b"other"


def test_a_missing_file_raises_and_is_neither_file_nor_folder(folder):
    with pytest.raises(FileNotFoundError):
        (folder / "a").read_bytes()
    assert not (folder / "a").exists()
    assert not folder.is_dir()
    assert subfolders(folder) == ()
    assert not has_files(folder)


def test_files_and_folders_are_told_apart(folder):
    write(folder / "a" / "b")
    assert (folder / "a").is_dir()
    assert not (folder / "a").is_file()
    assert (folder / "a" / "b").is_file()
    assert not (folder / "a" / "b").is_dir()
    assert (folder / "a").exists()
    assert (folder / "a" / "b").exists()
    assert not (folder / "a" / "bb").exists()


def test_what_is_in_a_folder_is_listed_once(folder):
    for name in ("b/1/x", "b/2", "a/1", "file", "ab/1"):
        write(folder / name)
    assert subfolders(folder) == ("a", "ab", "b")
    assert sorted(each.name for each in folder.iterdir()) == ["a", "ab", "b", "file"]
    assert subfolders(folder / "a") == ()
    assert has_files(folder / "b")


def test_a_folder_is_removed_and_its_neighbours_are_not(folder):
    for name in ("a/1", "a/b/2", "ab/1"):
        write(folder / name)
    remove_tree(folder / "a")
    remove_tree(folder / "a")
    # Some servers go on listing a folder that has become empty.
    assert [name for name in subfolders(folder) if has_files(folder / name)] == ["ab"]


def test_a_file_is_deleted(folder):
    write(folder / "a")
    (folder / "a").unlink()
    (folder / "a").unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError):
        (folder / "a").unlink()


def test_the_size_of_a_folder_is_that_of_its_files(folder):
    write(folder / "a" / "1", b"12345")
    write(folder / "a" / "b" / "2", b"123")
    write(folder / "ab", b"1234567")
    assert tree_bytes(folder / "a") == 8


def test_results_come_in_order_also_if_an_early_one_takes_longest(folder):
    def slow_first(number):
        time.sleep(0.05 * (number == 0))
        return number

    assert list(concurrently(slow_first, range(40), folder)) == list(range(40))


def test_a_place_is_the_same_after_pickling(folder):
    again = pickle.loads(pickle.dumps(folder))
    assert again == folder
    assert str(again) == str(folder)


@pytest.mark.parametrize("path", ["..", "a/../../b", "/a"])
def test_no_path_leads_out_of_a_place_in_a_bucket(path):
    with pytest.raises(ValueError, match="not a path below"):
        open_place("memory://m/folder", "folder") / path


@pytest.mark.parametrize(
    "url", ["s3://bucket", "s3://b/../a", "gs://", "https://host/a", "ftp://a/b", "s3://u:p@b/a"]
)
def test_other_urls_raise_an_error_of_the_callers_kind(url):
    with pytest.raises(StoreError):
        open_place(url, "store", StoreError)


def test_a_password_in_a_url_is_not_repeated():
    with pytest.raises(RenoStoreError) as caught:
        open_place("s3://me:secret@bucket/a", "store")
    assert "secret" not in str(caught.value)


def test_a_url_that_a_path_shortened_is_understood():
    assert str(open_place(Path("memory://name/a"), "store")) == "memory://name/a"
    assert open_place(Path("file:///tmp/a"), "store") == Path("/tmp/a")


def test_a_write_is_guarded_and_reading_is_not():
    place = open_place(f"memory://{uuid.uuid4().hex}/a", "place")
    place.write_bytes(b"1")

    def refuse():
        raise BucketError("lost")

    guarded = place.guarded(refuse)
    assert isinstance(guarded, BucketPlace)
    assert guarded.read_bytes() == b"1"
    for write_again in (lambda: guarded.write_bytes(b"2"), guarded.unlink):
        with pytest.raises(BucketError, match="lost"):
            write_again()
    assert place.read_bytes() == b"1"


def test_only_one_writer_creates_or_replaces(s3_url):
    for url in (s3_url + "/a", f"memory://{uuid.uuid4().hex}/a"):
        place = open_place(url, "place")
        bucket, key = place.bucket, place.key
        first = bucket.put_new(key, b"1")
        assert first is not None
        assert bucket.put_new(key, b"2") is None
        second = bucket.put_over(key, b"3", first)
        assert second is not None
        assert bucket.put_over(key, b"4", first) is None
        assert bucket.get_tagged(key) == (b"3", second)
        assert bucket.get(key, 0, 1) == b"3"


def test_wrong_credentials_name_the_url_and_no_secret(s3_server, s3_url):
    secret = "not-the-right-one"
    with s3_server.in_environment(AWS_SECRET_ACCESS_KEY=secret):
        place = open_place(s3_url + "/a", "store")
        with pytest.raises(BucketError) as caught:
            place.read_bytes()
        with pytest.raises(BucketError):
            place.write_bytes(b"1")
    message = str(caught.value)
    assert s3_url in message
    assert "AWS_SECRET_ACCESS_KEY" in message
    assert secret not in message
    assert "tester" not in message


def test_a_missing_bucket_is_no_missing_file(s3_server):
    place = open_place("s3://there-is-none/a", "store")
    with pytest.raises(BucketError, match="no such bucket"):
        place.read_bytes()
    with pytest.raises(BucketError, match="no such bucket"):
        place.is_dir()


def test_a_server_that_never_answered_is_not_waited_for_long(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setattr("reno_store.runtime.places.bucket._FIRST_PATIENCE_S", 0.3)
    begun = time.monotonic()
    with pytest.raises(BucketError, match="cannot be reached"):
        open_place("s3://bucket/a", "store").read_bytes()
    assert time.monotonic() - begun < 20


class SlowServer(http.server.BaseHTTPRequestHandler):
    """Answers with ten bytes, one every 0.25 s; the key ``stuck`` with one."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "10")
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        for number in range(10):
            self.wfile.write(b"%d" % number)
            self.wfile.flush()
            time.sleep(60 if self.path.endswith("stuck") else 0.25)

    def log_message(self, *arguments):
        pass


def test_a_large_recording_may_take_long_if_something_arrives(monkeypatch):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowServer) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
        module = "reno_store.runtime.places.bucket"
        monkeypatch.setattr("reno_store.runtime.places.connecting.LONGEST_REQUEST_S", 2.0)
        monkeypatch.setattr(f"{module}.PATIENCE_S", 0.0)
        assert open_place("s3://bucket/slow", "recording").read_bytes() == b"0123456789"
        begun = time.monotonic()
        with pytest.raises(BucketError, match="cannot be reached"):
            open_place("s3://bucket/stuck", "recording").read_bytes()
        assert time.monotonic() - begun < 30
        server.shutdown()
