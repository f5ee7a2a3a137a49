"""From a store to X, y and groups, and the lookup that makes models a hyperparameter."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from reno_store.errors import MissingEmbeddingsError, StoreError, UnknownNameError
from reno_store.estimators import RENOClassifier
from reno_store.samples import EmbeddingLookup, EmbeddingStore, open_store
from reno_store.store import StoreWriter

N_CLIPS = 30
CLIP_IDS = [f"clip{i:02}" for i in range(N_CLIPS)]
LABELS = ["anger", "fear", "joy"] * 10
SPEAKERS = [f"s{i // 5}" for i in range(N_CLIPS)]
SIZES = {"mfcc": 4, "logmel": 3, "noise": 4}


def embedding_of(model):
    """Each number tells its model, clip and column, so that any shift shows."""
    place = list(SIZES).index(model)
    rows, columns = np.mgrid[:N_CLIPS, : SIZES[model]]
    return (1000 * place + 10 * rows + columns).astype(np.float32)


def put_dataset(writer, dataset, *, speakers=SPEAKERS, lacking=None, arrays=None):
    columns = {
        "clip_id": CLIP_IDS,
        "path": [f"{clip_id}.wav" for clip_id in CLIP_IDS],
        "label": LABELS,
        "speaker": speakers,
        "audio_sha256": [f"{i:064x}" for i in range(N_CLIPS)],
    }
    rows = writer.put_clips(dataset, columns)
    for model, dim in SIZES.items():
        array = embedding_of(model) if arrays is None else arrays[model]
        writer.add_model(dataset, model, {"model": model}, dim)
        kept = np.setdiff1d(rows, (lacking or {}).get(model, ()))
        # Batches come in any order; rows must find their clips all the same.
        for batch in np.array_split(kept[::-1], 3):
            writer.put_embeddings(dataset, model, batch, array[batch])


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("samples") / "embeddings.zarr"
    with StoreWriter.open(path) as writer:
        put_dataset(writer, "cries")
        put_dataset(writer, "holed", lacking={"mfcc": [1, 4], "logmel": [4, 9]})
        put_dataset(writer, "empty", lacking={"mfcc": range(N_CLIPS)})
        put_dataset(writer, "anonymous", speakers=[""] * N_CLIPS)
        put_dataset(writer, "partly", speakers=["", *SPEAKERS[1:]])
        # Labels are in mfcc and logmel, and nothing but noise is in the rest.
        told = 3.0 * np.eye(3, 4)[np.arange(N_CLIPS) % 3]
        rng = np.random.default_rng(0)
        arrays = {model: rng.normal(size=(N_CLIPS, dim)) for model, dim in SIZES.items()}
        arrays["mfcc"] += told
        arrays["logmel"] += told[:, :3]
        arrays = {model: array.astype(np.float32) for model, array in arrays.items()}
        put_dataset(writer, "learnable", arrays=arrays)
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
    assert "--allow-missing (missing='drop')" in message


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
    with pytest.raises(ValueError, match="no model is named"):
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


def fitted_lookup(path, models=("mfcc", "logmel"), dataset="cries"):
    return EmbeddingLookup(path, dataset, models=models).fit(CLIP_IDS)


def test_lookup_follows_the_order_of_the_ids(path):
    ids = ["clip07", "clip00", "clip29", "clip07"]
    found = fitted_lookup(path).transform(ids)
    rows = [7, 0, 29, 7]
    assert isinstance(found, pd.DataFrame)
    assert found.index.tolist() == ids
    assert found.columns.tolist() == [
        *(f"mfcc:{i}" for i in range(4)),
        "logmel:0",
        "logmel:1",
        "logmel:2",
    ]
    assert np.array_equal(found.to_numpy()[:, :4], embedding_of("mfcc")[rows])
    assert np.array_equal(found.to_numpy()[:, 4:], embedding_of("logmel")[rows])


@pytest.mark.parametrize(
    "shape", [list, np.array, lambda ids: np.array(ids)[:, None], lambda ids: np.array(ids, object)]
)
def test_lookup_takes_ids_as_lists_arrays_and_columns(path, shape):
    found = fitted_lookup(path).transform(shape(["clip03", "clip01"]))
    assert found.index.tolist() == ["clip03", "clip01"]
    assert found.iloc[0, 0] == 30


def test_lookup_names_unknown_ids(path):
    with pytest.raises(UnknownNameError) as caught:
        fitted_lookup(path).transform(["clip00", "clip99", "nobody"])
    message = str(caught.value)
    assert "2 clip ids have no embedding of mfcc and logmel in dataset 'cries'" in message
    assert "'clip99', 'nobody'" in message
    assert "clip00" not in message


def test_lookup_names_ids_without_an_embedding_and_serves_the_others(path):
    lookup = fitted_lookup(path, dataset="holed")
    assert lookup.transform(["clip00", "clip02"]).shape == (2, 7)
    with pytest.raises(UnknownNameError, match=r"1 clip ids .*: 'clip04'\."):
        lookup.transform(["clip00", "clip04"])


@pytest.mark.parametrize(
    ("dataset", "models", "told"),
    [
        ("crys", ("mfcc",), "'crys'; did you mean 'cries'?"),
        ("cries", ("mfcc", "logmal"), "'logmal'; did you mean 'logmel'? Choices: logmel, mfcc"),
    ],
)
def test_lookup_of_unknown_names_fails_at_fit(path, dataset, models, told):
    with pytest.raises(UnknownNameError) as caught:
        EmbeddingLookup(path, dataset, models=models).fit(CLIP_IDS)
    assert told in str(caught.value)


@pytest.mark.parametrize("missing", ["store", "dataset", "models"])
def test_lookup_without_all_it_needs_says_so(path, missing):
    given = {"store": path, "dataset": "cries", "models": ("mfcc",)}
    given.pop(missing)
    with pytest.raises(ValueError, match="needs a store, a dataset and at least one model"):
        EmbeddingLookup(**given).fit(CLIP_IDS)


def test_lookup_before_fit_is_refused(path):
    with pytest.raises(NotFittedError):
        EmbeddingLookup(path, "cries", models=("mfcc",)).transform(CLIP_IDS)


def test_lookup_can_be_cloned_and_its_models_set(path):
    lookup = clone(fitted_lookup(path)).set_params(models=("noise",))
    assert lookup.get_params() == {"store": path, "dataset": "cries", "models": ("noise",)}
    assert lookup.fit_transform(CLIP_IDS).shape == (N_CLIPS, 4)


def test_lookup_tells_the_classifier_its_blocks(path):
    lookup = EmbeddingLookup(path, "learnable", models=("logmel", "mfcc"))
    reno = RENOClassifier(n_tokens=3, align_dim=8, max_epochs=1, random_state=0)
    pipeline = make_pipeline(lookup, reno).fit(CLIP_IDS, LABELS)
    assert pipeline.predict(["clip05", "clip02"]).shape == (2,)
    assert pipeline[-1].block_sizes_ == (3, 4)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_models_are_searched_over_as_a_hyperparameter(path, n_jobs):
    pipeline = make_pipeline(
        EmbeddingLookup(path, "learnable", models=("mfcc", "noise")),
        RENOClassifier(n_tokens=4, align_dim=8, lr=0.005, random_state=0),
    )
    pairs = [("noise", "mfcc"), ("logmel", "mfcc"), ("noise", "logmel")]
    search = GridSearchCV(
        pipeline, {"embeddinglookup__models": pairs}, cv=3, n_jobs=n_jobs, scoring="neg_log_loss"
    )
    search.fit(CLIP_IDS, LABELS)
    assert search.predict(np.array(CLIP_IDS[:2])).shape == (2,)
    assert search.best_params_ == {"embeddinglookup__models": ("logmel", "mfcc")}
    assert search.best_estimator_[-1].block_sizes_ == (3, 4)


def test_the_number_of_models_may_differ_within_a_search(path):
    pipeline = make_pipeline(EmbeddingLookup(path, "learnable"), DummyClassifier())
    choices = [("mfcc",), ("mfcc", "logmel"), ("mfcc", "logmel", "noise")]
    search = GridSearchCV(pipeline, {"embeddinglookup__models": choices}, cv=3)
    search.fit(np.array(CLIP_IDS), LABELS)
    assert list(search.cv_results_["param_embeddinglookup__models"]) == choices


def test_a_model_named_twice_is_refused(store):
    with pytest.raises(ValueError, match="'mfcc' is named twice"):
        store.load("cries", ["mfcc", "mfcc"])


def test_one_model_may_be_named_by_a_string(path, store):
    lookup = EmbeddingLookup(path, "cries", models="mfcc").fit(["x"])
    assert lookup.models_ == ("mfcc",)


def test_lookup_names_its_columns_and_keeps_to_set_output(path, store):
    ids = store.load("cries", "mfcc").clip_ids[:2]
    lookup = EmbeddingLookup(path, "cries", models=("mfcc", "logmel")).set_output(
        transform="pandas"
    )
    frame = lookup.fit(ids).transform(ids)
    assert list(frame.columns) == lookup.get_feature_names_out().tolist()
    assert frame.columns[0] == "mfcc:0"
    assert frame.shape == (2, SIZES["mfcc"] + SIZES["logmel"])
