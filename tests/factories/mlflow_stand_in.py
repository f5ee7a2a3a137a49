"""A module with the part of mlflow that studies are logged with; runs are kept in memory."""

import sys
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace

__all__ = ["install", "without_drawing"]

_LOADED = "reno_store.reports.tracking.mlflow_tracker"
"""Loaded anew, so that it uses what is in the place of mlflow or of figures."""


@dataclass
class _Metric:
    key: str
    value: float
    timestamp: int
    step: int


@dataclass
class _Param:
    key: str
    value: str


@dataclass
class _Run:
    experiment: str
    name: str
    tags: dict
    status: str = "RUNNING"
    params: dict = field(default_factory=dict)
    history: list = field(default_factory=list)
    artifacts: list = field(default_factory=list)

    @property
    def info(self):
        return SimpleNamespace(run_id=str(id(self)), run_name=self.name, status=self.status)

    @property
    def data(self):
        metrics = {each.key: each.value for each in self.history}
        return SimpleNamespace(params=self.params, metrics=metrics, tags=self.tags)


class _Page(list):
    token = None


class _Error(Exception):
    """``mlflow.exceptions.MlflowException``."""


def without_drawing(monkeypatch):
    """Save empty files in the place of figures, which take most of the time."""
    import reno_store.reports.figures as figures

    def save(chosen, folder, formats):
        for figure in chosen:
            (Path(folder) / f"{figure.name}.png").touch()

    monkeypatch.setattr(figures, "save_figures", save)
    monkeypatch.delitem(sys.modules, _LOADED, raising=False)


def install(monkeypatch, draws=True):
    """Put the stand-in in the place of mlflow; return the class of its client."""
    if not draws:
        without_drawing(monkeypatch)
    experiments: dict[str, list[_Run]] = {}

    class Client:
        def __init__(self, tracking_uri):
            self.tracking_uri = tracking_uri

        def search_experiments(self, max_results):
            return list(experiments)[:max_results]

        def get_experiment_by_name(self, name):
            return SimpleNamespace(experiment_id=name) if name in experiments else None

        def create_experiment(self, name):
            experiments[name] = []
            return name

        def create_run(self, experiment, run_name, tags):
            run = _Run(experiment, run_name, dict(tags))
            experiments[experiment].append(run)
            return run

        def _run(self, run_id):
            (found,) = (
                run for runs in experiments.values() for run in runs if run.info.run_id == run_id
            )
            return found

        def log_batch(self, run_id, metrics=(), params=()):
            assert len(metrics) <= 1000
            assert all(isinstance(each.value, float) for each in metrics)
            self._run(run_id).history += metrics
            for each in params:
                assert self._run(run_id).params.setdefault(each.key, each.value) == each.value

        def log_text(self, run_id, text, artifact_file):
            assert text
            self._run(run_id).artifacts.append(artifact_file)

        def log_artifacts(self, run_id, local_dir, artifact_path):
            names = sorted(path.name for path in Path(local_dir).iterdir())
            self._run(run_id).artifacts += [f"{artifact_path}/{name}" for name in names]

        def set_terminated(self, run_id, status):
            self._run(run_id).status = status

        def search_runs(self, experiment_ids, filter_string="", page_token=None):
            runs = [run for each in experiment_ids for run in experiments[each]]
            if filter_string == "attributes.status = 'FINISHED'":
                runs = [run for run in runs if run.status == "FINISHED"]
            return _Page(runs)

        def list_artifacts(self, run_id, path):
            found = self._run(run_id).artifacts
            return [SimpleNamespace(path=each) for each in found if each.startswith(f"{path}/")]

        def get_metric_history(self, run_id, key):
            return [each for each in self._run(run_id).history if each.key == key]

    parts = {
        "mlflow": {"get_tracking_uri": lambda: "memory:"},
        "mlflow.entities": {"Metric": _Metric, "Param": _Param},
        "mlflow.exceptions": {"MlflowException": _Error},
        "mlflow.tracking": {"MlflowClient": Client},
    }
    for name, contents in parts.items():
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, _LOADED, raising=False)
    return Client
