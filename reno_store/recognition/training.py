"""Embeddings of a store -> a recognizer, with its calibration and its card."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits

from reno_store.errors import (
    HoldOutError,
    ModelError,
    ProtocolError,
    RecognizerError,
    Remedy,
)
from reno_store.recognition.calibration import Calibration, fit_calibration
from reno_store.recognition.card import CardContent, write_card
from reno_store.recognition.models import RecognizerModel, stored_models
from reno_store.recognition.recognizer import Recognizer, logits_of
from reno_store.recognition.requests import recognizer_request
from reno_store.runtime.devices import resolve_device
from reno_store.runtime.progress import tell
from reno_store.samples import Samples, open_store
from reno_store.samples.rare_labels import leave_out_rare
from reno_store.samples.recordings import loaded_model
from reno_store.studies import Study, run_study, split
from reno_store.studies.classifiers import make_estimator
from reno_store.studies.settings import combinations

__all__ = ["train_recognizer"]

_CALIBRATION_FOLDS = 5


def train_recognizer(
    store: str | Path,
    dataset: str,
    models: str | Sequence[str],
    *,
    estimator: str = "reno",
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    standardize: bool = True,
    missing: Literal["raise", "drop"] = "raise",
    min_clips: int = 1,
    calibrate: bool = False,
    scores: bool = True,
    n_folds: int = 5,
    device: str = "cpu",
    results: str | Path | None = None,
    n_jobs: int = 1,
    licence: str = "other",
    progress: bool | None = None,
) -> Recognizer:
    """Train a classifier on all clips of a dataset, for new recordings.

    Parameters
    ----------
    store : str or Path
        The store's folder.
    dataset : str
        Name of the dataset.
    models : str or Sequence[str]
        Names of models that the store has for it, each as ``NAME=SPEC`` where the store does
        not show what it was loaded from.
    estimator : str
        A name in `ESTIMATORS`, or of a classifier of scikit-learn.
    settings : Mapping[str, Any], optional
        Hyperparameter -> value.
    seed : int
        Seed of the classifier and of folds.
    standardize : bool
        Whether embeddings are scaled by their mean and standard deviation.
    missing : {"raise", "drop"}
        What to do with clips that lack an embedding of any of the models.
    min_clips : int
        Labels with fewer clips are left out.
    calibrate : bool
        Whether to fit a temperature on held-out speakers (clips, where speakers are not known).
    scores : bool
        Whether the card has cross-validated scores. Folds that `run_study` kept are used, the
        others trained and kept.
    n_folds : int
        Folds of the scores.
    device : str
        Where networks are trained.
    results, n_jobs, progress
        As for `run_study`.
    licence : str
        Licence of the recognizer in the card, as the Hugging Face hub writes it.

    Returns
    -------
    Recognizer
        For `save_recognizer`. Its classifier is the one that `reno_store.studies` evaluates, on
        all clips.

    Raises
    ------
    RecognizerError
        If a model's embeddings were imported, its place is unknown, or the classifier gives no
        probabilities and is not calibrated.
    ModelError
        If the model at that place is not the one of the store.
    UnknownNameError, SearchError, ProtocolError, MissingEmbeddingsError, TrainingError
        As for `evaluate_store`.
    """
    opened = open_store(store)
    found = stored_models(opened, dataset, models)
    names = tuple(model.name for model in found)
    request = recognizer_request(
        dataset,
        names,
        estimator,
        settings or {},
        n_folds=n_folds,
        seeds=seed,
        standardize=standardize,
        device=resolve_device(device),
        allow_missing=missing == "drop",
        min_clips=min_clips,
    )
    _check_places(found)
    samples, rare = leave_out_rare(opened.load(dataset, names, missing=missing), min_clips)
    (chosen,) = combinations(request.settings.get(estimator, {}))
    made = make_estimator(
        estimator, samples.block_sizes, seed=seed, device=request.device, settings=chosen
    )
    if not hasattr(made, "predict_proba") and not calibrate:
        raise RecognizerError(
            f"{estimator} gives no probabilities.", Remedy("Calibrate it", {"calibrate": True})
        )
    calibration = _calibrated(made, samples, standardize, seed, n_jobs) if calibrate else None
    scaler, classifier = _fit(made, samples.X, samples.y, _speakers(samples), standardize)
    study: Study | None = None
    if scores:
        study = run_study(
            store, request, results=results, n_jobs=n_jobs, progress=progress, remember=False
        )
    recognizer = Recognizer(
        found,
        classifier,
        scaler,
        calibration.temperature if calibration else None,
        trained_on={
            "dataset": dataset,
            "n_clips": len(samples.y),
            "n_speakers": len(_known(samples)),
            "estimator": estimator,
            "seed": seed,
        },
    )
    content = CardContent(recognizer, samples, rare, study, calibration, licence)
    return Recognizer(
        found,
        classifier,
        scaler,
        recognizer.temperature,
        card=write_card(content),
        trained_on=recognizer.trained_on,
    )


def _check_places(models: Sequence[RecognizerModel]) -> None:
    """Check that models at their places are those of the store; a missing one is only reported."""
    for model in models:
        try:
            loaded = model.load_unchecked("cpu")
        except ModelError as error:
            tell(f"{error.message} Predictions need it.")
        else:
            model.check(loaded)
    loaded_model.cache_clear()  # training needs the memory


def _fit(
    estimator: BaseEstimator,
    X: NDArray[np.float32],
    y: NDArray[np.str_],
    groups: NDArray[np.str_] | None,
    standardize: bool,
) -> tuple[StandardScaler | None, Any]:
    """Fit as the studies do: scaled, on one thread, holding out whole speakers if possible."""
    classifier: Any = clone(estimator)
    scaler = StandardScaler().fit(X) if standardize else None
    scaled = X if scaler is None else scaler.transform(X)
    takes_groups = groups is not None and has_fit_parameter(classifier, "groups")
    with threadpool_limits(limits=1):
        try:
            classifier.fit(scaled, y, **({"groups": groups} if takes_groups else {}))
        except HoldOutError:
            classifier.fit(scaled, y)
    return scaler, classifier


def _known(samples: Samples) -> set[str]:
    return set() if samples.groups is None else set(samples.groups.tolist()) - {""}


def _speakers(samples: Samples) -> NDArray[np.str_] | None:
    """Return the speakers where all are known."""
    return None if samples.groups is None or (samples.groups == "").any() else samples.groups


def _calibrated(
    estimator: BaseEstimator, samples: Samples, standardize: bool, seed: int, n_jobs: int
) -> Calibration:
    groups, protocol = _speakers(samples), "speaker"
    n_folds = min(_CALIBRATION_FOLDS, max(len(_known(samples)), 2))
    try:
        folds = split(protocol, samples.y, groups, n_folds=n_folds, seed=seed)
    except ProtocolError:
        protocol = "paper"
        fewest = int(np.unique(samples.y, return_counts=True)[1].min())
        n_folds = min(_CALIBRATION_FOLDS, max(fewest, 2))
        folds = split(protocol, samples.y, groups, n_folds=n_folds, seed=seed)
    tasks = (
        delayed(_held_out)(
            estimator,
            samples.X,
            samples.y,
            groups if protocol == "speaker" else None,
            fold,
            standardize,
        )
        for fold in folds
    )
    return fit_calibration(Parallel(n_jobs=n_jobs)(tasks), protocol)


def _held_out(
    estimator: BaseEstimator,
    X: NDArray[np.float32],
    y: NDArray[np.str_],
    groups: NDArray[np.str_] | None,
    fold: tuple[NDArray[np.int64], NDArray[np.int64]],
    standardize: bool,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the logits and the labels' codes of the clips that a fold holds out."""
    train, test = fold
    own = None if groups is None else groups[train]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        scaler, classifier = _fit(estimator, X[train], y[train], own, standardize)
        scaled = X[test] if scaler is None else scaler.transform(X[test])
    return logits_of(classifier, scaled), np.searchsorted(classifier.classes_, y[test])
