"""CSVs with other column names become manifests."""

import pytest

from reno_store.corpora.sources.foreign_csv import manifest_from_csv
from reno_store.errors import ManifestError, UnknownNameError


@pytest.fixture
def write(tmp_path):
    """A function that writes a CSV next to its recordings."""
    for name in ("a/one.wav", "a/two.wav", "b/one.wav"):
        (tmp_path / "audio" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "audio" / name).touch()

    def write(text, encoding="utf-8"):
        path = tmp_path / "audio" / "own.csv"
        path.write_text(text, encoding=encoding)
        return path

    return write


COLUMNS = {"path": "sound", "label": "feeling", "speaker": "who"}


def rows(made):
    return [(c.clip_id, c.path, c.label, c.speaker) for c in made.manifest.clips]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_columns_are_renamed_and_others_kept(write, tmp_path, separator):
    text = "sound,feeling,who,take\na/one.wav,joy,p1,3\nb/one.wav,fear,,4\n"
    path = write(text.replace(",", separator), encoding="utf-8-sig")
    made = manifest_from_csv(path, tmp_path / "m.csv", columns=COLUMNS)
    assert rows(made) == [
        ("a/one", "audio/a/one.wav", "joy", "p1"),
        ("b/one", "audio/b/one.wav", "fear", ""),
    ]
    assert [clip.extra for clip in made.manifest.clips] == [{"take": "3"}, {"take": "4"}]
    assert made.audio_folder is None


def test_usual_names_are_guessed(write, tmp_path):
    path = write("File,Emotion,Actor\na/one.wav,joy,p1\n")
    made = manifest_from_csv(path, tmp_path / "m.csv")
    assert rows(made) == [("a/one", "audio/a/one.wav", "joy", "p1")]
    assert made.notes == ("columns: path = File, label = Emotion, speaker = Actor",)


def test_clip_id_has_a_column_or_is_the_path(write, tmp_path):
    text = "file,label,id\na/one.wav,joy,x1\na/one.mp3,joy,x2\n"
    made = manifest_from_csv(write(text), tmp_path / "m.csv", columns={"clip_id": "id"})
    assert [row[0] for row in rows(made)] == ["x1", "x2"]
    made = manifest_from_csv(write(text), tmp_path / "n.csv")
    assert [row[0] for row in rows(made)] == ["a/one.wav", "a/one.mp3"]


def test_paths_may_be_relative_to_another_folder_or_absolute(write, tmp_path):
    path = write(f"file,label\none.wav,joy\n{tmp_path}/audio/a/two.wav,joy\n")
    made = manifest_from_csv(path, tmp_path / "m.csv", audio_folder=tmp_path / "audio" / "a")
    assert [row[:2] for row in rows(made)] == [
        ("one", "audio/a/one.wav"),
        ("two", "audio/a/two.wav"),
    ]


def test_every_wrong_line_is_named(write, tmp_path):
    wrong = "../x.wav,joy\n/etc/passwd,joy\na/two.wav,\na/one.wav,fear\n,joy\n"
    text = f"file,label\na/one.wav,joy\n{wrong}"
    with pytest.raises(ManifestError) as error:
        manifest_from_csv(write(text), tmp_path / "m.csv")
    assert [problem.partition(":")[0] for problem in error.value.problems] == [
        *("line 3", "line 4", "line 5", "line 6", "line 7", "line 7"),
    ]


def test_rows_of_another_length_are_named(write, tmp_path):
    text = "file,label\na/one.wav,joy,more\na/two.wav\nb/one.wav,joy\n"
    with pytest.raises(ManifestError) as error:
        manifest_from_csv(write(text), tmp_path / "m.csv")
    assert [problem.partition(":")[0] for problem in error.value.problems] == ["line 2", "line 3"]


def test_unknown_ambiguous_and_missing_columns_list_the_choices(write, tmp_path):
    path = write("file,mood,emotion,label\na/one.wav,x,y,z\n")
    with pytest.raises(UnknownNameError, match=r"did you mean 'mood'.*emotion, file, label, mood"):
        manifest_from_csv(path, tmp_path / "m.csv", columns={"label": "mod"})
    with pytest.raises(ManifestError, match="Choices: emotion, label"):
        manifest_from_csv(path, tmp_path / "m.csv")
    made = manifest_from_csv(path, tmp_path / "m.csv", columns={"label": "mood"})
    assert made.manifest.clips[0].extra == {"emotion": "y", "source_label": "z"}
    with pytest.raises(ManifestError, match="path is in none") as error:
        manifest_from_csv(write("x,label\n1,2\n"), tmp_path / "n.csv")
    assert error.value.remedies[0].arguments == {"columns": {"path": ...}}


def test_empty_or_missing_csv_and_itself_as_output(write, tmp_path):
    with pytest.raises(ManifestError, match="no such file"):
        manifest_from_csv(tmp_path / "none.csv", tmp_path / "m.csv")
    with pytest.raises(ManifestError, match="is empty"):
        manifest_from_csv(write(""), tmp_path / "m.csv")
    with pytest.raises(ManifestError, match="no recording"):
        manifest_from_csv(write("file,label\n"), tmp_path / "m.csv")
    path = write("file,label\na/one.wav,joy\n")
    with pytest.raises(ManifestError, match="is the CSV itself"):
        manifest_from_csv(path, path, replace_existing=True)
    with pytest.raises(ManifestError, match="does not exist"):
        manifest_from_csv(path, tmp_path / "m.csv", audio_folder=tmp_path / "none")


def test_a_table_row_can_be_a_path_here_too(write, tmp_path):
    path = write("file,label\ndata/x.parquet#row=3&column=audio,joy\n")
    made = manifest_from_csv(path, tmp_path / "m.csv")
    assert made.manifest.clips[0].path == "audio/data/x.parquet#row=3&column=audio"
