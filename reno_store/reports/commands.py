"""How to compute a study or a cell again: Python calls, or whatever the caller passes."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Protocol

from reno_store.runtime.places import Place
from reno_store.studies import Cell, Study
from reno_store.studies.requests import StudyRequest, results_folder

__all__ = ["Commands", "PythonCalls", "python_call"]


class Commands(Protocol):
    """What a report shows for readers who want to compute its numbers again."""

    def study(self, study: Study) -> str:
        """Return how to run the whole study."""

    def cell(self, study: Study, cell: Cell) -> str:
        """Return how to compute one cell, or what it lacks."""


class PythonCalls:
    """Commands as calls of this library."""

    def study(self, study: Study) -> str:
        """Return the call of `run_study`."""
        return python_call(study.request, study.store, study.results)

    def cell(self, study: Study, cell: Cell) -> str:
        """Return the remedy of a cell that has one, else the call for this cell alone."""
        if cell.remedy is not None:
            return str(cell.remedy)
        if study.request.allow_missing:
            # Which clips are left out depends on all models together.
            return self.study(study)
        own = {name: (each,) for name, each in cell.settings.items()}
        names = study.request.paper_names
        transfer = study.dataset(cell.dataset).transfer
        train_on, test_on = (
            (transfer.pair.train_on, (transfer.pair.test_on,)) if transfer else ((), ())
        )
        datasets = (*train_on, *test_on) or (cell.dataset,)
        request = replace(
            study.request,
            datasets=datasets,
            train_on=train_on,
            test_on=test_on,
            models=cell.models,
            pairs=(cell.models,) if len(cell.models) > 1 else (),
            alone=len(cell.models) == 1,
            estimators=(study.request.named(cell.estimator),),
            settings={cell.estimator: own} if own else {},
            protocols=(cell.protocol,),
            paper_names={name: of for name, of in names.items() if name in datasets},
        )
        return python_call(request, study.store, study.results)


def python_call(
    request: StudyRequest, store: str | Place, results: str | Path | None = None
) -> str:
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
