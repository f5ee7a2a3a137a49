"""Whether two searches found the same."""

import numpy as np

__all__ = ["TOLERANCE", "assert_same_results"]

# Classifiers fitted together may add up in another order than one alone; how far scores may
# then lie apart is said here and nowhere else. Of accuracies a row counts as a whole, so in
# the data of these tests, where classes are far apart, none may differ.
TOLERANCE = 1e-6


def assert_same_results(found, expected):
    """Compare cv_results_: the same keys in the same order, all values but times."""
    assert list(found) == list(expected)
    for key in expected:
        ours, theirs = found[key], expected[key]
        assert type(ours) is type(theirs), key
        if key == "params":
            assert ours == theirs
            continue
        assert ours.dtype == theirs.dtype, key
        assert ours.shape == theirs.shape, key
        if key.startswith("param_"):
            np.testing.assert_array_equal(np.ma.getmaskarray(ours), np.ma.getmaskarray(theirs))
            assert ours.tolist() == theirs.tolist()
        elif key.startswith("rank_"):
            means = expected[key.replace("rank_", "mean_")]
            for one in range(len(means)):
                apart = means - means[one] > 2 * TOLERANCE
                assert (ours[apart] < ours[one]).all(), key
        elif key.endswith("_time"):
            assert (ours >= 0).all(), key
        else:
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE, err_msg=key)
