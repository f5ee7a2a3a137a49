"""Making: a folder becomes a CSV that a build can read, or nothing is touched."""

import os
import re

import pytest

from reno_store.corpora import make_manifest, read_manifest
from reno_store.errors import CardError, ManifestError, RenoStoreError, UnknownNameError


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "data" / "corpus"
    for name in ("joy/a.wav", "joy/b.wav", "fear/a.wav"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def paths(made):
    return [clip.path for clip in made.manifest.clips]


def test_manifest_above_the_recordings_is_complete_in_itself(corpus, tmp_path):
    made = make_manifest("folders", corpus, tmp_path / "laughs.csv")
    prefix = "data/corpus"
    assert paths(made) == [f"{prefix}/fear/a.wav", f"{prefix}/joy/a.wav", f"{prefix}/joy/b.wav"]
    assert made.audio_folder is None
    assert made.path == tmp_path / "laughs.csv"
    assert made.card.name == "folders"
    assert made.manifest == read_manifest(tmp_path / "laughs.csv")
    assert made.manifest.dataset == "laughs"
    assert all(made.manifest.audio_path(clip).exists() for clip in made.manifest.clips)


def test_manifest_in_the_folder_needs_no_prefix(corpus):
    made = make_manifest("folders", corpus, corpus / "laughs.csv")
    assert paths(made) == ["fear/a.wav", "joy/a.wav", "joy/b.wav"]
    assert made.audio_folder is None
    assert made.manifest == read_manifest(corpus / "laughs.csv")


@pytest.mark.parametrize("place", ["elsewhere", "data/corpus/joy"])
def test_manifest_elsewhere_tells_the_audio_folder(corpus, tmp_path, place):
    output = tmp_path / place / "laughs.csv"
    output.parent.mkdir(exist_ok=True)
    made = make_manifest("folders", corpus, output)
    assert paths(made) == ["fear/a.wav", "joy/a.wav", "joy/b.wav"]
    assert made.audio_folder == corpus
    assert made.manifest == read_manifest(output, audio_folder=corpus)
    assert all(made.manifest.audio_path(clip).exists() for clip in made.manifest.clips)


def test_relative_places_are_taken_from_the_working_folder(corpus, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "data")
    made = make_manifest("folders", "corpus", "laughs.csv")
    assert paths(made)[0] == "corpus/fear/a.wav"
    assert (tmp_path / "data" / "laughs.csv").exists()


def test_folder_reached_through_a_symbolic_link_counts_where_it_really_is(corpus, tmp_path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "corpus").symlink_to(corpus)
    made = make_manifest("folders", tmp_path / "lists" / "corpus", tmp_path / "lists" / "l.csv")
    assert made.audio_folder == tmp_path / "lists" / "corpus"
    assert all(made.manifest.audio_path(clip).exists() for clip in made.manifest.clips)


def test_further_groups_of_the_pattern_become_columns(tmp_path):
    (tmp_path / "000001-03-2.mp3").touch()
    made = make_manifest("emogator", tmp_path, tmp_path / "emogator.csv")
    assert (tmp_path / "emogator.csv").read_text().split() == [
        "clip_id,path,label,speaker,take",
        "000001-03-2,000001-03-2.mp3,Anger,000001,2",
    ]
    assert made.scan.differences[0] == "1 clips found, 32,130 expected by the card"


def test_same_folder_makes_the_same_bytes(corpus, tmp_path):
    one = make_manifest("folders", corpus, tmp_path / "one.csv").path.read_bytes()
    assert make_manifest("folders", corpus, tmp_path / "two.csv").path.read_bytes() == one


def test_existing_file_is_not_written_over_unless_told(corpus, tmp_path):
    output = tmp_path / "laughs.csv"
    output.write_text("mended by hand")
    with pytest.raises(ManifestError) as caught:
        make_manifest("folders", corpus, output)
    assert str(caught.value).startswith(f"{output}: ")
    assert caught.value.remedies[0].arguments == {"replace_existing": True}
    assert output.read_text() == "mended by hand"
    made = make_manifest("folders", corpus, output, replace_existing=True)
    assert made.manifest == read_manifest(output)


def test_missing_output_folder_is_refused(corpus, tmp_path):
    output = tmp_path / "nowhere" / "laughs.csv"
    with pytest.raises(ManifestError, match=re.escape(str(output.parent))):
        make_manifest("folders", corpus, output)
    assert not output.parent.exists()


@pytest.mark.parametrize(
    ("card", "folder", "error"),
    [("folder", "data", UnknownNameError), ("folders", "nowhere", CardError)],
)
def test_wrong_card_or_folder_leaves_no_file(corpus, tmp_path, card, folder, error):
    with pytest.raises(error):
        make_manifest(card, tmp_path / folder, tmp_path / "laughs.csv")
    assert not (tmp_path / "laughs.csv").exists()


def test_name_that_a_build_would_refuse_leaves_no_file(corpus, tmp_path):
    with pytest.raises(ManifestError, match="letters, digits"):
        make_manifest("folders", corpus, tmp_path / "my laughs.csv")
    assert not (tmp_path / "my laughs.csv").exists()


def test_recording_that_a_build_would_refuse_leaves_the_old_file(corpus, tmp_path):
    (tmp_path / "elsewhere.wav").touch()
    (corpus / "joy" / "c.wav").symlink_to(tmp_path / "elsewhere.wav")
    output = corpus / "laughs.csv"
    output.write_text("mended by hand")
    with pytest.raises(ManifestError, match=r"joy/c\.wav.* leaves the folder"):
        make_manifest("folders", corpus, output, replace_existing=True)
    assert output.read_text() == "mended by hand"


def test_recording_whose_name_is_not_utf8_is_named(corpus, tmp_path):
    try:
        (corpus / os.fsdecode(b"joy/caf\xe9.wav")).touch()
    except (OSError, UnicodeError):
        pytest.skip("this file system takes UTF-8 names alone")
    with pytest.raises(RenoStoreError, match="caf"):
        make_manifest("folders", corpus, tmp_path / "laughs.csv")
    assert not (tmp_path / "laughs.csv").exists()


@pytest.mark.parametrize("name", ["joy/a\tb.wav", "joy/a\nb.wav", " joy/a.wav"])
def test_recording_whose_name_a_manifest_cannot_carry_is_refused(corpus, name):
    (corpus / name).parent.mkdir(exist_ok=True)
    (corpus / name).touch()
    with pytest.raises(RenoStoreError) as caught:
        make_manifest("folders", corpus, corpus / "laughs.csv")
    assert repr(name)[1:-1] in str(caught.value)
    assert not (corpus / "laughs.csv").exists()


def test_recording_for_which_a_card_finds_no_label_is_refused(corpus, tmp_path):
    card = tmp_path / "own.toml"
    card.write_text(
        'title = "t"\nsource = "s"\nlicence = "l"\n'
        "[files]\nclip_id = 'path'\npattern = '(?:(?P<label>joy)|fear)/.*'\n"
    )
    with pytest.raises(RenoStoreError, match=r"fear/a.* no label"):
        make_manifest(card, corpus, tmp_path / "laughs.csv")
    assert not (tmp_path / "laughs.csv").exists()
