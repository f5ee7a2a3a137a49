"""The training loop: what it feeds, when it stops, what it keeps, and what it leaves alone."""

import math
from itertools import chain

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from reno_store.estimators import (
    CNNClassifier,
    ConcatClassifier,
    FCNClassifier,
    RENOClassifier,
    base,
)
from reno_store.estimators.networks import FCN, FusionLoss, Prediction, renyi_minimum
from reno_store.estimators.training import TrainingData, TrainingPlan, seeded, train

SMALL = {"n_tokens": 4, "align_dim": 8}
CLASSIFIERS = {
    "fcn": FCNClassifier(),
    "cnn": CNNClassifier(n_tokens=4),
    "concat": ConcatClassifier(block_sizes="even", **SMALL),
    "reno": RENOClassifier(block_sizes="even", **SMALL),
}
TRAIN_KEYS = {
    "epoch",
    "seconds",
    "train_loss",
    "train_cross_entropy",
    "train_divergence_excess",
}
VALID_KEYS = {
    "valid_loss",
    "valid_cross_entropy",
    "valid_divergence_excess",
    "valid_accuracy",
}


@pytest.fixture(params=CLASSIFIERS)
def classifier(request):
    return CLASSIFIERS[request.param]


def with_parameters(classifier, **parameters):
    return type(classifier)(**{**classifier.get_params(), **parameters})


def embeddings(n_rows=60, n_columns=24, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_rows, n_columns)).astype(np.float32)


def three_classes(n_rows=60, n_columns=24, seed=0):
    """Classes told apart by columns of both halves."""
    y = np.arange(n_rows) % 3
    X = embeddings(n_rows, n_columns, seed)
    X[:, : n_columns // 4] += 3 * (y == 0)[:, None]
    X[:, -n_columns // 4 :] += 3 * (y == 1)[:, None]
    return X, y


class Recorder(nn.Module):
    """A linear network that writes down which rows it is given; column 0 is the row number."""

    def __init__(self, n_columns, n_classes):
        super().__init__()
        self.linear = nn.Linear(n_columns, n_classes)
        self.batches = []

    def forward(self, X):
        self.batches.append((self.training, X[:, 0].int().tolist()))
        return Prediction(self.linear(X / 100))

    def rows(self, *, training):
        return [rows for was_training, rows in self.batches if was_training == training]


def numbered(n_rows):
    X, y = embeddings(n_rows, 3), np.arange(n_rows) % 2
    X[:, 0] = np.arange(n_rows)
    return X, y.astype(np.int64)


def joined(batches):
    return list(chain.from_iterable(batches))


def trained_recorder(held_out=None, n_rows=20, **plan):
    network = Recorder(3, 2)
    with seeded(0, "cpu"):
        trained = train(
            network,
            FusionLoss(),
            TrainingData(*numbered(n_rows), held_out),
            TrainingPlan(**{"max_epochs": 3, "batch_size": 8, **plan}),
        )
    return network, trained


def test_without_held_out_rows_each_epoch_trains_on_every_row_once():
    network, _ = trained_recorder()
    batches = network.rows(training=True)
    assert [len(batch) for batch in batches] == [8, 8, 4] * 3
    epochs = [joined(batches[start : start + 3]) for start in (0, 3, 6)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(20))] * 3


def test_epochs_are_shuffled_each_anew():
    network, _ = trained_recorder()
    batches = network.rows(training=True)
    epochs = [joined(batches[start : start + 3]) for start in (0, 3, 6)]
    assert list(range(20)) not in epochs
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


def test_held_out_rows_are_validated_on_and_never_trained_on():
    held_out = np.arange(20) % 4 == 1
    network, _ = trained_recorder(held_out)
    trained_on = sorted(joined(network.rows(training=True)))
    assert trained_on == sorted(3 * np.flatnonzero(~held_out).tolist())
    assert network.rows(training=False)[:3] == [np.flatnonzero(held_out).tolist()] * 3


def test_a_first_step_is_adams_of_the_size_of_the_learning_rate():
    network = Recorder(3, 2)
    before = network.linear.weight.detach().clone()
    data = TrainingData(*numbered(20))
    train(network, FusionLoss(), data, TrainingPlan(lr=0.01, batch_size=20, max_epochs=1))
    steps = (network.linear.weight - before).abs()
    torch.testing.assert_close(steps, torch.full_like(steps, 0.01), rtol=1e-3, atol=0)


def test_network_comes_back_ready_for_prediction():
    network, trained = trained_recorder(np.arange(20) < 4)
    assert trained.network is network
    assert not network.training


def test_network_comes_back_without_the_last_steps_gradients():
    network, _ = trained_recorder()
    assert all(weights.grad is None for weights in network.parameters())


def test_seeded_gives_the_same_numbers_and_leaves_torchs_state_alone():
    before = torch.get_rng_state()
    drawn = []
    for seed in (1, 1, 2):
        with seeded(seed, "cpu"):
            drawn.append(torch.rand(3).tolist())
    assert drawn[0] == drawn[1] != drawn[2]
    assert torch.equal(torch.get_rng_state(), before)


def test_easy_classes_are_learned_well_above_chance(classifier):
    X, y = three_classes(120)
    test = np.arange(120) >= 90
    fitted = with_parameters(classifier, random_state=0).fit(X[~test], y[~test])
    assert fitted.score(X[test], y[test]) > 0.75
    assert fitted.history_[-1]["train_loss"] < fitted.history_[0]["train_loss"]


@pytest.mark.parametrize("name", ["concat", "reno"])
def test_fusion_learns_what_no_single_block_tells(name):
    bits = np.random.default_rng(0).integers(0, 2, size=(120, 2))
    X = embeddings(120)
    X[:, :3] += 4 * bits[:, :1]
    X[:, 12:15] += 4 * bits[:, 1:]
    y = bits @ [2, 1]
    test = np.arange(120) >= 90
    fusion = with_parameters(CLASSIFIERS[name], random_state=0).fit(X[~test], y[~test])
    alone = CNNClassifier(n_tokens=4, random_state=0).fit(X[~test, :12], y[~test])
    assert alone.score(X[test, :12], y[test]) < 0.7
    assert fusion.score(X[test], y[test]) > 0.8


def test_same_seed_gives_the_same_bits_whatever_torchs_own_state(classifier):
    X, y = three_classes()
    classifier = with_parameters(classifier, max_epochs=3, random_state=7)
    first = classifier.fit(X, y).predict_proba(X)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(12345)
        second = with_parameters(classifier).fit(X, y).predict_proba(X)
    assert first.tobytes() == second.tobytes()


def test_different_seeds_give_different_networks(classifier):
    X, y = three_classes()
    first, second = (
        with_parameters(classifier, max_epochs=2, random_state=seed).fit(X, y).predict_proba(X)
        for seed in (0, 1)
    )
    assert np.abs(first - second).max() > 1e-3


def test_a_generator_as_random_state_goes_on_from_fit_to_fit():
    X, y = three_classes()
    state = np.random.RandomState(0)
    fits = [FCNClassifier(max_epochs=2, random_state=state).fit(X, y) for _ in range(2)]
    assert np.abs(fits[0].predict_proba(X) - fits[1].predict_proba(X)).max() > 1e-3
    again = FCNClassifier(max_epochs=2, random_state=np.random.RandomState(0)).fit(X, y)
    assert again.predict_proba(X).tobytes() == fits[0].predict_proba(X).tobytes()


def test_fitting_disturbs_no_global_random_state(classifier):
    X, y = three_classes()
    of_torch = torch.get_rng_state()
    of_numpy = np.random.get_state()[1].copy()  # noqa: NPY002
    with_parameters(classifier, max_epochs=1, random_state=0).fit(X, y).predict(X)
    assert torch.equal(torch.get_rng_state(), of_torch)
    assert np.array_equal(np.random.get_state()[1], of_numpy)  # noqa: NPY002


def test_fitting_on_the_cpu_does_not_seed_the_gpus(monkeypatch):
    X, y = three_classes()
    seeded_with = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded_with.append)
    FCNClassifier(max_epochs=1, random_state=0, device="cpu").fit(X, y)
    assert not seeded_with


def test_training_and_prediction_use_one_thread_and_give_the_others_back(monkeypatch):
    def counted(self, X):
        n_threads.append((self.training, torch.get_num_threads()))
        return whole(self, X)

    n_threads = []
    whole = FCN.forward
    monkeypatch.setattr(FCN, "forward", counted)
    X, y = three_classes()
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        FCNClassifier(max_epochs=1, random_state=0).fit(X, y).predict(X)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(n_threads) == {(True, 1), (False, 1)}


def test_early_stopping_goes_back_to_the_best_weights(monkeypatch):
    held_out = []

    def spy(*arguments):
        held_out.append(base_hold_out(*arguments))
        return held_out[-1]

    base_hold_out = base.hold_out
    monkeypatch.setattr(base, "hold_out", spy)
    X = embeddings()
    y = np.random.default_rng(1).integers(0, 3, 60)  # nothing to learn, so it soon overfits
    fitted = FCNClassifier(
        lr=0.02, max_epochs=40, n_iter_no_change=3, batch_size=5, dropout=0.0, random_state=0
    ).fit(X, y)

    losses = [epoch["valid_cross_entropy"] for epoch in fitted.history_]
    assert fitted.best_epoch_ == 1 + int(np.argmin(losses))
    assert fitted.n_epochs_ == len(losses) == fitted.best_epoch_ + 3 < 40
    rows = held_out[0]
    assert rows.sum() > 5, "more than one batch, so that a mean of means would show"
    logits = torch.from_numpy(fitted.predict_proba(X[rows])).log()
    restored = cross_entropy(logits, torch.from_numpy(y[rows])).item()
    assert restored == pytest.approx(min(losses), rel=1e-4)
    assert restored < losses[-1]


def test_patience_is_counted_from_the_best_epoch():
    X = embeddings()
    y = np.random.default_rng(1).integers(0, 3, 60)
    lengths = [
        FCNClassifier(lr=0.02, max_epochs=40, n_iter_no_change=patience, random_state=0).fit(X, y)
        for patience in (1, 5)
    ]
    assert [fitted.n_epochs_ - fitted.best_epoch_ for fitted in lengths] == [1, 5]


def test_early_stopping_looks_at_cross_entropy_and_not_at_the_divergence():
    X = embeddings()
    y = np.random.default_rng(1).integers(0, 3, 60)
    reno = with_parameters(
        CLASSIFIERS["reno"], lam=0.01, lr=0.01, max_epochs=15, n_iter_no_change=15, random_state=0
    ).fit(X, y)
    best = {
        key: 1 + int(np.argmin([epoch[key] for epoch in reno.history_]))
        for key in ("valid_cross_entropy", "valid_loss")
    }
    assert best["valid_cross_entropy"] != best["valid_loss"], "else this test shows nothing"
    assert reno.best_epoch_ == best["valid_cross_entropy"]


def test_the_smallest_fall_goes_on():
    X, y = three_classes()
    fitted = FCNClassifier(
        lr=1e-5, dropout=0.0, max_epochs=8, n_iter_no_change=1, random_state=0
    ).fit(X, y)
    losses = np.array([epoch["valid_cross_entropy"] for epoch in fitted.history_])
    assert (np.diff(losses) > -0.02 * losses[:-1]).all(), "else this test shows nothing"
    assert fitted.best_epoch_ == fitted.n_epochs_ == 8


def test_without_early_stopping_every_epoch_is_run_on_every_row(classifier):
    X, y = three_classes()
    fitted = with_parameters(
        classifier, early_stopping=False, max_epochs=4, n_iter_no_change=1, random_state=0
    ).fit(X, y)
    assert fitted.n_epochs_ == fitted.best_epoch_ == len(fitted.history_) == 4
    assert all(set(epoch) == TRAIN_KEYS for epoch in fitted.history_)


@pytest.mark.parametrize(("batch_size", "n_steps"), [(60, 1), (32, 2), (7, 9), (1000, 1)])
def test_an_epoch_takes_as_many_steps_as_there_are_batches(monkeypatch, batch_size, n_steps):
    def counted(self, prediction, target):
        sizes.append(len(target))
        return whole(self, prediction, target)

    sizes = []
    whole = FusionLoss.parts
    monkeypatch.setattr(FusionLoss, "parts", counted)
    X, y = three_classes(60)
    FCNClassifier(batch_size=batch_size, max_epochs=1, early_stopping=False).fit(X, y)
    assert len(sizes) == n_steps
    assert sum(sizes) == 60


def test_history_has_every_part_of_the_loss_of_every_epoch(classifier):
    X, y = three_classes()
    fitted = with_parameters(classifier, max_epochs=3, random_state=0).fit(X, y)
    assert [epoch["epoch"] for epoch in fitted.history_] == [1, 2, 3]
    for epoch in fitted.history_:
        assert set(epoch) == TRAIN_KEYS | VALID_KEYS
        assert all(math.isfinite(value) for value in epoch.values())
        assert 0 <= epoch["valid_accuracy"] <= 1
        assert epoch["seconds"] > 0


def test_history_of_an_early_stop_is_whole_to_its_last_epoch():
    X = embeddings()
    y = np.random.default_rng(1).integers(0, 3, 60)
    fitted = FCNClassifier(lr=0.02, max_epochs=40, n_iter_no_change=1, random_state=0).fit(X, y)
    assert fitted.n_epochs_ < 40
    assert set(fitted.history_[-1]) == TRAIN_KEYS | VALID_KEYS
    assert all(math.isfinite(value) for value in fitted.history_[-1].values())


@pytest.mark.parametrize("lam", [0.4, 0.9])
def test_recorded_parts_make_up_equation_3(lam):
    X, y = three_classes()
    reno = with_parameters(CLASSIFIERS["reno"], lam=lam, beta=3.0, max_epochs=2, random_state=0)
    minimum = renyi_minimum(8, beta=3.0, delta=0.2)
    for epoch in reno.fit(X, y).history_:
        for side in ("train", "valid"):
            divergence = epoch[f"{side}_divergence_excess"] + minimum
            expected = lam * epoch[f"{side}_cross_entropy"] + (1 - lam) * divergence
            assert epoch[f"{side}_loss"] == pytest.approx(expected, rel=1e-5)
            assert epoch[f"{side}_divergence_excess"] > 0


def test_only_reno_minimises_a_divergence():
    X, y = three_classes()
    for name in ("fcn", "cnn", "concat"):
        fitted = with_parameters(CLASSIFIERS[name], max_epochs=1, random_state=0).fit(X, y)
        assert fitted.history_[0]["train_divergence_excess"] == 0
        assert fitted.history_[0]["train_loss"] == fitted.history_[0]["train_cross_entropy"]


def test_a_smaller_lam_brings_the_blocks_nearer():
    X, y = three_classes()
    ends = [
        with_parameters(
            CLASSIFIERS["reno"], lam=lam, early_stopping=False, max_epochs=15, random_state=0
        )
        .fit(X, y)
        .history_[-1]["train_divergence_excess"]
        for lam in (0.99, 0.01)
    ]
    assert ends[1] < ends[0] / 5


@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("interrupted_step", [1, 3, 7])
def test_ctrl_c_stops_a_fit_and_does_not_pass_for_its_end(
    monkeypatch, early_stopping, interrupted_step
):
    X, y = three_classes()
    steps = []

    def interrupted(self, *arguments):
        steps.append(1)
        if len(steps) == interrupted_step:
            raise KeyboardInterrupt
        return whole(self, *arguments)

    whole = FusionLoss.parts
    monkeypatch.setattr(FusionLoss, "parts", interrupted)
    classifier = FCNClassifier(
        batch_size=30, max_epochs=5, early_stopping=early_stopping, random_state=0
    )
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(X, y)
    assert not hasattr(classifier, "network_")


def test_a_step_that_fails_is_not_hidden(monkeypatch):
    def failing(self, *arguments):
        raise RuntimeError("the GPU fell off")

    monkeypatch.setattr(FusionLoss, "parts", failing)
    with pytest.raises(RuntimeError, match="the GPU fell off"):
        FCNClassifier(max_epochs=2).fit(*three_classes())


@pytest.mark.parametrize("early_stopping", [True, False])
def test_divergence_of_the_training_is_told_with_what_to_do(classifier, early_stopping):
    X, y = three_classes()
    diverging = with_parameters(
        classifier, lr=1e30, max_epochs=3, early_stopping=early_stopping, random_state=0
    )
    with pytest.raises(ValueError) as caught:
        diverging.fit(X, y)
    message = str(caught.value)
    assert message.startswith("training diverged: ")
    assert "lower lr" in message
    assert "StandardScaler" in message


@pytest.mark.parametrize("early_stopping", [True, False])
def test_divergence_in_the_very_last_step_is_told_too(early_stopping):
    X, y = three_classes(21)
    diverging = FCNClassifier(lr=1e30, max_epochs=1, early_stopping=early_stopping, random_state=0)
    with pytest.raises(ValueError, match="training diverged"):
        diverging.fit(X, y)


def test_verbose_prints_a_line_an_epoch(capsys):
    X, y = three_classes()
    FCNClassifier(max_epochs=3, verbose=1, random_state=0).fit(X, y)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [words[0] for words in lines if words and words[0].isdigit()] == ["1", "2", "3"]


def test_training_is_silent_unless_asked(capsys):
    X, y = three_classes()
    FCNClassifier(max_epochs=30, lr=0.02, n_iter_no_change=1, random_state=0).fit(X, y)
    assert capsys.readouterr() == ("", "")
