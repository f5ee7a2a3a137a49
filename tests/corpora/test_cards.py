"""Cards: the shipped ones on made-up folders, and one's own."""

import pytest

from reno_store.corpora import Clip, find_card, list_cards, load_cards, scan_folder
from reno_store.errors import CardError, UnknownNameError

# fmt: off
AUDIO_ENDINGS = [
    "wav", "WAV", "wave", "flac", "ogg", "oga", "opus", "mp3", "Mp3", "aif", "aiff", "aifc", "au",
    "caf", "w64", "rf64",
]
# fmt: on

EMOTIONS = (
    "Adoration Amusement Anger Awe Confusion Contempt Contentment Desire Disappointment Disgust "
    "Distress Ecstasy Elation Embarrassment Fear Guilt Interest Neutral Pain Pride Realization "
    "Relief Romantic_Love Sadness Serenity Shame Surprise_(Negative) Surprise_(Positive) Sympathy "
    "Triumph"
)

CARD = """
title = "Laughs"
source = "https://example.org"
licence = "CC0"

[files]
pattern = '(?P<speaker>s[0-9]+)_(?P<label>[a-z]+)_(?P<take>[0-9]+)[.]wav'
"""


@pytest.fixture
def corpus(tmp_path):
    """A function that fills a folder with files of these names."""

    def fill(*names):
        folder = tmp_path / "corpus"
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
        return folder

    return fill


@pytest.fixture
def own_card(tmp_path):
    """A function that writes a card and gives its place."""

    def write(text=CARD, name="laughs.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def paths(scan):
    return [clip.path for clip in scan.clips]


SHIPPED = (
    "asvp-esd",
    "cnvve",
    "crema-d",
    "deeply",
    "donateacry",
    "emogator",
    "folders",
    "jnv",
    "jvnv",
    "ravdess",
    "recanvo",
    "vivae",
    "vocalsound",
)


def test_shipped_cards_are_listed_sorted():
    assert list_cards() == SHIPPED
    assert tuple(card.name for card in load_cards()) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_card_says_what_people_need(name):
    card = find_card(name)
    assert card.name == name
    assert card.title
    assert card.source
    assert card.licence
    assert card.notes


def test_emogator_names_thirty_emotions_in_order():
    card = find_card("emogator")
    assert list(card.labels) == [f"{number:02}" for number in range(1, 31)]
    assert list(card.labels.values()) == [name.replace("_", " ") for name in EMOTIONS.split()]
    assert dict(card.subset().expected.totals) == {"clips": 32_130, "labels": 30, "speakers": 357}


def test_emogator_reads_speaker_emotion_and_take_from_the_name(corpus):
    folder = corpus("000002-27-1.mp3", "data/mp3/000001-03-2.mp3", "README.md", "000001-03-2.wav")
    scan = scan_folder(find_card("emogator"), folder)
    assert scan.clips == (
        Clip("000002-27-1", "000002-27-1.mp3", "Surprise (Negative)", "000002", {"take": "1"}),
        Clip("000001-03-2", "data/mp3/000001-03-2.mp3", "Anger", "000001", {"take": "2"}),
    )
    assert scan.ignored == ("000001-03-2.wav", "README.md")


def test_emogator_passes_over_names_of_another_shape(corpus):
    folder = corpus("000001-03-2.mp3", "00001-03-2.mp3", "000001-3-2.mp3", "x000001-03-2.mp3")
    assert paths(scan_folder(find_card("emogator"), folder)) == ["000001-03-2.mp3"]


def test_folders_takes_the_nearest_folder_as_the_label(corpus):
    folder = corpus("joy/a.wav", "fear/a.wav", "more/fear/deep/b.flac", "top.wav", "joy/notes.txt")
    scan = scan_folder(find_card("folders"), folder)
    assert scan.clips == (
        Clip("fear/a", "fear/a.wav", "fear"),
        Clip("joy/a", "joy/a.wav", "joy"),
        Clip("more/fear/deep/b", "more/fear/deep/b.flac", "deep"),
    )
    assert scan.ignored == ("joy/notes.txt", "top.wav")
    assert scan.differences == ()


@pytest.mark.parametrize("ending", AUDIO_ENDINGS)
def test_folders_takes_every_audio_ending(corpus, ending):
    scan = scan_folder(find_card("folders"), corpus(f"joy/a.{ending}"))
    assert scan.clips == (Clip("joy/a", f"joy/a.{ending}", "joy"),)


def test_only_the_last_ending_is_cut_off_the_clip_id(corpus):
    (clip,) = scan_folder(find_card("folders"), corpus("joy/take.1.wav")).clips
    assert clip.clip_id == "joy/take.1"


def test_counts_that_differ_from_the_card_are_reported(corpus):
    folder = corpus("000001-01-1.mp3", "000001-02-1.mp3", "000002-02-1.mp3")
    assert scan_folder(find_card("emogator"), folder).differences == (
        "3 clips found, 32,130 expected by the card",
        "2 labels found, 30 expected by the card",
        "2 speakers found, 357 expected by the card",
    )


def test_counts_that_agree_with_the_card_are_not_reported(corpus, own_card):
    card = own_card(f"{CARD}\n[expected]\nclips = 3\nspeakers = 2\nlabels = 1\n")
    folder = corpus("s1_joy_1.wav", "s1_joy_2.wav")
    assert scan_folder(find_card(card), folder).differences == (
        "2 clips found, 3 expected by the card",
        "1 speakers found, 2 expected by the card",
    )
    assert scan_folder(find_card(card), corpus("s2_joy_1.wav")).differences == ()


def test_unknown_label_codes_are_all_named(corpus):
    folder = corpus("000001-00-1.mp3", "000001-01-1.mp3", "x/000001-31-1.mp3")
    with pytest.raises(CardError) as caught:
        scan_folder(find_card("emogator"), folder)
    headline, *problems = str(caught.value).splitlines()
    assert headline == f"{folder} does not fit card 'emogator':"
    assert [problem.split(" is ")[0] for problem in problems] == [
        "  000001-00-1.mp3: label code '00'",
        "  x/000001-31-1.mp3: label code '31'",
    ]
    assert "'01', '02'" in problems[0]


def test_recordings_with_one_clip_id_are_all_named(corpus):
    folder = corpus("a/000001-01-1.mp3", "b/000001-01-1.mp3", "c/000001-01-1.mp3")
    with pytest.raises(CardError) as caught:
        scan_folder(find_card("emogator"), folder)
    problems = str(caught.value).splitlines()[1:]
    assert [problem.split(":")[0].strip() for problem in problems] == [
        "b/000001-01-1.mp3",
        "c/000001-01-1.mp3",
    ]
    assert all(problem.endswith("a/000001-01-1.mp3") for problem in problems)


def test_recordings_that_differ_in_their_ending_alone_keep_it_in_their_ids(corpus):
    scan = scan_folder(find_card("folders"), corpus("joy/a.wav", "joy/a.mp3", "joy/b.wav"))
    assert scan.clips == (
        Clip("joy/a.mp3", "joy/a.mp3", "joy"),
        Clip("joy/a.wav", "joy/a.wav", "joy"),
        Clip("joy/b", "joy/b.wav", "joy"),
    )


def test_what_is_no_recording_does_not_lengthen_an_id(corpus):
    scan = scan_folder(find_card("folders"), corpus("joy/a.wav", "joy/a.txt"))
    assert [clip.clip_id for clip in scan.clips] == ["joy/a"]


def test_ids_that_are_one_even_with_their_endings_are_refused(corpus):
    with pytest.raises(CardError, match=r"clip_id 'joy/a\.wav'"):
        scan_folder(find_card("folders"), corpus("joy/a.wav", "joy/a.mp3", "joy/a.wav.wav"))


def test_hidden_files_and_folders_are_passed_over(corpus):
    folder = corpus("joy/a.wav", "joy/._a.wav", ".cache/joy/b.wav", ".DS_Store")
    scan = scan_folder(find_card("folders"), folder)
    assert paths(scan) == ["joy/a.wav"]
    assert scan.ignored == ()


def test_hidden_folder_above_the_corpus_does_not_matter(tmp_path):
    (tmp_path / ".data" / "joy").mkdir(parents=True)
    (tmp_path / ".data" / "joy" / "a.wav").touch()
    assert paths(scan_folder(find_card("folders"), tmp_path / ".data")) == ["joy/a.wav"]


def test_symbolic_links_to_folders_are_not_followed(corpus, tmp_path):
    folder = corpus("joy/a.wav")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.wav").touch()
    (folder / "fear").symlink_to(tmp_path / "elsewhere")
    assert paths(scan_folder(find_card("folders"), folder)) == ["joy/a.wav"]


def test_clips_are_sorted_by_path_however_the_folder_lists_them(corpus):
    names = ["b/1.wav", "a/2.wav", "a-b/3.wav", "a/1.wav", "B/1.wav"]
    assert paths(scan_folder(find_card("folders"), corpus(*names))) == sorted(names)


def test_scanning_does_not_change_the_folder(corpus):
    folder = corpus("joy/a.wav", "fear/b.wav")
    before = sorted(folder.rglob("*"))
    scan_folder(find_card("folders"), folder)
    assert sorted(folder.rglob("*")) == before


def test_folder_without_a_match_is_refused_with_an_example_and_advice(corpus):
    folder = corpus("b.wav", "a.wav")
    with pytest.raises(CardError) as caught:
        scan_folder(find_card("folders"), folder)
    message = str(caught.value)
    assert message.startswith(f"{folder}: nothing in it matches card 'folders'")
    assert "'a.wav'" in message
    assert find_card("folders").notes in message
    assert f"{folder}/laughter/a.wav" in message
    assert "clip_id, path, label and speaker" in message


@pytest.mark.parametrize("name", SHIPPED)
def test_no_pattern_is_shown_to_people(corpus, name):
    with pytest.raises(CardError) as caught:
        scan_folder(find_card(name), corpus("notes.txt", "deep/notes.txt"))
    assert "(?" not in str(caught.value)
    assert "[^" not in str(caught.value)
    assert find_card(name).pattern.pattern not in str(caught.value)


def test_empty_folder_is_refused(corpus):
    with pytest.raises(CardError, match="nothing in it matches card 'folders'; it is empty"):
        scan_folder(find_card("folders"), corpus())


def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(CardError, match=r"nowhere: expected a folder of recordings"):
        scan_folder(find_card("folders"), tmp_path / "nowhere")


def test_file_instead_of_a_folder_is_refused(corpus):
    with pytest.raises(CardError, match=r"a\.zip: expected a folder of recordings"):
        scan_folder(find_card("folders"), corpus("a.zip") / "a.zip")


def test_unknown_card_lists_the_choices_and_suggests_the_nearest():
    with pytest.raises(UnknownNameError) as caught:
        find_card("emogater")
    assert str(caught.value) == (
        f"unknown card 'emogater'; did you mean 'emogator'? Choices: {', '.join(SHIPPED)}."
    )
    assert isinstance(caught.value, LookupError)


def test_unknown_card_that_is_like_no_other_suggests_none():
    with pytest.raises(UnknownNameError, match=r"^unknown card 'xyz'\. Choices: "):
        find_card("xyz")


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_own_card_is_read_from_its_place(own_card, corpus, kind):
    card = find_card(kind(own_card()))
    assert (card.name, card.title, card.licence) == ("laughs", "Laughs", "CC0")
    assert scan_folder(card, corpus("s1_joy_2.wav", "s1_joy_x.wav")).clips == (
        Clip("s1_joy_2", "s1_joy_2.wav", "joy", "s1", {"take": "2"}),
    )


def test_own_card_is_found_from_the_working_folder(own_card, monkeypatch):
    monkeypatch.chdir(own_card().parent)
    assert find_card("laughs.toml").name == "laughs"


def test_own_card_maps_codes_to_labels(own_card, corpus):
    card = find_card(own_card(f'{CARD}\n[labels]\nhap = "joy"\nlau = "joy"\n'))
    clips = scan_folder(card, corpus("s1_hap_1.wav", "s1_lau_1.wav")).clips
    assert [clip.label for clip in clips] == ["joy", "joy"]


def test_own_card_says_what_codes_of_a_column_stand_for(own_card, corpus):
    card = find_card(own_card(f'{CARD}\n[values.take]\n1 = "first"\n'))
    clips = scan_folder(card, corpus("s1_joy_1.wav", "s1_joy_2.wav")).clips
    assert [clip.extra["take"] for clip in clips] == ["first", "2"]


def test_own_card_leaves_out_with_a_reason_before_it_reads_the_name(own_card, corpus):
    entry = "[[left_out]]\npattern = 'spare/.*'\nreason = 'spare takes'\n[files]"
    card = find_card(own_card(CARD.replace("[files]", entry)))
    scan = scan_folder(card, corpus("s1_joy_1.wav", "spare/s1_joy_1.wav", "spare/x.txt"))
    assert paths(scan) == ["s1_joy_1.wav"]
    assert (dict(scan.left_out), scan.ignored) == ({"spare takes": 2}, ())


def test_what_is_no_recording_is_ignored_not_left_out_of_a_subset(own_card, corpus):
    entry = "[subsets.a]\ndescription = 'd'\nleft_out = 'b/.*'\n[files]"
    text = CARD.replace("[files]", entry).replace("pattern = '(?P<s", "pattern = '[ab]/(?P<s")
    scan = scan_folder(find_card(own_card(text)), corpus("a/s1_joy_1.wav", "b/notes.txt"))
    assert (dict(scan.left_out), scan.ignored) == ({}, ("b/notes.txt",))


def test_a_value_that_the_card_does_not_count_is_a_difference(own_card, corpus):
    card = own_card(f"{CARD}\n[expected.counts.label]\njoy = 1\nfear = 2\n")
    scan = scan_folder(find_card(card), corpus("s1_joy_1.wav", "s1_awe_1.wav"))
    assert scan.differences == (
        "1 clips of label 'awe' found, 0 expected by the card",
        "0 clips of label 'fear' found, 2 expected by the card",
    )
    found = [(count.what, count.found, count.expected) for count in scan.counts]
    assert found == [
        ("clips", 2, None),
        ("labels", 2, None),
        ("speakers", 1, None),
        ("awe", 1, 0),
        ("fear", 0, 2),
        ("joy", 1, 1),
    ]


def test_own_card_can_make_clip_ids_from_paths(own_card, corpus):
    text = CARD.replace("pattern = '", "pattern = '[ab]/") + "clip_id = 'path'\n"
    scan = scan_folder(find_card(own_card(text)), corpus("a/s1_joy_1.wav", "b/s1_joy_1.wav"))
    assert [clip.clip_id for clip in scan.clips] == ["a/s1_joy_1", "b/s1_joy_1"]


def test_group_that_takes_no_part_in_the_match_is_empty(own_card, corpus):
    text = CARD.replace("(?P<speaker>s[0-9]+)_", "(?:(?P<speaker>s[0-9]+)_)?")
    scan = scan_folder(find_card(own_card(text)), corpus("joy_1.wav", "s1_joy_1.wav"))
    assert [clip.speaker for clip in scan.clips] == ["", "s1"]


def test_pattern_must_match_the_whole_path(own_card, corpus):
    scan = scan_folder(find_card(own_card()), corpus("s1_joy_1.wav", "s1_joy_1.wav.txt"))
    assert paths(scan) == ["s1_joy_1.wav"]
