"""Many recordings: in order, piece by piece, and a bad one stops no other."""

import csv
import io
import json

import numpy as np
import pytest
from factories.recordings import write_manifest_csv, write_wav

import reno_store as rs
from reno_store.errors import AudioError, ManifestError, RecognizerError
from reno_store.recognition import (
    find_recordings,
    predict_recordings,
    predict_timelines,
    predicting,
)
from reno_store.recognition.finding import Found
from reno_store.recognition.outputs import format_predictions
from reno_store.recognition.predicting import Prediction


def text_of(form, predictions, classes, **how):
    return "".join(format_predictions(form, predictions, classes, **how))


class TestFinding:
    @pytest.fixture
    def folder(self, tmp_path):
        for name in ("b/2.WAV", "b/1.wav", "a.flac", ".hidden/x.wav", "b/._1.wav"):
            write_wav(tmp_path / "in" / name, 0.1, format="WAV")
        (tmp_path / "in" / "notes.txt").write_text("none")
        (tmp_path / "in" / "folder.wav").mkdir()
        return tmp_path / "in"

    def test_files_come_in_the_order_given_and_folders_sorted(self, folder):
        found = find_recordings([folder / "b" / "2.WAV", folder, folder / "notes.txt"])
        names = [each.path.relative_to(folder).as_posix() for each in found]
        assert names == ["b/2.WAV", "a.flac", "b/1.wav", "b/2.WAV", "notes.txt"]

    def test_lists_and_manifests(self, folder):
        write_manifest_csv(folder / "m.csv", [("c1", "b/1.wav", "x", "s")])
        found = find_recordings(["-"], listed=[f"{folder}/m.csv\n", "\n", "gone.wav\r\n"])
        assert found == [
            Found(folder / "b" / "1.wav", "c1"),
            Found(find_recordings(["gone.wav"])[0].path),
        ]
        (folder / "m.csv").write_text("clip_id\n")
        with pytest.raises(ManifestError):
            find_recordings([folder / "m.csv"])

    def test_nothing_is_an_error(self, tmp_path):
        for places in ([tmp_path], ["-"]):
            with pytest.raises(AudioError, match="no recording is found"):
                find_recordings(places, listed=[])


class TestRecordings:
    def test_predictions_are_those_of_predict_proba_in_any_pieces(
        self, trained, paths, monkeypatch
    ):
        expected = trained.predict_proba(paths)
        texts = set()
        for n in (1024, 5):
            monkeypatch.setattr(predicting, "_AT_A_TIME", n)
            found = list(predict_recordings(trained, find_recordings(paths[::-1]), progress=False))
            assert [str(each.recording.path) for each in found] == paths[::-1]
            rows = np.stack([each.probabilities for each in found])
            np.testing.assert_allclose(rows, expected[::-1], rtol=1e-12)
            texts.add(text_of("csv", found, trained.classes_.tolist()))
        assert len(texts) == 1

    def test_bad_recordings_are_reported_among_the_others(self, trained, paths, bad):
        names = ["text.wav", "long.wav", "empty.wav", "nan.wav", "none.wav", "seven.wav"]
        given = [paths[0], *(bad / name for name in names), paths[1]]
        found = list(
            predict_recordings(trained, find_recordings(given), max_seconds=2.0, progress=False)
        )
        assert [bool(each.problem) for each in found] == [False, *[True] * 5, False, False]
        for each in found[1:6]:
            assert each.recording.path.name in each.problem
            assert each.probabilities is None
        with pytest.raises(AudioError) as caught:
            trained.predict(given)
        assert all(name in str(caught.value) for name in ("text.wav", "empty.wav", "none.wav"))


class TestTimelines:
    @pytest.fixture
    def long(self, tmp_path):
        return write_wav(tmp_path / "long.wav", 3.25, rate_hz=44_100, channels=2)

    def test_each_window_is_recognized_like_a_recording(self, trained, long):
        from reno_store.corpora.audio import read_waveform

        found = list(
            predict_timelines(
                trained, find_recordings([long]), window_s=1.0, hop_s=0.5, progress=False
            )
        )
        bounds = [(each.start_s, each.end_s) for each in found]
        assert bounds == [(n / 2, n / 2 + 1) for n in range(5)] + [(2.5, 3.25)]
        waveform = read_waveform(long, 16_000)
        for each in found:
            cut = waveform[round(16_000 * each.start_s) : round(16_000 * each.end_s)]
            (alone,) = trained.predict_proba((cut, 16_000))
            np.testing.assert_allclose(each.probabilities, alone, rtol=1e-12)

    def test_bad_recordings_and_windows(self, trained, bad, long):
        found = list(
            predict_timelines(
                trained, find_recordings([bad / "text.wav", long]), window_s=4.0, hop_s=None
            )
        )
        assert "text.wav" in found[0].problem
        assert (found[1].start_s, found[1].end_s) == (0.0, 3.25)
        with pytest.raises(rs.RenoStoreError, match="longer than window_s"):
            list(predict_timelines(trained, find_recordings([long]), window_s=1.0, hop_s=2.0))


CLASSES = ['a "quoted"', "b, comma", "c\ttab"]


def prediction(path, *probabilities, start_s=None, end_s=None, recording=None):
    row = np.array(probabilities) if probabilities else None
    recording = recording or Found(find_recordings([path])[0].path)
    return Prediction(recording, row, "" if probabilities else "broken", start_s, end_s)


@pytest.fixture
def two():
    return [prediction("x.wav", 0.2, 0.5, 0.3), prediction("y, z.wav")]


@pytest.fixture
def windows():
    one = Found(find_recordings(["x.wav"])[0].path)
    return [
        prediction("", 0.9, 0.05, 0.05, start_s=0.0, end_s=2.0, recording=one),
        prediction("", 0.1, 0.2, 0.7, start_s=1.0, end_s=3.0, recording=one),
        prediction("", 0.1, 0.8, 0.1, start_s=2.0, end_s=3.5, recording=one),
    ]


class TestOutputs:
    def test_csv(self, two):
        rows = list(csv.DictReader(io.StringIO(text_of("csv", two, CLASSES))))
        assert rows[0]["label"] == "b, comma"
        assert [float(rows[0][f"p({label})"]) for label in CLASSES] == [0.2, 0.5, 0.3]
        assert (rows[1]["path"], rows[1]["label"], rows[1]["problem"]) == ("y, z.wav", "", "broken")

    def test_json_and_jsonl(self, two):
        records = json.loads(text_of("json", two, CLASSES))
        lines = text_of("jsonl", two, CLASSES).splitlines()
        assert [json.loads(line) for line in lines] == records
        assert records[0]["probabilities"] == dict(zip(CLASSES, [0.2, 0.5, 0.3], strict=True))
        assert records[1] == {"path": "y, z.wav", "problem": "broken"}
        assert json.loads(text_of("json", [], CLASSES)) == []

    def test_text_shows_the_most_probable(self, two):
        lines = text_of("text", two, CLASSES, top=2).splitlines()
        assert lines == ["x.wav: b, comma 50.0 %, c\ttab 30.0 %", "y, z.wav: failed: broken"]

    def test_audacity(self, windows):
        assert text_of("audacity", windows, CLASSES).splitlines() == [
            '0.000000\t2.000000\ta "quoted" 90%',
            "1.000000\t3.000000\tc tab 70%",
            "2.000000\t3.500000\tb, comma 80%",
        ]

    def test_textgrid_has_intervals_without_gaps_or_overlap(self, windows):
        text = text_of("textgrid", windows, CLASSES)
        assert text.startswith('File type = "ooTextFile"\nObject class = "TextGrid"\n')
        assert 'text = "a ""quoted"""' in text
        tier = text.split("item [2]")[0].splitlines()
        bounds = [float(line.split(" = ")[1]) for line in tier if "            x" in line]
        assert bounds == [0.0, 1.5, 1.5, 2.5, 2.5, 3.5]
        assert text.count("intervals: size = 3") == 2

    @pytest.mark.parametrize("form", ["audacity", "textgrid"])
    def test_label_tracks_are_for_one_timeline(self, form, two, windows):
        for given in ([two[0]], [two[1]], [*windows, prediction("y.wav", 1, 0, 0, start_s=0.0)]):
            with pytest.raises(RecognizerError):
                text_of(form, given, CLASSES)
