"""Labels with few clips, left out."""

import numpy as np
import pytest

from reno_store.errors import ProtocolError
from reno_store.samples import Samples
from reno_store.samples.rare_labels import leave_out_rare


def make_samples(y, groups=None):
    y = np.array(y)
    return Samples(
        X=np.arange(2 * len(y), dtype=np.float32).reshape(-1, 2),
        y=y,
        groups=groups,
        clip_ids=np.array([f"clip{i}" for i in range(len(y))]),
        block_sizes=(2,),
        dataset="cries",
        models=("mfcc",),
    )


def test_clips_of_labels_with_fewer_are_left_out_and_counted():
    groups = np.array(list("abcdef"))
    kept, rare = leave_out_rare(
        make_samples(["joy", "sigh", "joy", "fear", "fear", "joy"], groups), 2
    )
    assert rare == {"sigh": 1}
    assert kept.y.tolist() == ["joy", "joy", "fear", "fear", "joy"]
    assert kept.X[:, 0].tolist() == [0, 4, 6, 8, 10]
    assert kept.clip_ids.tolist() == ["clip0", "clip2", "clip3", "clip4", "clip5"]
    assert "".join(kept.groups) == "acdef"
    kept, rare = leave_out_rare(make_samples(["joy", "sigh", "joy", "fear", "fear", "joy"]), 3)
    assert rare == {"fear": 2, "sigh": 1}
    assert kept.groups is None


def test_one_leaves_nothing_out():
    samples = make_samples(["joy", "sigh"])
    assert leave_out_rare(samples, 1) == (samples, {})


def test_where_nothing_stays_the_most_frequent_label_is_counted():
    with pytest.raises(ProtocolError, match=r"'cries': no label has 4 clips, the most .* has 2"):
        leave_out_rare(make_samples(["joy", "sigh", "joy"]), 4)


def test_less_than_one_clip_makes_no_sense():
    with pytest.raises(ProtocolError, match="min_clips is 0"):
        leave_out_rare(make_samples(["joy"]), 0)
