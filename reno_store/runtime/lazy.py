"""Names that a package loads from its modules when they are first used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["load_on_use"]


def load_on_use(package: str, home_of: Mapping[str, str]) -> Callable[[str], Any]:
    """Give a package the ``__getattr__`` that loads its names when they are first used.

    So a check that needs one light module of a package does not wait for scikit-learn or torch,
    which other modules of the package import.

    Parameters
    ----------
    package : str
        The package's ``__name__``.
    home_of : Mapping[str, str]
        Name -> the package's module that defines it.

    Returns
    -------
    Callable
        What to call ``__getattr__``; it raises `AttributeError` for any other name.

    Examples
    --------
    >>> load_on_use("reno_store", {"RenoStoreError": "errors"})("RenoStoreError").__name__
    'RenoStoreError'
    """

    def load(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{package}.{home_of[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return load
