"""What a user of reno-store writes: it must pass ``mypy --strict``, and run.

`assert_type` fails where a type is lost, and each ``type: ignore`` where a mistake is not found.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import reno_store as rs


def build(manifest: Path, store: Path) -> list[str]:
    """Embed recordings and return the clips that failed."""
    clips = rs.read_manifest(manifest)
    assert_type(clips, rs.Manifest)
    report = rs.build_store(manifest, store, models=["mfcc", "logmel"], progress=False)
    assert_type(report, rs.BuildReport)
    return [failure.clip_id for model in report.models for failure in model.failures]


def load(store: Path, dataset: str) -> rs.Samples:
    """Load embeddings, labels and speakers."""
    opened = rs.open_store(store)
    assert_type(opened, rs.EmbeddingStore)
    assert_type(opened.to_frame(dataset), pd.DataFrame)
    samples = opened.load(dataset, ["mfcc", "logmel"])
    assert_type(samples.X, NDArray[np.float32])
    assert_type(samples.groups, NDArray[np.str_] | None)
    assert_type(samples.block_sizes, tuple[int, ...])
    return samples


def train(samples: rs.Samples) -> NDArray[Any]:
    """Fit RENO and predict."""
    reno = rs.RENOClassifier(
        block_sizes=samples.block_sizes, beta=2.0, lam=0.4, max_epochs=1, random_state=0
    )
    assert_type(reno.beta, float)
    fitted = reno.fit(samples.X, samples.y, groups=samples.groups)
    assert_type(fitted, rs.RENOClassifier)
    return fitted.predict(samples.X)


def study(store: Path, dataset: str) -> pd.DataFrame:
    """Evaluate classifiers and return the leaderboard."""
    settings = {"logreg": {"C": 1.0}}
    request = rs.StudyRequest(
        dataset,
        ["mfcc", "logmel"],
        estimators="logreg",
        protocols="paper",
        n_folds=2,
        settings=settings,
    )
    assert_type(request.datasets, tuple[str, ...])
    found = rs.run_study(store, request, progress=False)
    assert_type(found, rs.Study)
    for cell in found.select(computed=True):
        assert_type(cell.mean("accuracy"), float)
        assert_type(cell.confusion(), pd.DataFrame)
    assert_type(found.to_frame(folds=True), pd.DataFrame)
    display = found.plot_scores(dataset=dataset)
    display.ax_.set_title("mine")
    assert_type(found.plot_confusion(estimator="logreg").figure_.get_figwidth(), float)
    return found.leaderboard(protocol="paper")


def recognize(store: Path, dataset: str, folder: Path, recording: Path) -> str:
    """Train a recognizer, save it, and predict a recording with the saved one."""
    made = rs.train_recognizer(store, dataset, ["mfcc"], estimator="logreg", progress=False)
    assert_type(rs.save_recognizer(made, folder), Path)
    loaded = rs.load_recognizer(folder)
    assert_type(loaded.predict_proba(recording), NDArray[np.float64])
    return str(loaded.predict(recording)[0])


def mistakes(found: rs.Study) -> None:
    """Show mistakes that mypy finds; never called."""
    rs.open_store(3)  # type: ignore[arg-type]
    rs.StudyRequest("mine", seed=1)  # type: ignore[call-arg]
    rs.StudyRequest("mine", models=[1])  # type: ignore[list-item]
    rs.RENOClassifier(beta="2")  # type: ignore[arg-type]
    found.leaderboard(metric="acuracy")  # type: ignore[arg-type]
    found.plot_scores(axes=None)  # type: ignore[call-arg]


if __name__ == "__main__":
    try:
        print(study(Path(sys.argv[1]), sys.argv[2]))
    except rs.RenoStoreError as error:
        print(error.message, error.remedies)
