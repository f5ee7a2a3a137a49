"""What was asked of a store last, as far as it was finished; nothing is trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reno_store.studies.last_request import find_last_request
from reno_store.studies.running import Run
from reno_store.studies.study import Study

__all__ = ["recall_study"]


def recall_study(
    store: str | Path,
    *,
    results: str | Path | None = None,
    datasets: Sequence[str] = (),
) -> Study:
    """Give the study that was asked for last, as far as it was finished; train nothing.

    Parameters
    ----------
    store : str or Path
        The store's folder.
    results : str or Path, optional
        Folder of kept results; `results_folder` of the store unless given.
    datasets : Sequence[str]
        Which of its datasets; all unless given. Models and pairs stay those of the study.

    Raises
    ------
    LedgerError
        If nothing was asked yet, or what was asked cannot be understood.
    UnknownNameError
        If a dataset was not part of it.
    """
    last = find_last_request(store, results, datasets)
    run = Run(last.store, last.request, last.ledger, last.datasets, train=False)
    return run.study(last.notes)
