"""What a caller has set of torch, and other fits, change no bit of a classifier."""

import os
import signal
import threading
import time
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch
from factories.classifiers import easy_data
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict

from reno_store.estimators import CNNClassifier, FCNClassifier, RENOClassifier
from reno_store.estimators.networks import FCN, FusionLoss
from reno_store.estimators.training import TrainingData, TrainingPlan, seeded, train


@pytest.fixture(scope="module")
def data():
    return easy_data()


def reno(**changed):
    parameters = {"block_sizes": "even", "max_epochs": 2, "random_state": 0, **changed}
    return RENOClassifier(**parameters)


def bits(data, **changed):
    return reno(**changed).fit(*data).predict_proba(data[0]).tobytes()


def default_device():
    torch.set_default_device("meta")
    yield
    torch.set_default_device(None)


def default_dtype():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def onednn():
    torch.backends.mkldnn.enabled = False
    yield
    torch.backends.mkldnn.enabled = True


def precision():
    torch.set_float32_matmul_precision("medium")
    yield
    torch.set_float32_matmul_precision("highest")


def within(make):
    def use():
        with make():
            yield

    return use


SETTINGS = {
    "autocast": within(lambda: torch.autocast("cpu", dtype=torch.bfloat16)),
    "inference mode": within(torch.inference_mode),
    "no grad": within(torch.no_grad),
    "anomalies": within(lambda: torch.autograd.set_detect_anomaly(True)),
    "no oneDNN": onednn,
    "default device": default_device,
    "default dtype": default_dtype,
    "precision of products": precision,
}


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
@pytest.mark.parametrize("name", SETTINGS)
def test_what_a_caller_has_set_changes_no_bit_and_is_set_after_it(data, name):
    # Wide enough for oneDNN to be asked.
    X = np.repeat(data[0], 40, axis=1)
    expected = bits((X, data[1]))
    setting = SETTINGS[name]()
    next(setting)
    try:
        before = state()
        assert bits((X, data[1])) == expected
        assert state() == before
    finally:
        next(setting, None)


@pytest.mark.skipif(
    not hasattr(torch.backends.cudnn, "conv"), reason="this torch has the older flags alone"
)
def test_a_precision_set_the_newer_way_changes_no_bit_and_stays_set(data):
    expected = bits(data)
    kinds = torch.backends.cudnn.conv, torch.backends.cuda.matmul
    for kind in (torch.backends, *kinds):
        kind.fp32_precision = "tf32"
    try:
        assert bits(data) == expected
        assert [kind.fp32_precision for kind in kinds] == ["tf32", "tf32"]
    finally:
        torch.backends.fp32_precision = "none"
        torch.set_float32_matmul_precision("highest")


def state():
    return (
        torch.is_autocast_enabled("cpu"),
        torch.is_inference_mode_enabled(),
        torch.is_grad_enabled(),
        torch.is_anomaly_enabled(),
        torch._C._get_mkldnn_enabled(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.get_float32_matmul_precision(),
        torch.get_num_threads(),
    )


def test_under_autocast_results_do_not_depend_on_the_number_of_processes(data):
    X, y = data
    with torch.autocast("cpu", dtype=torch.bfloat16):
        one, two = (
            cross_val_predict(reno(), X, y, cv=2, method="predict_proba", n_jobs=n) for n in (1, 2)
        )
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", np.int64(7)),
        ("max_epochs", np.int64(2)),
        ("n_iter_no_change", np.int32(3)),
        ("n_tokens", np.int64(4)),
        ("align_dim", np.int64(8)),
        ("n_heads", np.int8(2)),
        ("lr", np.float32(0.001)),
        ("beta", Fraction(3, 2)),
        ("delta", Fraction(1, 5)),
        ("lam", Fraction(2, 5)),
        ("dropout", Fraction(3, 10)),
        ("lr", Fraction(1, 1000)),
        ("validation_fraction", np.float64(0.2)),
        ("verbose", np.int64(0)),
        ("early_stopping", np.True_),
    ],
)
def test_numbers_of_every_kind_that_is_accepted_train(data, name, value):
    fitted = reno(**{name: value}).fit(*data)
    plain = float(value) if isinstance(value, Fraction | np.floating) else value.item()
    other = reno(**{name: plain}).fit(*data)
    np.testing.assert_array_equal(fitted.predict_proba(data[0]), other.predict_proba(data[0]))


def test_a_grid_of_numpy_numbers(data):
    search = GridSearchCV(
        FCNClassifier(max_epochs=1), {"batch_size": np.array([8, 16])}, cv=2, error_score="raise"
    )
    assert search.fit(*data).best_params_["batch_size"] in (8, 16)


def test_a_fit_that_fails_leaves_no_half_of_two(data):
    X, y = data
    fitted = reno().fit(X, y)
    with pytest.raises(ValueError, match="diverged"):
        fitted.set_params(lr=1e30).fit(X, np.where(y == y[0], "dog", "fox"))
    with pytest.raises(NotFittedError):
        fitted.predict(X)
    assert not [name for name in vars(fitted) if name.endswith("_")]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_forked_during_a_fit_can_fit(data):
    X, y = data
    wide = np.repeat(X, 60, axis=1)
    begun = threading.Event()

    class Telling(CNNClassifier):
        def _network(self, n_features):
            begun.set()
            return super()._network(n_features)

    thread = threading.Thread(target=lambda: Telling(max_epochs=10, random_state=0).fit(wide, y))
    thread.start()
    assert begun.wait(30)
    child = os.fork()
    if child == 0:
        from reno_store.estimators import torch_state

        # torch's own threads do not survive a fork; the lock is what is ours.
        os._exit(0 if torch_state._lock.acquire(timeout=5) else 1)
    thread.join()
    deadline = time.monotonic() + 20
    status = None
    while status is None and time.monotonic() < deadline:
        found, code = os.waitpid(child, os.WNOHANG)
        status = code if found else None
        time.sleep(0.05)
    if status is None:
        os.kill(child, signal.SIGKILL)
    assert status == 0


@pytest.mark.parametrize(
    "groups",
    [
        pd.Series(["a", "b", None, "c"] * 12, dtype="string"),
        pd.Series([1, 2, None, 3] * 12, dtype="Int64"),
        np.array(["a", "b", None, "c"] * 12, object),
    ],
    ids=["string", "Int64", "object"],
)
def test_speakers_that_are_missing_in_any_way_are_told(groups):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="12 rows have none"):
        FCNClassifier().fit(rng.normal(size=(48, 4)), [0, 1] * 24, groups=groups)


def test_speakers_of_mixed_kinds_are_names():
    rng = np.random.default_rng(0)
    groups = np.array(["a", 1, 2.5, "d"] * 12, object)
    FCNClassifier(max_epochs=1, random_state=0).fit(
        rng.normal(size=(48, 4)), ([0] * 4 + [1] * 4) * 6, groups=groups
    )


def test_a_loss_that_is_not_finite_is_told(data):
    with pytest.raises(ValueError, match="the loss is not finite"):
        reno(delta=1e308).fit(*data)


def test_class_weights_of_any_size_weigh_by_their_ratio(data):
    X, y = data
    labels = sorted(set(y.tolist()))
    huge, one = (
        FCNClassifier(max_epochs=2, random_state=0, class_weight=dict.fromkeys(labels, weight))
        .fit(X, y)
        .predict_proba(X)
        for weight in (1e308, 1.0)
    )
    np.testing.assert_array_equal(huge, one)


@pytest.mark.parametrize("epoch", [1, 3])
def test_ctrl_c_at_the_end_of_an_epoch_stops_the_fit(monkeypatch, epoch):
    from skorch.callbacks import EarlyStopping

    real = EarlyStopping.on_epoch_end

    def interrupted(self, net, **words):
        real(self, net, **words)
        if len(net.history) == epoch:
            raise KeyboardInterrupt

    monkeypatch.setattr(EarlyStopping, "on_epoch_end", interrupted)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 4)).astype(np.float32), np.arange(40) % 2
    held_out = np.arange(40) < 8
    plan = TrainingPlan(max_epochs=3)
    with seeded(0, "cpu"), pytest.raises(KeyboardInterrupt):
        train(FCN(4, 2, dropout=0.0), FusionLoss(), TrainingData(X, y, held_out), plan)


def test_many_rows_are_predicted_a_few_at_a_time():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3840)).astype(np.float32), np.arange(40) % 2
    cnn = CNNClassifier(max_epochs=1, random_state=0).fit(X, y)
    pieces = []
    cnn.network_.register_forward_hook(lambda network, rows, out: pieces.append(len(rows[0])))
    cnn.predict_proba(np.repeat(X, 5, axis=0))
    assert sum(pieces) == 200
    assert max(pieces) <= 64
