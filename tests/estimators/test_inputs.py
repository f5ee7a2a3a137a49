"""What X and y may be, which columns are whose, and how the rest is refused."""

import numpy as np
import pandas as pd
import pytest
from factories.classifiers import CLASSIFIERS, FUSIONS, easy_data
from scipy import sparse
from sklearn.base import clone


@pytest.fixture(params=CLASSIFIERS)
def classifier(request):
    return clone(CLASSIFIERS[request.param])


@pytest.fixture(scope="module")
def data():
    return easy_data()


def named_columns(X, sizes=(("wavlm-base", 14), ("mfcc", 10))):
    return pd.DataFrame(X, columns=[f"{model}:{i}" for model, size in sizes for i in range(size)])


def whole_numbers(X):
    return np.round(10 * X)


@pytest.mark.parametrize(
    "layout",
    [
        lambda X: X.astype(np.int64),
        lambda X: X.astype(np.int8),
        lambda X: X.astype(object),
        lambda X: [[int(number) for number in row] for row in X],
        np.asfortranarray,
        lambda X: np.repeat(X, 2, axis=0)[::2],
        lambda X: np.repeat(X, 3, axis=1)[:, ::3],
        lambda X: X.astype(np.float64),
        lambda X: X.astype(">f4"),
        pd.DataFrame,
    ],
    ids=[
        *("int64", "int8", "object", "lists", "Fortran", "rows apart", "columns apart"),
        *("float64", "big-endian", "DataFrame"),
    ],
)
def test_numbers_of_any_kind_and_layout_give_the_same_bits(classifier, data, layout):
    X, y = whole_numbers(data[0]), data[1]
    expected = classifier.fit(X, y).predict_proba(X)
    other = clone(classifier).fit(layout(X), y)
    assert other.predict_proba(layout(X)).tobytes() == expected.tobytes()


@pytest.mark.parametrize("kind", [list, pd.Series, pd.Categorical, lambda y: y.astype(object)])
def test_labels_in_any_container_give_the_same_bits(classifier, data, kind):
    X, y = data
    expected = classifier.fit(X, y).predict_proba(X)
    other = clone(classifier).fit(X, kind(y))
    assert other.predict_proba(X).tobytes() == expected.tobytes()
    assert other.predict(X).tolist() == classifier.predict(X).tolist()


def test_read_only_memory_is_taken_and_left_alone(classifier, data):
    X, y = (each.copy() for each in data)
    X.flags.writeable = y.flags.writeable = False
    assert classifier.fit(X, y).predict(X).shape == (60,)


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.coo_array])
def test_sparse_numbers_are_refused_with_what_to_do(classifier, data, container):
    X, y = data
    told = r"[Ss]parse data was passed.* dense data is required.*toarray"
    with pytest.raises(TypeError, match=told):
        classifier.fit(container(X), y)
    classifier.fit(X, y)
    with pytest.raises(TypeError, match=told):
        classifier.predict(container(X))


def test_objects_that_are_no_numbers_are_refused(classifier, data):
    X, y = data
    words = X.astype(object)
    words[2, 1] = "loud"
    with pytest.raises(ValueError, match="could not convert string to float: 'loud'"):
        classifier.fit(words, y)


def test_names_of_columns_are_kept_and_checked(classifier, data):
    X, y = data
    names = [f"f{i}" for i in range(24)]
    frame = pd.DataFrame(X, columns=names)
    classifier.fit(frame, y)
    assert classifier.feature_names_in_.tolist() == names
    assert classifier.predict_proba(frame).tobytes() == classifier.predict_proba(frame).tobytes()
    with pytest.raises(ValueError, match="must be in the same order as they were in fit"):
        classifier.predict(frame[names[::-1]])
    with pytest.raises(ValueError, match=r"unseen at fit time:\n- g0"):
        classifier.predict(frame.rename(columns={"f0": "g0"}))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        classifier.predict(X)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (np.nan, "Input X contains NaN"),
        (np.inf, "Input X contains infinity"),
        (-np.inf, "infinity"),
    ],
)
def test_nan_and_infinity_are_refused(classifier, data, number, told):
    X, y = data
    holed = X.copy()
    holed[3, 5] = number
    with pytest.raises(ValueError, match=told):
        classifier.fit(holed, y)
    classifier.fit(X, y)
    with pytest.raises(ValueError, match=told):
        classifier.predict(holed)


def test_numbers_too_large_for_single_precision_are_refused(classifier, data):
    X, y = data
    large = X.astype(np.float64)
    large[3, 5] = 1e39
    with pytest.raises(ValueError, match="infinity or a value too large for dtype"):
        classifier.fit(large, y)


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
