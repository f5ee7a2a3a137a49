"""Where a recognizer is or may be written; checked first, without slow imports."""

from __future__ import annotations

from pathlib import Path

from reno_store.errors import RecognizerError, Remedy
from reno_store.runtime.locations import local_path

__all__ = [
    "CARD",
    "CLASSIFIER",
    "CONFIG",
    "FILES",
    "FORMAT",
    "WEIGHTS",
    "check_source",
    "check_target",
]

CONFIG = "config.json"
"""The file that makes a folder a recognizer."""

WEIGHTS, CLASSIFIER, CARD = "model.safetensors", "classifier.skops", "README.md"
"""The other files; CLASSIFIER only of classifiers of scikit-learn."""

FILES = (WEIGHTS, CLASSIFIER, CARD, CONFIG)
"""All that may be in the folder; other files in it are not touched."""

FORMAT = "reno-store recognizer"
"""What it says that it is."""


def check_source(folder: str | Path) -> Path:
    """Return the path of a folder that may be a recognizer.

    Raises
    ------
    RecognizerError
        If it is not a folder, or has no config.
    """
    folder = local_path(folder, "recognizer", RecognizerError)
    if not folder.is_dir():
        raise RecognizerError(f"{folder} is not a folder; expected a recognizer.")
    if not (folder / CONFIG).is_file():
        raise RecognizerError(f"{folder} has no {CONFIG}, so it is not a recognizer.")
    return folder


def check_target(folder: str | Path, *, overwrite: bool = False) -> Path:
    """Return the path of a folder that can be written.

    Raises
    ------
    RecognizerError
        If it exists, unless it is empty, or a recognizer that may be replaced.
    """
    folder = Path(local_path(folder, "recognizer", RecognizerError)).absolute()
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return folder
    if not (folder / CONFIG).is_file() or FORMAT not in (folder / CONFIG).read_text(
        "utf-8", "replace"
    ):
        raise RecognizerError(
            f"{folder} exists and is not a recognizer; expected a new folder, or an empty one."
        )
    if not overwrite:
        raise RecognizerError(
            f"{folder} is a recognizer already.", Remedy("Replace it", {"overwrite": True})
        )
    return folder
