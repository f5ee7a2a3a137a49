"""The lookup that makes models a hyperparameter: rows by clip id."""

import numpy as np
import pandas as pd
import pytest
import sklearn.utils.estimator_checks as sklearn_checks
from factories.numbered_stores import (
    CLIP_IDS,
    LABELS,
    N_CLIPS,
    SIZES,
    embedding_of,
    make_numbered_store,
)
from sklearn import config_context
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from reno_store.errors import UnknownNameError
from reno_store.estimators import RENOClassifier
from reno_store.samples import EmbeddingLookup


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("lookup") / "embeddings.zarr"
    make_numbered_store(path)
    return path


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
    with pytest.raises(ValueError, match=r"needs a store and a dataset|models is empty"):
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


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
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


def test_one_model_may_be_named_by_a_string(path):
    lookup = EmbeddingLookup(path, "cries", models="mfcc").fit(["x"])
    assert lookup.models_ == ("mfcc",)


def test_lookup_names_its_columns_and_keeps_to_set_output(path):
    ids = CLIP_IDS[:2]
    lookup = EmbeddingLookup(path, "cries", models=("mfcc", "logmel")).set_output(
        transform="pandas"
    )
    frame = lookup.fit(ids).transform(ids)
    assert list(frame.columns) == lookup.get_feature_names_out().tolist()
    assert frame.columns[0] == "mfcc:0"
    assert frame.shape == (2, SIZES["mfcc"] + SIZES["logmel"])


@pytest.mark.parametrize("container", ["default", "pandas"])
@pytest.mark.parametrize("by_config", [False, True])
def test_set_output_leaves_names_and_ids_on_the_frame(path, container, by_config):
    one = fitted_lookup(path)
    ids = CLIP_IDS[:3]
    if by_config:
        with config_context(transform_output=container):
            frame = one.fit_transform(ids)
    else:
        frame = one.set_output(transform=container).transform(ids)
    assert isinstance(frame, pd.DataFrame)
    assert frame.columns.tolist() == one.get_feature_names_out().tolist()
    assert frame.index.tolist() == ids
    assert (frame.dtypes == np.float32).all()


# Those of scikit-learn's checks that give an estimator no numbers: a lookup takes clip ids.
@pytest.mark.parametrize(
    "check",
    [
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_get_params_invariance",
        "check_mixin_order",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_set_params",
        "check_valid_tag_types",
    ],
)
def test_lookup_passes_the_checks_of_scikit_learn_that_ask_for_no_numbers(path, check):
    one = EmbeddingLookup(path, "cries", models=("mfcc",))
    getattr(sklearn_checks, check)("EmbeddingLookup", one)


def test_lookup_says_that_it_takes_one_string_a_clip(path):
    tags = EmbeddingLookup(path, "cries", models=("mfcc",)).__sklearn_tags__().input_tags
    assert (tags.one_d_array, tags.two_d_array, tags.string) == (True, False, True)


def test_models_without_an_order_or_named_twice_are_refused(path):
    for models in ({"mfcc", "logmel"}, None, 5, [5], ["mfcc", "mfcc"]):
        with pytest.raises(ValueError, match=r"in an order|named twice|is empty"):
            fitted_lookup(path, models)


def test_two_columns_of_ids_are_refused(path):
    lookup, ids = fitted_lookup(path), np.array(["clip03", "clip01"])
    with pytest.raises(ValueError, match=r"one clip id per row, got an array of shape \(2, 2\)"):
        lookup.transform(np.c_[ids, ids])
