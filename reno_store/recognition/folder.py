"""A recognizer as a folder, and back.

::

    config.json          labels, foundation models with their fingerprints, the classifier's class
                         and hyperparameters, hashes of the other files
    model.safetensors    weights of the classifier and of the scaler; its header has the hash of
                         the config
    classifier.skops     instead of weights, for classifiers of scikit-learn
    README.md            the model card, for people

Loading runs nothing that is in the folder: numbers are read as numbers, classes come from a fixed
table, or are of scikit-learn and trusted by skops.
"""

from __future__ import annotations

import hashlib
import json
import platform
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from reno_store import __version__
from reno_store.errors import RecognizerError
from reno_store.recognition.config import (
    LARGEST_TEXT,
    VERSION,
    config_as_bytes,
    hash_config,
    labels_as_json,
    models_of,
    package_versions,
    read_config,
    read_file,
)
from reno_store.recognition.hub import HubPlace, fetch_recognizer
from reno_store.recognition.models import moved_models
from reno_store.recognition.networks import NETWORKS, arrays_of, describe_network, make_network
from reno_store.recognition.recognizer import Recognizer
from reno_store.recognition.scikit import read_classifier, write_classifier
from reno_store.recognition.targets import (
    CARD,
    CLASSIFIER,
    CONFIG,
    FILES,
    FORMAT,
    WEIGHTS,
    check_source,
    check_target,
)

__all__ = ["load_recognizer", "save_recognizer", "write_files"]

_SCALER = ("mean", "scale", "var")


def save_recognizer(
    recognizer: Recognizer | Any, folder: str | Path, *, overwrite: bool = False
) -> Path:
    """Write a recognizer into a folder.

    Parameters
    ----------
    recognizer : Recognizer or Pipeline
        A pipeline as for `Recognizer.of_pipeline`.
    folder : str or Path
        The folder; it appears when all files are complete.
    overwrite : bool
        Whether another recognizer in this folder may be replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    RecognizerError
        If it is not a recognizer, its classifier cannot be kept without pickle, or the folder
        exists.
    """
    if not isinstance(recognizer, Recognizer):
        recognizer = Recognizer.of_pipeline(recognizer)
    folder = check_target(folder, overwrite=overwrite)
    write_files(_files(recognizer), folder)
    return folder


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write a recognizer's files into a folder from `check_target`, whose other files stay."""
    temporary = folder.with_name(f".{folder.name[:40]}-{secrets.token_hex(4)}")
    try:
        temporary.mkdir(parents=True)
        for name, content in files.items():
            (temporary / name).write_bytes(content)
        if not folder.exists():
            temporary.rename(folder)
            return
        for name in FILES:
            if name in files:
                (temporary / name).replace(folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise RecognizerError(f"{folder} cannot be written: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def load_recognizer(
    folder: str | Path, *, device: str = "auto", models: str | Sequence[str] = ()
) -> Recognizer:
    """Read a recognizer. Nothing in it is run; foundation models load when used.

    Parameters
    ----------
    folder : str or Path
        As `save_recognizer` wrote it; or ``hf:OWNER/NAME`` or ``hf:OWNER/NAME@REVISION`` on the
        Hugging Face hub. Of a branch, the newest commit is used, and the copy on this machine
        where the hub cannot be reached.
    device : str
        Where the foundation models compute: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
    models : str or Sequence[str]
        ``NAME=SPEC`` for each foundation model that is elsewhere on this machine. It must have
        the fingerprint of training.

    Returns
    -------
    Recognizer

    Raises
    ------
    RecognizerError
        If the folder is not a recognizer, is damaged, was edited, or was made by a later version;
        or the hub has none, or does not give it to this user.
    """
    place = HubPlace.find(str(folder))
    local = check_source(folder) if place is None else fetch_recognizer(place)
    try:
        return _load(local, device, [models] if isinstance(models, str) else models)
    except RecognizerError as error:
        raise RecognizerError(f"{place or local}: {error.message}", *error.remedies) from None


def _files(recognizer: Recognizer) -> dict[str, bytes]:
    """Return the files of a recognizer, by their names."""
    from safetensors.numpy import save

    classifier, arrays = recognizer.classifier, {}
    content: dict[str, bytes] = {}
    if type(classifier).__name__ in NETWORKS and hasattr(classifier, "network_"):
        described = describe_network(classifier)
        arrays = arrays_of(classifier)
    else:
        described = {"class": type(classifier).__name__, "file": CLASSIFIER}
        content[CLASSIFIER] = write_classifier(classifier)
    if recognizer.scaler is not None:
        arrays |= {
            f"scaler.{name}": np.asarray(getattr(recognizer.scaler, f"{name}_"), np.float64)
            for name in _SCALER
        }
    config: dict[str, Any] = {
        "format": FORMAT,
        "format_version": VERSION,
        "classes": labels_as_json(recognizer.classes_),
        "models": [
            {
                "name": each.name,
                "spec": each.spec,
                "dim": each.dim,
                "fingerprint": dict(each.fingerprint),
            }
            for each in recognizer.models
        ],
        "standardize": recognizer.scaler is not None,
        "estimator": described,
        "temperature": recognizer.temperature,
        "trained_on": dict(recognizer.trained_on),
        "versions": {
            "reno-store": __version__,
            "python": platform.python_version(),
            **package_versions(),
        },
    }
    # One entry: safetensors writes several in any order, and the same recognizer is one file.
    metadata = {"config_sha256": hash_config(config)}
    content[WEIGHTS] = save(
        {name: np.ascontiguousarray(array) for name, array in arrays.items()}, metadata=metadata
    )
    config["files"] = {
        name: hashlib.sha256(each).hexdigest() for name, each in sorted(content.items())
    }
    content[CONFIG] = config_as_bytes(config)
    content[CARD] = (recognizer.card or _bare_card(recognizer)).encode()
    return content


def _bare_card(recognizer: Recognizer) -> str:
    from reno_store.recognition.card import bare_card

    return bare_card(recognizer)


def _load(folder: Path, device: str, specs: Sequence[str]) -> Recognizer:
    config = read_config(folder)
    contents = {}
    estimator = config["estimator"]
    names = [WEIGHTS, *([CLASSIFIER] if estimator.get("file") is not None else [])]
    if sorted(config["files"]) != sorted(names):
        raise RecognizerError(f"config.json: files: expected {' and '.join(names)}.")
    for name in names:
        contents[name] = read_file(folder / name)
        if hashlib.sha256(contents[name]).hexdigest() != config["files"][name]:
            raise RecognizerError(
                f"{name} is not the file that config.json describes: its hash differs. It is "
                "damaged, was edited or belongs to another recognizer; copy the folder again."
            )
    arrays = _read_arrays(contents[WEIGHTS], hash_config(config))
    classes = np.array(config["classes"])
    models = models_of(config["models"])
    n_features = sum(model.dim for model in models)
    scaler = _scaler(arrays, n_features) if config["standardize"] else None
    if CLASSIFIER in contents:
        classifier = read_classifier(contents[CLASSIFIER])
    else:
        classifier = make_network(estimator, arrays, classes)
    n_own = getattr(classifier, "n_features_in_", None)
    if n_own != n_features:
        raise RecognizerError(
            f"the classifier takes {n_own} columns, its foundation models have {n_features}."
        )
    if np.asarray(getattr(classifier, "classes_", ())).tolist() != classes.tolist():
        raise RecognizerError("the classifier has other labels than config.json.")
    card = folder / CARD
    return Recognizer(
        moved_models(models, specs),
        classifier,
        scaler,
        config["temperature"],
        device,
        read_file(card, LARGEST_TEXT).decode("utf-8", "replace") if card.is_file() else "",
        config["trained_on"],
    )


def _read_arrays(content: bytes, config_sha256: str) -> dict[str, NDArray[Any]]:
    """Read weights, and check that they were written with the config."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays: dict[str, NDArray[Any]] = load(content)
        size = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + size]).get("__metadata__", {})
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecognizerError(f"model.safetensors is damaged: {error}") from None
    if metadata.get("config_sha256") != config_sha256:
        raise RecognizerError(
            "config.json is not the one that model.safetensors was written with: it was edited or "
            "belongs to another recognizer. Copy the folder again."
        )
    return arrays


def _scaler(arrays: Mapping[str, NDArray[Any]], n_features: int) -> StandardScaler:
    scaler = StandardScaler()
    for name in _SCALER:
        array = arrays.get(f"scaler.{name}")
        if (
            array is None
            or array.dtype != np.float64
            or array.shape != (n_features,)
            or not np.isfinite(array).all()
        ):
            raise RecognizerError(f"scaler.{name}: expected {n_features} finite numbers.")
        setattr(scaler, f"{name}_", array)
    scaler.n_features_in_ = n_features
    scaler.n_samples_seen_ = 0
    return scaler
