"""From a store to X, y and groups."""

import dataclasses

import numpy as np
import pytest
from factories.numbered_stores import (
    CLIP_IDS,
    LABELS,
    N_CLIPS,
    SPEAKERS,
    embedding_of,
    make_numbered_store,
)

from reno_store.errors import MissingEmbeddingsError, StoreError, UnknownNameError
from reno_store.samples import EmbeddingStore, Samples, open_store


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("samples") / "embeddings.zarr"
    make_numbered_store(path)
    return path


@pytest.fixture
def store(path):
    return open_store(path)


def test_store_tells_what_it_holds(store, path):
    assert isinstance(store, EmbeddingStore)
    assert store.path == path
    assert store.datasets == ("anonymous", "cries", "empty", "holed", "learnable", "partly")
    assert store.models("cries") == ("logmel", "mfcc", "noise")
    assert store.n_clips("holed") == N_CLIPS
    assert repr(store) == f"EmbeddingStore({str(path)!r})"
    told = {(each.dataset, each.model): each for each in store.summary()}
    assert len(told) == 6 * 3


def test_a_path_may_be_a_string(path):
    assert open_store(str(path)).load("cries", "mfcc").X.shape == (N_CLIPS, 4)


def test_no_store_is_refused(tmp_path):
    with pytest.raises(StoreError, match=r"nothing\.zarr does not exist"):
        open_store(tmp_path / "nothing.zarr")


def test_each_block_holds_its_own_models_rows(store):
    samples = store.load("cries", ["logmel", "mfcc"])
    assert samples.X.dtype == np.float32
    assert samples.X.shape == (N_CLIPS, 7)
    assert np.array_equal(samples.X[:, :3], embedding_of("logmel"))
    assert np.array_equal(samples.X[:, 3:], embedding_of("mfcc"))
    assert samples.block_sizes == (3, 4)
    assert samples.models == ("logmel", "mfcc")
    assert samples.dataset == "cries"


def test_labels_speakers_and_ids_belong_to_their_rows(store):
    samples = store.load("cries", "mfcc")
    assert samples.y.tolist() == LABELS
    assert samples.groups.tolist() == SPEAKERS
    assert samples.clip_ids.tolist() == CLIP_IDS
    assert {each.dtype.kind for each in (samples.y, samples.groups, samples.clip_ids)} == {"U"}


def test_one_model_may_be_named_without_a_list(store):
    alone = store.load("cries", "mfcc")
    assert alone.models == ("mfcc",)
    assert np.array_equal(alone.X, store.load("cries", ["mfcc"]).X)


def test_speakers_are_none_where_no_speaker_is_known(store):
    assert store.load("anonymous", "mfcc").groups is None


def test_speakers_known_in_part_stay_empty_where_unknown(store):
    assert store.load("partly", "mfcc").groups.tolist() == ["", *SPEAKERS[1:]]


def test_clips_that_lack_an_embedding_are_named(store, path):
    with pytest.raises(MissingEmbeddingsError) as caught:
        store.load("holed", ["mfcc", "logmel"])
    message = str(caught.value)
    assert str(path) in message
    assert "3 of 30 clips of 'holed' have no embedding of mfcc and logmel" in message
    assert ": 'clip01', 'clip04', 'clip09'." in message
    assert "missing='drop'" in message


def test_clips_that_lack_an_embedding_may_be_dropped_from_every_block(store):
    samples = store.load("holed", ["mfcc", "logmel"], missing="drop")
    kept = np.setdiff1d(np.arange(N_CLIPS), [1, 4, 9])
    assert samples.clip_ids.tolist() == [CLIP_IDS[row] for row in kept]
    assert samples.y.tolist() == [LABELS[row] for row in kept]
    assert samples.groups.tolist() == [SPEAKERS[row] for row in kept]
    assert np.array_equal(samples.X[:, :4], embedding_of("mfcc")[kept])
    assert np.array_equal(samples.X[:, 4:], embedding_of("logmel")[kept])


def test_only_the_models_asked_for_must_be_whole(store):
    assert len(store.load("holed", "noise").y) == N_CLIPS
    assert len(store.load("holed", "mfcc", missing="drop").y) == N_CLIPS - 2


def test_nothing_left_is_refused_even_if_clips_may_be_dropped(store):
    with pytest.raises(MissingEmbeddingsError) as caught:
        store.load("empty", ["mfcc", "noise"], missing="drop")
    assert "30 of 30 clips of 'empty'" in str(caught.value)
    assert "'clip04' and 25 more" in str(caught.value)


@pytest.mark.parametrize(
    ("dataset", "models", "told"),
    [
        ("crys", "mfcc", "'crys'; did you mean 'cries'? Choices: anonymous, cries"),
        ("cries", "mfc", "'mfc'; did you mean 'mfcc'? Choices: logmel, mfcc, noise."),
        ("cries", ["mfcc", "wavlm"], "'wavlm'. Choices: logmel, mfcc, noise."),
    ],
)
def test_unknown_names_suggest_the_nearest(store, dataset, models, told):
    with pytest.raises(UnknownNameError) as caught:
        store.load(dataset, models)
    assert told in str(caught.value)


def test_wrong_arguments_are_refused(store):
    with pytest.raises(ValueError, match="models is empty"):
        store.load("cries", [])
    with pytest.raises(ValueError, match="missing must be 'raise' or 'drop', got 'ignore'"):
        store.load("cries", "mfcc", missing="ignore")


def test_frame_names_its_columns_by_model_and_its_rows_by_clip(store):
    samples = store.load("cries", ["logmel", "mfcc"])
    frame = samples.to_frame()
    names = ["logmel:0", "logmel:1", "logmel:2", "mfcc:0", "mfcc:1", "mfcc:2", "mfcc:3"]
    assert frame.columns.tolist() == samples.feature_names == names
    assert frame.index.tolist() == CLIP_IDS
    assert np.array_equal(frame.to_numpy(), samples.X)


def test_splitting_gives_each_model_its_columns_and_the_same_clips(store):
    samples = store.load("holed", ["logmel", "mfcc", "noise"], missing="drop")
    parts = samples.split_models()
    assert [part.models for part in parts] == [("logmel",), ("mfcc",), ("noise",)]
    assert [part.block_sizes for part in parts] == [(3,), (4,), (4,)]
    kept = np.setdiff1d(np.arange(N_CLIPS), [1, 4, 9])
    for part in parts:
        assert np.array_equal(part.X, embedding_of(part.models[0])[kept])
        assert part.clip_ids.tolist() == samples.clip_ids.tolist()
        assert part.y.tolist() == samples.y.tolist()
        assert part.groups.tolist() == samples.groups.tolist()


def test_a_model_named_twice_is_refused(store):
    with pytest.raises(ValueError, match="'mfcc' is named twice"):
        store.load("cries", ["mfcc", "mfcc"])


def test_a_notebook_shows_what_samples_hold():
    samples = Samples(
        X=np.zeros((3, 5), np.float32),
        y=np.array(["cry", "laugh", "cry"]),
        groups=np.array(["s1", "", "s2"]),
        clip_ids=np.array(["a", "b", "c"]),
        block_sizes=(2, 3),
        dataset="<i>mine</i>",
        models=("mfcc", "logmel"),
    )
    shown = samples._repr_html_()
    assert "3 clips, 5 columns (mfcc 2, logmel 3), 2 speakers" in shown
    assert "<i>" not in shown
    rows = shown.split("<tbody>")[1].replace(' class="number"', "")
    assert rows.startswith("<tr><td>cry</td><td>2</td></tr><tr><td>laugh</td><td>1</td></tr>")
    unknown = dataclasses.replace(samples, groups=None)
    assert "speakers unknown" in unknown._repr_html_()


def test_a_notebook_shows_the_models_of_a_store(store):
    shown = store._repr_html_()
    assert f"Store {store.path.name}" in shown
    for row in store.summary():
        assert f"<td>{row.model}</td>" in shown
        assert f"<td>{row.fingerprint}</td>" in shown or row.fingerprint[0].isdigit()
        assert f"{row.dataset}: {row.n_clips:,} clips" in shown


def test_a_notebook_shows_what_is_damaged_in_a_store(store, monkeypatch):
    rows = [dataclasses.replace(row, problem="<b>lost</b>") for row in store.summary()]
    monkeypatch.setattr(type(store), "summary", lambda self: rows)
    assert store._repr_html_().count("Damaged: &lt;b&gt;lost") == len({r.dataset for r in rows})
    rows.clear()
    assert "It is empty." in store._repr_html_()
