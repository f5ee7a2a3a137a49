"""What a study predicted for each clip, from the kept outcomes of its folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from reno_store.errors import StaleStoreError
from reno_store.samples import open_store
from reno_store.studies.preparation import PreparedDataset, prepare
from reno_store.studies.study import Cell, Study

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["predictions_of"]


def predictions_of(study: Study, cells: Sequence[Cell]) -> list[pd.DataFrame]:
    """Return what cells predicted for each clip.

    Parameters
    ----------
    study : Study
        Its store is read again, since outcomes hold no names of clips.
    cells : Sequence[Cell]
        Computed cells of one dataset. Pairs of corpora are not possible.

    Returns
    -------
    list of pandas.DataFrame
        One per cell. One row per clip and seed, in the order of the folds: ``clip_id``, ``label``,
        ``speaker`` (empty where unknown), ``seed``, ``fold`` (from 1), ``predicted`` and
        ``confidence``, the probability of the predicted label (NaN where it was not kept).

    Raises
    ------
    StaleStoreError
        If the clips in the store are no longer those of the study.
    """
    if not cells:
        return []
    name = cells[0].dataset
    prepared = prepare(study.request, open_store(study.store), name, study.models)
    return [_predictions(cell, prepared) for cell in cells]


def _predictions(cell: Cell, prepared: PreparedDataset) -> pd.DataFrame:
    import pandas as pd

    y, names = prepared.y, prepared.clip_ids
    speakers = np.full(len(y), "") if prepared.groups is None else prepared.groups
    labels = np.array(cell.labels)
    parts = []
    for seed, outcomes in zip(cell.seeds, cell.outcomes, strict=True):
        folds = prepared.folds.get((cell.protocol, seed), [])
        sides = [test for _, test in folds]
        true = [labels[list(outcome.true)].tolist() for outcome in outcomes]
        if [y[test].tolist() for test in sides] != true:
            raise StaleStoreError(
                f"{cell.dataset}: the clips in the store are no longer those of the study. Run the "
                "study again."
            )
        for number, (test, outcome) in enumerate(zip(sides, outcomes, strict=True), 1):
            parts.append(
                pd.DataFrame(
                    {
                        "clip_id": names[test],
                        "label": y[test],
                        "speaker": speakers[test],
                        "seed": seed,
                        "fold": number,
                        "predicted": labels[list(outcome.predicted)],
                        "confidence": outcome.confidence or [np.nan] * len(test),
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)
