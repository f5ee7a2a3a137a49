"""Studies in which each fold's accuracy is given, for tests of what is concluded from them."""

from pathlib import Path

from factories.made_up_studies import MODELS

from reno_store.studies import Cell, DatasetFacts, FoldOutcome, FoldScore, Study, StudyRequest

__all__ = ["LABELS", "scored_cell", "study_of"]

LABELS = tuple("abcdefghij")
"""Ten, so that guessing scores 10 %."""


def scored_cell(
    models,
    estimator,
    *seeds_accuracies,
    protocol="paper",
    dataset="jnv",
    n_test=20,
    n_train=80,
    speakers=(),
    **others,
):
    """A cell with the accuracies of its folds, a sequence a seed; macro-F1 is half of them."""
    outcomes = tuple(
        tuple(
            FoldOutcome(
                FoldScore(
                    accuracy,
                    accuracy / 2,
                    1 - accuracy,
                    n_train,
                    n_test,
                    len(LABELS),
                    speaker=speakers[number] if speakers else "",
                ),
                true=tuple(clip % len(LABELS) for clip in range(n_test)),
                predicted=(0,) * n_test,
            )
            for number, accuracy in enumerate(accuracies)
        )
        for accuracies in seeds_accuracies
    )
    settings = {"seeds": tuple(range(len(outcomes))), "labels": LABELS} | others
    return Cell(dataset, protocol, estimator, tuple(models), outcomes=outcomes, **settings)


def study_of(*cells, models=MODELS, n_speakers=8, **others):
    """A study of these cells, as if nothing else had been asked for."""
    datasets = tuple(dict.fromkeys(cell.dataset for cell in cells))
    asked = {
        "datasets": datasets,
        "protocols": tuple(dict.fromkeys(cell.protocol for cell in cells)),
        "seeds": cells[0].seeds,
    }
    return Study(
        store=Path("s.zarr"),
        results=Path("s.results"),
        request=StudyRequest(**(asked | others)),
        datasets=tuple(
            DatasetFacts(name, 100, 0, n_speakers, dict.fromkeys(LABELS, 10)) for name in datasets
        ),
        models=models,
        cells=cells,
    )
