"""Speakers: from whoever is asked to fit, on to the rows held out for early stopping."""

import numpy as np
import pandas as pd
import pytest
from factories.classifiers import CLASSIFIERS, QUICK, easy_data
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reno_store.estimators import FCNClassifier, base


@pytest.fixture(params=CLASSIFIERS)
def classifier(request):
    return clone(CLASSIFIERS[request.param])


@pytest.fixture(scope="module")
def data():
    return easy_data()


SPEAKERS = np.repeat([f"s{i}" for i in range(10)], 6)


@pytest.fixture
def held_out(monkeypatch):
    """What is asked of `hold_out`, and what it gives: (groups, rows held out) a fit."""

    def spy(y, groups, *others):
        calls.append((groups, hold_out(y, groups, *others)))
        return calls[-1][1]

    calls = []
    hold_out = base.hold_out
    monkeypatch.setattr(base, "hold_out", spy)
    return calls


def assert_whole_speakers(calls, n_fits, n_speakers, n_held=1):
    assert len(calls) == n_fits
    for groups, held in calls:
        assert groups is not None
        assert len(set(groups.tolist())) == n_speakers
        assert len(set(groups[held].tolist())) == n_held
        assert not set(groups[held].tolist()) & set(groups[~held].tolist())


@pytest.mark.parametrize("kind", [list, np.array, pd.Series])
def test_speakers_of_any_kind_are_held_out_whole(classifier, data, held_out, kind):
    classifier.fit(*data, groups=kind(SPEAKERS.tolist()))
    assert_whole_speakers(held_out, 1, n_speakers=10)


def test_a_tenth_of_the_speakers_is_held_out(data, held_out):
    FCNClassifier(**QUICK).fit(*data, groups=np.repeat(np.arange(30), 2))
    assert_whole_speakers(held_out, 1, n_speakers=30, n_held=3)


def test_without_speakers_a_tenth_of_each_class_is_held_out(classifier, data, held_out):
    X, y = data
    classifier.fit(X, y)
    ((groups, held),) = held_out
    assert groups is None
    assert [held[y == label].sum() for label in np.unique(y)] == [2, 2, 2]


def test_cross_validation_routes_speakers_to_every_fit(classifier, data, held_out):
    with config_context(enable_metadata_routing=True):
        scores = cross_val_score(
            classifier.set_fit_request(groups=True),
            *data,
            cv=StratifiedGroupKFold(5),
            params={"groups": SPEAKERS},
        )
    assert np.isfinite(scores).all()
    assert_whole_speakers(held_out, 5, n_speakers=8)


def test_a_search_over_a_pipeline_routes_speakers_to_every_fit(data, held_out):
    with config_context(enable_metadata_routing=True):
        reno = clone(CLASSIFIERS["reno"]).set_fit_request(groups=True)
        search = GridSearchCV(
            make_pipeline(StandardScaler(), reno),
            {"renoclassifier__beta": [1.5, 2.0]},
            cv=StratifiedGroupKFold(2),
        )
        search.fit(*data, groups=SPEAKERS)
    assert_whole_speakers(held_out[:4], 4, n_speakers=5)
    assert_whole_speakers(held_out[4:], 1, n_speakers=10)  # once more on all rows


def test_routed_speakers_that_nobody_asked_for_are_refused_by_scikit_learn(data):
    with (
        config_context(enable_metadata_routing=True),
        pytest.raises(UnsetMetadataPassedError, match="groups"),
    ):
        cross_val_score(
            FCNClassifier(**QUICK), *data, cv=StratifiedGroupKFold(2), params={"groups": SPEAKERS}
        )


def test_speakers_that_are_not_requested_serve_the_folds_alone(data, held_out):
    with config_context(enable_metadata_routing=True):
        cross_val_score(
            FCNClassifier(**QUICK).set_fit_request(groups=False),
            *data,
            cv=StratifiedGroupKFold(2),
            params={"groups": SPEAKERS},
        )
    assert [groups for groups, _ in held_out] == [None, None]


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
