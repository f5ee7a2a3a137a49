"""Section d: single fits of RENO on the device, and on one CPU thread for comparison."""

from __future__ import annotations

import statistics
import time
from functools import partial

import reno_store as rs
from gpu.machine import forget_peak, peak_gb
from gpu.material import make_rows
from gpu.profiles import record_profile
from gpu.results import Record
from gpu.settings import Setting

__all__ = ["run"]

_BATCH = 32


def run(setting: Setting, record: Record) -> None:
    """Record the seconds of a fit for each pair of models."""
    size, device = setting.size, setting.device
    n_steps = -(-size.n_rows // _BATCH)
    for pair in size.pairs:
        name = " + ".join(f"{each:,}" for each in pair)
        X, y = make_rows(size.n_rows, pair)

        def fit(
            n_epochs: int, n_rows: int, device: str, pair=pair, X=X, y=y
        ) -> tuple[rs.RENOClassifier, float]:
            reno = rs.RENOClassifier(
                block_sizes=pair,
                max_epochs=n_epochs,
                early_stopping=False,
                device=device,
                random_state=0,
            )
            begun = time.perf_counter()
            reno.fit(X[:n_rows], y[:n_rows])
            return reno, time.perf_counter() - begun

        fit(1, 2 * _BATCH, device)  # loads libraries and kernels
        forget_peak(device)
        reno, fit_s = fit(size.n_epochs, size.n_rows, device)
        gb = peak_gb(device)
        epoch_s = statistics.median(epoch["seconds"] for epoch in reno.history_[1:])
        step_s = epoch_s / n_steps
        on_cpu, _ = fit(2, _BATCH * size.n_cpu_steps, "cpu")
        cpu_step_s = on_cpu.history_[-1]["seconds"] / size.n_cpu_steps
        record(
            f"RENO, {name}: {size.n_rows:,} rows, {size.n_epochs} epochs",
            {"s a fit": fit_s, "ms a step": 1000 * step_s, **gb},
        )
        record(
            f"RENO, {name}: one CPU thread, {size.n_cpu_steps} steps timed",
            {
                "s a fit, worked out": cpu_step_s * n_steps * size.n_epochs,
                "ms a step": 1000 * cpu_step_s,
                "times as long": cpu_step_s / step_s,
            },
        )
        four_steps = partial(fit, 1, 4 * _BATCH, device)
        record_profile(record, f"RENO, {name}: a fit of 4 steps", four_steps, device)
