"""Models of other packages, through the entry-point group ``reno_store.foundation_models``.

The name of an entry point is what users type. It refers to a class or function that is called
with ``device`` and with the options of the spec as keyword arguments (strings), and returns a
`FoundationModel`. If it has a parameter ``precision``, it is called with that too.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from reno_store.errors import ModelError, Remedy
from reno_store.foundation_models.protocol import FoundationModel

__all__ = ["GROUP", "installed_models", "load_installed"]

GROUP = "reno_store.foundation_models"


def installed_models() -> dict[str, list[EntryPoint]]:
    """Return the models of installed packages by name; several where packages clash."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        if all(entry.value != other.value for other in found.get(entry.name, [])):
            found.setdefault(entry.name, []).append(entry)
    return found


def load_installed(
    entry: EntryPoint, options: Mapping[str, str], *, device: str, precision: str
) -> FoundationModel:
    """Load a model of another package.

    Raises
    ------
    ModelError
        If it does not load, does not take an option, or does not return a
        `FoundationModel`.
    """
    where = f"model {entry.name} of {package_of(entry)}"
    try:
        factory = entry.load()
    # The code of another package may raise anything.
    except Exception as error:
        raise ModelError(f"{where}: cannot be loaded: {type(error).__name__}: {error}") from error
    if not callable(factory):
        raise ModelError(
            f"{where}: the entry point is a {type(factory).__name__}; expected a class or function "
            "that returns a FoundationModel."
        )
    if reserved := sorted({"device", "precision"} & set(options)):
        raise ModelError(
            f"{where}: {reserved[0]} is not an option of one model.",
            Remedy("Choose it for all models", {reserved[0]: options[reserved[0]]}),
        )
    arguments: dict[str, Any] = {"device": device, **options}
    if _takes(factory, "precision"):
        arguments["precision"] = precision
    if refused := [name for name in arguments if not _takes(factory, name)]:
        raise ModelError(f"{where}: takes no option {refused[0]!r}.")
    try:
        model = factory(**arguments)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"{where}: cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(model, FoundationModel):
        raise ModelError(
            f"{where}: returned {type(model).__name__}; expected a FoundationModel, with "
            "sample_rate_hz, min_samples, dim, fingerprint and embed."
        )
    if not isinstance(model.fingerprint, Mapping):
        raise ModelError(
            f"{where}: its fingerprint is {type(model.fingerprint).__name__}; expected a mapping "
            "of JSON values. See the tests in reno_store.foundation_models.testing."
        )
    return model


def package_of(entry: EntryPoint) -> str:
    """Return the name of the package that declares an entry point."""
    return entry.dist.name if entry.dist else entry.value.partition(":")[0]


def _takes(factory: Any, name: str) -> bool:
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):  # written in C, for example: it checks its arguments itself
        return name != "precision"
    return any(
        parameter.kind is parameter.VAR_KEYWORD
        or (parameter.name == name and parameter.kind is not parameter.POSITIONAL_ONLY)
        for parameter in parameters
    )
