"""What a user types for a model: ``[NAME=]SPEC``, taken apart and checked, nothing loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reno_store.errors import ModelError
from reno_store.manifests.names import name_problem

__all__ = ["ModelSpec", "parse_model_spec"]

_SOURCES = ("hf", "ssam")


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model as the user named it.

    Attributes
    ----------
    name : str
        The model's name in the store.
    source : str
        ``"catalogue"``, or the prefix before the colon (``"hf"``, ``"ssam"``).
    location : str
        The catalogue name, or what stands behind the colon: a hub id or a folder.
    """

    name: str
    source: str
    location: str


def parse_model_spec(text: str) -> ModelSpec:
    """Take ``[NAME=]SPEC`` apart.

    Parameters
    ----------
    text : str
        ``wavlm-base`` (a catalogue name), ``hf:REPO_OR_FOLDER`` or ``ssam:FOLDER_OR_FILE``
        (Audio-Mamba), each with ``NAME=`` in front if wanted. Without it, a model is named
        by the last part of its location.

    Raises
    ------
    ModelError
        If the name cannot be used in a store, or nothing is named.

    Examples
    --------
    >>> parse_model_spec("hf:microsoft/wavlm-base")
    ModelSpec(name='wavlm-base', source='hf', location='microsoft/wavlm-base')
    >>> parse_model_spec("mine=hf:checkpoints/run=3")
    ModelSpec(name='mine', source='hf', location='checkpoints/run=3')
    """
    # A path may hold '=', a source prefix cannot: only a '=' before the prefix names the model.
    head, colon, tail = text.partition(":")
    name, equals, rest = head.partition("=")
    spec = rest + colon + tail if equals else text
    source, colon, location = spec.partition(":")
    if not colon:
        source, location = "catalogue", spec
    elif source not in _SOURCES:
        raise ModelError(
            f"model {text!r}: {source!r} is no source of models; expected "
            f"{' or '.join(f'{known}:' for known in _SOURCES)} or a name from the catalogue."
        )
    if not location:
        raise ModelError(f"model {text!r}: names no model; expected [NAME=]SPEC.")
    if source == "catalogue" and "/" in location:
        raise ModelError(
            f"model {text!r} is not a name from the catalogue; for a model from the hub "
            f"or a folder type hf:{location}"
        )
    if not equals:
        name = location if source == "catalogue" else Path(location).resolve().name
    if problem := name_problem(name):
        raise ModelError(
            f"model {text!r} would be stored as {name!r}, but {problem}. Name it: NAME={spec}"
        )
    return ModelSpec(name, source, location)
