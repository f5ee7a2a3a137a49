"""In cross-validation, searches and pipelines, alone or on several processes."""

import io
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from factories.classifiers import CLASSIFIERS, FUSIONS, LABELS, QUICK, easy_data
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.model_selection import (
    GridSearchCV,
    PredefinedSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reno_store.estimators import FCNClassifier


@pytest.fixture(params=CLASSIFIERS)
def classifier(request):
    return clone(CLASSIFIERS[request.param])


@pytest.fixture(scope="module")
def data():
    return easy_data()


def fit_and_predict(classifier, X, y):
    return classifier.fit(X, y).predict_proba(X)


def through_pickle(classifier):
    return pickle.loads(pickle.dumps(classifier))


def through_joblib(classifier):
    file = io.BytesIO()
    joblib.dump(classifier, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize("copied", [through_pickle, through_joblib, clone])
def test_unfitted_copies_learn_the_same_bits(classifier, data, copied):
    X, y = data
    expected = fit_and_predict(classifier, X, y).tobytes()
    assert fit_and_predict(copied(clone(classifier)), X, y).tobytes() == expected


def test_same_seed_gives_the_same_bits_in_this_process_and_in_others(classifier, data):
    X, y = data
    alone = fit_and_predict(clone(classifier), X, y)
    for n_jobs in (1, 2):
        shared = Parallel(n_jobs=n_jobs)(
            delayed(fit_and_predict)(clone(classifier), X, y) for _ in range(2)
        )
        assert [each.tobytes() for each in shared] == [alone.tobytes()] * 2
    elsewhere = Parallel(n_jobs=2)(delayed(clone(classifier).fit)(X, y) for _ in range(2))
    for fitted in (*elsewhere, through_pickle(elsewhere[0]), through_joblib(elsewhere[0])):
        assert fitted.predict_proba(X).tobytes() == alone.tobytes()


def test_fits_on_threads_of_one_process_do_not_disturb_one_another(classifier, data):
    X, y = data
    alone = fit_and_predict(clone(classifier), X, y).tobytes()
    n_threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        shared = Parallel(n_jobs=4, backend="threading")(
            delayed(fit_and_predict)(clone(classifier), X, y) for _ in range(12)
        )
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(n_threads)
    assert {each.tobytes() for each in shared} == {alone}


def test_cross_validated_predictions_are_the_same_bits_for_any_number_of_processes(
    classifier, data
):
    X, y = data
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    one, two = (
        cross_val_predict(classifier, X, y, cv=folds, method="predict_proba", n_jobs=n_jobs)
        for n_jobs in (1, 2)
    )
    assert one.tobytes() == two.tobytes()


def test_a_pickle_of_a_fitted_classifier_holds_no_training_data(classifier):
    rng = np.random.default_rng(0)
    sizes = []
    for n_rows in (60, 600):
        X, y = rng.normal(size=(n_rows, 24)), np.arange(n_rows) % 3
        sizes.append(len(pickle.dumps(classifier.fit(X, y))))
    assert abs(sizes[1] - sizes[0]) < 1000


def test_a_class_that_a_fold_does_not_train_is_never_predicted_there(classifier, data):
    X, y = data
    first = np.where(y == "cry", 0, np.where(y == "laugh", 1, 2))
    held = PredefinedSplit(np.where(first == 0, 0, np.arange(60) % 2))  # all cries are tested
    train, test = next(iter(held.split()))
    fitted = clone(classifier).fit(X[train], y[train])
    assert fitted.classes_.tolist() == ["laugh", "scream"]
    assert fitted.predict_proba(X[test]).shape == (len(test), 2)
    assert set(fitted.predict(X[test])) <= {"laugh", "scream"}
    scores = cross_val_score(classifier, X, y, cv=held)
    assert np.isfinite(scores).all()


def test_a_fold_may_test_a_single_class(classifier, data):
    X, y = data
    fold = np.where(np.arange(60) < 30, -1, np.searchsorted(LABELS, y))
    assert cross_val_score(classifier, X, y, cv=PredefinedSplit(fold)).shape == (3,)


@pytest.mark.parametrize("name", FUSIONS)
def test_blocks_are_known_from_names_through_a_pipeline_that_keeps_them(name, data):
    X, y = data
    names = [*(f"a:{i}" for i in range(14)), *(f"b:{i}" for i in range(10))]
    scaler = StandardScaler().set_output(transform="pandas")
    pipeline = make_pipeline(scaler, clone(CLASSIFIERS[name]).set_params(block_sizes=None))
    assert pipeline.fit(pd.DataFrame(X, columns=names), y)[-1].block_sizes_ == (14, 10)


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
