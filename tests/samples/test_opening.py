"""A lookup opens its store once a process, sees what changes in it, and copies none of it."""

import pickle
import shutil

import joblib
import numpy as np
import pytest
from factories.numbered_stores import (
    CLIP_IDS,
    LABELS,
    N_CLIPS,
    SIZES,
    embedding_of,
    make_numbered_store,
    put_dataset,
)
from joblib.externals.loky import get_reusable_executor
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from reno_store.errors import StaleStoreError, StoreError, UnknownNameError
from reno_store.samples import EmbeddingLookup, lookup, open_store
from reno_store.store import StoreWriter


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("lookup") / "embeddings.zarr"
    make_numbered_store(path)
    return path


def fitted_lookup(path, models=("mfcc", "logmel"), dataset="cries"):
    return EmbeddingLookup(path, dataset, models=models).fit(CLIP_IDS)


def small_store(path, **options):
    with StoreWriter.open(path) as writer:
        put_dataset(writer, "cries", **options)
    return path


@pytest.fixture
def openings(monkeypatch):
    """Paths of the stores that lookups opened, in turn."""

    def opened(path):
        paths.append(path)
        return open_store(path)

    paths = []
    monkeypatch.setattr(lookup, "open_store", opened)
    return paths


def pairs_search(path, n_jobs, scoring=None):
    choices = [("mfcc", "noise"), ("logmel", "mfcc"), ("noise", "logmel")]
    return GridSearchCV(
        make_pipeline(EmbeddingLookup(path, "cries"), DummyClassifier()),
        {"embeddinglookup__models": choices},
        cv=3,
        n_jobs=n_jobs,
        scoring=scoring,
    )


def test_a_search_opens_the_store_once(tmp_path, openings):
    path = small_store(tmp_path / "embeddings.zarr")
    pairs_search(path, n_jobs=1).fit(np.array(CLIP_IDS), LABELS)
    assert openings == [path.resolve()]


def test_other_names_of_one_folder_are_one_store(tmp_path, openings, monkeypatch):
    path = small_store(tmp_path / "embeddings.zarr")
    (tmp_path / "link.zarr").symlink_to(path, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    for name in (path, str(path), "embeddings.zarr", "./embeddings.zarr", "link.zarr"):
        assert fitted_lookup(name).transform(["clip03"]).iloc[0, 0] == 30
    assert openings == [path.resolve()]


def test_each_worker_process_opens_the_store_once(tmp_path):
    def n_openings(estimator, X, y):  # in the worker that has just fitted and looked up
        from reno_store.samples import lookup

        return float(lookup._opened.cache_info().misses)

    get_reusable_executor().shutdown(wait=True)  # workers of other tests opened other stores
    path = small_store(tmp_path / "embeddings.zarr")
    search = pairs_search(path, n_jobs=2, scoring=n_openings).fit(np.array(CLIP_IDS), LABELS)
    folds = [search.cv_results_[f"split{i}_test_score"].tolist() for i in range(3)]
    assert folds == [[1.0, 1.0, 1.0]] * 3


@pytest.mark.parametrize("fitted", [False, True])
def test_a_pickle_holds_the_path_and_nothing_of_the_store(path, fitted):
    one = EmbeddingLookup(path, "cries", models=("mfcc", "logmel"))
    if fitted:
        one.fit(CLIP_IDS).transform(CLIP_IDS)
    assert len(pickle.dumps(one)) < 1000 < embedding_of("mfcc").nbytes * 3
    copy = pickle.loads(pickle.dumps(one)).fit(CLIP_IDS)
    assert copy.transform(CLIP_IDS).equals(fitted_lookup(path).transform(CLIP_IDS))


def test_a_fitted_pickle_goes_on_in_another_process(path):
    one = fitted_lookup(path)
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(one.transform)(["clip07"]) for _ in range(2))
    assert all(each.equals(one.transform(["clip07"])) for each in found)


def test_an_open_store_is_refused_since_it_would_travel_too(path):
    with pytest.raises(ValueError, match=r"needs the path of a store, got .*it as \.path"):
        EmbeddingLookup(open_store(path), "cries", models="mfcc").fit(CLIP_IDS)


def test_a_store_that_another_replaced_is_opened_anew(tmp_path, openings):
    path = small_store(tmp_path / "embeddings.zarr")
    one = fitted_lookup(path, models=("mfcc",))
    assert one.transform(["clip03"]).iloc[0, 0] == 30
    shutil.rmtree(path)
    arrays = {model: -embedding_of(model) for model in SIZES}
    small_store(path, arrays=arrays)
    assert one.transform(["clip03"]).iloc[0, 0] == -30
    assert len(openings) == 2


def test_a_store_put_in_place_by_renaming_is_opened_anew(tmp_path, openings):
    path = small_store(tmp_path / "embeddings.zarr")
    other = tmp_path / "other.zarr"
    shutil.copytree(path, other)  # with the times of the first
    one = fitted_lookup(path)
    path.rename(tmp_path / "old.zarr")
    other.rename(path)
    assert one.transform(["clip03"]).iloc[0, 0] == 30
    assert len(openings) == 2


def test_a_store_that_is_gone_or_of_another_version_is_no_longer_served(tmp_path):
    path = small_store(tmp_path / "embeddings.zarr")
    one = fitted_lookup(path)
    root = path / "zarr.json"
    whole = root.read_text()
    root.write_text(whole.replace('"format_version": 3', '"format_version": 4'))
    with pytest.raises(StoreError, match="format version 3"):
        one.transform(CLIP_IDS)
    root.write_text(whole)
    assert one.transform(CLIP_IDS).shape == (N_CLIPS, 7)
    shutil.rmtree(path)
    with pytest.raises(StoreError, match="does not exist"):
        one.transform(CLIP_IDS)


def test_clips_that_were_stored_since_are_found(tmp_path, openings):
    path = small_store(tmp_path / "embeddings.zarr", lacking={"mfcc": [3]})
    one = fitted_lookup(path, models=("mfcc",))
    with pytest.raises(UnknownNameError, match="'clip03'"):
        one.transform(["clip03"])
    small_store(path)
    assert one.transform(["clip03"]).iloc[0, 0] == 30
    assert len(openings) == 1


def test_embeddings_of_another_models_weights_are_refused_after_fit(tmp_path):
    path = small_store(tmp_path / "embeddings.zarr")
    one = fitted_lookup(path)
    metadata = path / "cries" / "logmel" / "zarr.json"
    text = metadata.read_text()
    assert '"model": "logmel"' in text
    metadata.write_text(text.replace('"model": "logmel"', '"model": "retrained"'))
    told = r"embeddings of 'logmel' in dataset 'cries' have the fingerprint .* Fit again"
    with pytest.raises(StaleStoreError, match=told):
        one.transform(CLIP_IDS)
    assert one.fit(CLIP_IDS).transform(CLIP_IDS).shape == (N_CLIPS, 7)
