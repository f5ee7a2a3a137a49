"""A store from somebody else: metadata that lies gives an error, never a crash or terabytes."""

import itertools
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from reno_store.errors import RenoStoreError
from reno_store.samples import open_store
from reno_store.store import StoreWriter

_TABLE = {name: ["a", "b", "c"] for name in ("clip_id", "label", "speaker", "audio_sha256", "path")}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "s"
    with StoreWriter.open(path) as writer:
        clips = writer.put_clips("d", _TABLE)
        with clips.writing("m", {"weights": "none"}, 4) as target:
            target.put(clips.rows, np.ones((3, 4), np.float32))
    return path


@pytest.fixture
def store(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "s")


def edit(path, change):
    metadata = json.loads(path.read_text())
    change(metadata)
    path.write_text(json.dumps(metadata))


def huge_shape(metadata):
    metadata["shape"][0] = 10**15


def huge_chunks(metadata):
    metadata["chunk_grid"]["configuration"]["chunk_shape"][0] = 10**12


def huge_rows(metadata):
    metadata["shape"][-1] = 10**12
    metadata["chunk_grid"]["configuration"]["chunk_shape"][-1] = 10**12


def negative_shape(metadata):
    metadata["shape"][0] = -3


def unknown_codec(metadata):
    metadata["codecs"].append({"name": "run_this", "configuration": {"code": "1 / 0"}})


def no_codecs(metadata):
    metadata["codecs"] = []


def pickle_codec(metadata):
    metadata["codecs"] = [{"name": "numcodecs.pickle", "configuration": {}}]


def other_dtype(metadata):
    metadata["data_type"] = "complex128"


def unknown_dtype(metadata):
    metadata["data_type"] = "r99999999"


def other_grid(metadata):
    metadata["chunk_grid"] = {"name": "spiral", "configuration": {}}


CHANGES = [
    huge_shape,
    huge_chunks,
    huge_rows,
    negative_shape,
    unknown_codec,
    no_codecs,
    pickle_codec,
    other_dtype,
    unknown_dtype,
    other_grid,
]

ARRAYS = ("m/embedding", "m/done", "clip_id")

_USE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]), int(sys.argv[1])))
from reno_store.errors import RenoStoreError
from reno_store.samples import open_store
from reno_store.exchange.verification import verify_store
for store in sys.argv[2:]:
    for use in (
        lambda: open_store(store).load("d", "m"),
        lambda: open_store(store).summary(),
        lambda: verify_store(store),
    ):
        try:
            print(use())
        except RenoStoreError as error:
            print("refused:", str(error)[:300])
    print("end of", store, flush=True)
"""


@pytest.fixture(scope="module")
def said(sound, tmp_path_factory):
    """What is said of each store that lies, to somebody who may not have much memory.

    One process loads, summarizes and verifies them in turn, for to start one takes seconds. What
    it says of the first that it does not survive, and of those after, is why it ended.
    """
    folder = tmp_path_factory.mktemp("lies")
    stores = {}
    for number, (array, change) in enumerate(itertools.product(ARRAYS, CHANGES)):
        if change is huge_rows and array != "m/embedding":
            continue
        stores[array, change] = shutil.copytree(sound, folder / f"s{number}")
        edit(stores[array, change] / "d" / array / "zarr.json", change)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _USE, str(4 << 30), *map(str, stores.values())],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    rest, told = done.stdout, {}
    for lie, store in stores.items():
        told[lie], end, rest = rest.partition(f"end of {store}\n")
        if not end or (done.returncode and lie == list(stores)[-1]):
            told[lie] = f"ended with {done.returncode}: {done.stderr[-2000:]}"
    return told


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("array", ARRAYS)
def test_metadata_of_an_array_that_lies_is_an_error(said, array, change):
    if change is huge_rows and array != "m/embedding":
        pytest.skip("has no second axis")
    first = said[array, change].splitlines()[0]
    if change is huge_shape:  # rows beyond the clip table are nobody's
        assert first.startswith(("refused:", "Samples(")), said[array, change]
    else:
        assert first.startswith("refused:"), said[array, change]


@pytest.mark.parametrize("n_clips", [10**12, -1, 2.5, "3", None, True, [3]])
def test_a_count_of_clips_that_cannot_be_is_an_error(store, n_clips):
    edit(store / "d" / "zarr.json", lambda group: group["attributes"].update(n_clips=n_clips))
    with pytest.raises(RenoStoreError):
        open_store(store).load("d", "m")


@pytest.mark.parametrize("where", ["", "d", "d/m", "d/m/embedding", "d/clip_id"])
@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", "[" * 100_000, '{"a":' * 50_000, '{"zarr_format": 9}']
)
def test_a_zarr_json_that_is_none_is_an_error(store, where, content):
    (store / where / "zarr.json").write_text(content)
    with pytest.raises(RenoStoreError):
        open_store(store).load("d", "m")


def test_names_that_lead_out_of_the_store_are_no_datasets(store):
    from reno_store.errors import UnknownNameError

    for name in ("..", "../s/d", "/", "d/m", "d/../d", ""):
        with pytest.raises(UnknownNameError):
            open_store(store).load(name, "m")
    for name in ("..", "../m", "m/embedding", "", "clip_id"):
        with pytest.raises(UnknownNameError):
            open_store(store).load("d", name)


def test_a_fingerprint_is_data_and_nothing_else(store):
    text = "__import__('os').mkdir('it ran')"
    edit(store / "d/m/zarr.json", lambda m: m["attributes"].update(fingerprint={"weights": text}))
    assert open_store(store).load("d", "m").X.shape == (3, 4)
    assert not (store / "it ran").exists()


@pytest.mark.parametrize("what", ["dataset", "model", "done", "column"])
def test_removing_follows_no_link_out_of_a_store(tmp_path, what):
    store, elsewhere = tmp_path / "s", tmp_path / "elsewhere"
    with StoreWriter.open(store) as writer:
        table = {"clip_id": ["a"], "label": ["cry"], "speaker": [""], "audio_sha256": ["x"]}
        clips = writer.put_clips("d", table)
        with clips.writing("m", {"weights": "w"}, 2) as target:
            target.put(clips.rows, np.ones((1, 2), np.float32))
    place = {"dataset": "d", "model": "d/m", "done": "d/m/done", "column": "d/label"}[what]
    (store / place).rename(elsewhere)
    (store / place).symlink_to(elsewhere)
    before = sorted(path for path in elsewhere.rglob("*"))
    with StoreWriter.open(store) as writer:
        if what in {"model", "done"}:
            writer.remove_model("d", "m")
        else:
            writer.remove_dataset("d")
    assert sorted(path for path in elsewhere.rglob("*")) == before
    assert not (store / place).exists()
    assert not (store / place).is_symlink()
