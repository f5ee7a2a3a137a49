"""docs/paper.md is true: what it points at exists, what it counts is so."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import linear

from reno_store.estimators.networks import CNN, FCN, RENO, Concat
from reno_store.estimators.networks.attention import SelfAttention
from reno_store.foundation_models.catalogue import CATALOGUE
from reno_store.runtime.devices import one_thread

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "paper.md").read_text("utf-8")
NETWORKS = {"FCN": FCN, "CNN": CNN, "Concat": Concat, "RENO": RENO}
RANGES = {"FCN": (0.7e6, 1.0e6), "CNN": (0.9e6, 1.1e6), "RENO": (1.3e6, 1.5e6)}
ROWS = re.findall(
    r"^\| (FCN|CNN|Concat|RENO) \| ([\d +]+) \| ([\d,]+) \| ([a-z ]+) "
    r"\| ([\d,]*) ?\| ([a-z ]*) ?\|$",
    TEXT,
    re.M,
)


@pytest.fixture(autouse=True)
def _same_weights_each_time():
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def n_parameters(name, sizes, **options):
    with torch.device("meta"):  # counted, not filled
        network = NETWORKS[name](sizes if len(sizes) > 1 else sizes[0], 6, **options)
    return sum(weights.numel() for weights in network.parameters())


def sizes_of(text):
    return tuple(int(size) for size in text.split("+"))


def test_every_estimator_is_counted_for_every_size_of_the_paper():
    named = [entry for entry in CATALOGUE.values() if entry.group in ("built in", "paper")]
    dims = {entry.dim for entry in (*named, CATALOGUE["mms-1b"])}
    for name in ("FCN", "CNN"):
        assert {sizes_of(row[1]) for row in ROWS if row[0] == name} == {(dim,) for dim in dims}
    for name in ("Concat", "RENO"):  # those pairs of which the paper's table II is made
        pairs = {sizes_of(row[1]) for row in ROWS if row[0] == name}
        assert pairs >= {(768, 768), (960, 768), (1920, 768), (3840, 768)}


def against_the_range(name, count):
    low, high = RANGES.get(name, (0, 0))
    side = "below" if count < low else "above" if count > high else "inside"
    return side if name in RANGES else "none given"


@pytest.mark.parametrize(("name", "sizes", "default", "verdict", "with_26", "verdict_26"), ROWS)
def test_counts_of_parameters_are_those_of_the_networks(
    name, sizes, default, verdict, with_26, verdict_26
):
    count = n_parameters(name, sizes_of(sizes))
    assert (default, verdict) == (f"{count:,}", against_the_range(name, count))
    if name == "FCN":
        assert with_26.strip() == verdict_26.strip() == ""
    else:
        count = n_parameters(name, sizes_of(sizes), n_tokens=26)
        assert (with_26, verdict_26.strip()) == (f"{count:,}", against_the_range(name, count))


@pytest.mark.parametrize("name", NETWORKS)
def test_each_further_class_adds_129_parameters(name):
    assert "each further class adds 129" in TEXT
    sizes = (768, 768) if name in ("Concat", "RENO") else 768
    counts = [
        sum(weights.numel() for weights in NETWORKS[name](sizes, n_classes).parameters())
        for n_classes in (6, 7)
    ]
    assert counts[1] - counts[0] == 129


def test_every_place_and_test_that_the_table_names_exists():
    places = re.findall(r"`((?:reno_store|tests)/[\w/.]+\.py)(?:::(\w+))?`", TEXT)
    assert len(places) > 50
    for path, test in places:
        assert (ROOT / path).is_file(), path
        if test:
            assert f"def {test}(" in (ROOT / path).read_text("utf-8"), f"{path}::{test}"


def test_every_footnote_is_explained():
    told = set(re.findall(r"^\| (\d+) \|", TEXT, re.M))
    assert set(re.findall(r"\[(\d+)\] \|", TEXT)) <= told


def test_fcn_is_the_dense_block_of_the_cnn():
    cnn, fcn = CNN(768, 6), FCN(64 * 192, 6)
    assert fcn.dense.state_dict().keys() == cnn.dense.state_dict().keys()
    fcn.dense.load_state_dict(cnn.dense.state_dict())  # the same shapes
    assert [type(layer) for layer in fcn.dense.layers] == [type(each) for each in cnn.dense.layers]


def test_every_network_ends_in_the_same_dense_block():
    for network in (FCN(60, 6), CNN(60, 6), Concat((40, 20), 6), RENO((40, 20), 6)):
        widths = [each.out_features for each in network.dense.layers if isinstance(each, nn.Linear)]
        assert widths == [512, 128, 6]


def test_branches_have_the_convolutions_of_the_cnn():
    reno, cnn = RENO((40, 30), 6), CNN(40, 6)
    branch = reno.branches[0].convolution
    cnn.convolution.load_state_dict(branch.state_dict())
    embedding = torch.randn(3, 40)
    assert torch.equal(branch(embedding), cnn.convolution(embedding))


def test_attention_is_equation_1_in_each_head():
    attention = SelfAttention(8, n_heads=2, residual=False).eval()
    weights = attention.attention
    tokens = torch.randn(3, 5, 8)
    q, k, v = linear(tokens, weights.in_proj_weight, weights.in_proj_bias).chunk(3, dim=-1)
    heads = []
    for columns in (slice(0, 4), slice(4, 8)):
        scores = q[..., columns] @ k[..., columns].transpose(1, 2) / 4**0.5
        heads.append(scores.softmax(dim=-1) @ v[..., columns])
    expected = weights.out_proj(torch.cat(heads, dim=-1))
    torch.testing.assert_close(attention(tokens), expected)
