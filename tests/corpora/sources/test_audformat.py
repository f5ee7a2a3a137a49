"""audformat databases, written by audformat itself, become manifests."""

import warnings

import pytest

from reno_store.corpora import Clip
from reno_store.corpora.sources.audformat import manifest_from_audformat
from reno_store.errors import ManifestError, UnknownNameError

audformat = pytest.importorskip("audformat")

FILES = [f"audio/{number}.wav" for number in range(4)]


@pytest.fixture
def database():
    """Labels in a table per split, speakers in a table of all files, one table of segments."""
    db = audformat.Database("laughs", source="made up", usage="research")
    db.schemes["emotion"] = audformat.Scheme("str", labels=["joy", "fear"])
    db.schemes["speaker"] = audformat.Scheme("int", labels={1: {"sex": "f"}, 2: {"sex": "m"}})
    for split, files, labels in (
        ("train", FILES[:2], ["joy", "fear"]),
        ("test", FILES[2:], ["fear", "joy"]),
    ):
        db.splits[split] = audformat.Split(split)
        table = audformat.Table(audformat.filewise_index(files), split_id=split)
        db[f"emotion.{split}"] = table
        table["felt"] = audformat.Column(scheme_id="emotion")
        table["felt"].set(labels)
    db["files"] = audformat.Table(audformat.filewise_index([*FILES, "audio/other.wav"]))
    db["files"]["speaker"] = audformat.Column(scheme_id="speaker")
    db["files"]["speaker"].set([1, 1, 2, None, 2])
    db["files"]["place"] = audformat.Column()
    db["files"]["place"].set(["home", "home", "lab", "lab", "lab"])
    db["parts"] = audformat.Table(audformat.segmented_index(FILES[:1], ["0s"], ["1s"]))
    db["parts"]["emotion"] = audformat.Column(scheme_id="emotion")
    db["parts"]["emotion"].set(["joy"])
    return db


@pytest.fixture(params=["csv", "parquet"])
def save(request, tmp_path):
    """A function that saves a database."""

    def save(db, storage=request.param):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            db.save(str(tmp_path / "db"), storage_format=storage)
        return tmp_path / "db"

    return save


@pytest.mark.parametrize("label", ["emotion", "felt"])
def test_tables_are_joined_by_file(database, save, tmp_path, label):
    made = manifest_from_audformat(save(database), tmp_path / "m.csv", columns={"label": label})
    clips = {clip.clip_id: clip for clip in made.manifest.clips}
    assert clips["audio/0"] == Clip(
        "audio/0", "db/audio/0.wav", "joy", "1", {"split": "train", "place": "home"}
    )
    assert clips["audio/3"] == Clip(
        "audio/3", "db/audio/3.wav", "joy", "", {"split": "test", "place": "lab"}
    )
    assert len(clips) == 4
    assert list(made.scan.left_out.values()) == [1]
    assert any("parts" in note for note in made.notes)


def test_label_and_speaker_are_guessed_by_the_scheme_too(database, save, tmp_path):
    made = manifest_from_audformat(save(database), tmp_path / "m.csv")
    assert made.manifest.label_counts == {"fear": 2, "joy": 2}
    assert made.manifest.speakers == ("1", "2")


def test_unknown_column_lists_columns_and_schemes(database, save, tmp_path):
    with pytest.raises(UnknownNameError, match="Choices: emotion, felt, place, speaker"):
        manifest_from_audformat(save(database), tmp_path / "m.csv", columns={"label": "mood"})


def test_tables_that_disagree_are_named_and_one_can_be_chosen(database, save, tmp_path):
    other = audformat.Table(audformat.filewise_index(FILES[:1]))
    database["emotion.second"] = other
    other["felt"] = audformat.Column(scheme_id="emotion")
    other["felt"].set(["fear"])
    folder = save(database)
    with pytest.raises(ManifestError) as error:
        manifest_from_audformat(folder, tmp_path / "m.csv", columns={"label": "felt"})
    (problem,) = error.value.problems
    assert "db.emotion.second" in problem or "db.emotion.train" in problem
    made = manifest_from_audformat(
        folder, tmp_path / "m.csv", columns={"label": "felt"}, subset="emotion.train"
    )
    assert made.manifest.label_counts == {"fear": 1, "joy": 1}
    with pytest.raises(UnknownNameError, match=r"emotion.second, emotion.test, emotion.train"):
        manifest_from_audformat(folder, tmp_path / "n.csv", subset="emotion.dev")


def test_further_columns_on_which_tables_disagree_are_left_out(database, save, tmp_path):
    database["emotion.train"]["place"] = audformat.Column()
    database["emotion.train"]["place"].set(["home", "lab"])
    made = manifest_from_audformat(save(database), tmp_path / "m.csv", columns={"label": "felt"})
    assert made.manifest.extra_columns == ("split",)
    assert any("disagree: columns place" in note for note in made.notes)


def test_missing_label_is_named_by_its_row(database, save, tmp_path):
    database["emotion.test"]["felt"].set([None, "joy"])
    with pytest.raises(ManifestError) as error:
        manifest_from_audformat(save(database), tmp_path / "m.csv", columns={"label": "felt"})
    assert len(error.value.problems) == 1
    assert error.value.problems[0].startswith("db.emotion.test.")


def test_labels_of_segments_are_refused(database, save, tmp_path):
    for table in ("emotion.train", "emotion.test", "files"):
        database.drop_tables(table)
    with pytest.raises(ManifestError, match="segments of files"):
        manifest_from_audformat(save(database), tmp_path / "m.csv")


def test_files_outside_the_folder_are_refused(database, save, tmp_path):
    folder = save(database, "csv")
    table = folder / "db.emotion.test.csv"
    table.write_text(table.read_text().replace("audio/2.wav", "../secret.wav"))
    with pytest.raises(ManifestError, match="leaves the folder"):
        manifest_from_audformat(folder, tmp_path / "m.csv", columns={"label": "felt"})


def test_pickled_tables_and_yaml_that_runs_code_are_refused(database, save, tmp_path):
    folder = save(database, "csv")
    table = folder / "db.files.csv"
    table.rename(table.with_suffix(".pkl"))
    with pytest.raises(ManifestError, match="pickles can run code"):
        manifest_from_audformat(folder, tmp_path / "m.csv", columns={"label": "felt"})
    header = folder / "db.yaml"
    header.write_text(f"x: !!python/object/apply:os.mkdir ['{tmp_path}/made']\n")
    with pytest.raises(ManifestError, match="not the header"):
        manifest_from_audformat(folder, tmp_path / "m.csv")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (None, "no db.yaml"),
        ("name: x\n", "lists no tables"),
        ("- 1\n", "not the header"),
        ("tables: {a: {type: filewise, columns: 3}}", "not the header"),
        ("tables: {a/../../b: {type: filewise, columns: {label: {}}}}", "leaves the folder"),
        ("tables: {a: {type: filewise, columns: {label: {}}}}", "neither db.a.parquet nor"),
    ],
)
def test_strange_headers_are_reported(tmp_path, header, told):
    (tmp_path / "db").mkdir()
    if header is not None:
        (tmp_path / "db/db.yaml").write_text(header)
    with pytest.raises(ManifestError, match=told):
        manifest_from_audformat(tmp_path / "db", tmp_path / "m.csv")
