"""Each hyperparameter reaches the network or the loss that it describes."""

import numpy as np
import pytest
import torch
from factories.classifiers import CLASSIFIERS, FUSIONS, easy_data
from sklearn.base import clone

from reno_store.estimators import CNNClassifier, ConcatClassifier, FCNClassifier, RENOClassifier
from reno_store.estimators.networks import CNN, FCN, RENO, Concat


@pytest.fixture(params=CLASSIFIERS)
def classifier(request):
    return clone(CLASSIFIERS[request.param])


@pytest.fixture(scope="module")
def data():
    return easy_data()


@pytest.mark.parametrize(
    ("name", "kind"), [("fcn", FCN), ("cnn", CNN), ("concat", Concat), ("reno", RENO)]
)
def test_each_classifier_trains_its_network(name, kind, data):
    fitted = clone(CLASSIFIERS[name]).fit(*data)
    assert type(fitted.network_) is kind
    sizes = [weights.numel() for weights in fitted.network_.parameters()]
    assert fitted.n_parameters_ == sum(sizes)


def test_dropout_reaches_the_network(classifier, data):
    network = classifier.set_params(dropout=0.7).fit(*data).network_
    dropouts = [each.p for each in network.modules() if isinstance(each, torch.nn.Dropout)]
    assert dropouts == [0.3, 0.7, 0.7]


def test_dropout_of_the_input_reaches_the_network(classifier, data):
    network = classifier.set_params(input_dropout=0.2).fit(*data).network_
    dropouts = [each.p for each in network.modules() if isinstance(each, torch.nn.Dropout)]
    assert dropouts == [0.2, 0.3, 0.3]


def test_tokens_of_the_cnn_reach_the_network(data):
    for n_tokens, expected in [(5, 5), (26, 24), (None, 6)]:
        network = CNNClassifier(n_tokens=n_tokens, max_epochs=1).fit(*data).network_
        assert network.convolution.n_tokens == expected


@pytest.mark.parametrize("name", FUSIONS)
def test_tokens_and_alignment_reach_the_branches_of_a_fusion(name, data):
    network = clone(CLASSIFIERS[name]).set_params(n_tokens=5, align_dim=12).fit(*data).network_
    assert [branch.convolution.n_tokens for branch in network.branches] == [5, 5]
    assert [branch.align.out_features for branch in network.branches] == [12, 12]


@pytest.mark.parametrize(("n_tokens", "expected"), [(5, 5), (26, 24), (None, 6)])
def test_cnn_tells_the_tokens_that_are_left(n_tokens, expected, data):
    fitted = CNNClassifier(n_tokens=n_tokens, max_epochs=1).fit(*data)
    assert (fitted.n_tokens_, fitted.n_tokens) == (expected, n_tokens)


@pytest.mark.parametrize("name", FUSIONS)
@pytest.mark.parametrize(("n_tokens", "expected"), [(5, (5, 5)), (12, (12, 10)), (None, (3, 2))])
def test_fusions_tell_the_tokens_that_are_left_of_each_block(name, n_tokens, expected, data):
    fitted = clone(CLASSIFIERS[name]).set_params(n_tokens=n_tokens).fit(*data)
    assert (fitted.n_tokens_, fitted.n_tokens) == (expected, n_tokens)


@pytest.mark.parametrize(
    ("change", "kind", "n_left"),
    [
        ({"attention": False}, torch.nn.MultiheadAttention, 0),
        ({"norm": "pre"}, torch.nn.LayerNorm, 3),
        ({}, torch.nn.MultiheadAttention, 3),
        ({}, torch.nn.LayerNorm, 0),
    ],
)
def test_attention_and_its_norm_can_be_left_out_of_reno(change, kind, n_left, data):
    network = clone(CLASSIFIERS["reno"]).set_params(**change).fit(*data).network_
    assert len([each for each in network.modules() if isinstance(each, kind)]) == n_left


def test_each_open_point_of_reno_changes_the_training(data):
    X, y = data
    usual = clone(CLASSIFIERS["reno"]).fit(X, y).predict_proba(X)
    for change in (
        {"attention": False},
        {"residual": False},
        {"norm": "pre"},
        {"norm": "post"},
        {"n_tokens": 5},
        {"input_dropout": 0.5},
        {"distribution": None},
        {"align_dim": 10},
    ):
        other = clone(CLASSIFIERS["reno"]).set_params(**change).fit(X, y).predict_proba(X)
        assert np.abs(other - usual).max() > 1e-4, change


def test_reno_without_attention_and_divergence_is_concat(data):
    X, y = data
    reno = clone(CLASSIFIERS["reno"]).set_params(attention=False, lam=1).fit(X, y)
    concat = clone(CLASSIFIERS["concat"]).fit(X, y)
    assert reno.predict_proba(X).tobytes() == concat.predict_proba(X).tobytes()
    assert reno.n_parameters_ == concat.n_parameters_


def test_with_lam_1_beta_delta_and_distribution_change_nothing(data):
    X, y = data
    reno = clone(CLASSIFIERS["reno"]).set_params(lam=1).fit(X, y)
    assert {epoch["train_divergence_excess"] for epoch in reno.history_} == {0.0}
    for change in ({"beta": 9.0}, {"delta": 5.0}, {"distribution": None}):
        other = clone(reno).set_params(**change).fit(X, y)
        assert other.predict_proba(X).tobytes() == reno.predict_proba(X).tobytes()


def test_heads_reach_every_attention_of_reno(data):
    network = clone(CLASSIFIERS["reno"]).set_params(n_heads=4).fit(*data).network_
    heads = [branch.attention.attention.num_heads for branch in network.branches]
    assert [*heads, network.attention.attention.num_heads] == [4, 4, 4]


def test_each_hyperparameter_of_the_divergence_changes_the_training(data):
    X, y = data
    usual = clone(CLASSIFIERS["reno"]).fit(X, y).predict_proba(X)
    for change in ({"beta": 3.0}, {"delta": 0.01}, {"lam": 0.8}):
        other = clone(CLASSIFIERS["reno"]).set_params(**change).fit(X, y).predict_proba(X)
        assert np.abs(other - usual).max() > 0, change


def test_defaults_are_the_papers():
    defaults = RENOClassifier().get_params()
    papers = {"lr": 1e-3, "batch_size": 32, "max_epochs": 20, "beta": 2, "delta": 0.2, "lam": 0.4}
    assert {name: defaults[name] for name in papers} == papers
    assert defaults["n_heads"] == 2
    assert defaults["dropout"] > 0
    assert defaults["early_stopping"] is True
    for other in (FCNClassifier, CNNClassifier, ConcatClassifier):
        shared = other().get_params()
        assert {name: defaults[name] for name in shared} == shared


def test_open_points_of_the_paper_are_read_as_decided():
    defaults = RENOClassifier().get_params()
    assert {
        name: defaults[name]
        for name in (
            *("n_tokens", "align_dim", "attention", "residual", "norm", "distribution"),
            *("dropout", "input_dropout", "validation_fraction"),
            *("n_iter_no_change", "class_weight"),
        )
    } == {
        "n_tokens": None,
        "align_dim": 256,
        "attention": True,
        "residual": True,
        "norm": None,
        "distribution": "softmax",
        "dropout": 0.3,
        "input_dropout": 0.3,
        "validation_fraction": 0.1,
        "n_iter_no_change": 10,
        "class_weight": None,
    }
