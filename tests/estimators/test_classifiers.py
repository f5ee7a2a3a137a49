"""The four classifiers as scikit-learn knows estimators: labels, copies, searches, errors."""

import io
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from classifiers import CLASSIFIERS, FUSIONS, LABELS, QUICK, easy_data
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reno_store.estimators import FCNClassifier, base


@pytest.fixture(params=CLASSIFIERS)
def classifier(request):
    return clone(CLASSIFIERS[request.param])


@pytest.fixture(scope="module")
def data():
    return easy_data()


def named_columns(X, sizes=(("wavlm-base", 14), ("mfcc", 10))):
    return pd.DataFrame(X, columns=[f"{model}:{i}" for model, size in sizes for i in range(size)])


@pytest.mark.parametrize(
    "labels",
    [
        LABELS,
        np.array([7, -1, 3]),
        np.array(["b", "ü", "a"], dtype=object),
        np.array([2.0, 0.0, 1.0]),
    ],
    ids=["str", "int", "object", "float"],
)
def test_labels_of_any_kind_come_back(classifier, data, labels):
    X, y = data
    y = labels[np.searchsorted(LABELS, y)]
    classifier.set_params(max_epochs=15).fit(X, y)
    assert classifier.classes_.tolist() == sorted(labels.tolist())
    predicted = classifier.predict(X)
    assert predicted.shape == (60,)
    assert predicted.dtype == classifier.classes_.dtype
    assert (predicted == y).mean() > 0.6


def test_probabilities_are_of_the_classes_in_their_order(classifier, data):
    X, y = data
    probabilities = classifier.fit(X, y).predict_proba(X)
    assert probabilities.shape == (60, 3)
    assert probabilities.dtype == np.float64
    assert (probabilities > 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert (classifier.predict(X) == LABELS[probabilities.argmax(axis=1)]).all()


def test_each_row_is_predicted_by_itself(classifier, data):
    X, y = data
    whole = classifier.fit(X, y).predict_proba(X)
    single = np.concatenate([classifier.predict_proba(X[row : row + 1]) for row in range(60)])
    np.testing.assert_allclose(single, whole, rtol=0, atol=1e-7)


def test_many_rows_are_predicted_in_pieces(data, monkeypatch):
    X, y = data
    fitted = FCNClassifier(**QUICK).fit(X, y)
    whole = fitted.predict_proba(X)
    monkeypatch.setattr(base, "_ROWS_PER_PREDICTION", 7)
    np.testing.assert_allclose(fitted.predict_proba(X), whole, rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_predictions_of_realistic_size_do_not_depend_on_the_company(name):
    # Long sums, where float32 would show who is predicted together.
    rng = np.random.default_rng(0)
    X, y = 30 * rng.normal(size=(200, 1728)), rng.permutation(np.arange(200) % 3)
    fitted = clone(CLASSIFIERS[name])
    if name in FUSIONS:
        fitted.set_params(block_sizes=(960, 768))
    whole = fitted.fit(X, y).predict_proba(X)
    some = rng.permutation(200)[:37]
    np.testing.assert_allclose(fitted.predict_proba(X[some]), whole[some], rtol=0, atol=1e-7)
    np.testing.assert_allclose(fitted.predict_proba(X[::-1])[::-1], whole, rtol=0, atol=1e-7)


def test_prediction_leaves_dropout_out(classifier, data):
    X, y = data
    classifier.fit(X, y)
    assert classifier.predict_proba(X).tobytes() == classifier.predict_proba(X).tobytes()


def test_fit_needs_no_scikit_learn_shaped_input(data):
    X, y = data
    by_lists = FCNClassifier(**QUICK).fit(X.tolist(), y.tolist())
    by_arrays = FCNClassifier(**QUICK).fit(X, y)
    assert by_lists.predict_proba(X).tobytes() == by_arrays.predict_proba(X).tobytes()


def test_fit_returns_itself_and_changes_no_parameter_and_no_input(classifier, data):
    X, y = (each.copy() for each in data)
    before = classifier.get_params()
    assert classifier.fit(X, y) is classifier
    assert classifier.get_params() == before
    assert np.array_equal(X, data[0])
    assert np.array_equal(y, data[1])


def test_fitting_again_forgets_what_was(classifier, data):
    X, y = data
    first = classifier.fit(X, y).predict_proba(X)
    classifier.fit(X[::-1], np.where(y == "cry", "sob", "giggle"))
    assert classifier.classes_.tolist() == ["giggle", "sob"]
    assert classifier.fit(X, y).predict_proba(X).tobytes() == first.tobytes()


def test_clones_are_equal_and_unfitted(classifier, data):
    X, y = data
    copy = clone(classifier.fit(X, y))
    assert copy.get_params() == classifier.get_params()
    with pytest.raises(NotFittedError, match="not fitted"):
        copy.predict(X)
    assert copy.fit(X, y).predict_proba(X).tobytes() == classifier.predict_proba(X).tobytes()


def test_parameters_can_be_read_and_set(classifier):
    changed = {"lr": 0.01, "dropout": 0.5, "max_epochs": 7}
    assert classifier.set_params(**changed) is classifier
    assert {name: classifier.get_params()[name] for name in changed} == changed
    with pytest.raises(ValueError, match="Invalid parameter 'learning_rate'"):
        classifier.set_params(learning_rate=0.01)


@pytest.mark.parametrize("copied_with", [pickle, joblib], ids=["pickle", "joblib"])
def test_pickled_copies_predict_the_same(classifier, data, copied_with):
    X, y = data
    file = io.BytesIO()
    copied_with.dump(classifier.fit(X, y), file)
    file.seek(0)
    copy = copied_with.load(file)
    assert copy.predict_proba(X).tobytes() == classifier.predict_proba(X).tobytes()
    assert copy.predict(X).tolist() == classifier.predict(X).tolist()
    assert copy.history_ == classifier.history_


def test_nan_is_refused(classifier, data):
    X, y = data
    holed = X.copy()
    holed[3, 5] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        classifier.fit(holed, y)
    classifier.fit(X, y)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        classifier.predict(holed)


def test_one_class_is_refused_by_name(classifier, data):
    X, _ = data
    name = type(classifier).__name__
    with pytest.raises(
        ValueError, match=f"{name} needs at least 2 classes in y, got 1 class: 'cry'"
    ):
        classifier.fit(X, ["cry"] * 60)


def test_measurements_are_refused_as_labels(classifier, data):
    X, _ = data
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        classifier.fit(X, X[:, 0])


def test_rows_and_labels_of_different_number_are_refused(classifier, data):
    X, y = data
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[60, 59\]"):
        classifier.fit(X, y[:-1])


def test_another_number_of_columns_is_refused_at_prediction(classifier, data):
    X, y = data
    name = type(classifier).__name__
    with pytest.raises(ValueError, match=f"X has 23 features, but {name} is expecting 24"):
        classifier.fit(X, y).predict(X[:, :23])


@pytest.mark.parametrize("name", FUSIONS)
def test_fusions_without_blocks_are_refused_with_both_ways_out(name, data):
    with pytest.raises(ValueError, match=r"block_sizes=samples\.block_sizes.*'MODEL:i'"):
        clone(CLASSIFIERS[name]).set_params(block_sizes=None).fit(*data)


@pytest.mark.parametrize("name", FUSIONS)
def test_blocks_that_do_not_add_up_are_refused_with_both_sums(name, data):
    with pytest.raises(ValueError, match="add up to 25, but X has 24 columns"):
        clone(CLASSIFIERS[name]).set_params(block_sizes=(14, 11)).fit(*data)


@pytest.mark.parametrize("name", FUSIONS)
def test_named_columns_are_as_good_as_block_sizes(name, data):
    X, y = data
    by_sizes = clone(CLASSIFIERS[name]).fit(X, y)
    by_names = clone(CLASSIFIERS[name]).set_params(block_sizes=None).fit(named_columns(X), y)
    assert by_names.block_sizes_ == by_sizes.block_sizes_ == (14, 10)
    assert by_names.network_.block_sizes == (14, 10)
    expected = by_sizes.predict_proba(X)
    assert by_names.predict_proba(named_columns(X)).tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", FUSIONS)
def test_other_columns_are_refused_at_prediction(name, data):
    X, y = data
    fusion = clone(CLASSIFIERS[name]).set_params(block_sizes=None).fit(named_columns(X), y)
    swapped = named_columns(X)[[*named_columns(X).columns[14:], *named_columns(X).columns[:14]]]
    with pytest.raises(ValueError, match="must be in the same order as they were in fit"):
        fusion.predict(swapped)
    other_model = named_columns(X, (("hubert-base", 14), ("mfcc", 10)))
    with pytest.raises(ValueError, match=r"unseen at fit time:\n- hubert-base:0"):
        fusion.predict(other_model)


@pytest.mark.parametrize("name", FUSIONS)
def test_three_blocks_are_fused_too(name, data):
    X, y = data
    fusion = clone(CLASSIFIERS[name]).set_params(block_sizes=(10, 8, 6), max_epochs=15)
    assert fusion.fit(X, y).score(X, y) > 0.6
    assert fusion.block_sizes_ == (10, 8, 6)
    assert fusion.n_tokens_ == (4, 4, 4)


@pytest.mark.parametrize("name", FUSIONS)
def test_three_models_are_told_by_the_names_of_columns(name, data):
    X, y = data
    sizes = (("wavlm-base", 10), ("mfcc", 8), ("logmel", 6))
    fusion = clone(CLASSIFIERS[name]).set_params(block_sizes=None)
    fusion.fit(named_columns(X, sizes), y)
    by_sizes = clone(CLASSIFIERS[name]).set_params(block_sizes=(10, 8, 6)).fit(X, y)
    assert fusion.block_sizes_ == (10, 8, 6)
    expected = by_sizes.predict_proba(X).tobytes()
    assert fusion.predict_proba(named_columns(X, sizes)).tobytes() == expected


def test_groups_hold_out_whole_speakers(data, monkeypatch):
    X, y = data
    speakers = np.repeat([f"s{i}" for i in range(10)], 6)
    held_out = []

    def spy(*arguments):
        held_out.append(base_hold_out(*arguments))
        return held_out[-1]

    base_hold_out = base.hold_out
    monkeypatch.setattr(base, "hold_out", spy)
    FCNClassifier(**QUICK).fit(X, y, groups=speakers)
    assert held_out[0].sum() == 6
    assert len(set(speakers[held_out[0]])) == 1


def test_groups_of_one_speaker_are_refused_unless_nothing_is_held_out(data):
    X, y = data
    with pytest.raises(ValueError, match=r"none of the 1 speakers.*early_stopping=False"):
        FCNClassifier(**QUICK).fit(X, y, groups=["s1"] * 60)
    fitted = FCNClassifier(early_stopping=False, **QUICK).fit(X, y, groups=["s1"] * 60)
    assert fitted.n_epochs_ == 2


@pytest.mark.parametrize("unknown", ["", None, float("nan")])
def test_rows_whose_speaker_is_unknown_are_refused(data, unknown):
    groups = np.array(["s1", "s2", "s3"] * 20, object)
    groups[7] = unknown
    with pytest.raises(ValueError, match="each row's speaker, 1 rows have none"):
        FCNClassifier(**QUICK).fit(*data, groups=groups)


@pytest.mark.parametrize("early_stopping", [True, False])
def test_groups_of_another_length_are_refused(data, early_stopping):
    classifier = FCNClassifier(early_stopping=early_stopping, **QUICK)
    with pytest.raises(ValueError, match=r"one entry a row of X, got shape \(59,\) for 60 rows"):
        classifier.fit(*data, groups=["s1"] * 59)


def test_cross_validation_does_not_depend_on_the_number_of_processes(data):
    X, y = data
    reno = clone(CLASSIFIERS["reno"]).set_params(max_epochs=4)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    alone, shared = (
        cross_val_score(reno, X, y, cv=folds, scoring="neg_log_loss", n_jobs=n_jobs)
        for n_jobs in (1, 2)
    )
    assert alone.shape == (3,)
    assert np.isfinite(alone).all()
    assert alone.tolist() == shared.tolist()


def test_cross_validation_takes_speakers_for_its_folds(data, classifier):
    X, y = data
    speakers = np.repeat([f"s{i}" for i in range(10)], 6)
    scores = cross_val_score(
        classifier.set_params(max_epochs=15), X, y, groups=speakers, cv=StratifiedGroupKFold(2)
    )
    assert scores.mean() > 0.5


def test_grid_search_over_beta_delta_and_lam_gives_parameters_for_a_new_classifier(data):
    X, y = data
    grid = {"beta": [1.5, 3.0], "delta": [0.1, 0.2], "lam": [0.4, 0.8]}
    search = GridSearchCV(CLASSIFIERS["reno"], grid, cv=3, n_jobs=2, scoring="neg_log_loss")
    search.fit(X, y)
    assert len(search.cv_results_["params"]) == 8
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(set(search.cv_results_["mean_test_score"])) == 8
    assert set(search.best_params_) == set(grid)

    again = clone(CLASSIFIERS["reno"]).set_params(**search.best_params_).fit(X, y)
    np.testing.assert_allclose(again.predict_proba(X), search.predict_proba(X), atol=1e-6)


def test_pipeline_with_a_scaler_trains_on_scaled_columns(classifier, data):
    X, y = data
    pipeline = make_pipeline(StandardScaler(), clone(classifier)).fit(1e4 * X + 1e5, y)
    scaled = StandardScaler().fit_transform(1e4 * X + 1e5)
    expected = classifier.fit(scaled, y).predict_proba(scaled)
    assert pipeline.predict_proba(1e4 * X + 1e5).tobytes() == expected.tobytes()


def test_pipeline_hands_groups_on(data):
    X, y = data
    pipeline = make_pipeline(StandardScaler(), FCNClassifier(**QUICK))
    with pytest.raises(ValueError, match="none of the 1 speakers"):
        pipeline.fit(X, y, fcnclassifier__groups=["s1"] * 60)
