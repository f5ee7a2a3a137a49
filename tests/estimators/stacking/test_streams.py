"""What a stream draws is what a single fit draws."""

import pytest
import torch
from torch import nn

from reno_store.estimators.networks import FCN, RENO
from reno_store.estimators.stacking.streams import Dropped, Stream, dropouts


def stream(state, *, p=0.3, n_rows=10, batch_size=4, seed=5):
    return Stream(
        state,
        torch.device("cpu"),
        seed=seed,
        n_rows=n_rows,
        batch_size=batch_size,
        dropouts=(Dropped(6, p), Dropped(3, p)),
    )


def test_positions_are_a_new_order_each_epoch_in_batches_of_which_the_last_is_short():
    with torch.random.fork_rng(devices=[]):
        drawn = stream(torch.get_rng_state())
        batches = [drawn.draw() for _ in range(6)]
    assert [len(batch.positions) for batch in batches] == [4, 4, 2] * 2
    assert [batch.is_last for batch in batches] == [False, False, True] * 2
    generator = torch.Generator().manual_seed(5)
    for epoch in (batches[:3], batches[3:]):
        order = torch.cat([batch.positions for batch in epoch])
        assert torch.equal(order, torch.randperm(10, generator=generator))


@pytest.mark.parametrize("p", [0.0, 0.3])
def test_masks_are_those_of_dropout_layers_and_other_streams_do_not_disturb_them(p):
    layers = nn.ModuleList([nn.Dropout(p), nn.Dropout(p)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        state = torch.get_rng_state()
        expected = [
            [layer(torch.ones(n, width)) for layer, width in zip(layers, (6, 3), strict=True)]
            for n in (4, 4, 2)
        ]
        drawn, other = stream(state, p=p), stream(state, p=0.5, n_rows=7)
        for masks in expected:
            found = drawn.draw().masks
            other.draw()
            assert all(torch.equal(a, b) for a, b in zip(found, masks, strict=True))


def test_dropouts_are_those_of_the_hidden_dense_layers_and_of_the_input():
    reno = {"n_tokens": 4, "align_dim": 8}
    assert dropouts(FCN(24, 3), 24) == ((512, 0.3), (128, 0.3))
    assert dropouts(RENO((14, 10), 3, **reno), 24) == ((512, 0.3), (128, 0.3))
    dropped = dropouts(RENO((14, 10), 3, **reno, dropout=0.1, input_dropout=0.2), 24)
    assert dropped == ((24, 0.2), (512, 0.1), (128, 0.1))
