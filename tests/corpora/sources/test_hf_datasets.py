"""Hugging Face datasets become manifests, and their audio stays where it is."""

import hashlib
import json

import numpy as np
import pytest
from factories.recordings import write_wav
from factories.tables import audio_struct, labels_as_numbers, write_arrow, write_parquet

from reno_store.corpora.audio import hash_file
from reno_store.corpora.sources import hf_datasets, hf_layout
from reno_store.corpora.sources.hf_datasets import manifest_from_hf_dataset
from reno_store.corpora.sources.hf_tables import DatasetTable
from reno_store.errors import ManifestError, RenoStoreError, UnknownNameError

AUDIO = {"audio": {"sampling_rate": 16_000, "_type": "Audio"}}
FEATURES = {**AUDIO, "emotion": labels_as_numbers("joy", "fear")}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")
    return [write_wav(folder / f"{n}.wav", 0.2 + n / 50, seed=n).read_bytes() for n in range(6)]


@pytest.fixture
def columns(sounds):
    """Columns of a dataset by the numbers of its recordings."""

    def take(*numbers, named=True):
        return {
            "audio": [audio_struct(sounds[n], f"{n}.wav" if named else None) for n in numbers],
            "emotion": [n % 2 for n in numbers],
            "actor": [f"s{n // 2}" for n in numbers],
            "age": [20 + n for n in numbers],
        }

    return take


@pytest.fixture
def dataset(columns, tmp_path):
    folder = tmp_path / "ds"
    write_parquet(folder / "data/test-00000-of-00001.parquet", columns(4, 5), FEATURES)
    for part, numbers in enumerate([(0, 1, 2), (3,)]):
        path = folder / f"data/train-0000{part}-of-00002-0a1b.parquet"
        write_parquet(path, columns(*numbers), FEATURES, row_group_size=2)
    return folder


def table(made):
    return {clip.clip_id: clip for clip in made.manifest.clips}


def test_labels_speakers_splits_and_further_columns_are_found(dataset, sounds, tmp_path):
    made = manifest_from_hf_dataset(dataset, tmp_path / "laughs.csv")
    clips = table(made)
    assert list(clips) == ["4", "5", "0", "1", "2", "3"]
    assert clips["1"].path == "ds/data/train-00000-of-00002-0a1b.parquet#row=1&column=audio"
    assert (clips["1"].label, clips["1"].speaker) == ("fear", "s0")
    assert clips["1"].extra == {"split": "train", "age": "21"}
    assert clips["4"].extra["split"] == "test"
    assert made.audio_folder is None
    assert made.notes == ("columns: audio = audio, label = emotion, speaker = actor",)
    for clip in made.manifest.clips:
        audio = made.manifest.audio_path(clip)
        assert hash_file(audio) == hashlib.sha256(sounds[int(clip.clip_id)]).hexdigest()


def test_save_to_disk_is_read_too(columns, sounds, tmp_path):
    folder = tmp_path / "saved"
    for split, numbers in (("train", (0, 1, 2)), ("test", (3,))):
        path = folder / split / "data-00000-of-00001.arrow"
        write_arrow(path, columns(*numbers), FEATURES)
        (path.parent / "cache-0123.arrow").write_bytes(b"a result of map()")
    made = manifest_from_hf_dataset(folder, folder / "saved.csv")
    clips = table(made)
    assert clips["2"].path == "train/data-00000-of-00001.arrow#row=2&column=audio"
    assert {name: clip.extra["split"] for name, clip in clips.items()} == {
        **dict.fromkeys("012", "train"),
        "3": "test",
    }
    assert hash_file(folder / clips["2"].path) == hashlib.sha256(sounds[2]).hexdigest()
    (folder / "train/state.json").write_text(json.dumps({"_split": "training"}))
    made = manifest_from_hf_dataset(folder / "train", tmp_path / "one.csv")
    assert table(made)["0"].extra["split"] == "training"


def test_one_split_can_be_chosen(dataset, tmp_path):
    made = manifest_from_hf_dataset(dataset, tmp_path / "m.csv", split="test")
    assert list(table(made)) == ["4", "5"]
    with pytest.raises(UnknownNameError, match="Choices: test, train"):
        manifest_from_hf_dataset(dataset, tmp_path / "n.csv", split="dev")


def test_recordings_without_telling_names_are_called_by_their_rows(columns, dataset, tmp_path):
    write_parquet(
        dataset / "data/test-00000-of-00001.parquet", columns(4, 5, named=False), FEATURES
    )
    made = manifest_from_hf_dataset(dataset, tmp_path / "m.csv", split="test")
    assert list(table(made)) == [f"data/test-00000-of-00001/{row}" for row in (0, 1)]


def test_names_that_occur_in_two_splits_are_not_ids(columns, dataset, tmp_path):
    write_parquet(dataset / "data/test-00000-of-00001.parquet", columns(0, 5), FEATURES)
    made = manifest_from_hf_dataset(dataset, tmp_path / "m.csv")
    assert "data/test-00000-of-00001/0" in table(made)
    assert len(made.manifest.clips) == 6


def test_column_of_clip_ids_is_checked_row_by_row(columns, tmp_path):
    ids = {"name": ["a", "", "a"]}
    path = write_parquet(tmp_path / "ds.parquet", {**columns(0, 1, 2), **ids}, FEATURES)
    with pytest.raises(ManifestError) as error:
        manifest_from_hf_dataset(path, tmp_path / "m.csv", columns={"clip_id": "name"})
    assert error.value.problems == (
        "ds.parquet, row 1: no clip_id in column 'name'",
        "ds.parquet, row 2: clip_id 'a' is already in ds.parquet, row 0",
    )


def test_every_row_that_is_wrong_is_named(columns, sounds, tmp_path):
    wrong = columns(0, 1, 2, 3)
    wrong["audio"][1] = audio_struct(None)
    wrong["emotion"] = [0, 1, -1, 7]
    path = write_parquet(tmp_path / "ds.parquet", wrong, FEATURES)
    with pytest.raises(ManifestError) as error:
        manifest_from_hf_dataset(path, tmp_path / "m.csv")
    places = [problem.partition(":")[0] for problem in error.value.problems]
    assert places == [f"ds.parquet, row {row}" for row in (1, 2, 3, 3)]
    for part, problem in zip(
        ("no audio", "no label", "emotion 7", "no label"), error.value.problems, strict=True
    ):
        assert part in problem
    assert not (tmp_path / "m.csv").exists()


def test_rows_without_a_label_can_be_left_out(columns, tmp_path):
    some = {**columns(0, 1, 2), "emotion": [0, -1, None]}
    path = write_parquet(tmp_path / "ds.parquet", some, FEATURES)
    with pytest.raises(ManifestError) as error:
        manifest_from_hf_dataset(path, tmp_path / "m.csv")
    assert [remedy.arguments for remedy in error.value.remedies] == [{"missing": "drop"}]
    made = manifest_from_hf_dataset(path, tmp_path / "m.csv", missing="drop")
    assert list(table(made)) == ["0"]
    assert list(made.scan.left_out.values()) == [2]
    with pytest.raises(ValueError, match="'raise' or 'drop'"):
        manifest_from_hf_dataset(path, tmp_path / "n.csv", missing="keep")


def test_paths_instead_of_bytes_name_files_in_the_folder(sounds, tmp_path):
    folder = tmp_path / "ds"
    (folder / "clips").mkdir(parents=True)
    for number in (0, 1):
        (folder / f"clips/{number}.wav").write_bytes(sounds[number])
    (tmp_path / "outside.wav").write_bytes(sounds[2])
    rows = [
        audio_struct(None, "clips/0.wav"),
        audio_struct(None, str(folder / "clips/1.wav")),
    ]
    labels = ["joy"] * 4
    write_parquet(folder / "train.parquet", {"audio": rows, "label": labels[:2]}, AUDIO)
    made = manifest_from_hf_dataset(folder, tmp_path / "m.csv")
    assert [clip.path for clip in made.manifest.clips] == ["ds/clips/0.wav", "ds/clips/1.wav"]

    outside = [str(tmp_path / "outside.wav"), "../outside.wav", "none.wav", "clips/0.wav"]
    write_parquet(folder / "train.parquet", {"audio": outside, "label": labels}, AUDIO)
    with pytest.raises(ManifestError) as error:
        manifest_from_hf_dataset(folder, tmp_path / "n.csv")
    assert [problem.split(":")[0] for problem in error.value.problems] == [
        f"train.parquet, row {row}" for row in range(3)
    ]


def test_bytes_of_a_plain_column_are_audio_if_named(columns, sounds, tmp_path):
    plain = {"sound": sounds[:2], "label": ["a", "b"]}
    path = write_parquet(tmp_path / "ds.parquet", plain)
    with pytest.raises(ManifestError, match="no audio column"):
        manifest_from_hf_dataset(path, tmp_path / "m.csv")
    made = manifest_from_hf_dataset(path, tmp_path / "m.csv", columns={"path": "sound"})
    assert [clip.label for clip in made.manifest.clips] == ["a", "b"]
    assert hash_file(made.manifest.audio_path(made.manifest.clips[1]))


def test_parquet_without_audio_lists_its_columns(tmp_path):
    path = write_parquet(tmp_path / "text.parquet", {"number": [1, 2], "label": [0, 1]})
    with pytest.raises(ManifestError, match="Columns: number, label") as error:
        manifest_from_hf_dataset(path, tmp_path / "m.csv")
    assert error.value.remedies == ()


def test_pictures_are_no_audio(sounds, tmp_path):
    pictures = {"image": [audio_struct(sounds[0])], "label": ["a"]}
    path = write_parquet(tmp_path / "ds.parquet", pictures, {"image": {"_type": "Image"}})
    with pytest.raises(ManifestError, match="no audio column"):
        manifest_from_hf_dataset(path, tmp_path / "m.csv")


def test_unknown_column_lists_the_choices(dataset, tmp_path):
    with pytest.raises(UnknownNameError, match=r"did you mean 'emotion'.*actor, age, emotion"):
        manifest_from_hf_dataset(dataset, tmp_path / "m.csv", columns={"label": "emotoin"})
    with pytest.raises(UnknownNameError, match="Choices: clip_id, label, path, speaker"):
        manifest_from_hf_dataset(dataset, tmp_path / "m.csv", columns={"labels": "emotion"})


def test_ambiguous_label_must_be_named(columns, tmp_path):
    both = {**columns(0, 1), "label": ["x", "y"]}
    path = write_parquet(tmp_path / "ds.parquet", both, FEATURES)
    with pytest.raises(ManifestError, match="2 columns") as error:
        manifest_from_hf_dataset(path, tmp_path / "m.csv")
    assert error.value.remedies[0].arguments == {"columns": {"label": ...}}
    made = manifest_from_hf_dataset(path, tmp_path / "m.csv", columns={"label": "emotion"})
    assert made.manifest.clips[1].label == "fear"
    assert made.manifest.clips[1].extra["source_label"] == "y"


def test_speaker_may_be_none_of_the_columns(dataset, tmp_path):
    made = manifest_from_hf_dataset(dataset, tmp_path / "m.csv", columns={"speaker": ""})
    assert made.manifest.speakers == ()
    assert made.manifest.clips[0].extra["actor"] == "s2"


def test_several_configurations_need_a_choice(columns, tmp_path):
    for name, number in (("cries", 0), ("laughs", 1)):
        write_parquet(tmp_path / f"ds/{name}/train/0000.parquet", columns(number), FEATURES)
    with pytest.raises(ManifestError, match="cries, laughs"):
        manifest_from_hf_dataset(tmp_path / "ds", tmp_path / "m.csv")
    made = manifest_from_hf_dataset(tmp_path / "ds", tmp_path / "m.csv", subset="laughs")
    (clip,) = made.manifest.clips
    assert (clip.clip_id, clip.extra["split"]) == ("1", "train")
    with pytest.raises(UnknownNameError, match="cries, laughs"):
        manifest_from_hf_dataset(tmp_path / "ds", tmp_path / "n.csv", subset="laugh")


def test_only_what_is_needed_of_the_audio_is_read(dataset, tmp_path, monkeypatch):
    from pyarrow import parquet

    read = []
    for name in ("read", "read_row_group"):
        original = getattr(parquet.ParquetFile, name)
        monkeypatch.setattr(
            parquet.ParquetFile,
            name,
            lambda self, *args, original=original, **words: (
                read.extend(words["columns"]) or original(self, *args, **words)
            ),
        )
    manifest_from_hf_dataset(dataset, tmp_path / "m.csv")
    assert "audio.path" in read
    assert "audio.bytes" not in read


def test_large_row_groups_are_reported(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(hf_datasets, "KEPT_BYTES", 1000)
    made = manifest_from_hf_dataset(dataset, tmp_path / "m.csv")
    assert made.notes[1].startswith("warning: ")


STRANGE = [
    *(b"{", b"[]", b'{"info": 3}', b'{"info": {"features": {"a": 1}}}'),
    b'{"info": {"features": {"emotion": {"_type": "ClassLabel", "names": 3}}}}',
]


@pytest.mark.parametrize("noted", STRANGE)
def test_strange_features_are_ignored(columns, tmp_path, noted):
    import pyarrow.parquet as parquet

    path = write_parquet(tmp_path / "ds.parquet", columns(0, 1))
    changed = parquet.read_table(path).replace_schema_metadata({b"huggingface": noted})
    parquet.write_table(changed, path)
    assert DatasetTable(path).audio == ("audio",)
    made = manifest_from_hf_dataset(path, tmp_path / "m.csv")
    assert [clip.label for clip in made.manifest.clips] == ["0", "1"]


def test_damaged_file_and_empty_folder_are_reported(tmp_path):
    (tmp_path / "ds").mkdir()
    with pytest.raises(ManifestError, match=r"no \.parquet or \.arrow file"):
        manifest_from_hf_dataset(tmp_path / "ds", tmp_path / "m.csv")
    for name in ("a.parquet", "b.arrow"):
        (tmp_path / name).write_bytes(b"nothing of the kind")
        with pytest.raises(ManifestError, match="cannot be read"):
            manifest_from_hf_dataset(tmp_path / name, tmp_path / "m.csv")


def test_existing_manifest_is_kept(dataset, tmp_path):
    (tmp_path / "m.csv").write_text("by hand")
    with pytest.raises(ManifestError, match="already exists"):
        manifest_from_hf_dataset(dataset, tmp_path / "m.csv")
    manifest_from_hf_dataset(dataset, tmp_path / "m.csv", replace_existing=True)
    assert (tmp_path / "m.csv").read_text().startswith("clip_id,path,label,speaker")


def test_missing_pyarrow_names_the_extra(dataset, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(RenoStoreError, match=r"pip install 'reno-store\[datasets\]'"):
        manifest_from_hf_dataset(dataset, tmp_path / "m.csv")


@pytest.mark.parametrize(
    ("name", "subset", "split"),
    [
        ("data/train-00000-of-00002.parquet", "", "train"),
        ("data/my-split-00000-of-00002-0a1b2c.parquet", "", "my-split"),
        ("en/validation-00000-of-00001.parquet", "en", "validation"),
        ("default/train/0000.parquet", "default", "train"),
        ("0000.parquet", "", ""),
        ("train.parquet", "", "train"),
        ("a/b/dev.parquet", "a/b", "validation"),
        ("laughs.parquet", "", ""),
        ("test/data-00000-of-00001.arrow", "", "test"),
        ("data-00000-of-00001.arrow", "", ""),
    ],
)
def test_subset_and_split_are_read_from_the_name(name, subset, split):
    assert hf_layout.describe_file(name) == hf_layout.DatasetFile(name, subset, split)


def test_build_equals_one_from_files_and_verify_reads_the_tables(dataset, sounds, tmp_path):
    import reno_store as rs

    made = manifest_from_hf_dataset(dataset, tmp_path / "laughs.csv")
    for number, content in enumerate(sounds):
        (tmp_path / f"{number}.wav").write_bytes(content)
    clips = [
        rs.Clip(clip.clip_id, f"{clip.clip_id}.wav", clip.label, clip.speaker)
        for clip in made.manifest.clips
    ]
    found = []
    for manifest in (made.path, rs.write_manifest(tmp_path / "files.csv", clips)):
        store = tmp_path / f"{manifest.stem}.zarr"
        assert rs.build_store(manifest, store, models=["mfcc"], progress=False).complete
        found.append(rs.open_store(store).load(manifest.stem, ["mfcc"]))
    assert np.array_equal(found[0].X, found[1].X)
    assert list(found[0].clip_ids) == list(found[1].clip_ids)

    words = {"store": tmp_path / "laughs.zarr", "audio_folder": tmp_path, "progress": False}
    checked = rs.verify_store(**words)
    assert (checked.n_recordings, checked.is_sound) == (6, True)
    path = dataset / "data/test-00000-of-00001.parquet"
    write_parquet(path, {"audio": [audio_struct(sounds[0]), audio_struct(sounds[5])]})
    (finding,) = rs.verify_store(**words).findings
    assert "clip '4'" in str(finding)
