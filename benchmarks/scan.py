# ruff: noqa: T201
"""Audio-Mamba's selective scan beside the plain sequential one, in one run.

Two plain scans, both a Python loop over time on (units, channels, states):

- ``published``: decays and inputs of all steps first, then the loop, as the published
  references of Mamba and the fallback of transformers are written;
- ``lean``: decays and inputs step by step, nothing computed twice; the best plain loop.

First the scan alone, then the whole encoder with nothing but the scan exchanged, then the
encoder as it would be written plainly (published scan and `torch.nn.Linear`). Random
weights; times are medians over rounds in which every competitor has one turn.

    python benchmarks/scan.py
    python benchmarks/scan.py --sizes base --rounds 9 --threads 2
"""

from __future__ import annotations

import argparse
import ctypes
import re
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import torch
from torch import nn
from torch.nn import functional

from reno_store.foundation_models.audio_mamba import encoder as encoder_module
from reno_store.foundation_models.audio_mamba.encoder import AudioMambaEncoder, EncoderSizes
from reno_store.foundation_models.audio_mamba.scan import (
    ScanInputs,
    scan_by_doubling,
    selective_scan,
)
from reno_store.foundation_models.inference import Projection

WIDTHS = {"tiny": 192, "small": 384, "base": 768}
N_TOKENS = 251


def scan_published(
    u: torch.Tensor,
    delta: torch.Tensor,
    A: torch.Tensor,
    B: torch.Tensor,
    C: torch.Tensor,
    D: torch.Tensor,
    z: torch.Tensor,
) -> torch.Tensor:
    """Decays and inputs of all steps in advance, then a loop over time."""
    width = delta.transpose(1, 2)[..., None]
    decays = torch.exp(A[None, :, None, :] * width)
    entering = width * B[:, None, :, :] * u.transpose(1, 2)[..., None]
    state = u.new_zeros(len(u), *A.shape)
    outputs = []
    for step in range(u.shape[1]):
        state = decays[:, :, step] * state + entering[:, :, step]
        outputs.append(torch.matmul(state, C[:, step, :, None])[..., 0])
    return (torch.stack(outputs, dim=1) + u * D) * functional.silu(z)


def scan_lean(
    u: torch.Tensor,
    delta: torch.Tensor,
    A: torch.Tensor,
    B: torch.Tensor,
    C: torch.Tensor,
    D: torch.Tensor,
    z: torch.Tensor,
) -> torch.Tensor:
    """Decays and inputs of one step at a time."""
    product = delta * u
    state = u.new_zeros(len(u), *A.shape)
    outputs = []
    for step in range(u.shape[1]):
        entering = product[:, step, :, None] * B[:, step, None, :]
        state = torch.exp(delta[:, step, :, None] * A) * state + entering
        outputs.append(torch.matmul(state, C[:, step, :, None])[..., 0])
    return (torch.stack(outputs, dim=1) + u * D) * functional.silu(z)


def scan_inputs(width: int, n_units: int) -> tuple[torch.Tensor, ...]:
    """Draw inputs like those inside an encoder: u, delta, A, B, C, D, z."""
    channels, states = 3 * width, 24
    rates = torch.arange(1.0, states + 1).log() + 0.1 * torch.randn(channels, states)
    return (
        torch.randn(n_units, N_TOKENS, channels),
        functional.softplus(torch.randn(n_units, N_TOKENS, channels) - 3),
        -rates.exp(),
        torch.randn(n_units, N_TOKENS, states),
        torch.randn(n_units, N_TOKENS, states),
        torch.randn(channels),
        torch.randn(n_units, N_TOKENS, channels),
    )


@contextmanager
def plainly(scan: Callable[..., torch.Tensor], linear: bool = False) -> Iterator[None]:
    """Put a plain scan, and plain linear layers where asked for, into the encoder."""
    forward = nn.Linear.forward if linear else Projection.forward
    with (
        mock.patch.object(encoder_module, "selective_scan", lambda inputs: scan(*inputs)),
        mock.patch.object(Projection, "forward", forward),
    ):
        yield


def compete(
    competitors: dict[str, Callable[[], torch.Tensor]], n_units: int, n_rounds: int
) -> tuple[dict[str, float], dict[str, torch.Tensor]]:
    """Give each competitor's median seconds a unit, and what it computed."""
    outputs = {name: run() for name, run in competitors.items()}
    seconds: dict[str, list[float]] = {name: [] for name in competitors}
    for _ in range(n_rounds):
        for name, run in competitors.items():
            start = time.perf_counter()
            run()
            seconds[name].append((time.perf_counter() - start) / n_units)
    return {name: statistics.median(times) for name, times in seconds.items()}, outputs


def peak_extra_mb(run: Callable[[], object]) -> float:
    """Give by how many megabytes the process grows at most while it runs; NaN off Linux."""
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts from here
        before = _peak_kb()
        run()
        return (_peak_kb() - before) / 1024
    except (OSError, AttributeError):
        return float("nan")


def _peak_kb() -> int:
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) if found else 0


def relative_error(ours: torch.Tensor, expected: torch.Tensor) -> float:
    """Give the norm of the difference over the norm."""
    return float((ours.double() - expected).norm() / expected.norm())


def report(
    title: str,
    competitors: dict[str, Callable[[], torch.Tensor]],
    expected: torch.Tensor,
    n_units: int,
    n_rounds: int,
) -> None:
    """Print one line a competitor; the first is ours."""
    seconds, outputs = compete(competitors, n_units, n_rounds)
    ours = next(iter(seconds.values()))
    print(f"\n{title}")
    print(f"{'':34}{'s a unit':>10}{'ours is':>19}{'rel. error':>12}{'peak extra':>13}")
    for name, run in competitors.items():
        print(
            f"  {name:32}{seconds[name]:10.4f}{seconds[name] / ours:10.2f} x faster"
            f"{relative_error(outputs[name], expected):12.1e}{peak_extra_mb(run):10.0f} MB"
        )


def bench_scan(size: str, n_units: int, n_rounds: int) -> None:
    """Compare scans on their own."""
    given = scan_inputs(WIDTHS[size], n_units)
    competitors = {
        "ours": lambda: selective_scan(ScanInputs(*given)),
        "ours, as on other devices": lambda: scan_by_doubling(ScanInputs(*given)),
        "plain, published": lambda: scan_published(*given),
        "plain, lean": lambda: scan_lean(*given),
    }
    expected = scan_lean(*(tensor.double() for tensor in given))
    report(f"scan, {size}, {n_units} unit(s)", competitors, expected, n_units, n_rounds)


def bench_encoder(size: str, n_units: int, n_rounds: int, n_units_for_memory: int) -> None:
    """Compare whole encoders, and see what many units need."""
    encoder = AudioMambaEncoder(EncoderSizes.published(WIDTHS[size])).eval()
    for name, parameter in encoder.named_parameters():
        if name.endswith("dt_proj.bias"):  # step sizes as Mamba starts with, about 0.05
            parameter.sub_(3.0)
    units = torch.randn(n_units_for_memory, 200, 80)
    given = units[:n_units]

    def with_plain(scan: Callable[..., torch.Tensor], linear: bool = False) -> torch.Tensor:
        with plainly(scan, linear):
            rows: torch.Tensor = encoder(given)
            return rows

    competitors = {
        "ours": lambda: encoder(given),
        "with the plain scan, published": lambda: with_plain(scan_published),
        "with the plain scan, lean": lambda: with_plain(scan_lean),
        "published scan, torch.nn.Linear": lambda: with_plain(scan_published, linear=True),
    }
    double = encoder.double()
    with plainly(scan_lean, linear=True):
        expected = double(given.double())
    encoder.float()
    report(f"encoder, {size}, {n_units} unit(s)", competitors, expected, n_units, n_rounds)
    one_by_one = peak_extra_mb(lambda: [encoder(unit[None]) for unit in units])
    together = peak_extra_mb(lambda: encoder(units))
    print(
        f"  ours, {n_units_for_memory} units: peak extra {one_by_one:.0f} MB one by one, "
        f"{together:.0f} MB together"
    )


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", choices=WIDTHS, default=["tiny", "base"])
    parser.add_argument("--units", type=int, default=1, help="units that run together")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="torch threads")
    parser.add_argument("--memory-units", type=int, default=16, help="units to measure memory on")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    capability = torch.backends.cpu.get_cpu_capability()
    print(f"torch {torch.__version__}, {capability}, {arguments.threads} thread(s)")
    with torch.inference_mode():
        for size in arguments.sizes:
            bench_scan(size, arguments.units, arguments.rounds)
            bench_encoder(size, arguments.units, arguments.rounds, arguments.memory_units)


if __name__ == "__main__":
    main()
