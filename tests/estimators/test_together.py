"""Many classifiers in one go: each as its own fit would leave it, stacked or in processes."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from classifiers import CLASSIFIERS, easy_data
from joblib import parallel_config
from sklearn.base import clone

from reno_store import open_store
from reno_store.errors import TrainingError
from reno_store.estimators import FCNClassifier, RENOClassifier, together, training
from reno_store.estimators.stacking import loop, pieces
from reno_store.estimators.together import fit_together

X, Y = easy_data()
FOLDS = [np.sort(np.random.default_rng(3).permutation(60)[:n]) for n in (48, 48, 41)]
QUICK = {"max_epochs": 3, "batch_size": 8, "random_state": 0}
RENO = clone(CLASSIFIERS["reno"]).set_params(**QUICK)
POINTS = [{}, {"beta": 3.0, "lam": 0.9}, {"delta": 0.0}, {"lam": 1.0}]


@pytest.fixture
def stacked(monkeypatch):
    """Stack on the CPU too, and count the members of each stack that is trained."""
    sizes = []
    whole = pieces.train_stack

    def counted(members, *arguments):
        sizes.append(len(members))
        return whole(members, *arguments)

    monkeypatch.setattr(together, "STACKED_ON", ("cpu", "cuda"))
    monkeypatch.setattr(pieces, "train_stack", counted)
    return sizes


@pytest.fixture
def in_float64(monkeypatch):
    """Have single fits and stacks compute in float64."""
    in_single, in_stack = training._dataset, pieces.train_stack

    def doubled(rows, targets, device):
        dataset = in_single(rows, targets, device)
        dataset.X = dataset.X.double()
        return dataset

    monkeypatch.setattr(training, "_dataset", doubled)
    monkeypatch.setattr(pieces, "train_stack", lambda a, b, c: in_stack(a, b.double(), c))
    of_torch = torch.set_default_dtype
    of_torch(torch.float64)
    monkeypatch.setattr(torch, "set_default_dtype", lambda dtype: None)
    yield
    of_torch(torch.float32)


@pytest.fixture
def real(demo_folder):
    """The demo's embeddings, scaled, with labels, a classifier, and rows of five folds."""
    store = open_store(demo_folder / "reno-demo" / "embeddings.zarr")
    samples = store.load(sorted(store.datasets)[0], ["mfcc", "logmel"])
    data = (samples.X - samples.X.mean(axis=0)) / (samples.X.std(axis=0) + 1e-9)
    order = np.random.default_rng(0).permutation(len(data))
    folds = [np.setdiff1d(order, test) for test in np.array_split(order, 5)]
    reno = RENOClassifier(block_sizes=samples.block_sizes, random_state=0)
    return data.astype(np.float32), samples.y, reno, folds


def grid(estimator, points=POINTS, folds=FOLDS):
    pairs = [(point, rows) for point in points for rows in folds]
    return [clone(estimator).set_params(**p) for p, _ in pairs], [rows for _, rows in pairs]


def alone(estimator, rows, data=X, groups=None):
    return clone(estimator).fit(data[rows], Y[rows], None if groups is None else groups[rows])


def assert_alike(found, expected, *, tolerance=1e-3):
    assert found.n_epochs_ == expected.n_epochs_
    assert found.best_epoch_ == expected.best_epoch_
    assert set(vars(found)) == set(vars(expected))
    for ours, theirs in zip(found.history_, expected.history_, strict=True):
        assert list(ours) == list(theirs)
        for key in ours.keys() - {"seconds"}:
            assert ours[key] == pytest.approx(theirs[key], abs=tolerance)
    difference = np.abs(found.predict_proba(X) - expected.predict_proba(X)).max()
    assert difference < tolerance
    assert found.n_parameters_ == expected.n_parameters_


def assert_same_weights(found, expected, *, tolerance):
    pairs = zip(found.network_.parameters(), expected.network_.parameters(), strict=True)
    for ours, theirs in pairs:
        assert ours.dtype == torch.float64
        torch.testing.assert_close(ours, theirs, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_members_of_a_stack_are_what_single_fits_give(stacked, name):
    points = [{}, {"dropout": 0.1}, {"random_state": 3}, {"class_weight": "balanced"}]
    points += POINTS[1:] if name == "reno" else []
    estimators, rows = grid(clone(CLASSIFIERS[name]).set_params(**QUICK), points)
    found = fit_together(estimators, X, Y, rows)
    assert stacked == [len(estimators)]
    for estimator, own, fitted in zip(estimators, rows, found, strict=True):
        assert fitted is estimator
        assert_alike(fitted, alone(estimator, own))


def test_one_member_is_equal_to_rounding(stacked):
    (found,) = fit_together([clone(RENO)], X, Y, FOLDS[:1])
    assert stacked == [1]
    assert_alike(found, alone(RENO, FOLDS[0]), tolerance=1e-4)


def test_in_float64_whole_fits_are_equal_to_rounding(stacked, in_float64):
    """Where rounding is small nothing else is left: weights, batches, dropout, Adam."""
    estimators, rows = grid(RENO, [*POINTS, {"class_weight": "balanced"}])
    found = fit_together(estimators, X, Y, rows)
    assert stacked == [len(estimators)]
    for fitted, own in zip(found, rows, strict=True):
        assert_same_weights(fitted, alone(fitted, own), tolerance=1e-8)


def test_in_float64_fits_of_real_embeddings_are_equal_to_rounding(stacked, in_float64, real):
    data, labels, reno, folds = real
    estimators, rows = grid(reno.set_params(max_epochs=2), POINTS[:2], folds[:2])
    found = fit_together(estimators, data, labels, rows)
    assert stacked == [4]
    for fitted, own in zip(found, rows, strict=True):
        expected = clone(fitted).fit(data[own], labels[own])
        assert_same_weights(fitted, expected, tolerance=1e-6)


def test_members_stop_early_each_at_its_own_epoch_with_its_best_weights(stacked):
    y = np.random.default_rng(1).integers(0, 3, 60)  # nothing to learn, so it soon overfits
    point = {"lr": 0.01, "max_epochs": 12, "batch_size": 10, "dropout": 0.0, "random_state": 0}
    estimators = [
        FCNClassifier(**point, n_iter_no_change=patience, validation_fraction=fraction)
        for patience in (1, 3, 20)
        for fraction in (0.1, 0.3)
    ]
    rows = [FOLDS[i % 3] for i in range(6)]
    found = fit_together(estimators, X, y, rows)
    expected = [clone(e).fit(X[own], y[own]) for e, own in zip(estimators, rows, strict=True)]
    assert stacked == [6]
    assert len({fitted.n_epochs_ for fitted in expected}) > 2, "else this test shows nothing"
    assert any(fitted.best_epoch_ < fitted.n_epochs_ for fitted in expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert_alike(ours, theirs)


def test_members_without_early_stopping_end_with_their_last_weights(stacked):
    estimators = [
        clone(RENO).set_params(early_stopping=flag, max_epochs=n)
        for flag, n in ((False, 2), (True, 4), (False, 5))
    ]
    found = fit_together(estimators, X, Y, FOLDS)
    assert stacked == [3]
    for estimator, own, fitted in zip(estimators, FOLDS, found, strict=True):
        assert_alike(fitted, alone(estimator, own))


def test_speakers_are_held_out_whole_as_in_single_fits(stacked):
    speakers = np.array([f"speaker {i // 6}" for i in range(60)])
    estimators, rows = grid(RENO, POINTS[:2])
    found = fit_together(estimators, X, Y, rows, speakers)
    for estimator, own, fitted in zip(estimators, rows, found, strict=True):
        assert_alike(fitted, alone(estimator, own, groups=speakers))
    assert any(
        ours.history_[0]["valid_cross_entropy"]
        != alone(ours, own).history_[0]["valid_cross_entropy"]
        for ours, own in zip(found, rows, strict=True)
    ), "else groups made no difference"


def test_columns_keep_their_names(stacked):
    names = [f"a:{i}" for i in range(14)] + [f"b:{i}" for i in range(10)]
    table = pd.DataFrame(X, columns=names)
    estimator = clone(RENO).set_params(block_sizes=None)
    (found,) = fit_together([estimator], table, Y, FOLDS[:1])
    assert stacked == [1]
    assert found.feature_names_in_.tolist() == names
    assert found.block_sizes_ == (14, 10)
    plain = clone(estimator).fit(table.iloc[FOLDS[0]], Y[FOLDS[0]])
    difference = found.predict_proba(table) - plain.predict_proba(table)
    assert np.abs(difference).max() < 1e-4


def test_other_shapes_get_stacks_of_their_own(stacked):
    points = [{}, {"n_tokens": 3}, {"lr": 0.01}, {"batch_size": 16}, {"n_heads": 4}, {"beta": 4.0}]
    estimators, rows = grid(RENO, points, FOLDS[:1])
    found = fit_together(estimators, X, Y, rows)
    assert sorted(stacked) == [1, 1, 1, 1, 2]
    for estimator, fitted in zip(estimators, found, strict=True):
        assert_alike(fitted, alone(estimator, FOLDS[0]))


def test_what_cannot_be_stacked_is_fitted_plainly(stacked):
    class Other(FCNClassifier):
        def _network(self, n_features):
            made = super()._network(n_features)
            return type("OtherFCN", (type(made),), {})(n_features, len(self.classes_))

    estimators = [
        clone(RENO).set_params(distribution=None),
        clone(RENO).set_params(random_state=np.random.RandomState(1)),
        Other(**QUICK),
        clone(RENO),
    ]
    found = fit_together(estimators, X, Y, [FOLDS[0]] * 4)
    assert stacked == [1]
    assert [fitted is each for fitted, each in zip(found, estimators, strict=True)] == [True] * 4
    plain = clone(RENO).set_params(random_state=np.random.RandomState(1))
    plain.fit(X[FOLDS[0]], Y[FOLDS[0]])
    assert found[1].predict_proba(X).tobytes() == plain.predict_proba(X).tobytes()


def test_a_member_that_diverges_leaves_alone(stacked):
    estimators = [clone(RENO) for _ in range(3)]
    spoilt = X.copy()
    spoilt[FOLDS[2][0]] = 3e38  # whose products are no numbers
    rows = [np.setdiff1d(own, FOLDS[2][:1]) for own in FOLDS[:2]] + [FOLDS[2]]
    found = fit_together(estimators, spoilt, Y, rows)
    assert stacked == [3]
    assert isinstance(found[2], TrainingError)
    assert "diverged" in str(found[2])
    assert not hasattr(estimators[2], "classes_")
    for fitted, own in zip(found[:2], rows, strict=False):
        assert_alike(fitted, alone(RENO, own))


def test_a_huge_learning_rate_is_told_as_by_a_single_fit(stacked):
    estimator = clone(RENO).set_params(lr=1e30)
    found = fit_together([estimator, clone(RENO)], X, Y, FOLDS[:2])
    with pytest.raises(TrainingError) as expected:
        alone(estimator, FOLDS[0])
    assert str(found[0]) == str(expected.value)
    assert found[1].n_epochs_ == 3


def test_wrong_members_are_told_and_the_others_go_on(stacked):
    one_class = np.flatnonzero(Y[0] == Y)
    estimators = [clone(RENO).set_params(beta=0.5), clone(RENO), clone(RENO)]
    found = fit_together(estimators, X, Y, [FOLDS[0], one_class, FOLDS[0]])
    assert "beta must be a number above 1" in str(found[0])
    assert "at least 2 classes" in str(found[1])
    assert not any(name.endswith("_") for name in (*vars(estimators[0]), *vars(estimators[1])))
    assert_alike(found[2], alone(RENO, FOLDS[0]))


@pytest.mark.parametrize(("is_stacked", "n_jobs"), [(True, 1), (False, 1), (False, 2)])
def test_ctrl_c_passes_through_and_leaves_nothing_fitted(request, is_stacked, n_jobs):
    if is_stacked:
        request.getfixturevalue("stacked")
    estimators, rows = grid(RENO, [{"max_epochs": 1}, {"max_epochs": 9}])
    told = []

    class Impatient:
        def advance(self, n=1):
            told.append(n)
            if len(told) == 4:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_together(estimators, X, Y, rows, n_jobs=n_jobs, counter=Impatient())
    assert len(told) == 4
    assert not any(name.endswith("_") for each in estimators for name in vars(each))


@pytest.mark.parametrize("is_stacked", [True, False])
def test_each_finished_estimator_is_counted_once(request, is_stacked):
    if is_stacked:
        request.getfixturevalue("stacked")
    told = []

    class Told:
        def advance(self, n=1):
            told.append(n)

    estimators, rows = grid(RENO, [{}, {"beta": 0.5}, {"distribution": None}])
    fit_together(estimators, X, Y, rows, counter=Told())
    assert told == [1] * len(estimators)


def test_torchs_state_is_pinned_and_put_back(stacked):
    before = torch.get_rng_state()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.inference_mode():
            (found,) = fit_together([clone(RENO)], X, Y, FOLDS[:1])
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(torch.get_rng_state(), before)
    assert_alike(found, alone(RENO, FOLDS[0]))


def test_a_fitted_member_holds_its_own_weights_and_no_stack(stacked):
    estimators = [clone(RENO), clone(RENO).set_params(beta=3.0)]
    found = fit_together(estimators, X, Y, FOLDS[:2])
    single = len(pickle.dumps(alone(RENO, FOLDS[0])))
    assert abs(len(pickle.dumps(found[0])) - single) < 0.02 * single
    assert all(each.requires_grad and each.grad is None for each in found[0].network_.parameters())
    assert not found[0].network_.training
    again = pickle.loads(pickle.dumps(found[0]))
    assert again.predict_proba(X).tobytes() == found[0].predict_proba(X).tobytes()


def test_stacks_are_cut_to_the_memory_that_they_may_use(stacked):
    estimators, rows = grid(RENO)
    whole = fit_together([clone(each) for each in estimators], X, Y, rows)
    assert stacked == [12]
    member = together.recruit(0, clone(RENO), X[FOLDS[0]], Y[FOLDS[0]], FOLDS[0], None)
    cut = fit_together(estimators, X, Y, rows, max_memory=5 * pieces.bytes_of(member))
    assert stacked == [12, 4, 4, 4]
    for ours, theirs in zip(cut, whole, strict=True):
        assert_alike(ours, theirs)


def test_a_stack_too_large_is_halved_and_nobody_trained_twice(stacked, monkeypatch):
    whole, n_steps = loop.Stack.step, []

    def starved(self, rows, *arguments):
        n_steps.append(len(rows))
        if len(rows) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(self, rows, *arguments)

    monkeypatch.setattr(loop.Stack, "step", starved)
    estimators, rows = grid(RENO)
    found = fit_together(estimators, X, Y, rows)
    assert stacked == [12, 6, 3, 3, 3, 3]
    assert_alike(found[-1], alone(estimators[-1], rows[-1]))


def test_too_little_memory_for_one_member_is_that_members_error(stacked, monkeypatch):
    def starved(self, *arguments):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(loop.Stack, "step", starved)
    found = fit_together([clone(RENO), clone(RENO)], X, Y, FOLDS[:2])
    for error in found:
        assert isinstance(error, TrainingError)
        assert "out of memory on cpu, even one classifier at a time" in str(error)


def test_on_a_cpu_results_are_single_fits_to_the_last_bit_whatever_n_jobs():
    estimators, rows = grid(RENO, [{}, {"beta": 0.5}])
    found = {
        n_jobs: fit_together([clone(each) for each in estimators], X, Y, rows, n_jobs=n_jobs)
        for n_jobs in (1, 2)
    }
    for ours, theirs in zip(found[1], found[2], strict=True):
        if isinstance(ours, Exception):
            assert str(ours) == str(theirs)
        else:
            assert ours.predict_proba(X).tobytes() == theirs.predict_proba(X).tobytes()
    expected = alone(estimators[0], rows[0])
    assert found[2][0].predict_proba(X).tobytes() == expected.predict_proba(X).tobytes()
    assert "beta must be a number above 1" in str(found[2][-1])


def test_processes_pass_warnings_on_and_leave_a_callers_generator_to_this_one():
    labels = np.arange(60)  # a class a row
    state = np.random.RandomState(0)
    estimators = [
        FCNClassifier(max_epochs=1, random_state=0),
        FCNClassifier(max_epochs=1, random_state=state),
        FCNClassifier(max_epochs=1, random_state=1),
        FCNClassifier(max_epochs=1, random_state=state),
    ]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = fit_together(estimators, X, labels, [np.arange(60)] * 4, n_jobs=2)
    assert sum("single row" in str(each.message) for each in caught) == 4
    assert found[1].random_state is state
    again = np.random.RandomState(0)
    for i in (1, 3):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = FCNClassifier(max_epochs=1, random_state=again).fit(X, labels)
        assert found[i].predict_proba(X).tobytes() == expected.predict_proba(X).tobytes()


def test_on_joblibs_threads_fits_are_those_of_processes():
    estimators = [clone(RENO), clone(RENO).set_params(beta=3.0)]
    with parallel_config(backend="threading"):
        found = fit_together(estimators, X, Y, FOLDS[:2], n_jobs=2)
    for fitted, own in zip(found, FOLDS, strict=False):
        expected = alone(fitted, own)
        assert fitted.predict_proba(X).tobytes() == expected.predict_proba(X).tobytes()


def test_as_many_rows_as_estimators_are_asked_for():
    with pytest.raises(ValueError, match="got 2 for 1 estimators"):
        fit_together([clone(RENO)], X, Y, FOLDS[:2])


def test_nothing_to_fit_gives_nothing():
    assert fit_together([], X, Y, []) == []


@pytest.mark.slow
def test_on_a_cpu_real_embeddings_give_the_predictions_of_single_fits(real):
    data, labels, reno, folds = real
    estimators, rows = grid(reno, POINTS[:2], folds[:2])
    for fitted, own in zip(
        fit_together(estimators, data, labels, rows, n_jobs=2), rows, strict=True
    ):
        expected = clone(fitted).fit(data[own], labels[own])
        assert fitted.predict_proba(data).tobytes() == expected.predict_proba(data).tobytes()


@pytest.mark.slow
def test_stacks_of_real_embeddings_score_as_single_fits_do_on_average(stacked, real):
    """Rounding grows two and a half times a step, so fits of 20 epochs agree in no more."""
    data, labels, reno, folds = real
    points = [{"random_state": seed} for seed in range(4)]
    estimators, rows = grid(reno, points, folds)
    found = fit_together(estimators, data, labels, rows)
    assert stacked == [20]
    scores = []
    for fitted, own in zip(found, rows, strict=True):
        test = np.setdiff1d(np.arange(len(data)), own)
        expected = clone(fitted).fit(data[own], labels[own])
        scores.append([each.score(data[test], labels[test]) for each in (fitted, expected)])
    differences = np.subtract(*np.transpose(scores))
    assert abs(differences.mean()) < 3 * max(differences.std() / np.sqrt(20), 0.005)
