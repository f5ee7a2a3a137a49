"""Maps are laid out once for the same embeddings, and again for others."""

import numpy as np
import pytest

from reno_store.errors import LedgerError
from reno_store.reports.figures import kept_maps, maps
from reno_store.studies.ledger import Ledger

X = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)


@pytest.fixture
def laid_out(monkeypatch):
    """Count how often a map is really laid out."""
    seeds = []
    real = maps.embed_in_plane

    def count(X, seed):
        seeds.append(seed)
        return real(X, seed)

    monkeypatch.setattr(maps, "embed_in_plane", count)
    return seeds


def test_the_second_time_gives_the_same_places_and_computes_nothing(tmp_path, laid_out):
    first = kept_maps(Ledger(tmp_path))(X, 0)
    second = kept_maps(Ledger(tmp_path))(X.copy(), 0)
    np.testing.assert_array_equal(first, second)
    assert second.dtype == np.float32
    assert laid_out == [0]


def test_other_embeddings_and_seeds_are_laid_out_anew(tmp_path, laid_out):
    lay_out = kept_maps(Ledger(tmp_path))
    changed = X.copy()
    changed[3, 2] = np.nextafter(changed[3, 2], np.float32(9))
    for each, seed in ((X, 0), (X, 1), (changed, 0)):
        lay_out(each, seed)
    assert laid_out == [0, 1, 0]


def test_where_nothing_can_be_kept_it_is_laid_out_each_time(tmp_path, laid_out, monkeypatch):
    def refuse(*_):
        raise LedgerError("read-only")

    monkeypatch.setattr(Ledger, "keep", refuse)
    lay_out = kept_maps(Ledger(tmp_path))
    assert lay_out(X, 0).shape == lay_out(X, 0).shape == (20, 2)
    assert laid_out == [0, 0]
