"""The trackers by name, and the interface that each has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from reno_store.errors import RenoStoreError, UnknownNameError

if TYPE_CHECKING:
    from reno_store.reports.tracking.records import StudyRecord
    from reno_store.studies import Study

__all__ = ["TRACKERS", "Tracker", "check_tracker", "open_tracker", "track_study"]


class Tracker(Protocol):
    """Logs studies to an experiment tracker."""

    def log(self, study: StudyRecord, experiment: str) -> str:
        """Log a study and its cells, and return where they are, for people.

        What the experiment has already is not logged again. Raises `RenoStoreError` if the
        tracker cannot be reached; what was logged before stays there.
        """


@dataclass(frozen=True, slots=True)
class _Choice:
    """A tracker that can be chosen: the package that it needs, and how it is opened."""

    package: str
    extra: str
    open: Callable[[], Tracker]


def _open_mlflow() -> Tracker:
    from reno_store.reports.tracking.mlflow_tracker import MlflowTracker

    return MlflowTracker()


TRACKERS: Mapping[str, _Choice] = {"mlflow": _Choice("mlflow", "mlflow", _open_mlflow)}
"""Name -> tracker."""


def check_tracker(name: str) -> None:
    """Check that a tracker exists and that its package is installed, without loading it.

    Raises
    ------
    UnknownNameError
        If there is no such tracker.
    RenoStoreError
        If its package is not installed.
    """
    if name not in TRACKERS:
        raise UnknownNameError.among("tracker", name, TRACKERS)
    choice = TRACKERS[name]
    if find_spec(choice.package) is None:
        raise RenoStoreError(
            f"tracking with {name} needs {choice.package}, which is not installed; run "
            f"pip install 'reno-store[{choice.extra}]'."
        )


def open_tracker(name: str) -> Tracker:
    """Return a tracker, connected; raise as `check_tracker`, and if it cannot be reached."""
    check_tracker(name)
    choice = TRACKERS[name]
    try:
        return choice.open()
    except ImportError as error:
        raise RenoStoreError(
            f"{choice.package} is installed but cannot be loaded: {error}. Install a newer one: "
            f"pip install --upgrade 'reno-store[{choice.extra}]'."
        ) from error


def track_study(study: Study, tracker: str = "mlflow", *, experiment: str | None = None) -> str:
    """Log a study to an experiment tracker: each cell's parameters, scores and confusion matrix.

    One more run has the study's leaderboard, tables and figures. Results that the experiment
    has already are not logged again.

    Parameters
    ----------
    study : Study
        Of `run_study`, `evaluate_store` or `recall_study`.
    tracker : str
        A name in `TRACKERS`. MLflow is configured by its own means, such as the environment
        variable ``MLFLOW_TRACKING_URI``.
    experiment : str, optional
        Name of the experiment; by default what the tracker is configured for
        (``MLFLOW_EXPERIMENT_NAME``), else the name of the store.

    Returns
    -------
    str
        Where the runs are, for people.

    Raises
    ------
    UnknownNameError
        If there is no such tracker.
    RenoStoreError
        If its package is not installed, or it cannot be reached.
    """
    opened = open_tracker(tracker)
    from reno_store.reports.tracking.records import record_study

    return opened.log(record_study(study), experiment or "")
