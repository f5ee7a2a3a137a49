"""Datasets on a hub of our own: only what is needed is downloaded, and only once."""

import pytest
from factories.hub_server import serve_hub, use_hub
from factories.recordings import write_wav
from factories.tables import audio_struct, write_parquet

from reno_store.corpora import read_manifest
from reno_store.corpora.audio import hash_file
from reno_store.corpora.sources.hf_datasets import manifest_from_hf_dataset
from reno_store.errors import ManifestError, UnknownNameError

ID = "owner/laughs"


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def hub(cache, monkeypatch):
    with serve_hub() as hub:
        use_hub(monkeypatch, hub.url, cache)
        yield hub


@pytest.fixture
def parquet(tmp_path):
    """A function that returns a parquet file of one recording, as bytes."""

    def make(label):
        sound = write_wav(tmp_path / f"{label}.wav", 0.1).read_bytes()
        columns = {"audio": [audio_struct(sound, f"{label}.wav")], "label": [label]}
        return write_parquet(tmp_path / f"{label}.parquet", columns).read_bytes()

    return make


@pytest.fixture
def files(parquet):
    return {
        "README.md": b"# Laughs",
        "load.py": b"raise SystemExit('a dataset must not run code')",
        "data/train-00000-of-00001.parquet": parquet("joy"),
        "data/test-00000-of-00001.parquet": parquet("fear"),
    }


def test_parquet_files_are_downloaded_into_the_cache_and_read_there(hub, cache, files, tmp_path):
    commit = hub.push_dataset(ID, files)
    made = manifest_from_hf_dataset(ID, tmp_path / "m.csv")
    assert hub.fetched() == [name for name in sorted(files) if name.endswith(".parquet")]
    assert made.audio_folder is None  # the cache is below the folder of the CSV
    assert commit in made.manifest.clips[0].path
    assert [clip.label for clip in made.manifest.clips] == ["fear", "joy"]
    read = read_manifest(made.path)
    assert all(hash_file(read.audio_path(clip)) for clip in read.clips)


def test_cache_elsewhere_is_the_audio_folder(hub, files, tmp_path, monkeypatch):
    use_hub(monkeypatch, hub.url, tmp_path / "elsewhere" / "hub")
    hub.push_dataset(ID, files)
    (tmp_path / "here").mkdir()
    made = manifest_from_hf_dataset(ID, tmp_path / "here" / "m.csv")
    assert made.audio_folder == tmp_path / "elsewhere" / "hub" / "datasets--owner--laughs"
    read = read_manifest(made.path, audio_folder=made.audio_folder)
    assert hash_file(read.audio_path(read.clips[0]))


def test_only_the_chosen_split_is_downloaded(hub, files, tmp_path):
    hub.push_dataset(ID, files)
    manifest_from_hf_dataset(ID, tmp_path / "m.csv", split="test")
    assert hub.fetched() == ["data/test-00000-of-00001.parquet"]
    with pytest.raises(UnknownNameError, match="test, train"):
        manifest_from_hf_dataset(ID, tmp_path / "n.csv", split="dev")


def test_cached_dataset_is_read_without_the_hub(hub, files, tmp_path):
    hub.push_dataset(ID, files)
    first = manifest_from_hf_dataset(ID, tmp_path / "m.csv")
    hub.refusals["/"] = (503, {})
    again = manifest_from_hf_dataset(ID, tmp_path / "n.csv")
    assert again.manifest.clips == first.manifest.clips


def test_part_of_a_dataset_is_not_taken_for_all_of_it(hub, files, tmp_path):
    hub.push_dataset(ID, files)
    manifest_from_hf_dataset(ID, tmp_path / "m.csv", split="test")
    hub.refusals["/"] = (503, {})
    with pytest.raises(ManifestError, match="cannot be reached"):
        manifest_from_hf_dataset(ID, tmp_path / "n.csv")


def test_dataset_in_another_format_is_read_from_the_conversion_of_the_hub(hub, parquet, tmp_path):
    hub.push_dataset(ID, {"laugh.wav": b"RIFF"})
    with pytest.raises(ManifestError, match="no parquet files"):
        manifest_from_hf_dataset(ID, tmp_path / "m.csv")
    converted = {"default/train/0000.parquet": parquet("joy")}
    hub.push_dataset(ID, converted, branch="refs/convert/parquet")
    made = manifest_from_hf_dataset(ID, tmp_path / "m.csv")
    assert made.manifest.clips[0].extra["split"] == "train"


def test_revision_can_be_chosen(hub, files, parquet, tmp_path):
    hub.push_dataset(ID, files)
    hub.push_dataset(ID, {"train.parquet": parquet("pain")}, branch="v2")
    made = manifest_from_hf_dataset(f"{ID}@v2", tmp_path / "m.csv")
    assert [clip.label for clip in made.manifest.clips] == ["pain"]
    with pytest.raises(ManifestError, match="no revision 'v3'"):
        manifest_from_hf_dataset(f"{ID}@v3", tmp_path / "n.csv")


def test_unknown_dataset_and_unreachable_hub_are_told_apart(hub, tmp_path, monkeypatch):
    with pytest.raises(ManifestError, match="nor a dataset on the Hugging Face hub"):
        manifest_from_hf_dataset(ID, tmp_path / "m.csv")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ManifestError, match="HF_HUB_OFFLINE"):
        manifest_from_hf_dataset(ID, tmp_path / "m.csv")
    use_hub(monkeypatch, "http://127.0.0.1:9", tmp_path / "cache")
    with pytest.raises(ManifestError, match="cannot be reached"):
        manifest_from_hf_dataset(ID, tmp_path / "m.csv")


@pytest.mark.parametrize("place", ["/api/datasets", "/datasets"])
def test_terms_that_must_be_accepted_are_named(hub, files, tmp_path, place):
    hub.push_dataset(ID, files)
    hub.refusals[place] = (403, {"X-Error-Code": "GatedRepo"})
    with pytest.raises(ManifestError, match="accept their terms"):
        manifest_from_hf_dataset(ID, tmp_path / "m.csv")


@pytest.mark.parametrize("named", ["/nowhere/at/all", "./nowhere", "../nowhere", "owner/-name"])
def test_what_cannot_be_an_id_is_a_missing_folder(tmp_path, named):
    with pytest.raises(ManifestError, match="no such file or folder"):
        manifest_from_hf_dataset(named, tmp_path / "m.csv")
