"""scikit-learn's checks, those that its own search passes with the same classifier."""

import warnings

import pytest
from factories.classifiers import QUICK
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from reno_store.estimators import FCNClassifier
from reno_store.estimators.searching import PlainFitsWarning, RENOGridSearchCV

SEARCHES = {
    "alone": (FCNClassifier(**QUICK), {"lr": [1e-3, 1e-2]}),
    "pipeline": (
        make_pipeline(StandardScaler(), FCNClassifier(**QUICK)),
        {"fcnclassifier__lr": [1e-3, 1e-2]},
    ),
}


def names_of(search):
    return [check.func.__name__ for _, check in estimator_checks_generator(search)]


def outcome(search, place):
    """Run one check; what it raises, in a word."""
    estimator, check = list(estimator_checks_generator(search))[place]
    with warnings.catch_warnings():
        # Some checks give lists and other objects that are fitted one by one.
        warnings.simplefilter("ignore", PlainFitsWarning)
        try:
            check(estimator)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return "passed"


CHECKS = [
    pytest.param(name, place, id=f"{name}-{place}-{check}")
    for name, (estimator, grid) in SEARCHES.items()
    for place, check in enumerate(names_of(RENOGridSearchCV(estimator, grid, cv=2)))
]


@pytest.mark.parametrize(("name", "place"), CHECKS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the:UserWarning")
@pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")
@pytest.mark.filterwarnings("ignore:every class has a single row:UserWarning")
def test_a_check_that_the_search_of_scikit_learn_passes_is_passed(name, place):
    estimator, grid = SEARCHES[name]
    ours = outcome(RENOGridSearchCV(estimator, grid, cv=2), place)
    if ours != "passed":
        theirs = outcome(GridSearchCV(estimator, grid, cv=2), place)
        assert theirs != "passed", ours


def test_no_check_is_turned_off():
    for estimator, grid in SEARCHES.values():
        ours = names_of(RENOGridSearchCV(estimator, grid, cv=2))
        assert ours == names_of(GridSearchCV(estimator, grid, cv=2))
        assert len(ours) > 40
