"""Stacks on the CPU, float64, and real embeddings."""

import numpy as np
import pytest
import torch

from reno_store import open_store
from reno_store.estimators import RENOClassifier, together, training
from reno_store.estimators.stacking import pieces


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Leave scikit-learn's longest checks, repeated on mapped arrays, to the slow suite."""
    for item in items:
        if "block_sizes='even'" in item.nodeid and "readonly_memmap" in item.nodeid:
            item.add_marker(pytest.mark.slow)


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

    def doubled(data, device):
        dataset = in_single(data, device)
        dataset.X = dataset.X.double()
        return dataset

    monkeypatch.setattr(training, "_dataset", doubled)
    monkeypatch.setattr(pieces, "train_stack", lambda a, b, *c: in_stack(a, b.double(), *c))
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
