"""The default networks on genuine pretrained embeddings of EmoGator, where a machine has them.

RENO_STORE_EMBEDDINGS names a folder with whisper-base.npz and ge2e.npz: clip_id (speaker,
emotion and take, as in EmoGator's file names) and embedding.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reno_store import (
    CNNClassifier,
    ConcatClassifier,
    FCNClassifier,
    ProtocolSplitter,
    RENOClassifier,
)

pytestmark = pytest.mark.slow
FOLDS = 2


@pytest.fixture(scope="module")
def embeddings():
    named = os.environ.get("RENO_STORE_EMBEDDINGS")
    if not named:
        pytest.skip("RENO_STORE_EMBEDDINGS names no folder of pretrained embeddings")
    loaded = [np.load(Path(named) / f"{name}.npz") for name in ("whisper-base", "ge2e")]
    clip_ids = loaded[0]["clip_id"]
    assert (loaded[1]["clip_id"] == clip_ids).all()
    speakers, labels, _ = zip(*(clip_id.split("-") for clip_id in clip_ids), strict=True)
    blocks = [each["embedding"] for each in loaded]
    return blocks, np.array(labels), np.array(speakers)


def accuracy(estimator, X, y, speakers):
    """Mean accuracy of a few speaker-disjoint folds; no fit may collapse."""
    scores = []
    for train, test in list(ProtocolSplitter("speaker").split(X, y, speakers))[:FOLDS]:
        name = type(estimator).__name__.lower()
        model = make_pipeline(StandardScaler(), estimator)
        model.fit(X[train], y[train], **{f"{name}__groups": speakers[train]})
        assert not model[-1].collapsed_
        scores.append(model.score(X[test], y[test]))
    return float(np.mean(scores))


def test_the_cnn_keeps_what_a_pretrained_embedding_says(embeddings):
    (whisper, _), y, speakers = embeddings
    fcn = accuracy(FCNClassifier(random_state=0), whisper, y, speakers)
    cnn = accuracy(CNNClassifier(random_state=0), whisper, y, speakers)
    assert fcn > 0.45  # chance is 0.125
    assert cnn > fcn - 0.03


def test_fusions_learn_from_pretrained_embeddings(embeddings):
    blocks, y, speakers = embeddings
    X, sizes = np.hstack(blocks), tuple(block.shape[1] for block in blocks)
    for kind in (ConcatClassifier, RENOClassifier):
        assert accuracy(kind(block_sizes=sizes, random_state=0), X, y, speakers) > 0.4
