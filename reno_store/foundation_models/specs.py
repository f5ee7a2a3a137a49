"""``[NAME=]SPEC[?OPTIONS]``, what a user types for a model, taken apart; nothing is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from reno_store.corpora.names import name_problem
from reno_store.errors import ModelError

__all__ = ["ModelSpec", "parse_model_spec"]

_SOURCES = ("hf", "ssam")
# A path may hold '?' and '='; only what reads as key=value, joined by '&', is taken for options.
# A revision may hold a slash, as refs/pr/1 does.
_OPTION = re.compile(r"((?<![a-z_])revision(?==)|[a-z_]+)=((?<=revision=)[^&?=]*|[^&?=/]*)")
_OPTIONS = re.compile(rf"\?({_OPTION.pattern}(?:&{_OPTION.pattern})*)\Z")


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
    options : Mapping[str, str]
        What stands behind the question mark, as it was typed: layer and pooling, say.
    """

    name: str
    source: str
    location: str
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)


def parse_model_spec(text: str) -> ModelSpec:
    """Take ``[NAME=]SPEC[?KEY=VALUE&KEY=VALUE]`` apart.

    Parameters
    ----------
    text : str
        ``wavlm-base`` (a catalogue name), ``hf:REPO_OR_FOLDER`` or ``ssam:FOLDER_OR_FILE``
        (Audio-Mamba), each with ``NAME=`` in front and options behind it if wanted.
        Without a name, a model is named by the last part of its location and by its
        options.

    Raises
    ------
    ModelError
        If the name cannot be used in a store, nothing is named, or an option is given
        twice or without a value.

    Examples
    --------
    >>> parse_model_spec("mine=hf:checkpoints/run=3").location
    'checkpoints/run=3'
    >>> spec = parse_model_spec("hf:microsoft/wavlm-base?layer=9&pool=mean+std")
    >>> spec.name, spec.location, dict(spec.options)
    ('wavlm-base-layer9-mean+std', 'microsoft/wavlm-base', {'layer': '9', 'pool': 'mean+std'})
    """
    body, options = _split_options(text)
    # A path may hold '=', a source prefix cannot: only a '=' before the prefix names the model.
    head, colon, tail = body.partition(":")
    name, equals, rest = head.partition("=")
    spec = rest + colon + tail if equals else body
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
        base = location if source == "catalogue" else Path(location).resolve().name
        name = "-".join([base, *_named(options)])
    if problem := name_problem(name):
        raise ModelError(
            f"model {text!r} would be stored as {name!r}, but {problem}. Name it: NAME={spec}"
        )
    return ModelSpec(name, source, location, MappingProxyType(options))


def _split_options(text: str) -> tuple[str, dict[str, str]]:
    """Take off what stands behind the question mark."""
    found = _OPTIONS.search(text)
    if not found:
        return text, {}
    pairs = _OPTION.findall(found[1])
    options = dict(pairs)
    for key, value in pairs:
        if not value:
            raise ModelError(f"model {text!r}: option {key!r} has no value; expected {key}=VALUE.")
        if [other for other, _ in pairs].count(key) > 1:
            raise ModelError(f"model {text!r}: option {key!r} is given twice.")
    return text[: found.start()], options


def _named(options: Mapping[str, str]) -> list[str]:
    """Give the parts of a derived name: a pooling names itself, the rest by key and value."""
    keys = sorted(options, key=lambda key: (key == "pool", key))
    return [options[key] if key == "pool" else f"{key}{options[key]}" for key in keys]
