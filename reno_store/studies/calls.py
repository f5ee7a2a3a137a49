"""A study as the Python call that makes it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from reno_store.studies.requests import StudyRequest, results_folder

__all__ = ["python_call"]


def python_call(request: StudyRequest, store: str | Path, results: str | Path | None = None) -> str:
    """Write the call of `run_study` that makes a study.

    Parameters
    ----------
    request : StudyRequest
        What is evaluated.
    store : str or Path
        Folder of the store.
    results : str or Path, optional
        Folder of kept results; left out where it is `results_folder` of the store.

    Examples
    --------
    >>> python_call(StudyRequest("jnv", seeds=3), "my.zarr")
    "run_study('my.zarr', StudyRequest(datasets=('jnv',), seeds=(3,)))"
    """
    words = [
        f"{each.name}={getattr(request, each.name)!r}"
        for each in fields(request)
        if getattr(request, each.name) != getattr(_DEFAULT, each.name)
    ]
    call = f"{str(store)!r}, StudyRequest({', '.join(words)})"
    if results is not None and Path(results).resolve() != results_folder(store):
        call += f", results={str(results)!r}"
    return f"run_study({call})"


_DEFAULT = StudyRequest(("any",))
