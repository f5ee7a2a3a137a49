"""Stores whose every number tells the model, clip and column that it belongs to."""

import numpy as np

from reno_store.store import StoreWriter

__all__ = [
    "CLIP_IDS",
    "LABELS",
    "N_CLIPS",
    "SIZES",
    "SPEAKERS",
    "embedding_of",
    "make_numbered_store",
    "put_dataset",
]

N_CLIPS = 30
CLIP_IDS = [f"clip{i:02}" for i in range(N_CLIPS)]
LABELS = ["anger", "fear", "joy"] * 10
SPEAKERS = [f"s{i // 5}" for i in range(N_CLIPS)]
SIZES = {"mfcc": 4, "logmel": 3, "noise": 4}


def embedding_of(model):
    """Each number tells its model, clip and column, so that any shift shows."""
    place = list(SIZES).index(model)
    rows, columns = np.mgrid[:N_CLIPS, : SIZES[model]]
    return (1000 * place + 10 * rows + columns).astype(np.float32)


def put_dataset(writer, dataset, *, speakers=SPEAKERS, lacking=None, arrays=None):
    columns = {
        "clip_id": CLIP_IDS,
        "path": [f"{clip_id}.wav" for clip_id in CLIP_IDS],
        "label": LABELS,
        "speaker": speakers,
        "audio_sha256": [f"{i:064x}" for i in range(N_CLIPS)],
    }
    clips = writer.put_clips(dataset, columns)
    for model, dim in SIZES.items():
        array = embedding_of(model) if arrays is None else arrays[model]
        kept = np.setdiff1d(clips.rows, (lacking or {}).get(model, ()))
        with clips.writing(model, {"model": model}, dim) as target:
            # Batches come in any order; rows must find their clips all the same.
            for batch in np.array_split(kept[::-1], 3):
                target.put(batch, array[batch])


def make_numbered_store(path):
    """The datasets cries, holed, empty, anonymous, partly and learnable."""
    with StoreWriter.open(path) as writer:
        put_dataset(writer, "cries")
        put_dataset(writer, "holed", lacking={"mfcc": [1, 4], "logmel": [4, 9]})
        put_dataset(writer, "empty", lacking={"mfcc": range(N_CLIPS)})
        put_dataset(writer, "anonymous", speakers=[""] * N_CLIPS)
        put_dataset(writer, "partly", speakers=["", *SPEAKERS[1:]])
        # Labels are in mfcc and logmel, and nothing but noise is in the rest.
        told = 3.0 * np.eye(3, 4)[np.arange(N_CLIPS) % 3]
        rng = np.random.default_rng(0)
        arrays = {model: rng.normal(size=(N_CLIPS, dim)) for model, dim in SIZES.items()}
        arrays["mfcc"] += told
        arrays["logmel"] += told[:, :3]
        arrays = {model: array.astype(np.float32) for model, array in arrays.items()}
        put_dataset(writer, "learnable", arrays=arrays)
