import hashlib
from pathlib import Path

import pytest

import reno_store
from reno_store.studies import source
from reno_store.studies.source import hash_source

CODE = '''"""A module."""

import math
from reno_store.estimators.networks.loss import loss
from numpy import log

__all__ = ["f"]

A = 1
"""A number."""


def f(x):
    """Double."""
    return 2 * x  # twice
'''


def hashed(tmp_path, code, name="module.py"):
    file = tmp_path / name
    file.write_text(code, encoding="utf-8")
    return hash_source([file])


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("A module.", "Another text."),
        ("Double.", "Twice as much."),
        ('"""A number."""\n', ""),
        ("# twice", ""),
        ("reno_store.estimators.networks.loss", "reno_store.estimators.losses"),
        ('["f"]', '["A", "f"]'),
        ("import math\nfrom reno_store", "from reno_store"),
    ],
)
def test_what_has_no_effect_does_not_count(tmp_path, was, now):
    changed = CODE.replace(was, now)
    if "import math" in was:  # moved, not removed
        changed = changed.replace("from numpy import log", "from numpy import log\nimport math")
    assert changed != CODE
    assert hashed(tmp_path, changed) == hashed(tmp_path, CODE)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("2 * x", "3 * x"),
        ("A = 1", "A = 2"),
        ("from numpy import log", "from scipy.special import log"),
        ("import loss", "import other as loss"),
        ("import math\n", "import cmath as math\n"),
    ],
)
def test_what_has_an_effect_counts(tmp_path, was, now):
    assert hashed(tmp_path, CODE.replace(was, now)) != hashed(tmp_path, CODE)


def test_names_and_order_of_files_do_not_count(tmp_path):
    first, second = tmp_path / "a.py", tmp_path / "b.py"
    first.write_text("x = 1\n", encoding="utf-8")
    second.write_text("y = 1\n", encoding="utf-8")
    assert hash_source([first, second]) == hash_source([second, first])
    assert hash_source([first, second]) != hash_source([first, first])


def test_results_of_an_earlier_version_with_the_same_outcomes_are_reused(tmp_path, monkeypatch):
    before, now, later = (hashed(tmp_path, f"A = {n}") for n in range(3))
    file = [hashlib.sha256(f"A = {n}".encode()).hexdigest() for n in range(3)]
    monkeypatch.setattr(source, "_SAME_OUTCOMES", {file[1]: file[0]})
    assert hashed(tmp_path, "A = 1") == before != now
    assert hashed(tmp_path, "A = 2") == later


def test_an_entry_for_an_earlier_version_is_of_a_file_as_it_is_now():
    package = Path(reno_store.__file__).parent
    files = package.glob("studies/*.py")
    now = {hashlib.sha256(source._code(file).encode()).hexdigest() for file in files}
    assert set(source._SAME_OUTCOMES) <= now
