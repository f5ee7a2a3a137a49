"""The four networks: sizes the paper gives, shapes, and what each part sees."""

import pytest
import torch
from torch import nn
from torch.nn.functional import adaptive_max_pool1d, conv1d, max_pool1d, relu

from reno_store.estimators.networks import CNN, FCN, RENO, Concat
from reno_store.estimators.networks.attention import SelfAttention
from reno_store.estimators.networks.convolution import ConvolutionalBlocks
from reno_store.estimators.networks.dense import DenseBlock
from reno_store.runtime.devices import one_thread

FM_SIZES = [768, 960, 1920, 3840]
ODD_SIZES = [1, 2, 3, 5, 26, 27]
N_CLASSES = 6


@pytest.fixture(autouse=True)
def _same_weights_each_time():
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def n_parameters(network):
    return sum(weights.numel() for weights in network.parameters())


def of_kind(network, kind):
    return [module for module in network.modules() if isinstance(module, kind)]


def inputs_of(module, run):
    """What a module is given while `run` is called."""
    seen = []
    handle = module.register_forward_hook(lambda _, given, __: seen.append(given[0].detach()))
    run()
    handle.remove()
    return seen


@pytest.mark.parametrize("size", FM_SIZES)
def test_cnn_with_26_tokens_has_925_254_parameters_for_every_input_size(size):
    assert n_parameters(CNN(size, N_CLASSES, n_tokens=26)) == 925_254


@pytest.mark.parametrize("sizes", [(768, 768), (960, 768), (3840, 768), (3840, 1920)])
def test_fusions_with_26_tokens_have_the_same_parameters_for_every_input_size(sizes):
    assert n_parameters(RENO(sizes, N_CLASSES, n_tokens=26)) == 1_490_694
    assert n_parameters(Concat(sizes, N_CLASSES, n_tokens=26)) == 1_194_246


@pytest.mark.parametrize(("size", "expected"), [(768, 460_166), (3840, 2_033_030)])
def test_fcn_parameters_grow_with_the_input(size, expected):
    assert n_parameters(FCN(size, N_CLASSES)) == expected


def test_cnn_that_pools_by_2_has_6_364_742_parameters_at_768():
    assert n_parameters(CNN(768, N_CLASSES)) == 6_364_742


@pytest.mark.parametrize("n_tokens", [1, 7, 26, None])
@pytest.mark.parametrize("size", ODD_SIZES)
def test_cnn_takes_any_size(size, n_tokens):
    prediction = CNN(size, N_CLASSES, n_tokens=n_tokens)(torch.randn(4, size))
    assert prediction.logits.shape == (4, N_CLASSES)
    assert prediction.aligned is None


@pytest.mark.parametrize("size", ODD_SIZES)
def test_fcn_takes_any_size(size):
    prediction = FCN(size, N_CLASSES)(torch.randn(4, size))
    assert prediction.logits.shape == (4, N_CLASSES)
    assert prediction.aligned is None


@pytest.mark.parametrize("network", [RENO, Concat])
@pytest.mark.parametrize("n_tokens", [26, None])
@pytest.mark.parametrize("sizes", [(1, 1), (2, 27), (26, 3), (5, 1, 2)])
def test_fusions_take_any_sizes(network, n_tokens, sizes):
    fusion = network(sizes, N_CLASSES, n_tokens=n_tokens, align_dim=10)
    prediction = fusion(torch.randn(4, sum(sizes)))
    assert prediction.logits.shape == (4, N_CLASSES)
    assert prediction.aligned.shape == (4, len(sizes), 10)


@pytest.mark.parametrize(("size", "expected"), [(1, 1), (5, 5), (26, 26), (27, 26), (768, 26)])
def test_tokens_are_capped_at_the_length_of_the_block(size, expected):
    convolution = ConvolutionalBlocks(size, 26)
    assert convolution.n_tokens == expected
    assert convolution(torch.randn(2, size)).shape == (2, 64, expected)


@pytest.mark.parametrize(("size", "expected"), [(1, 1), (2, 1), (3, 1), (27, 6), (768, 192)])
def test_without_tokens_each_pool_halves(size, expected):
    convolution = ConvolutionalBlocks(size, None)
    assert convolution.n_tokens == expected
    assert convolution(torch.randn(2, size)).shape == (2, 64, expected)


def test_convolutions_have_32_and_64_filters_of_size_3():
    first, second = of_kind(CNN(768, N_CLASSES), nn.Conv1d)
    assert (first.in_channels, first.out_channels, first.kernel_size) == (1, 32, (3,))
    assert (second.in_channels, second.out_channels, second.kernel_size) == (32, 64, (3,))


def test_max_pooling_follows_each_convolution():
    convolution = ConvolutionalBlocks(16, None)
    first, second = of_kind(convolution, nn.Conv1d)
    embedding = torch.randn(3, 16)
    expected = embedding.unsqueeze(1)
    for layer in (first, second):
        expected = relu(conv1d(expected, layer.weight, layer.bias, padding=1))
        expected = max_pool1d(expected, 2)
    torch.testing.assert_close(convolution(embedding), expected)


def test_adaptive_pooling_goes_through_the_geometric_mean_of_the_lengths():
    convolution = ConvolutionalBlocks(768, 26)
    first, second = of_kind(convolution, nn.Conv1d)
    embedding = torch.randn(2, 768)
    expected = embedding.unsqueeze(1)
    for layer, length in ((first, 141), (second, 26)):  # sqrt(768 * 26) = 141.3
        expected = relu(conv1d(expected, layer.weight, layer.bias, padding=1))
        expected = adaptive_max_pool1d(expected, length)
    torch.testing.assert_close(convolution(embedding), expected)


def test_dense_block_is_512_and_128_with_dropout_after_each():
    layers = list(DenseBlock(20, N_CLASSES, dropout=0.25).layers)
    assert [type(layer) for layer in layers] == [
        *(nn.Linear, nn.ReLU, nn.Dropout),
        *(nn.Linear, nn.ReLU, nn.Dropout),
        nn.Linear,
    ]
    assert [layer.out_features for layer in layers[::3]] == [512, 128, N_CLASSES]
    assert [layer.p for layer in layers[2::3]] == [0.25, 0.25]


@pytest.mark.parametrize("dropout", [{"dropout": 0.5}, {"dropout": 0.0, "input_dropout": 0.5}])
@pytest.mark.parametrize(
    ("kind", "shape"), [(FCN, 20), (CNN, 20), (Concat, (12, 8)), (RENO, (12, 8))]
)
def test_dropout_acts_in_training_alone(kind, shape, dropout):
    network = kind(shape, N_CLASSES, **dropout)
    X = torch.randn(4, 20)
    network.train()
    assert not torch.equal(network(X).logits, network(X).logits)
    network.eval()
    assert torch.equal(network(X).logits, network(X).logits)


def test_changing_one_token_changes_the_others():
    attention = SelfAttention(8, n_heads=2).eval()
    tokens = torch.randn(1, 5, 8)
    changed = tokens.clone()
    changed[:, 0] += 1
    difference = (attention(tokens) - attention(changed)).abs().amax(dim=2)[0]
    assert (difference > 1e-4).all()


def test_attention_does_not_mix_clips():
    attention = SelfAttention(8, n_heads=2).eval()
    tokens = torch.randn(3, 5, 8)
    changed = tokens.clone()
    changed[0] += torch.randn(5, 8)
    torch.testing.assert_close(attention(tokens)[1:], attention(changed)[1:])


def test_attention_adds_its_input_and_may_normalise_the_sum():
    attention = SelfAttention(8, n_heads=2, norm="post").eval()
    nn.init.zeros_(attention.attention.out_proj.weight)
    nn.init.zeros_(attention.attention.out_proj.bias)
    tokens = torch.randn(2, 5, 8)
    expected = nn.functional.layer_norm(tokens, (8,))
    torch.testing.assert_close(attention(tokens), expected)


def test_reno_attends_over_positions_in_each_branch_and_then_over_blocks():
    reno = RENO((100, 60), N_CLASSES, n_tokens=7, align_dim=10).eval()
    seen = [
        inputs_of(module, lambda: reno(torch.randn(3, 160)))[0].shape
        for module in (reno.branches[0].attention, reno.branches[1].attention, reno.attention)
    ]
    assert seen == [(3, 7, 64), (3, 7, 64), (3, 2, 10)]


@pytest.mark.parametrize("n_heads", [1, 2, 4])
def test_every_attention_of_reno_has_the_heads_asked_for(n_heads):
    reno = RENO((10, 6), N_CLASSES, align_dim=8, n_heads=n_heads)
    assert [each.num_heads for each in of_kind(reno, nn.MultiheadAttention)] == [n_heads] * 3


def test_reno_has_two_heads_unless_told_otherwise():
    assert {each.num_heads for each in of_kind(RENO((10, 6), 2), nn.MultiheadAttention)} == {2}


def test_attention_may_leave_its_input_out():
    attention = SelfAttention(8, n_heads=2, residual=False, norm="post").eval()
    tokens = torch.randn(2, 5, 8)
    attended, _ = attention.attention(tokens, tokens, tokens)
    torch.testing.assert_close(attention(tokens), nn.functional.layer_norm(attended, (8,)))


def test_attention_may_normalise_its_input():
    attention = SelfAttention(8, n_heads=2, norm="pre").eval()
    nn.init.normal_(attention.norm.weight)
    tokens = 3 + torch.randn(2, 5, 8)
    normed = nn.functional.layer_norm(tokens, (8,), attention.norm.weight)
    attended, _ = attention.attention(normed, normed, normed)
    torch.testing.assert_close(attention(tokens), tokens + attended)


def test_attention_may_leave_its_output_as_it_is():
    attention = SelfAttention(8, n_heads=2).eval()
    tokens = torch.randn(2, 5, 8)
    attended, _ = attention.attention(tokens, tokens, tokens)
    torch.testing.assert_close(attention(tokens), tokens + attended)


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("norm", ["pre", "post", None])
def test_residual_and_norm_reach_every_attention_of_reno(residual, norm):
    reno = RENO((10, 6), N_CLASSES, align_dim=8, residual=residual, norm=norm)
    attentions = of_kind(reno, SelfAttention)
    assert [each.residual for each in attentions] == [residual] * 3
    assert [each.norm_first for each in attentions] == [norm == "pre"] * 3
    assert len(of_kind(reno, nn.LayerNorm)) == (3 if norm else 0)


def test_reno_without_attention_is_concat():
    shape, widths = (30, 20), {"n_tokens": 7, "align_dim": 9}
    reno = RENO(shape, N_CLASSES, **widths, attention=False, n_heads=2).eval()
    concat = Concat(shape, N_CLASSES, **widths).eval()
    concat.load_state_dict(reno.state_dict())
    X = torch.randn(4, 50)
    assert torch.equal(reno(X).logits, concat(X).logits)
    assert torch.equal(reno(X).aligned, concat(X).aligned)


def test_three_blocks_are_three_branches_and_three_tokens():
    reno = RENO((10, 6, 8), N_CLASSES, n_tokens=7, align_dim=8).eval()
    assert reno.n_tokens == (7, 6, 7)
    assert inputs_of(reno.attention, lambda: reno(torch.randn(5, 24)))[0].shape == (5, 3, 8)
    assert reno.dense.layers[0].in_features == 24


def test_each_of_three_blocks_changes_its_own_aligned_features():
    for network in (RENO, Concat):
        fusion = network((10, 6, 8), N_CLASSES, align_dim=8).eval()
        X = torch.randn(4, 24)
        for block, columns in enumerate([slice(0, 10), slice(10, 16), slice(16, 24)]):
            changed = X.clone()
            changed[:, columns] += torch.randn(changed[:, columns].shape)
            moved = (fusion(X).aligned - fusion(changed).aligned).abs().amax(dim=(0, 2)) > 1e-4
            assert moved.tolist() == [each == block for each in range(3)]


def test_concat_has_no_attention():
    assert not of_kind(Concat((10, 6), N_CLASSES), SelfAttention | nn.MultiheadAttention)


@pytest.mark.parametrize("network", [RENO, Concat])
@pytest.mark.parametrize(("changed_block", "columns"), [(0, slice(0, 30)), (1, slice(30, 50))])
def test_each_block_goes_to_its_own_branch(network, changed_block, columns):
    fusion = network((30, 20), N_CLASSES, align_dim=8).eval()
    X = torch.randn(4, 50)
    changed = X.clone()
    changed[:, columns] += torch.randn(changed[:, columns].shape)
    before, after = fusion(X), fusion(changed)
    other_block = 1 - changed_block
    assert torch.equal(before.aligned[:, other_block], after.aligned[:, other_block])
    moved = (before.aligned - after.aligned)[:, changed_block].abs().amax(dim=1)
    assert (moved > 1e-4).all()
    assert ((before.logits - after.logits).abs().amax(dim=1) > 1e-6).all()


def test_reno_refines_what_it_fuses_and_compares_what_it_aligned():
    reno = RENO((30, 20), N_CLASSES, align_dim=8).eval()
    X = torch.randn(4, 50)
    (attended,) = inputs_of(reno.attention, lambda: reno(X))
    (fused,) = inputs_of(reno.dense, lambda: reno(X))
    assert torch.equal(reno(X).aligned, attended)
    assert torch.equal(fused, reno.attention(attended).flatten(1))


def test_concat_hands_the_aligned_blocks_on_as_they_are():
    concat = Concat((30, 20), N_CLASSES, align_dim=8).eval()
    X = torch.randn(4, 50)
    (fused,) = inputs_of(concat.dense, lambda: concat(X))
    assert torch.equal(fused, concat(X).aligned.flatten(1))
