"""What torch's profiler saw: launches, how busy the device was, the three largest kernels."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from gpu.machine import synchronize
from gpu.results import Record

__all__ = ["Profile", "profiled", "record_profile"]

_NAME_LENGTH = 70


@dataclass(frozen=True, slots=True)
class Profile:
    """A call under the profiler.

    Attributes
    ----------
    wall_s : float
        From an idle device to an idle device.
    busy_s : float
        In which at least one kernel or copy was running on the device; on a CPU, at least one
        operator.
    computing_s : float
        The same without copies.
    n_launches : int
        Kernels; on a CPU, operators called from Python.
    largest : tuple of (str, float, int)
        Name, seconds and number of the three kernels (operators) that took longest.
    """

    wall_s: float
    busy_s: float
    computing_s: float
    n_launches: int
    largest: tuple[tuple[str, float, int], ...]

    @property
    def numbers(self) -> dict[str, float | str]:
        """Return values for a row."""
        return {
            "launches": self.n_launches,
            "% busy": 100 * self.busy_s / self.wall_s,
            "ms": 1000 * self.wall_s,
        }


def record_profile(record: Record, what: str, run: Callable[[], object], device: str) -> None:
    """Profile a call, and record a row for it and one for each of its largest kernels.

    A profiler that fails, as it does where a machine does not allow it, costs its rows alone.
    """
    try:
        seen = profiled(run, device)
    except Exception as error:
        record(f"{what}: profile", {"failed": f"{type(error).__name__}: {error}"})
        return
    record(f"{what}: profile", seen.numbers)
    for name, seconds, count in seen.largest:
        record(f"    {_shortened(name)}", {"ms": 1000 * seconds, "calls": count})


def profiled(run: Callable[[], object], device: str) -> Profile:
    """Call something under the profiler.

    On a GPU its kernels and copies alone are recorded, which costs the least. What runs on
    other threads of a CPU is not seen.
    """
    is_cuda = torch.device(device).type == "cuda"
    activity = ProfilerActivity.CUDA if is_cuda else ProfilerActivity.CPU
    if is_cuda:  # the first use loads CUPTI, which takes seconds
        with profile(activities=[activity], acc_events=True):
            torch.ones(8, device=device).sum().item()
    synchronize(device)
    with profile(activities=[activity], acc_events=True) as profiler:
        begun = time.perf_counter()
        run()
        synchronize(device)
        wall_s = time.perf_counter() - begun
    events: list[Any] = list(profiler.events() or [])
    return _of_cuda(events, wall_s) if is_cuda else _of_cpu(events, wall_s)


def _of_cuda(events: Iterable[Any], wall_s: float) -> Profile:
    # Regions that somebody named are put on the device's axis too, and are no work.
    ran = [
        each
        for each in events
        if each.device_type == DeviceType.CUDA and not getattr(each, "is_user_annotation", False)
    ]
    kernels = [each for each in ran if not each.name.startswith(("Memcpy", "Memset"))]
    spans = [(each.name, each.time_range.elapsed_us() / 1e6) for each in ran]
    computing_s = _covered_s(kernels)
    return Profile(wall_s, _covered_s(ran), computing_s, len(kernels), _largest(spans))


def _of_cpu(events: Iterable[Any], wall_s: float) -> Profile:
    ran = [each for each in events if each.device_type == DeviceType.CPU]
    called = [each for each in ran if each.cpu_parent is None]
    spans = [(each.name, each.self_cpu_time_total / 1e6) for each in ran]
    busy_s = _covered_s(called)
    return Profile(wall_s, busy_s, busy_s, len(called), _largest(spans))


def _covered_s(events: Iterable[Any]) -> float:
    """Return how long at least one event lasted: streams and threads overlap."""
    spans = sorted((each.time_range.start, each.time_range.end) for each in events)
    covered_us, reached = 0.0, float("-inf")
    for start, end in spans:
        covered_us += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return covered_us / 1e6


def _largest(spans: Iterable[tuple[str, float]]) -> tuple[tuple[str, float, int], ...]:
    seconds: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    for name, took in spans:
        seconds[name] += took
        counts[name] += 1
    names = sorted(seconds, key=lambda name: -seconds[name])[:3]
    return tuple((name, seconds[name], counts[name]) for name in names)


def _shortened(name: str) -> str:
    name = name.removeprefix("void ").replace("at::native::", "")
    return name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 3] + "..."
