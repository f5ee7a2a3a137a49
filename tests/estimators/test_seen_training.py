"""What a fit shows of itself: its history, printed or kept, and counts that fit it."""

import re

import numpy as np
import pytest
import torch
from factories.classifiers import CLASSIFIERS, easy_data
from sklearn.base import clone

from reno_store.estimators.networks import RENO, FusionLoss

PARTS = [
    f"{side}_{part}"
    for side in ("train", "valid")
    for part in ("loss", "cross_entropy", "divergence_excess")
]


@pytest.fixture(params=CLASSIFIERS)
def classifier(request):
    return clone(CLASSIFIERS[request.param])


@pytest.fixture(scope="module")
def data():
    return easy_data()


def printed_table(text):
    """Header and rows of what verbose prints, without the colours of terminals."""
    plain = re.sub("\x1b\\[[0-9]+m", "", text)
    lines = [line.split() for line in plain.splitlines() if line.strip()]
    rows = [line for line in lines if line[0].isdigit()]
    return next(line for line in lines if line[0] == "epoch"), rows


def test_verbose_prints_every_part_of_every_epoch(classifier, data, capsys):
    fitted = classifier.set_params(max_epochs=3, verbose=1).fit(*data)
    header, rows = printed_table(capsys.readouterr().out)
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert {*PARTS, "valid_accuracy"} <= set(header)
    for row, epoch in zip(rows, fitted.history_, strict=True):
        printed = dict(zip(header, row, strict=False))
        for part in (*PARTS, "valid_accuracy"):
            assert float(printed[part]) == pytest.approx(epoch[part], abs=5.1e-5), part


def test_counts_are_those_of_the_network_and_the_history(classifier, data):
    fitted = classifier.set_params(max_epochs=5).fit(*data)
    assert fitted.n_epochs_ == len(fitted.history_) == 5
    losses = [epoch["valid_cross_entropy"] for epoch in fitted.history_]
    assert fitted.best_epoch_ == 1 + int(np.argmin(losses))
    assert fitted.n_parameters_ == sum(each.numel() for each in fitted.network_.parameters())


@pytest.mark.parametrize("distribution", ["softmax", None])
def test_identical_branches_of_identical_blocks_have_no_excess(distribution):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        reno = RENO((20, 20), 3, n_tokens=4, align_dim=8).eval()
        half = torch.randn(5, 20)
    reno.branches[1].load_state_dict(reno.branches[0].state_dict())
    loss = FusionLoss(2.0, 0.2, 0.4, distribution=distribution)
    target = torch.zeros(5, dtype=torch.int64)
    same, moved = (
        loss.parts(reno(torch.cat([half, other], dim=1)), target).divergence_excess.item()
        for other in (half, half + 0.1)
    )
    assert same == 0
    assert moved > 0


def test_excess_is_shown_of_three_blocks_too(data):
    fitted = clone(CLASSIFIERS["reno"]).set_params(block_sizes=(10, 8, 6)).fit(*data)
    assert all(epoch["train_divergence_excess"] > 0 for epoch in fitted.history_)
