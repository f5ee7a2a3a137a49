"""Section e: a grid of 5 β x 5 δ x 5 λ in 5 folds: RENOGridSearchCV beside GridSearchCV.

GridSearchCV fits one classifier at a time; RENOGridSearchCV stacks them on a GPU. Both are
timed with scoring, for a few epochs. A few single fits are timed, and what all 625 would take
is worked out. The stack is timed on a few candidates first, then on all of them, if they are
expected to fit into the section's time; else that is worked out too, by the fits that differ
(with λ = 1 every β and δ trains the same network once).
"""

from __future__ import annotations

import time
import warnings
from itertools import product
from typing import Any

from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, StratifiedKFold

import reno_store as rs
from gpu.machine import forget_peak, peak_gb
from gpu.material import make_rows
from gpu.ours import counting_stacks, stacking_everywhere
from gpu.profiles import profiled
from gpu.results import Record
from gpu.settings import Setting

__all__ = ["run"]

_VALUES = {
    "beta": (1.2, 1.5, 2.0, 3.0, 5.0),
    "delta": (0.01, 0.05, 0.1, 0.2, 0.5),
    "lam": (1.0, 0.2, 0.4, 0.6, 0.8),
}
_LEAST_TIMES = 50.0
_SPARE = 1.3
"""How much longer than expected a search may take."""


def run(setting: Setting, record: Record) -> None:
    """Record how many times as fast as single fits the search is, for each pair."""
    with stacking_everywhere(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # after so few epochs
        for pair in setting.size.grid_pairs:
            _Grid(setting, record, pair).measure(with_goal=pair == setting.size.grid_pairs[0])


class _Grid:
    def __init__(self, setting: Setting, record: Record, pair: tuple[int, int]) -> None:
        size = setting.size
        self._setting, self._record = setting, record
        self._name = " + ".join(str(each) for each in pair)
        self._X, self._y = make_rows(size.n_grid_rows, pair)
        folds = StratifiedKFold(size.n_folds, shuffle=True, random_state=0)
        self._folds = list(folds.split(self._X, self._y))
        self._reno = rs.RENOClassifier(
            block_sizes=pair,
            max_epochs=size.n_grid_epochs,
            device=setting.device,
            random_state=0,
        )
        values = [each[: size.n_values] for each in _VALUES.values()]
        points = [dict(zip(_VALUES, point, strict=True)) for point in product(*values)]
        # Spread over the grid: a part has about the share of λ = 1 that the whole has.
        step = next(n for n in (31, 29, 5, 3, 1) if len(points) % n)
        self._points = [points[i * step % len(points)] for i in range(len(points))]

    def measure(self, *, with_goal: bool) -> None:
        size, device, name = self._setting.size, self._setting.device, self._name
        self._search(1, n_epochs=1)  # loads libraries and kernels
        begun = time.perf_counter()
        alone = GridSearchCV(self._reno, self._grid(1), cv=self._folds, n_jobs=1, refit=False)
        alone.fit(self._X, self._y)
        single_s = (time.perf_counter() - begun) / size.n_folds
        n_fits = len(self._points) * size.n_folds
        self._record(
            f"{name}: {size.n_folds} single fits of {size.n_grid_epochs} epochs",
            {"s a fit": single_s, f"s for {n_fits}, worked out": single_s * n_fits},
        )
        for n in (size.n_part, len(self._points)):
            forget_peak(device)
            with counting_stacks() as stacks:
                search, seconds = self._search(n)
            whole_s = seconds * self._n_distinct(len(self._points)) / self._n_distinct(n)
            fitting_s = size.n_folds * float(search.cv_results_["mean_fit_time"].sum())
            worked_out = "" if n == len(self._points) else ", worked out"
            self._record(
                f"{name}: {n * size.n_folds} fits in stacks",
                {
                    "s": seconds,
                    "s of it fitting": fitting_s,
                    "largest stack": max(stacks, default=0),
                    "GB": peak_gb(device),
                    f"s for {n_fits}{worked_out}": whole_s,
                },
            )
            what = f"{name}: the whole grid against single fits{worked_out}"
            if with_goal:
                self._record.times(what, single_s * n_fits / whole_s, _LEAST_TIMES)
            else:
                self._record(what, {"times": single_s * n_fits / whole_s})
            if n == size.n_part:
                self._profile(single_s)
            if _SPARE * whole_s > self._setting.seconds_left / 2:
                break

    def _profile(self, single_s: float) -> None:
        n, device = self._setting.size.n_part, self._setting.device
        seen = profiled(lambda: self._search(n, n_epochs=1), device)
        self._record(f"{self._name}: profile of an epoch of {n} candidates", seen.numbers)
        alone = rs.RENOClassifier(**{**self._reno.get_params(), "max_epochs": 1})
        rows = self._folds[0][0]
        seen = profiled(lambda: alone.fit(self._X[rows], self._y[rows]), device)
        self._record(f"{self._name}: profile of an epoch of a single fit", seen.numbers)

    def _search(self, n: int, n_epochs: int | None = None) -> tuple[Any, float]:
        reno = rs.RENOClassifier(**self._reno.get_params())
        if n_epochs is not None:
            reno.set_params(max_epochs=n_epochs)
        begun = time.perf_counter()
        search = rs.RENOGridSearchCV(reno, self._grid(n), cv=self._folds, n_jobs=1, refit=False)
        search.fit(self._X, self._y)
        return search, time.perf_counter() - begun

    def _grid(self, n: int) -> list[dict[str, list[float]]]:
        return [{name: [value] for name, value in each.items()} for each in self._points[:n]]

    def _n_distinct(self, n: int) -> int:
        points = self._points[:n]
        same = sum(each["lam"] == 1 for each in points)
        return (n - same + min(same, 1)) * self._setting.size.n_folds
