"""``[NAME=]SPEC[?OPTIONS]``, as a user types a model, parsed; nothing is loaded."""

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
# A path may contain '?' and '='; only key=value pairs joined by '&' are read as options.
# A revision may contain a slash, as refs/pr/1 does.
_OPTION = re.compile(r"((?<![a-z_])revision(?==)|[a-z_]+)=((?<=revision=)[^&?=]*|[^&?=/]*)")
_OPTIONS = re.compile(rf"\?({_OPTION.pattern}(?:&{_OPTION.pattern})*)\Z")
# After a name, which has no slash, a value may be a path, such as the checkpoint of a plugin.
_NAMED = re.compile(r"[^:/?]*\?([a-z_]+=[^&]*(?:&[a-z_]+=[^&]*)*)")


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model as a user named it.

    Attributes
    ----------
    name : str
        Name of the model in the store.
    source : str
        ``"catalogue"``, or the prefix before the colon (``"hf"``, ``"ssam"``).
    location : str
        The catalogue name, or what follows the colon: a hub id or a folder.
    options : Mapping[str, str]
        What follows the question mark, as typed: layer and pooling, for example.
    """

    name: str
    source: str
    location: str
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)


def parse_model_spec(text: str) -> ModelSpec:
    """Parse ``[NAME=]SPEC[?KEY=VALUE&KEY=VALUE]``.

    Parameters
    ----------
    text : str
        ``wavlm-base`` (a catalogue name), ``hf:REPO_OR_FOLDER`` or ``ssam:FOLDER_OR_FILE``
        (Audio-Mamba), each with ``NAME=`` before it and options after it if wanted.
        The default name is the last part of the location, followed by the options.

    Raises
    ------
    ModelError
        If the name cannot be used in a store, no model is named, or an option is given
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
    # A path may contain '=', a source prefix cannot: only a '=' before the prefix ends a name.
    head, colon, tail = body.partition(":")
    name, equals, rest = head.partition("=")
    spec = rest + colon + tail if equals else body
    source, colon, location = spec.partition(":")
    if not colon:
        source, location = "catalogue", spec
    elif source not in _SOURCES:
        raise ModelError(
            f"model {text!r}: {source!r} is not a source of models; expected "
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
        # A pooling is its own name, another option its key and value.
        keys = sorted(options, key=lambda key: (key == "pool", key))
        parts = [options[key] if key == "pool" else f"{key}{options[key]}" for key in keys]
        name = "-".join([base, *parts])
    if problem := name_problem(name):
        raise ModelError(
            f"model {text!r} would be stored as {name!r}, but {problem}. Name it: NAME={spec}"
        )
    return ModelSpec(name, source, location, MappingProxyType(options))


def _split_options(text: str) -> tuple[str, dict[str, str]]:
    """Split the options after the question mark from the rest."""
    found = _NAMED.fullmatch(text) or _OPTIONS.search(text)
    if not found:
        return text, {}
    split = (part.partition("=") for part in found[1].split("&"))
    pairs = [(key, value) for key, _, value in split]
    options = dict(pairs)
    for key, value in pairs:
        if not value:
            raise ModelError(f"model {text!r}: option {key!r} has no value; expected {key}=VALUE.")
        if [other for other, _ in pairs].count(key) > 1:
            raise ModelError(f"model {text!r}: option {key!r} is given twice.")
    return text[: found.start(1) - 1], options
