"""Each file of a store broken in turn: whoever needs it is told, whoever does not goes on."""

import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from reno_cli.main import main

from reno_store.errors import RenoStoreError, StoreError
from reno_store.exchange.verification import verify_store
from reno_store.samples import open_store
from reno_store.store import StoreReader, StoreWriter, summarize

DATASETS, MODELS = ("one", "two"), ("m", "n")
IDS = [f"c{i}" for i in range(5)]


def table(ids):
    return {
        "clip_id": list(ids),
        "label": ["cry" if i % 2 else "laugh" for i in range(len(ids))],
        "speaker": ["s"] * len(ids),
        "audio_sha256": [f"{i:064x}" for i in range(len(ids))],
    }


def vectors(dataset, model, n):
    seed = [DATASETS.index(dataset), MODELS.index(model)]
    return np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)


def put(path, dataset, model, ids):
    with StoreWriter.open(path) as writer:
        # Each dataset has models of its own: rows are not copied from one to the other.
        fingerprint = {"weights": dataset + model}
        clips = writer.put_clips(dataset, table(ids))
        with clips.writing(model, fingerprint, 3) as target:
            missing = target.missing(clips.rows)
            if len(missing):
                target.put(missing, vectors(dataset, model, len(ids))[missing])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "s"
    for dataset in DATASETS:
        for model in MODELS:
            put(path, dataset, model, IDS)
    return path


def files(path):
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file())


def spoilt(path, name, how):
    file = path / name
    if how == "lost":
        file.unlink()
    elif how == "emptied":
        file.write_bytes(b"")
    elif how == "halved":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    else:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 0x10
        file.write_bytes(bytes(content))


def scope(name):
    """Which datasets and models need a file."""
    parts = name.split("/")
    if len(parts) == 1:
        return DATASETS, MODELS
    if len(parts) > 2 and parts[1] in MODELS:
        return (parts[0],), (parts[1],)
    return (parts[0],), MODELS


SLOW = [pytest.param(how, marks=pytest.mark.slow) for how in ("emptied", "halved", "flipped")]
"""Found like lost and flipped files, but by other lines of zarr's."""


@pytest.mark.parametrize("how", ["lost", *SLOW])
def test_damage_is_told_to_those_it_concerns_and_to_nobody_else(whole, tmp_path, how):
    assert len(files(whole)) == 47
    told = 0
    # The other dataset's files, and the other model's, are the same once more.
    names = [name for name in files(whole) if not name.startswith(("two/", "one/n/"))]
    for number, name in enumerate(names):
        path = tmp_path / f"s{number}"
        shutil.copytree(whole, path)
        spoilt(path, name, how)
        datasets, models = scope(name)
        if len(datasets) == len(DATASETS):
            # The root's own metadata; a flipped bit may leave it what it was.
            if how != "flipped":
                with pytest.raises(StoreError):
                    StoreReader(path)
            continue
        problems = {(row.dataset, row.model) for row in summarize(StoreReader(path)) if row.problem}
        assert all(dataset in datasets for dataset, _ in problems), name
        assert all(model in {*models, ""} for _, model in problems), name
        verify_store(path)
        for act in (reads_rightly_or_says, grows_rightly_or_says):
            for dataset in DATASETS:
                for model in MODELS:
                    concerned = dataset in datasets and model in models
                    told += act(path, dataset, model, concerned, name)
    assert told > 15


def reads_rightly_or_says(path, dataset, model, concerned, name):
    try:
        samples = open_store(path).load(dataset, model)
    except (RenoStoreError, LookupError):
        assert concerned, name
        return 1
    assert samples.clip_ids.tolist() == IDS, name
    assert samples.y.tolist() == table(IDS)["label"], name
    np.testing.assert_array_equal(samples.X, vectors(dataset, model, 5), err_msg=name)
    return 0


def grows_rightly_or_says(path, dataset, model, concerned, name):
    try:
        put(path, dataset, model, [*IDS, "c5"])
    except (RenoStoreError, LookupError):
        assert concerned, name
        return 1
    try:
        samples = open_store(path).load(dataset, model)
    except (RenoStoreError, LookupError):
        assert concerned, name
        return 1
    assert samples.clip_ids.tolist() == [*IDS, "c5"], name
    np.testing.assert_array_equal(samples.X, vectors(dataset, model, 6), err_msg=name)
    return 0


@pytest.mark.parametrize("how", ["lost", *SLOW[:2]])
def test_whatever_is_damaged_can_be_removed_and_built_again(whole, tmp_path, how):
    names = [name for name in files(whole) if name.startswith("one/") and "/n/" not in name]
    for number, name in enumerate(names):
        for what in ("model", "dataset"):
            path = tmp_path / f"s{number}{what}"
            shutil.copytree(whole, path)
            spoilt(path, name, how)
            in_model = name.startswith("one/m/")
            if what == "model" and not in_model:
                continue
            words = ["remove", str(path), "one", "--yes"]
            result = CliRunner().invoke(main, [*words, *(["--model", "m"] * (what == "model"))])
            assert result.exit_code == 0, (name, result.output)
            assert verify_store(path).is_sound, name
            put(path, "one", "m", IDS)
            samples = open_store(path).load("one", "m")
            np.testing.assert_array_equal(samples.X, vectors("one", "m", 5), err_msg=name)
            reads_rightly_or_says(path, "two", "n", False, name)


@pytest.mark.parametrize("name", ["one/zarr.json", "one/label", "one/clip_id"])
def test_a_lost_part_is_told_by_info_and_verify(whole, tmp_path, name):
    path = tmp_path / "s"
    shutil.copytree(whole, path)
    lost = path / name
    shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
    told = [row.dataset for row in summarize(StoreReader(path)) if row.problem]
    assert set(told) == {"one"}
    assert not verify_store(path).is_sound


def test_metadata_that_is_a_folder_is_damage(whole, tmp_path):
    path = tmp_path / "s"
    shutil.copytree(whole, path)
    (path / "one" / "m" / "zarr.json").unlink()
    (path / "one" / "m" / "zarr.json").mkdir()
    assert [row.model for row in summarize(StoreReader(path)) if row.problem] == ["m"]


def test_a_model_that_appears_while_it_is_opened_is_not_damaged(whole, monkeypatch):
    reader, real, n_calls = StoreReader(whole), StoreReader._child, 0

    def not_there_at_first(self, group, name):
        nonlocal n_calls
        n_calls += name == "m"
        return None if name == "m" and n_calls == 1 else real(self, group, name)

    monkeypatch.setattr(StoreReader, "_child", not_there_at_first)
    assert reader.dim("one", "m") == 3
