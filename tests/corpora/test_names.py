"""Names: sound ones pass unchanged, the others are refused with the reason."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reno_store.corpora import check_name
from reno_store.corpora.names import check_column, name_problem

SAFE = string.ascii_letters + string.digits + "._+=-"


@pytest.mark.parametrize(
    "name", ["wavlm-base", "0", "VIVAE_core.v2", "run=3", "a+b", "a..b", "x" * 100]
)
def test_sound_name_passes_unchanged(name):
    assert name_problem(name) is None
    assert check_name("model", name) == name


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "it is empty"),
        ("x" * 101, "it has 101 characters; at most 100 are allowed"),
        ("a/b", "only letters, digits and . _ + = - are allowed, not '/'"),
        ("a\\b", r"only letters, digits and . _ + = - are allowed, not '\\'"),
        ("b c:a", "only letters, digits and . _ + = - are allowed, not ' ' ':'"),
        ("joy\n", r"only letters, digits and . _ + = - are allowed, not '\n'"),
        ("früh", "only letters, digits and . _ + = - are allowed, not 'ü'"),
        ("٣", "only letters, digits and . _ + = - are allowed, not '٣'"),
        (".hidden", "it must begin with a letter or digit, not '.'"),
        ("..", "it must begin with a letter or digit, not '.'"),
        ("-rf", "it must begin with a letter or digit, not '-'"),
        ("__all__", "it must begin with a letter or digit, not '_'"),
        ("zarr.json", "the name is reserved by Zarr"),
        ("Zarr.JSON", "the name is reserved by Zarr"),
    ],
)
def test_unsound_name_is_refused_with_the_reason(name, problem):
    assert name_problem(name) == problem
    with pytest.raises(ValueError) as caught:
        check_name("dataset", name)
    assert str(caught.value) == (
        f"dataset name {name!r} cannot be used: {problem}. Choose another name."
    )


@given(st.text(max_size=8) | st.text(SAFE, max_size=102))
def test_name_that_passes_is_one_safe_path_component(name):
    if name_problem(name) is None:
        assert 1 <= len(name) <= 100
        assert set(name) <= set(SAFE)
        assert name[0] in string.ascii_letters + string.digits


@pytest.mark.parametrize(
    "name", ["take", "Intensität", "two words", "感情", "a.b", "_x", "model:1"]
)
def test_sound_column_passes(name):
    assert check_column(name) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "no name"),
        ("  ", "no name"),
        ("a/b", "slash"),
        ("a\\b", "slash"),
        ("a\nb", "control character"),
        ("a\x7fb", "control character"),
        (".zattrs", "reserved"),
        ("..", "reserved"),
        ("__x", "reserved"),
        ("ZARR.json", "reserved"),
        ("embedding", "reserved by the store"),
        ("done", "reserved by the store"),
        ("audio_sha256", "reserved by the store"),
    ],
)
def test_unsound_column_is_refused_with_the_reason(name, reason):
    problem = check_column(name)
    assert reason in problem
    assert repr(name) in problem or not name.strip()


@pytest.mark.parametrize("name", ["x" * 256, "感" * 100], ids=["letters", "bytes"])
def test_column_that_is_too_long_for_a_file_name_is_refused(name):
    assert check_column(name) is not None
