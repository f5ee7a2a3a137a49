"""ASVP-ESD: its names and its three counts, on made-up folders."""

import functools

import pytest
from factories.scanned import expected_of, labels, scan_names, speakers

from reno_store.corpora import Clip, find_card, make_manifest

LABELS = (
    "boredom/sigh neutral happy sad angry fear disgust surprise excited pleasure pain "
    "disappointment breath"
)


@pytest.fixture
def scan(tmp_path):
    """A function that fills a folder with files of these names and lets a card scan it."""
    return functools.partial(scan_names, tmp_path)


def test_every_field_of_a_name_is_read(scan):
    (clip,) = scan("asvp-esd", "Audio/actor_12/03-02-04-01-07-12-02-05-03.wav").clips
    assert clip == Clip(
        "Audio/actor_12/03-02-04-01-07-12-02-05-03",
        "Audio/actor_12/03-02-04-01-07-12-02-05-03.wav",
        "sad",
        "12",
        {
            "intensity": "01",
            "statement": "07",
            "sex": "male",
            "age": "20-64",
            "source": "05",
            "language": "03",
            "quality": "",
        },
    )


@pytest.mark.parametrize(
    ("code", "label"),
    list(enumerate(LABELS.split(), start=1)),
)
def test_codes_stand_for_thirteen_labels(scan, code, label):
    found = scan("asvp-esd", f"Audio/actor_1/03-02-{code:02}-01-01-01-02-01-01.wav")
    assert labels(found) == [label]


def test_speech_is_left_out_whatever_its_emotion(scan):
    found = scan(
        "asvp-esd",
        "Audio/actor_1/03-02-03-01-01-01-02-01-01.wav",
        "Audio/actor_1/03-01-03-01-01-01-02-01-01.wav",
        "Bonus/actor_50/03-01-17-01-01-50-04-01-01.wav",
    )
    assert labels(found) == ["happy"]
    assert found.left_out == {"speech (channel 01)": 2}
    assert found.ignored == ()


def test_the_speaker_is_the_sixth_field_and_not_the_folder(scan):
    found = scan(
        "asvp-esd",
        "Audio/actor_/03-02-13-01-01-17-02-01-01.wav",
        "Audio/actor_8/03-02-03-01-01-09-02-01-01.wav",
    )
    assert speakers(found) == ["17", "9"]
    assert [clip.extra["sex"] for clip in found.clips] == ["female", "female"]


@pytest.mark.parametrize("speaker", [*range(1, 11), 128, 129])
def test_even_actors_are_male_and_odd_ones_female(scan, speaker):
    (clip,) = scan("asvp-esd", f"Audio/actor_1/03-02-03-01-01-{speaker:02}-02-01-01.wav").clips
    assert clip.speaker == str(speaker)
    assert clip.extra["sex"] == ("female" if speaker % 2 else "male")


def test_zeros_in_front_make_no_other_speaker(scan):
    found = scan(
        "asvp-esd",
        *(
            f"Audio/actor_21/03-02-03-01-0{number}-{speaker}-02-01-01.wav"
            for number, speaker in enumerate(("21", "021", "0021"))
        ),
        "Audio/actor_0/03-02-03-01-01-00-02-01-01.wav",
    )
    assert sorted(set(speakers(found))) == ["0", "21"]


@pytest.mark.parametrize(
    ("rest", "source", "language", "quality"),
    [
        ("-05", "05", "", ""),  # 8 fields
        ("-05-03", "05", "03", ""),  # 9
        ("-05-03-77", "05", "03", "noisy"),  # 10
        ("-05-03-66", "05", "03", "mixed voices"),
        ("-05-03-77-66", "05", "03", "noisy, mixed voices"),  # 11
        ("-05-03-66-77", "05", "03", "noisy, mixed voices"),
        ("-05-77", "05", "", "noisy"),
        ("-66", "", "", "mixed voices"),
        ("-05-03-01-77", "05", "03", "-01-77"),
        ("-05-03-01-77-66", "05", "03", "-01-77-66"),  # 12
        ("-0401-03", "0401", "03", ""),
    ],
)
def test_names_of_8_to_12_fields_keep_what_they_say(scan, rest, source, language, quality):
    (clip,) = scan("asvp-esd", f"Audio/actor_4/03-02-03-01-01-04-02{rest}.wav").clips
    found = clip.extra["source"], clip.extra["language"], clip.extra["quality"]
    assert found == (source, language, quality)
    assert (clip.label, clip.speaker) == ("happy", "4")


@pytest.mark.parametrize("speaker", ["66", "77"])
def test_speakers_66_and_77_are_no_remarks_on_the_recording(scan, speaker):
    found = scan("asvp-esd", f"Audio/actor_{speaker}/03-02-03-01-01-{speaker}-02-01-01.wav")
    assert speakers(found) == [speaker]
    assert found.clips[0].extra["quality"] == ""


@pytest.mark.parametrize("field", ["intensity", "statement", "age"])
@pytest.mark.parametrize("stray", ["021", "0401"])
def test_stray_values_are_kept_as_they_are(scan, field, stray):
    fields = {"intensity": "01", "statement": "01", "age": "02", field: stray}
    name = "03-02-06-{intensity}-{statement}-03-{age}-01-01.wav".format(**fields)
    (clip,) = scan("asvp-esd", f"Audio/actor_3/{name}").clips
    assert clip.extra[field] == stray
    assert (clip.label, clip.speaker) == ("fear", "3")


def test_a_stray_emotion_refuses_nothing_and_is_shown(scan):
    stray = "Audio/actor_3/03-02-021-01-01-03-02-01-01.wav"
    found = scan("asvp-esd", stray, "Audio/actor_3/03-02-03-01-01-03-02-01-01.wav")
    assert len(found.clips) == 1
    assert found.ignored == (stray,)


def test_ages_are_words(scan):
    found = scan(
        "asvp-esd",
        *(f"Audio/actor_1/03-02-03-01-01-01-0{age}-01-01.wav" for age in range(1, 5)),
    )
    assert [clip.extra["age"] for clip in found.clips] == [
        "over 65",
        "20-64",
        "under 20",
        "baby",
    ]


NAMES = (
    "Audio/actor_1/03-02-13-01-01-01-02-01-01.wav",
    "Audio/actor_/03-02-13-01-01-05-02-01-01.wav",
    "Audio/actor_2/03-02-03-01-01-02-02-01-01.wav",
    "Bonus/actor_150/03-02-04-01-01-150-04-01-01.wav",
)


@pytest.mark.parametrize(
    ("subset", "found_speakers", "n_left_out", "n_expected"),
    [
        (None, ["1", "2", "5"], 1, 7545),
        ("audio", ["1", "2", "5"], 1, 7545),
        ("audio-and-bonus", ["1", "150", "2", "5"], 0, 8824),
        ("numbered-actors", ["1", "2"], 2, 7374),
    ],
)
def test_each_published_count_has_its_files(scan, subset, found_speakers, n_left_out, n_expected):
    found = scan("asvp-esd", *NAMES, subset=subset)
    assert sorted(speakers(found)) == found_speakers
    assert sum(found.left_out.values()) == n_left_out
    assert expected_of("asvp-esd", subset)["clips"] == n_expected


@pytest.mark.parametrize("above", ["", "ASVP-ESD-Update/"])
def test_the_folder_above_may_have_any_name(scan, above):
    found = scan("asvp-esd", *(above + name for name in NAMES))
    assert len(found.clips) == 3


def test_one_name_in_two_folders_is_two_clips(scan):
    name = "03-02-13-01-01-05-02-01-01.wav"
    found = scan("asvp-esd", f"Audio/actor_/{name}", f"Audio/actor_5/{name}")
    assert len({clip.clip_id for clip in found.clips}) == 2


def test_the_counts_of_the_labels_add_up_to_those_published():
    card = find_card("asvp-esd")
    for subset in ("audio", "numbered-actors"):
        expected = card.subset(subset).expected
        assert sum(expected.counts["label"].values()) == expected.totals["clips"]
    assert expected.counts["label"]["breath"] == 172 - 171


def test_the_card_says_that_licence_and_count_are_open():
    card = find_card("asvp-esd")
    assert card.licence.startswith("unresolved")
    assert any("7,545, 8,824 and 7,374" in sentence for sentence in card.uncertain)


def test_the_label_with_a_slash_survives_a_manifest(scan, tmp_path):
    scan("asvp-esd", "Audio/actor_1/03-02-01-01-01-01-02-01-01.wav")
    made = make_manifest("asvp-esd", tmp_path, tmp_path / "asvp.csv")
    assert made.manifest.label_counts == {"boredom/sigh": 1}
