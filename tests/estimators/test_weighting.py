"""Class weights: read as scikit-learn reads them, and felt by training and validation."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.utils.class_weight import compute_class_weight
from torch.nn.functional import cross_entropy

from reno_store.estimators import (
    CNNClassifier,
    ConcatClassifier,
    FCNClassifier,
    RENOClassifier,
    base,
)
from reno_store.estimators.weighting import class_weights

SMALL = {"n_tokens": 4, "align_dim": 8}
CLASSIFIERS = {
    "fcn": FCNClassifier(),
    "cnn": CNNClassifier(n_tokens=4),
    "concat": ConcatClassifier(block_sizes="even", **SMALL),
    "reno": RENOClassifier(block_sizes="even", **SMALL),
}
CLASSES = np.array(["cry", "laugh", "sob"])


@pytest.fixture(params=CLASSIFIERS)
def classifier(request):
    return clone(CLASSIFIERS[request.param]).set_params(random_state=0, max_epochs=6)


@pytest.fixture(scope="module")
def unbalanced():
    """50 cries, 8 laughs and 5 sobs, which overlap."""
    targets = np.repeat([0, 1, 2], [50, 8, 5])
    X = np.random.default_rng(0).normal(size=(63, 16)).astype(np.float32)
    X[:, 0] += targets
    return X, CLASSES[targets]


def test_balanced_weighs_by_one_over_the_frequency():
    targets = np.repeat([0, 1, 2], [6, 3, 1])
    weights = class_weights("balanced", CLASSES, targets)
    expected = compute_class_weight("balanced", classes=CLASSES, y=CLASSES[targets])
    np.testing.assert_allclose(weights.numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(weights.numpy() * [6, 3, 1], 10 / 3, rtol=1e-6)


def test_a_dict_weighs_by_label_and_only_its_ratios_matter():
    targets = np.repeat([0, 1, 2], [6, 3, 1])
    once = class_weights({"cry": 1, "laugh": 2, "sob": 4}, CLASSES, targets)
    tenfold = class_weights({"sob": 40, "laugh": 20, "cry": 10}, CLASSES, targets)
    torch.testing.assert_close(once, tenfold)
    np.testing.assert_allclose(once[1:] / once[0], [2, 4], rtol=1e-6)
    assert once.numpy()[targets].mean() == pytest.approx(1)


def test_labels_without_an_entry_weigh_one():
    targets = np.arange(3)
    given = class_weights({"sob": 4}, CLASSES, targets)
    torch.testing.assert_close(
        given, class_weights({"cry": 1, "laugh": 1, "sob": 4}, CLASSES, targets)
    )


def test_none_weighs_nothing():
    assert class_weights(None, CLASSES, np.arange(3)) is None


def test_labels_that_are_not_there_are_refused_where_another_is_left_out():
    with pytest.raises(ValueError, match=r"'cry'.*'laugh'.*not in class_weight"):
        class_weights({"cri": 2, "sob": 1}, CLASSES, np.arange(3))


def test_weights_that_leave_nothing_are_refused(classifier, unbalanced):
    with pytest.raises(ValueError, match="leaves no row of y any weight"):
        classifier.set_params(class_weight=dict.fromkeys(CLASSES, 0)).fit(*unbalanced)


@pytest.mark.parametrize(
    "wrong", ["even", 2.0, {"cry": -1}, {"cry": "2"}, {"cry": np.nan}, [1, 2, 3]]
)
def test_weights_of_another_form_are_refused(classifier, unbalanced, wrong):
    told = "class_weight must be None, 'balanced' or a dict from labels to numbers of at least 0"
    with pytest.raises(ValueError, match=told):
        classifier.set_params(class_weight=wrong).fit(*unbalanced)


def test_balanced_makes_the_rare_classes_likelier(classifier, unbalanced):
    X, y = unbalanced
    rare = [
        classifier.set_params(class_weight=weight).fit(X, y).predict_proba(X)[:, 1:].sum(axis=1)
        for weight in (None, "balanced")
    ]
    assert rare[1].mean() > rare[0].mean() + 0.1


def test_equal_weights_change_nothing_but_rounding(classifier, unbalanced):
    X, y = unbalanced
    plain = classifier.fit(X, y).predict_proba(X)
    equal = classifier.set_params(class_weight=dict.fromkeys(CLASSES, 3)).fit(X, y)
    np.testing.assert_allclose(equal.predict_proba(X), plain, atol=1e-4)


def test_a_class_that_weighs_nothing_is_not_learned(classifier, unbalanced):
    X, y = unbalanced
    weights = {"cry": 1, "laugh": 1, "sob": 0}
    classifier.set_params(class_weight=weights, max_epochs=20, lr=5e-3, input_dropout=0)
    assert (classifier.fit(X, y).predict_proba(X)[:, 2] < 0.05).all()


def test_held_out_rows_are_weighed_too_and_exactly(unbalanced, monkeypatch):
    held_out = []

    def spy(*arguments):
        held_out.append(base_hold_out(*arguments))
        return held_out[-1]

    base_hold_out = base.hold_out
    monkeypatch.setattr(base, "hold_out", spy)
    X, y = unbalanced
    fitted = FCNClassifier(
        class_weight="balanced", batch_size=4, dropout=0.0, max_epochs=3, random_state=0
    ).fit(X, y)
    rows = held_out[0]
    assert rows.sum() > 4, "more than one batch, so that weights within a batch would show"
    targets = np.searchsorted(CLASSES, y)
    weights = class_weights("balanced", CLASSES, targets).double()
    logits = torch.from_numpy(fitted.predict_proba(X[rows])).log()
    losses = cross_entropy(logits, torch.from_numpy(targets[rows]), reduction="none")
    expected = (weights[targets[rows]] * losses).mean().item()
    best = fitted.history_[fitted.best_epoch_ - 1]
    assert best["valid_cross_entropy"] == pytest.approx(expected, rel=1e-5)
    assert best["valid_loss"] == pytest.approx(expected, rel=1e-5)
    assert expected != pytest.approx(losses.mean().item(), rel=1e-2)


def test_a_dict_may_name_classes_that_a_fold_lacks(classifier):
    X = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    y = np.array(["cry", "laugh"] * 10)
    classifier.set_params(class_weight={"cry": 1, "laugh": 2, "sob": 3})
    assert classifier.fit(X, y).classes_.tolist() == ["cry", "laugh"]


def test_weights_can_be_searched_over(unbalanced):
    scores = cross_val_score(
        FCNClassifier(class_weight={"sob": 5}, max_epochs=2, random_state=0),
        *unbalanced,
        cv=StratifiedKFold(2),
        scoring="balanced_accuracy",
    )
    assert np.isfinite(scores).all()
