"""Where a classifier's documentation is, for scikit-learn's HTML representation."""

from __future__ import annotations

import importlib.metadata
import inspect
from functools import lru_cache
from pathlib import Path

__all__ = ["documentation_url"]

_DISTRIBUTION = "reno-store"
_LABELS = ("documentation", "homepage", "repository")
"""Labels of ``[project.urls]`` in pyproject.toml, best first."""


def documentation_url(estimator: type) -> str:
    """Return where an estimator is documented.

    Parameters
    ----------
    estimator : type
        Its class.

    Returns
    -------
    str
        The documentation's address from the package's metadata where it has one; else that
        of the installed file that holds the class and its docstring.
    """
    return _declared_url() or Path(inspect.getfile(estimator)).resolve().as_uri()


@lru_cache
def _declared_url() -> str:
    try:
        entries = importlib.metadata.metadata(_DISTRIBUTION).get_all("Project-URL") or []
    except importlib.metadata.PackageNotFoundError:
        return ""
    urls = {}
    for entry in entries:
        label, _, url = entry.partition(",")
        urls[label.strip().lower()] = url.strip()
    return next((urls[label] for label in _LABELS if label in urls), "")
