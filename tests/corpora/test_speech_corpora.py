"""Cards for corpora of speech and song, and for those whose labels are in folders or a CSV."""

import functools

import pytest
from factories.scanned import expected_of, labels, scan_names, speakers

from reno_store.corpora import Clip, find_card, scan_folder
from reno_store.errors import CardError


@pytest.fixture
def scan(tmp_path):
    """A function that fills a folder with files of these names and lets a card scan it."""
    return functools.partial(scan_names, tmp_path)


class TestCremaD:
    def test_name_gives_actor_sentence_emotion_and_level(self, scan):
        found = scan("crema-d", "AudioWAV/1001_DFA_ANG_XX.wav", "AudioMP3/1001_DFA_ANG_XX.mp3")
        assert found.clips == (
            Clip(
                "1001_DFA_ANG_XX",
                "AudioWAV/1001_DFA_ANG_XX.wav",
                "anger",
                "1001",
                {"sentence": "DFA", "level": "unspecified"},
            ),
        )
        assert found.ignored == ("AudioMP3/1001_DFA_ANG_XX.mp3",)

    def test_the_one_name_with_a_short_level_is_kept(self, scan):
        (clip,) = scan("crema-d", "1040_ITH_SAD_X.wav").clips
        assert (clip.label, clip.extra["level"]) == ("sad", "X")

    def test_counts_add_up(self):
        assert expected_of("crema-d") == {"clips": 7442, "labels": 6, "speakers": 91}
        assert sum(find_card("crema-d").subset().expected.counts["label"].values()) == 7442


class TestRavdess:
    NAME = "Actor_12/03-01-06-01-02-01-12.wav"

    def test_name_gives_all_seven_parts(self, scan):
        assert scan("ravdess", self.NAME).clips == (
            Clip(
                "03-01-06-01-02-01-12",
                self.NAME,
                "fearful",
                "12",
                {
                    "channel": "speech",
                    "intensity": "normal",
                    "statement": "Dogs are sitting by the door",
                    "repetition": "01",
                },
            ),
        )

    def test_subsets_are_speech_song_and_both(self, scan):
        names = (
            self.NAME,
            "Actor_12/03-02-02-02-01-02-12.wav",
            "Actor_12/01-01-06-01-02-01-12.mp4",
        )
        found = scan("ravdess", *names)
        assert (labels(found), found.left_out) == (["fearful"], {"not in subset speech": 1})
        assert labels(scan("ravdess", *names, subset="song")) == ["calm"]
        assert len(scan("ravdess", *names, subset="speech-and-song").clips) == 2
        assert found.ignored == (names[2],)

    @pytest.mark.parametrize(
        ("subset", "channel", "emotions", "actors"),
        [("speech", "01", 8, range(1, 25)), ("song", "02", 6, [*range(1, 18), *range(19, 25)])],
    )
    def test_the_design_has_exactly_the_counts_of_the_card(
        self, scan, subset, channel, emotions, actors
    ):
        names = [
            f"Actor_{actor:02}/03-{channel}-{emotion:02}-0{intensity}-0{statement}-0{take}-{actor:02}.wav"
            for actor in actors
            for emotion in range(1, emotions + 1)
            for intensity in ((1,) if emotion == 1 else (1, 2))
            for statement in (1, 2)
            for take in (1, 2)
        ]
        assert scan("ravdess", *names, subset=subset).differences == ()


class TestJvnv:
    def test_name_gives_speaker_emotion_session_and_item(self, scan):
        path = "jvnv_v1/F1/anger/free/F1_anger_free_01.wav"
        found = scan("jvnv", path, "jvnv_v1/nv_label/F1/F1_anger_free_01.txt")
        extra = {"session": "free", "item": "01"}
        assert found.clips == (Clip("F1_anger_free_01", path, "anger", "F1", extra),)
        assert expected_of("jvnv") == {"clips": 1615, "labels": 6, "speakers": 4}

    def test_the_words_of_jnv_are_refused(self, scan):
        with pytest.raises(CardError, match="label code 'angry'"):
            scan("jvnv", "F1_angry_free_01.wav")


class TestCnvve:
    def test_class_folder_is_the_label_with_and_without_a_folder_in_it(self, scan):
        found = scan("cnvve", "raw/hush/p1/a.wav", "raw/psst/p1/a.wav", "raw/other/p1/a.wav")
        assert labels(found) == ["hush", "psst"]
        assert [clip.clip_id for clip in found.clips] == ["raw/hush/p1/a", "raw/psst/p1/a"]
        assert [clip.extra["folder"] for clip in found.clips] == ["p1", "p1"]
        assert speakers(found) == ["", ""]

    def test_cleaned_recordings_are_directly_in_the_class_folder(self, scan):
        (clip,) = scan("cnvve", "cleaned/ahem/a.wav").clips
        assert (clip.label, clip.extra["folder"]) == ("ahem", "")


class TestRecanvo:
    NAME = "200126_2142_00-13-04.06--00-13-04.324.wav"

    @pytest.fixture
    def corpus(self, tmp_path):
        def fill(*rows, header="Filename,Participant,Label"):
            folder = tmp_path / "recanvo"
            (folder / "wav").mkdir(parents=True, exist_ok=True)
            for name in (self.NAME, "odd.wav", "unlisted.wav"):
                (folder / "wav" / name).touch()
            table = folder / "dataset_file_directory.csv"
            table.write_text("\n".join([header, *rows]) + "\n")
            return folder

        return fill

    def test_csv_gives_label_and_speaker(self, corpus):
        folder = corpus(f"{self.NAME},P01,selftalk", "odd.wav,P05,delighted", "gone.wav,P05,yes")
        found = scan_folder(find_card("recanvo"), folder)
        assert found.clips == (
            Clip(self.NAME[:-4], f"wav/{self.NAME}", "selftalk", "P01", {"session": "200126_2142"}),
            Clip("odd", "wav/odd.wav", "delighted", "P05", {"session": ""}),
        )
        assert found.left_out == {"not in dataset_file_directory.csv": 1}
        assert "2 of dataset_file_directory.csv found, 3 expected by the card" in found.differences

    @pytest.mark.parametrize(
        ("rows", "header", "told"),
        [
            (["a.wav,P01,yes"], "File,Participant,Label", "has no column 'Filename'"),
            (["a.wav,P01,yes", "a.wav,P02,no"], None, "line 3: 'a.wav' is in it twice"),
            (["a.wav,P01"], None, "line 2: expected 3 fields"),
            (["a.wav,P01,"], None, "line 2: expected 3 fields, with a label"),
        ],
    )
    def test_wrong_csv_is_refused_with_its_lines(self, corpus, rows, header, told):
        folder = corpus(*rows, **({"header": header} if header else {}))
        with pytest.raises(CardError) as error:
            scan_folder(find_card("recanvo"), folder)
        assert told in str(error.value)

    def test_missing_and_second_csv_are_refused(self, corpus):
        folder = corpus(f"{self.NAME},P01,selftalk")
        table = folder / "dataset_file_directory.csv"
        (folder / "wav" / table.name).write_text(table.read_text())
        with pytest.raises(CardError, match="2 files dataset_file_directory"):
            scan_folder(find_card("recanvo"), folder)
        table.unlink()
        (folder / "wav" / table.name).unlink()
        with pytest.raises(CardError, match="no files dataset_file_directory"):
            scan_folder(find_card("recanvo"), folder)
