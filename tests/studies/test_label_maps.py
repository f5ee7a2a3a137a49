"""Label maps: words of several corpora made one, and files that are no label map."""

import pytest

from reno_store.corpora import find_card
from reno_store.errors import ProtocolError, UnknownNameError
from reno_store.studies import LABEL_MAPS, LabelMap, read_label_map


def test_labels_without_a_word_keep_their_name_and_case_does_not_count():
    words = LabelMap({"jnv": {"Angry": "Anger", "happy": ""}})
    assert words.word("jnv", " angry ") == "anger"
    assert words.word("jnv", "happy") == ""
    assert words.word("jnv", "Romantic  Love") == "romantic love"
    assert words.word("vivae", "Angry") == "angry"


@pytest.mark.parametrize("name", LABEL_MAPS)
def test_the_shipped_map_lists_every_label_of_its_corpora_and_no_other(name):
    shipped = read_label_map(name)
    assert sorted(shipped.labels) == ["asvp-esd", "emogator", "jnv", "vivae"]
    for dataset in shipped.labels:
        labels = find_card(dataset).labels.values()
        assert shipped.unknown(dataset, labels) == []
        assert {label.casefold() for label in labels} == set(shipped.labels[dataset])


def test_the_shipped_map_gives_every_two_corpora_labels_in_common():
    shipped = read_label_map("common-emotions")
    words = {name: set(own.values()) - {""} for name, own in shipped.labels.items()}
    assert words["jnv"] & words["vivae"] == {"anger", "fear", "surprise"}
    assert words["jnv"] & words["asvp-esd"] == words["jnv"]
    assert len(words["emogator"] & words["asvp-esd"]) == 9


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("labels = 3", "table per dataset"),
        ("[labels]\njnv = 'x'", "labels.jnv"),
        ("[labels.jnv]\nangry = 3", "'angry'"),
        ("[labels.jnv]\nangry = 'a'\nAngry = 'b'", "'angry'"),
        ("[label.jnv]\nangry = 'a'", "'label'"),
        ("[labels.jnv\n", "TOML"),
    ],
)
def test_a_file_that_is_no_label_map_is_refused(tmp_path, text, problem):
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(ProtocolError) as caught:
        read_label_map(path)
    assert "map.toml" in str(caught.value)
    assert problem in str(caught.value)


def test_all_problems_of_a_map_are_reported_at_once():
    with pytest.raises(ProtocolError) as caught:
        LabelMap({"jnv": {"angry": 1, "sad": 2}, "vivae": []})
    assert all(each in str(caught.value) for each in ("'angry'", "'sad'", "labels.vivae"))


def test_a_name_that_is_no_map_lists_the_choices(tmp_path):
    with pytest.raises(UnknownNameError, match="common-emotions"):
        read_label_map("common-emotion")
    with pytest.raises(ProtocolError, match="cannot be read"):
        read_label_map(tmp_path / "gone.toml")
