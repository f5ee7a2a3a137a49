"""The corpora's quirks, on made-up folders with the corpora's names."""

import functools

import numpy as np
import pytest
import soundfile
from factories.scanned import expected_of, labels, scan_names, speakers

from reno_store.corpora import Clip, find_card, make_manifest
from reno_store.corpora.audio import read_waveform
from reno_store.errors import CardError, UnknownNameError
from reno_store.studies import split


@pytest.fixture
def scan(tmp_path):
    """A function that fills a folder with files of these names and lets a card scan it."""
    return functools.partial(scan_names, tmp_path)


class TestJnv:
    def test_names_give_speaker_emotion_item_and_phrase(self, scan):
        found = scan("jnv", "JNV/F1/F1_angry_01_R.wav", "JNV/M2/M2_sad_12_F.wav")
        assert found.clips == (
            Clip(
                "F1_angry_01_R",
                "JNV/F1/F1_angry_01_R.wav",
                "angry",
                "F1",
                {"item": "01", "phrase": "regular"},
            ),
            Clip(
                "M2_sad_12_F",
                "JNV/M2/M2_sad_12_F.wav",
                "sad",
                "M2",
                {"item": "12", "phrase": "free"},
            ),
        )

    def test_the_words_of_jvnv_are_refused_by_name(self, scan):
        with pytest.raises(CardError) as caught:
            scan("jnv", "JNV/F1/F1_anger_01_R.wav")
        assert "label code 'anger' is not among ['angry', 'disgust'" in str(caught.value)

    def test_exactly_420_clips_of_four_speakers_are_expected(self, scan):
        assert expected_of("jnv") == {"clips": 420, "labels": 6, "speakers": 4}
        emotions = ["angry", "disgust", "fear", "happy", "sad", "surprise"]
        # 105 clips of each speaker in some order of emotions; how they divide is not known.
        names = [
            f"JNV/{speaker}/{speaker}_{emotions[number % 6]}_{number // 12 + 1:02}_"
            f"{'RF'[number // 6 % 2]}.wav"
            for speaker in ("F1", "F2", "M1", "M2")
            for number in range(105)
        ]
        assert scan("jnv", *names).differences == ()

    def test_four_speakers_make_four_folds_and_not_five(self, scan):
        found = scan(
            "jnv",
            *(
                f"JNV/{speaker}/{speaker}_{emotion}_{item:02}_R.wav"
                for speaker in ("F1", "F2", "M1", "M2")
                for emotion in ("angry", "happy")
                for item in range(1, 4)
            ),
        )
        y, groups = np.array(labels(found)), np.array(speakers(found))
        with pytest.raises(ValueError, match=r"4 speakers cannot be divided into 5.*loso"):
            split("speaker", y, groups)
        assert len(split("loso", y, groups)) == 4

    def test_stereo_at_48_khz_comes_as_one_channel(self, tmp_path):
        folder = tmp_path / "JNV" / "M1"
        folder.mkdir(parents=True)
        tone = np.sin(np.arange(48_000) / 20)
        soundfile.write(folder / "M1_fear_01_F.wav", np.stack([tone, 0 * tone], axis=1), 48_000)
        made = make_manifest("jnv", tmp_path, tmp_path / "jnv.csv")
        (clip,) = made.manifest.clips
        waveform = read_waveform(made.manifest.audio_path(clip), 16_000)
        assert waveform.shape == (16_000,)
        assert np.abs(waveform).max() == pytest.approx(0.5, abs=0.02)


class TestVivae:
    NAMES = (
        "S04_surprise_peak_10.wav",
        "S11_pain_low_7.wav",
        "S01_achievement_moderate_103.wav",
    )

    def test_item_numbers_of_one_to_three_digits_are_read(self, scan):
        found = scan("vivae", *(f"full_set/{name}" for name in self.NAMES))
        read = {
            (clip.speaker, clip.label, clip.extra["intensity"], clip.extra["item"])
            for clip in found.clips
        }
        assert read == {
            ("S04", "surprise", "peak", "10"),
            ("S11", "pain", "low", "7"),
            ("S01", "achievement", "moderate", "103"),
        }

    @pytest.mark.parametrize("above", ["", "VIVAE/"])
    @pytest.mark.parametrize("inner", ["", "surprise/"])
    def test_the_core_set_is_not_listed_again(self, scan, above, inner):
        names = [f"{above}full_set/{inner}{name}" for name in self.NAMES]
        found = scan("vivae", *names, f"{above}core_set/{inner}{self.NAMES[0]}")
        assert [clip.path for clip in found.clips] == sorted(names)
        assert found.left_out == {"not in subset full": 1}

    def test_the_core_set_alone_can_be_asked_for(self, scan):
        names = [f"full_set/{name}" for name in self.NAMES]
        core = f"core_set/{self.NAMES[0]}"
        found = scan("vivae", *names, core, subset="core")
        assert [clip.path for clip in found.clips] == [core]
        assert expected_of("vivae", "core") == {"clips": 480}

    def test_only_a_core_set_says_how_to_take_it(self, scan):
        with pytest.raises(CardError) as caught:
            scan("vivae", f"core_set/{self.NAMES[0]}")
        message = str(caught.value)
        assert "nothing in it belongs to subset 'full' of card 'vivae'" in message
        assert "left out: 1 not in subset full" in message
        assert "Other subsets (--subset): core." in message

    def test_unknown_emotions_are_refused(self, scan):
        with pytest.raises(CardError, match="label code 'joy'"):
            scan("vivae", "full_set/S04_joy_peak_10.wav")

    def test_what_the_corpus_holds_adds_up(self):
        expected = find_card("vivae").subset().expected
        assert expected.totals == {"clips": 1085, "labels": 6, "speakers": 11}
        assert set(expected.counts) == {"label", "intensity", "speaker"}
        for counts in expected.counts.values():
            assert sum(counts.values()) == 1085

    def test_counts_of_speakers_and_intensities_are_compared(self, scan):
        found = scan("vivae", *(f"full_set/{name}" for name in self.NAMES))
        counts = {(count.column, count.what): count for count in found.counts}
        pain = counts["label", "pain"]
        assert (pain.found, pain.expected, pain.differs) == (1, 185, True)
        assert counts["intensity", "strong"].found == 0
        assert counts["speaker", "S11"].expected == 54
        assert "1 clips of speaker 'S11' found, 54 expected by the card" in found.differences


class TestDeeply:
    def test_names_give_speaker_and_sex_and_folders_the_class(self, scan):
        found = scan("deeply", "set/coughing/104_coughing_0_1_36_2_1_0.wav")
        (clip,) = found.clips
        assert (clip.label, clip.speaker) == ("coughing", "104")
        assert clip.extra == {
            "name_class": "coughing",
            "trial": "0",
            "sex": "male",
            "age": "36",
            "location": "2",
            "quality": "1",
            "noise": "0",
        }
        assert expected_of("deeply") == {"labels": 16}

    def test_sex_0_is_female(self, scan):
        (clip,) = scan("deeply", "sighing/7_sighing_2_0_51_0_0_1.wav").clips
        assert clip.extra["sex"] == "female"

    def test_a_class_may_hold_an_underscore_or_be_a_number(self, scan):
        found = scan("deeply", "throat_clearing/7_throat_clearing_0_0_51_0_0_1.wav")
        assert found.clips[0].extra["name_class"] == "throat_clearing"
        found = scan("deeply", "yawning/8_3_0_0_51_0_0_1.wav")
        assert (found.clips[1].label, found.clips[1].extra["name_class"]) == ("yawning", "3")


class TestDonateacry:
    TIRED = "tired/1309B82C-F146-46F0-A723-45345AFA6EA8-1430059864-1.0-f-04-ti.wav"
    COLD = "discomfort/d6cda191-4962-4308-9a36-46d5648a95ed-1431086262776-1.7-m-72-ch.wav"

    def test_the_folder_is_the_label_whatever_the_tag(self, scan):
        found = scan("donateacry", self.TIRED, self.COLD)
        assert labels(found) == ["discomfort", "tired"]
        assert [clip.extra["tag"] for clip in found.clips] == ["ch", "ti"]

    def test_the_app_installation_keeps_a_household_together(self, scan):
        same = "hungry/1309B82C-F146-46F0-A723-45345AFA6EA8-1430059849-1.0-f-04-hu.wav"
        found = scan("donateacry", self.TIRED, self.COLD, same)
        assert sorted(set(speakers(found))) == [
            "1309B82C-F146-46F0-A723-45345AFA6EA8",
            "d6cda191-4962-4308-9a36-46d5648a95ed",
        ]
        assert [clip.extra["sex"] for clip in found.clips] == ["male", "female", "female"]
        assert found.clips[0].extra["age"] == "7 months-2 years"

    def test_five_very_uneven_labels_are_expected(self, scan):
        found = scan("donateacry", self.TIRED)
        expected = {count.what: count.expected for count in found.counts}
        assert expected["clips"] == 457
        numbers = sorted(expected[label] for label in find_card("donateacry").labels.values())
        assert numbers == [8, 16, 24, 27, 382]
        assert expected["hungry"] == 382

    def test_recordings_not_yet_cleaned_are_passed_over(self, scan):
        raw = "ios-bucket/0D1AD73E-4C5E-45F3-85C4-9A3CB71E8856-1430742197-1.0-m-04-hu.caf"
        found = scan("donateacry", self.TIRED, raw)
        assert found.ignored == (raw,)

    def test_8_khz_comes_at_the_rate_of_a_model(self, tmp_path):
        path = tmp_path / self.TIRED
        path.parent.mkdir()
        soundfile.write(path, np.sin(np.arange(8000) / 9), 8000)
        made = make_manifest("donateacry", tmp_path, tmp_path / "cries.csv")
        (clip,) = made.manifest.clips
        assert read_waveform(made.manifest.audio_path(clip), 16_000).shape == (16_000,)


class TestVocalSound:
    def test_names_give_speaker_sex_and_sound(self, scan):
        found = scan("vocalsound", "audio_16k/f0003_0_cough.wav", "audio_16k/m1201_1_sniff.wav")
        assert found.clips == (
            Clip(
                "f0003_0_cough",
                "audio_16k/f0003_0_cough.wav",
                "cough",
                "f0003",
                {"sex": "female", "collection": "0"},
            ),
            Clip(
                "m1201_1_sniff",
                "audio_16k/m1201_1_sniff.wav",
                "sniff",
                "m1201",
                {"sex": "male", "collection": "1"},
            ),
        )
        assert expected_of("vocalsound") == {"clips": 21_024, "labels": 6, "speakers": 3365}

    @pytest.mark.parametrize(
        ("subset", "folder"), [(None, "audio_16k"), ("audio_44k", "audio_44k")]
    )
    def test_both_rates_of_one_recording_are_one_clip(self, scan, subset, folder):
        names = [f"data/{each}/f0003_0_cough.wav" for each in ("audio_16k", "audio_44k")]
        found = scan("vocalsound", *names, subset=subset)
        assert [clip.path for clip in found.clips] == [f"data/{folder}/f0003_0_cough.wav"]


class TestEmoGator:
    @pytest.mark.parametrize(("rate_hz", "channels"), [(48_000, 1), (44_100, 2)])
    def test_mp3_of_any_rate_and_channels_is_read(self, tmp_path, rate_hz, channels):
        tone = np.sin(np.arange(rate_hz) / 20)
        folder = tmp_path / "mp3"
        folder.mkdir()
        soundfile.write(folder / "000007-27-3.mp3", np.stack([tone] * channels, axis=1), rate_hz)
        made = make_manifest("emogator", tmp_path, tmp_path / "emogator.csv")
        (clip,) = made.manifest.clips
        assert (clip.label, clip.speaker) == ("Surprise (Negative)", "000007")
        assert len(read_waveform(made.manifest.audio_path(clip), 16_000)) == pytest.approx(
            16_000, abs=2
        )

    def test_60_speakers_times_8_emotions_times_3_takes_are_balanced(self, scan):
        codes = ("02", "03", "10", "15", "19", "24", "27", "30")
        found = scan(
            "emogator",
            *(
                f"mp3/{speaker:06}-{code}-{take}.mp3"
                for speaker in range(1, 61)
                for code in codes
                for take in (1, 2, 3)
            ),
        )
        numbers = {count.what: count.found for count in found.counts}
        assert (numbers["clips"], numbers["labels"], numbers["speakers"]) == (1440, 8, 60)
        assert [labels(found).count(label) for label in sorted(set(labels(found)))] == [180] * 8


@pytest.mark.parametrize("card", ["jnv", "emogator", "folders"])
def test_a_card_without_subsets_has_one_that_is_the_whole(card):
    assert find_card(card).subset("whole") == find_card(card).subset()


def test_an_unknown_subset_lists_those_of_the_card(scan):
    with pytest.raises(UnknownNameError) as caught:
        scan("vivae", "full_set/S04_pain_peak_10.wav", subset="ful")
    assert str(caught.value) == (
        "unknown subset of vivae 'ful'; did you mean 'full'? Choices: core, full."
    )
