"""Fingerprints: equal whatever the order, different part by part."""

from hypothesis import given
from hypothesis import strategies as st

from reno_store.store.fingerprints import fingerprint_differences, short_fingerprint

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
PRINTS = st.dictionaries(st.text(max_size=4), VALUES, max_size=4)


@given(PRINTS)
def test_order_does_not_matter(fingerprint):
    backwards = dict(reversed(fingerprint.items()))
    assert short_fingerprint(fingerprint) == short_fingerprint(backwards)
    assert fingerprint_differences(fingerprint, backwards) == []


def test_a_nested_part_is_named_by_its_path():
    stored = {"preprocessing": {"do_normalize": True, "rate": 1}, "layer": "last"}
    now = {"preprocessing": {"do_normalize": False, "rate": 1}, "layer": "last"}
    assert fingerprint_differences(stored, now) == [
        "preprocessing.do_normalize: stored True, now False"
    ]
    assert short_fingerprint(stored) != short_fingerprint(now)
