"""Small stores for studies: labels show in the embeddings, speakers too."""

import numpy as np

from reno_store.store import StoreWriter

__all__ = ["FINGERPRINTS", "make_study_store", "put_study_dataset"]

FINGERPRINTS = {
    "mfcc": {"kind": "mfcc"},
    "logmel": {"kind": "logmel"},
    "wav2vec2-base": {"kind": "huggingface", "weights": "w" * 64},
    "hubert-base": {"kind": "huggingface", "weights": "h" * 64},
    "audio-mamba-tiny": {"kind": "audio-mamba", "weights": "t" * 64},
    "audio-mamba-base": {"kind": "audio-mamba", "weights": "b" * 64},
}


def put_study_dataset(
    writer,
    dataset,
    models=("mfcc", "logmel"),
    *,
    n_clips=48,
    labels=("anger", "fear", "joy"),
    n_speakers=8,
    lacking=None,
    fingerprints=FINGERPRINTS,
    seed=0,
    y=None,
    recordings=0,
    speaker="s",
):
    """A dataset; `lacking` maps a model to the rows that it has no embedding of.

    `recordings` is the number of its first recording; None, and none has a hash.
    """
    rng = np.random.default_rng(seed)
    codes = np.arange(n_clips) % len(labels)
    speakers = [
        f"{speaker}{i // len(labels) % n_speakers}" if n_speakers else "" for i in range(n_clips)
    ]
    y = [labels[code] for code in codes] if y is None else y
    clips = writer.put_clips(
        dataset,
        {
            "clip_id": [f"clip{i:03}" for i in range(n_clips)],
            "path": [f"clip{i:03}.wav" for i in range(n_clips)],
            "label": y,
            "speaker": speakers,
            "audio_sha256": [
                "" if recordings is None else f"{recordings + i:064x}" for i in range(n_clips)
            ],
        },
    )
    for dim, model in enumerate(models, start=6):
        array = rng.normal(size=(n_clips, dim)).astype(np.float32)
        array[np.arange(n_clips), codes % dim] += 1.5
        kept = np.setdiff1d(clips.rows, (lacking or {}).get(model, ()))
        with clips.writing(model, fingerprints[model], dim) as target:
            target.put(kept, array[kept])


def make_study_store(path, **datasets):
    """A store with a dataset for each keyword, made with the options it maps to."""
    with StoreWriter.open(path) as writer:
        for name, options in datasets.items():
            put_study_dataset(writer, name.replace("_", "-"), **options)
    return path
