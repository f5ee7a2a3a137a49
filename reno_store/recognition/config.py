"""The config of a recognizer: its version, its hash, and what each value must be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store import __version__
from reno_store.corpora.names import name_problem
from reno_store.errors import RecognizerError
from reno_store.recognition.models import RecognizerModel
from reno_store.recognition.targets import CONFIG, FORMAT

__all__ = [
    "LARGEST_TEXT",
    "VERSION",
    "config_as_bytes",
    "hash_config",
    "labels_as_json",
    "models_of",
    "package_versions",
    "read_config",
    "read_file",
]

VERSION = 1
"""Of the format."""

LARGEST_TEXT = 2**24
"""Bytes of a config or a card; a larger one is not read."""

_TEMPERATURES = (1e-3, 1e3)
_PACKAGES = ("numpy", "scikit-learn", "skops", "skorch", "torch", "transformers")


def read_file(path: Path, most: float = float("inf")) -> bytes:
    """Return the content of a file of the folder.

    Raises
    ------
    RecognizerError
        If it is missing, cannot be read or has more than `most` bytes.
    """
    try:
        # A device or a pipe may never end.
        if path.exists() and not path.is_file():
            raise RecognizerError(f"{path.name} is not a file.")
        if path.stat().st_size > most:
            raise RecognizerError(f"{path.name} has more than 16 MiB; that is no recognizer's.")
        return path.read_bytes()
    except FileNotFoundError:
        raise RecognizerError(f"{path.name} is missing; copy the folder again.") from None
    except OSError as error:
        raise RecognizerError(f"{path.name} cannot be read: {error.strerror}.") from None


def read_config(folder: Path) -> dict[str, Any]:
    """Read a config and check the type of each value.

    Raises
    ------
    RecognizerError
        If it is damaged, of another program or a later version.
    """
    try:
        config = json.loads(read_file(folder / CONFIG, LARGEST_TEXT))
    except (ValueError, RecursionError) as error:
        raise RecognizerError(f"config.json is damaged: {error}") from None
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise RecognizerError("config.json is of another program; expected a recognizer.")
    if config.get("format_version") != VERSION:
        raise RecognizerError(
            f"it has the format version {config.get('format_version')!r}; this reno-store "
            f"({__version__}) reads version {VERSION}. Install a later reno-store."
        )
    temperature = config.get("temperature")
    expected = {
        "classes": _are_labels(config.get("classes")),
        "models": isinstance(config.get("models"), list) and bool(config["models"]),
        "standardize": isinstance(config.get("standardize"), bool),
        "estimator": isinstance(config.get("estimator"), dict),
        "files": isinstance(config.get("files"), dict),
        "trained_on": isinstance(config.get("trained_on"), dict),
        "temperature": temperature is None
        or (
            type(temperature) in (int, float)
            and _TEMPERATURES[0] <= temperature <= _TEMPERATURES[1]
        ),
    }
    if wrong := [name for name, is_right in expected.items() if not is_right]:
        raise RecognizerError(f"config.json: {', '.join(wrong)}: missing or not as expected.")
    return config


def config_as_bytes(config: Mapping[str, Any]) -> bytes:
    """Return the content of the file that holds a config."""
    return (json.dumps(config, indent=2, ensure_ascii=False) + "\n").encode()


def hash_config(config: Mapping[str, Any]) -> str:
    """Hash everything in a config except the hashes of the other files."""
    hashed = {name: value for name, value in config.items() if name != "files"}
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def models_of(described: Sequence[Any]) -> tuple[RecognizerModel, ...]:
    """Return the foundation models that a config describes.

    Raises
    ------
    RecognizerError
        If a value is missing or wrong, or two have one name.
    """
    models = []
    for each in described:
        is_right = (
            isinstance(each, dict)
            and isinstance(each.get("name"), str)
            and name_problem(each["name"]) is None
            and isinstance(each.get("spec"), str)
            and type(each.get("dim")) is int
            and each["dim"] > 0
            and isinstance(each.get("fingerprint"), dict)
        )
        if not is_right:
            raise RecognizerError("config.json: models: missing or not as expected.")
        models.append(RecognizerModel(each["name"], each["spec"], each["dim"], each["fingerprint"]))
    if len({model.name for model in models}) < len(models):
        raise RecognizerError("config.json: two models have one name.")
    return tuple(models)


def labels_as_json(classes: NDArray[Any]) -> list[Any]:
    """Return labels as JSON values.

    Raises
    ------
    RecognizerError
        If they are neither texts nor whole numbers.
    """
    labels = [label.item() if isinstance(label, np.generic) else label for label in classes]
    if not _are_labels(labels):
        raise RecognizerError(
            f"the labels are {type(labels[0]).__name__}; expected text or whole numbers."
        )
    return labels


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that a prediction may depend on."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _are_labels(labels: Any) -> bool:
    return (
        isinstance(labels, list)
        and len(labels) > 1
        and len({type(each) for each in labels}) == 1
        and type(labels[0]) in (str, int)
        and len(set(labels)) == len(labels)
    )
