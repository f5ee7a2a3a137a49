"""Clips on the page: predictions by clip, the map, mistakes in their order, and recordings."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from factories.recordings import write_wav
from factories.study_stores import make_study_store

from reno_store.conclusions import answers_of
from reno_store.corpora.audio import hash_file
from reno_store.errors import RenoStoreError, StaleStoreError
from reno_store.reports.page import reporting, write_report
from reno_store.reports.page.clips import clips_of
from reno_store.reports.page.excerpts import excerpts_of
from reno_store.samples import open_store
from reno_store.store import StoreWriter
from reno_store.studies import StudyRequest, run_study
from reno_store.studies.predictions import predictions_of

REQUEST = StudyRequest(("cries",), models=("mfcc",), estimators=("logreg", "svm"), n_folds=3)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    store = make_study_store(tmp_path_factory.mktemp("clips") / "my.zarr", cries={})
    return run_study(store, REQUEST, progress=False)


@pytest.fixture(scope="module")
def found(study):
    load = open_store(study.store).load
    (answer,) = answers_of(study)
    return clips_of(study, answer, load, lambda X, seed: X[:, :2])


def cell_of(study, estimator, protocol="speaker"):
    (cell,) = study.select(estimator=estimator, protocol=protocol)
    return cell


class TestPredictions:
    def test_each_clip_is_predicted_once_by_its_own_fold(self, study):
        cell = cell_of(study, "logreg")
        (table,) = predictions_of(study, [cell])
        samples = open_store(study.store).load("cries", ["mfcc"])
        assert sorted(table["clip_id"]) == samples.clip_ids.tolist()
        own = dict(zip(samples.clip_ids.tolist(), samples.y.tolist(), strict=True))
        assert [own[name] for name in table["clip_id"]] == table["label"].tolist()
        right = table["label"] == table["predicted"]
        by_fold = right.groupby(table["fold"]).mean()
        assert by_fold.tolist() == pytest.approx(cell.scores("accuracy"))
        # No speaker is in two folds.
        assert (table.groupby("speaker")["fold"].nunique() == 1).all()

    def test_a_confidence_is_the_probability_of_the_prediction(self, study):
        (table,) = predictions_of(study, [cell_of(study, "logreg")])
        assert table["confidence"].between(1 / 3, 1).all()
        assert table["confidence"].nunique() > 20

    def test_classifiers_without_probabilities_and_earlier_results_have_none(self, study):
        (table,) = predictions_of(study, [without_confidence(cell_of(study, "logreg"))])
        assert table["confidence"].isna().all()

    def test_clips_that_have_changed_are_refused(self, study):
        cell = cell_of(study, "logreg")
        other = replace(cell.folds[0], true=cell.folds[0].true[::-1])
        changed = replace(cell, outcomes=((other, *cell.folds[1:]),))
        with pytest.raises(StaleStoreError, match="cries"):
            predictions_of(study, [changed])


def without_confidence(cell):
    return replace(
        cell,
        outcomes=tuple(tuple(replace(f, confidence=()) for f in each) for each in cell.outcomes),
    )


class TestMistakes:
    def test_they_are_the_wrong_predictions_the_most_confident_first(self, study, found):
        assert found.cell.estimator == "logreg"
        (table,) = predictions_of(study, [found.cell])
        wrong = table[table["label"] != table["predicted"]]
        assert (found.n_clips, found.n_mistaken) == (len(table), len(wrong))
        top = wrong.sort_values("confidence", ascending=False)["confidence"].head(20)
        assert [clip.confidence for clip in found.mistakes] == pytest.approx(top.tolist())
        assert all(clip.mistaken for clip in found.mistakes)

    def test_equal_predictions_of_other_classifiers_are_counted(self, study, found):
        tables = predictions_of(study, [cell_of(study, name) for name in ("logreg", "svm")])
        said = [dict(zip(each["clip_id"], each["predicted"], strict=True)) for each in tables]
        assert found.n_cells == 2
        for clip in found.mistakes:
            agreeing = sum(each[clip.clip_id] == clip.predicted for each in said)
            assert clip.n_agreeing == agreeing

    def test_without_confidences_those_that_most_classifiers_mistake_are_first(self, study):
        cells = tuple(without_confidence(cell) for cell in study.cells)
        bare = replace(study, cells=cells)
        (answer,) = answers_of(bare)
        found = clips_of(bare, answer, None, None)
        assert not found.confident
        counts = [clip.n_agreeing for clip in found.mistakes]
        assert counts == sorted(counts, reverse=True)
        assert found.points == ()


def test_the_map_fills_its_frame_and_has_mistakes_above(study, found):
    samples = open_store(study.store).load("cries", ["mfcc"])
    assert sorted(point.clip.clip_id for point in found.points) == samples.clip_ids.tolist()
    x, y = (np.array([getattr(point, axis) for point in found.points]) for axis in "xy")
    width, height = found.size
    assert (x.min(), x.max()) == (14, width - 14)
    assert (y.min(), y.max()) == (14, height - 14)
    wrong = [point.clip.mistaken for point in found.points]
    assert wrong == sorted(wrong)
    # The highest clip of the plane is at the top.
    highest = samples.clip_ids[np.argmax(samples.X[:, 1])]
    assert found.points[int(np.argmin(y))].clip.clip_id == highest


@pytest.fixture
def recordings(tmp_path):
    """A folder of three recordings, and a store that has them; one path leaves the folder."""
    folder = tmp_path / "audio"
    folder.mkdir()
    files = [folder / "a.wav", folder / "b.wav", tmp_path / "outside.wav"]
    for number, file in enumerate(files):
        write_wav(file, seconds=6.0, rate_hz=8_000, seed=number)
    with StoreWriter.open(tmp_path / "s.zarr") as writer:
        writer.put_clips(
            "cries",
            {
                "clip_id": ["a", "b", "c"],
                "path": ["a.wav", "b.wav", "../outside.wav"],
                "label": ["joy"] * 3,
                "speaker": [""] * 3,
                "audio_sha256": [hash_file(file) for file in files],
            },
        )
    return folder, open_store(tmp_path / "s.zarr")


class TestExcerpts:
    def test_they_are_the_first_seconds_in_one_channel(self, recordings):
        folder, store = recordings
        sounds = excerpts_of(store, "cries", ["b", "a"], folder)
        assert list(sounds) == ["b", "a"]
        kind, _, text = sounds["b"].partition(",")
        assert kind == "data:audio/mpeg;base64"
        frames, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(text)))
        assert rate_hz == 16_000
        assert frames.ndim == 1
        assert len(frames) / rate_hz == pytest.approx(4.0, abs=0.2)
        assert np.abs(frames).max() > 0.01

    def test_a_path_that_leaves_the_folder_is_not_opened(self, recordings):
        folder, store = recordings
        assert list(excerpts_of(store, "cries", ["a", "c"], folder)) == ["a"]

    def test_another_recording_of_the_same_name_is_left_out(self, recordings):
        folder, store = recordings
        write_wav(folder / "b.wav", seconds=1.0, rate_hz=8_000, seed=9)
        assert list(excerpts_of(store, "cries", ["a", "b"], folder)) == ["a"]

    def test_they_stop_before_the_page_becomes_too_large(self, recordings):
        folder, store = recordings
        assert list(excerpts_of(store, "cries", ["a", "b"], folder, most_bytes=10_000)) == ["a"]

    def test_a_folder_without_any_of_them_is_named_with_an_example(self, recordings, tmp_path):
        _, store = recordings
        (tmp_path / "empty").mkdir()
        with pytest.raises(RenoStoreError, match=r"empty has none of the 2 .*'a\.wav'"):
            excerpts_of(store, "cries", ["a", "b"], tmp_path / "empty")
        with pytest.raises(RenoStoreError, match="found nothing"):
            excerpts_of(store, "cries", ["a"], tmp_path / "nowhere")


def test_a_report_has_recordings_only_on_request(study, tmp_path, monkeypatch):
    monkeypatch.setattr(reporting, "figures_of", lambda *_, **__: ())
    page = write_report(study.store, tmp_path / "r.html", maps=False, progress=False).page
    assert "<audio" not in page.read_text(encoding="utf-8")
    with pytest.raises(RenoStoreError, match="has none of the"):
        write_report(study.store, tmp_path / "r.html", audio=tmp_path, maps=False, progress=False)
