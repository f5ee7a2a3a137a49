"""A folder of recordings, their store, and recognizers trained on it."""

import shutil

import numpy as np
import pytest
import soundfile
from factories.recognizers import LABELS, SMALL
from factories.recordings import write_manifest_csv, write_wav

from reno_store import build_store, open_store, save_recognizer, train_recognizer


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """36 recordings of 6 speakers, and ``my.zarr`` with their embeddings."""
    folder = tmp_path_factory.mktemp("corpus")
    rows = []
    for n in range(36):
        label, speaker = n % 3, n // 6
        # Labels differ in length, so that there is something to learn.
        write_wav(
            folder / f"{n:02}.wav", 0.2 + 0.2 * label, rate_hz=(16_000, 44_100)[n % 2], seed=n
        )
        rows.append((f"clip{n:02}", f"{n:02}.wav", LABELS[label], f"s{speaker}"))
    write_manifest_csv(folder / "cries.csv", rows)
    build_store(folder / "cries.csv", folder / "my.zarr", ["mfcc", "logmel"])
    return folder


@pytest.fixture(scope="session")
def samples(corpus):
    return open_store(corpus / "my.zarr").load("cries", ["mfcc", "logmel"])


@pytest.fixture(scope="session")
def paths(corpus):
    return [str(corpus / f"{n:02}.wav") for n in range(36)]


@pytest.fixture(scope="session")
def trained(corpus):
    """RENO, with scores and calibrated."""
    return train_recognizer(
        corpus / "my.zarr",
        "cries",
        ["mfcc", "logmel"],
        settings=SMALL,
        n_folds=2,
        calibrate=True,
        progress=False,
    )


@pytest.fixture(scope="session")
def saved(trained, tmp_path_factory):
    return save_recognizer(trained, tmp_path_factory.mktemp("saved") / "laughs")


@pytest.fixture
def edited(saved, tmp_path):
    """A copy of the folder, to be damaged."""
    return shutil.copytree(saved, tmp_path / "edited")


@pytest.fixture(scope="session")
def bad(tmp_path_factory):
    """A folder with files that cannot be recognized."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "text.wav").write_text("no sound")
    write_wav(folder / "long.wav", 3.0)
    write_wav(folder / "empty.wav", 0.0)
    soundfile.write(folder / "nan.wav", np.full(800, np.nan), 8_000, subtype="FLOAT")
    write_wav(folder / "seven.wav", 0.3, rate_hz=8_000, channels=7)
    return folder
