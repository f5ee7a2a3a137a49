"""Section e: a grid of 5 β x 5 δ x 5 λ in 5 folds: RENOGridSearchCV beside GridSearchCV.

GridSearchCV fits one classifier at a time; RENOGridSearchCV stacks them on a GPU. Both are
timed with scoring, for a few epochs. A few single fits are timed, and what all 625 would take
is worked out. The stack is timed on a few candidates first, then on all of them, if they are
expected to fit into the section's time; else that is worked out too, by the fits that differ
(with λ = 1 every β and δ trains the same network once).
"""

from __future__ import annotations

import time
from itertools import product
from typing import Any

from sklearn.model_selection import GridSearchCV, StratifiedKFold

import reno_store as rs
from gpu.machine import forget_peak, peak_gb
from gpu.material import make_rows
from gpu.ours import counting_stacks, fit_together, stacking_everywhere
from gpu.profiles import record_profile
from gpu.results import Record
from gpu.settings import Setting

__all__ = ["run"]

_VALUES = {
    "beta": (1.2, 1.5, 2.0, 3.0, 5.0),
    "delta": (0.01, 0.05, 0.1, 0.2, 0.5),
    "lam": (0.2, 1.0, 0.4, 0.6, 0.8),
}
_STEP = 31  # has no divisor in common with any number of candidates here
_LEAST_TIMES = 50.0
_SPARE, _SPARE_S = 1.3, 5.0
"""How much longer than expected a search may take."""

_RESERVED_S, _LEAST_LEFT_S = 30.0, 20.0
"""Of the section's time, for the grids after the first; and what they need at least."""


def run(setting: Setting, record: Record) -> None:
    """Record how many times as fast as single fits the search is, for each pair."""
    with stacking_everywhere():
        for pair in setting.size.grid_pairs:
            if setting.seconds_left < _LEAST_LEFT_S:
                left_s = f"{setting.seconds_left:.0f} s were left"
                record(" + ".join(map(str, pair)), {"left out": left_s})
                continue
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
        self._points = [points[i * _STEP % len(points)] for i in range(len(points))]

    def measure(self, *, with_goal: bool) -> None:
        size, device, name = self._setting.size, self._setting.device, self._name
        for kind in (rs.RENOGridSearchCV, GridSearchCV):  # loads libraries and kernels
            self._search(1, n_epochs=1, kind=kind)
        single_s = self._search(1, kind=GridSearchCV)[1] / size.n_folds
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
                    **peak_gb(device),
                    f"s for {n_fits}{worked_out}": whole_s,
                },
            )
            what = f"{name}: the whole grid against single fits{worked_out}"
            if with_goal:
                self._record.times(what, single_s * n_fits / whole_s, _LEAST_TIMES)
            else:
                self._record(what, {"times": single_s * n_fits / whole_s})
            n_done = self._n_distinct(n)
            self._record(
                f"{name}: a fit that repeats no other",
                {"ms": 1000 * seconds / n_done, "times": single_s * n_done / seconds},
            )
            if n == size.n_part:
                self._profile()
            others_s = _RESERVED_S if with_goal else 0.0
            if _SPARE * whole_s > self._setting.seconds_left - others_s - _SPARE_S:
                break

    def _profile(self) -> None:
        n, device = self._setting.size.n_part, self._setting.device
        what = f"{self._name}: an epoch of {n * self._setting.size.n_folds} fits in stacks"
        rows = [train for train, _ in self._folds]
        members = [
            rs.RENOClassifier(**{**self._reno.get_params(), **point, "max_epochs": 1})
            for point in self._points[:n]
            for _ in rows
        ]
        record_profile(
            self._record,
            what,
            lambda: fit_together(members, self._X, self._y, rows * n),
            device,
        )
        alone = rs.RENOClassifier(**{**self._reno.get_params(), "max_epochs": 1})
        what = f"{self._name}: an epoch of a single fit"
        record_profile(
            self._record, what, lambda: alone.fit(self._X[rows[0]], self._y[rows[0]]), device
        )

    def _search(
        self, n: int, n_epochs: int | None = None, kind: Any = rs.RENOGridSearchCV
    ) -> tuple[Any, float]:
        reno = rs.RENOClassifier(**self._reno.get_params())
        if n_epochs is not None:
            reno.set_params(max_epochs=n_epochs)
        begun = time.perf_counter()
        search = kind(reno, self._grid(n), cv=self._folds, n_jobs=1, refit=False)
        search.fit(self._X, self._y)
        return search, time.perf_counter() - begun

    def _grid(self, n: int) -> list[dict[str, list[float]]]:
        return [{name: [value] for name, value in each.items()} for each in self._points[:n]]

    def _n_distinct(self, n: int) -> int:
        points = self._points[:n]
        same = sum(each["lam"] == 1 for each in points)
        return (n - same + min(same, 1)) * self._setting.size.n_folds
