"""Models of other packages, through the entry-point group ``reno_store.foundation_models``.

An entry point's name is what users type; it leads to a callable, a class or a function,
that is called with ``device`` and with what stands behind the question mark of the spec,
as keyword arguments (strings), and gives a `FoundationModel`. A callable that has a
parameter ``precision`` is given that too.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from reno_store.errors import ModelError
from reno_store.foundation_models.protocol import FoundationModel

__all__ = ["GROUP", "installed_models", "load_installed"]

GROUP = "reno_store.foundation_models"


def installed_models() -> dict[str, list[EntryPoint]]:
    """Give the models that installed packages offer, by name; several where packages clash."""
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
        If it does not load, does not take an option, or gives something that is no
        `FoundationModel`.
    """
    where = f"model {entry.name} of {package_of(entry)}"
    try:
        factory = entry.load()
    # Another package's code: whatever it raises is told with its name.
    except Exception as error:
        raise ModelError(f"{where}: cannot be loaded: {type(error).__name__}: {error}") from error
    if not callable(factory):
        raise ModelError(
            f"{where}: leads to a {type(factory).__name__}; expected a class or function that "
            "gives a FoundationModel."
        )
    if reserved := sorted({"device", "precision"} & set(options)):
        raise ModelError(f"{where}: {reserved[0]} is chosen for the whole build: --{reserved[0]}.")
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
    if isinstance(model, FoundationModel) and not isinstance(model.fingerprint, Mapping):
        raise ModelError(
            f"{where}: its fingerprint is {type(model.fingerprint).__name__}; expected a mapping "
            "of JSON values. See the tests in reno_store.foundation_models.testing."
        )
    if not isinstance(model, FoundationModel):
        raise ModelError(
            f"{where}: gave {type(model).__name__}, which lacks part of what a FoundationModel "
            "has: sample_rate_hz, min_samples, dim, fingerprint, embed."
        )
    return model


def package_of(entry: EntryPoint) -> str:
    """Name the package that an entry point comes from."""
    return entry.dist.name if entry.dist else entry.value.partition(":")[0]


def _takes(factory: Any, name: str) -> bool:
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):  # written in C, say: it is left to take or refuse what it gets
        return name != "precision"
    return any(
        parameter.kind is parameter.VAR_KEYWORD
        or (parameter.name == name and parameter.kind is not parameter.POSITIONAL_ONLY)
        for parameter in parameters
    )
