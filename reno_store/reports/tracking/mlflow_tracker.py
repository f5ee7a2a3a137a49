"""Studies in MLflow: one run per cell, and one for the study.

Runs are written with MLflow's client, so that a run that the user has started stays the active
one, and their tag ``reno_store.key`` shows what the experiment has already.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import mlflow
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from reno_store import __version__
from reno_store.errors import RenoStoreError
from reno_store.reports.figures import Figure, save_figures
from reno_store.reports.tracking.records import CellRecord, StudyRecord
from reno_store.runtime.progress import counting

__all__ = ["MlflowTracker"]

_KEY = "reno_store.key"
# MLflow shows these two tags of a run as its description and its source.
_DESCRIPTION = "mlflow.note.content"
_SOURCE = "mlflow.source.name"
_NO_TAGS: Mapping[str, str] = MappingProxyType({})
_MOST_METRICS = 500
"""MLflow takes 1,000 entries at once."""


class MlflowTracker:
    """Logs to the server or database that MLflow is configured for.

    Raises
    ------
    RenoStoreError
        If it cannot be reached.
    """

    def __init__(self) -> None:
        self._place = mlflow.get_tracking_uri()
        with self._naming_place():
            self._client = MlflowClient(self._place)
            self._client.search_experiments(max_results=1)

    def log(self, study: StudyRecord, experiment: str) -> str:
        """Log a study and its cells; see `Tracker`."""
        name = experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or study.name
        with self._naming_place():
            found = self._client.get_experiment_by_name(name)
            number = found.experiment_id if found else self._client.create_experiment(name)
            known = self._known_keys(number)
            cells = [cell for cell in study.cells if cell.key not in known]
            with counting("tracking", len(cells), unit="cells") as counter:
                for cell in cells:
                    self._log_cell(number, cell)
                    counter.advance()
            if study.key not in known:
                self._log_study(number, study)
        return f"experiment {name!r} of {self._place}, {len(cells):,} new runs of cells"

    def _log_cell(self, experiment: str, cell: CellRecord) -> None:
        now = int(1000 * time.time())
        metrics = [Metric(name, value, now, 0) for name, value in cell.scores.items()]
        metrics += [
            Metric(f"fold_{name}", value, now, step)
            for step, fold in enumerate(cell.folds)
            for name, value in fold.items()
        ]
        with self._run(experiment, cell.title, cell.key, "cell") as run:
            self._log_parameters(run, cell.parameters)
            for start in range(0, len(metrics), _MOST_METRICS):
                self._client.log_batch(run, metrics=metrics[start : start + _MOST_METRICS])
            self._log_figures(run, cell.figures)

    def _log_study(self, experiment: str, study: StudyRecord) -> None:
        title, shown = f"study of {study.name}", {_DESCRIPTION: study.conclusions}
        with self._run(experiment, title, study.key, "study", shown) as run:
            self._log_parameters(run, study.parameters)
            for name, text in study.tables.items():
                self._client.log_text(run, text, f"tables/{name}")
            self._log_figures(run, study.figures)

    def _log_parameters(self, run: str, parameters: Mapping[str, str]) -> None:
        self._client.log_batch(run, params=[Param(*each) for each in parameters.items()])

    def _log_figures(self, run: str, figures: Sequence[Figure]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            save_figures(figures, folder, ["png"])
            if figures:
                self._client.log_artifacts(run, folder, "figures")

    @contextlib.contextmanager
    def _run(
        self, experiment: str, title: str, key: str, kind: str, more: Mapping[str, str] = _NO_TAGS
    ) -> Iterator[str]:
        """Make a run, which counts as known only when it is finished."""
        tags = {_KEY: key, "reno_store.kind": kind, _SOURCE: f"reno-store {__version__}", **more}
        run: str = self._client.create_run(experiment, run_name=title, tags=tags).info.run_id
        try:
            yield run
        except BaseException:
            self._client.set_terminated(run, "FAILED")
            raise
        self._client.set_terminated(run, "FINISHED")

    def _known_keys(self, experiment: str) -> set[str]:
        keys: set[str] = set()
        token = None
        while True:
            page = self._client.search_runs(
                [experiment], "attributes.status = 'FINISHED'", page_token=token
            )
            keys |= {run.data.tags[_KEY] for run in page if _KEY in run.data.tags}
            token = page.token
            if not token:
                return keys

    @contextlib.contextmanager
    def _naming_place(self) -> Iterator[None]:
        try:
            yield
        except (MlflowException, ImportError, OSError) as error:
            raise RenoStoreError(
                f"mlflow cannot use {self._place}: {error} The environment variable "
                "MLFLOW_TRACKING_URI names another place: the address of a server or, with the "
                "whole of mlflow installed (pip install mlflow), a database such as "
                "sqlite:///mlflow.db."
            ) from error
