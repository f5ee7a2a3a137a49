"""Section f: too little memory, in a build and in a stack.

On a GPU this process is allowed a small part of its memory. On a CPU the model's ``embed``
raises the error for batches beyond a size, and stacks are limited through ``max_memory``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import reno_store as rs
from gpu.machine import allow_no_tf32, forget_peak
from gpu.material import RATE_HZ, make_rows, write_encoder, write_recordings
from gpu.ours import counting_stacks, fit_together, stacking_everywhere
from gpu.peers import relative_errors
from gpu.results import Record
from gpu.settings import FULL, Setting

__all__ = ["run"]

_BUILD_GB, _STACK_GB = 0.8, 1.0
"""What is allowed beyond what is in use; the work needs several times as much."""

_MOST_OF_BUILD = 1e-5


def run(setting: Setting, record: Record) -> None:
    """Record whether work is halved until it fits, and gives what it should."""
    allow_no_tf32(setting.device)
    _check_build(setting, record)
    _check_stack(setting, record)


@dataclass
class _Asked:
    """Calls of ``embed``: seconds of audio that went through, that did not, and why not."""

    done: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)


@contextmanager
def _limited(setting: Setting, gigabytes: float) -> Iterator[None]:
    """Allow this process so much of the GPU's memory beyond what it uses."""
    if not setting.is_cuda:
        yield
        return
    forget_peak(setting.device)
    total = torch.cuda.get_device_properties(setting.device).total_memory
    allowed = torch.cuda.memory_reserved(setting.device) + gigabytes * 1e9
    torch.cuda.set_per_process_memory_fraction(min(allowed / total, 1.0))
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        forget_peak(setting.device)


@contextmanager
def _watched(kind: type, most_s: float | None) -> Iterator[_Asked]:
    """Watch calls of ``embed``; refuse those of more seconds, where a limit is given."""
    asked, whole = _Asked(), kind.embed  # type: ignore[attr-defined]

    def embed(self: Any, waveforms: Any) -> Any:
        padded_s = len(waveforms) * max(map(len, waveforms), default=0) / RATE_HZ
        try:
            if most_s is not None and len(waveforms) > 1 and padded_s > most_s:
                raise torch.OutOfMemoryError("CUDA out of memory, as simulated on a CPU.")
            rows = whole(self, waveforms)
        except Exception as error:
            asked.refused.append(padded_s)
            asked.reasons.add(f"{type(error).__name__}: {str(error)[:60]}")
            raise
        asked.done.append(padded_s)
        return rows

    kind.embed = embed  # type: ignore[attr-defined]
    try:
        yield asked
    finally:
        kind.embed = whole  # type: ignore[attr-defined]


def _check_build(setting: Setting, record: Record) -> None:
    size, folder = setting.size, setting.folder
    n = max(size.n_recordings // 8, 16)
    manifest = write_recordings(folder / "recordings", n, size.longest_s, RATE_HZ)
    spec = write_encoder(folder / "wav2vec2", "wav2vec2", size.encoder)
    model = rs.load_model(spec, device=setting.device)
    kind = type(model)
    del model

    def build(name: str) -> np.ndarray:
        report = rs.build_store(
            manifest,
            folder / name,
            [f"encoder={spec}"],
            dataset="made-up",
            device=setting.device,
            batch_seconds=160.0,
            progress=False,
        )
        if not report.complete:
            raise RuntimeError(f"the build is not complete: {report}")
        return rs.open_store(folder / name).load("made-up", ["encoder"]).X

    expected = build("enough.zarr")
    most_s = None if setting.is_cuda else 4.0
    with _limited(setting, _BUILD_GB), _watched(kind, most_s) as asked:
        found = build("scarce.zarr")
    numbers: dict[str, float | str] = {
        "batches refused": len(asked.refused),
        "s in the largest refused": max(asked.refused, default=0.0),
        "s in the largest done": max(asked.done, default=0.0),
        "because of": "; ".join(sorted(asked.reasons)),
    }
    # Any other error would have had clips go one by one.
    is_halved = all("OutOfMemory" in each for each in asked.reasons) and bool(asked.refused)
    record("a build with little memory", numbers, "halved, and complete", is_halved)
    record.at_most(
        f"a build of {n} recordings with little memory against one with enough",
        "largest error",
        float(relative_errors(found, expected).max()),
        _MOST_OF_BUILD,
    )


def _check_stack(setting: Setting, record: Record) -> None:
    is_full = setting.size is FULL
    sizes, n_members = ((768, 768), 16) if is_full else ((32, 32), 4)
    X, y = make_rows(128, sizes)
    reno: dict[str, Any] = {"block_sizes": sizes, "max_epochs": 2, "device": setting.device}
    rows = [np.arange(128)] * n_members

    def fit(max_memory: int | None) -> tuple[list[Any], list[int]]:
        members = [rs.RENOClassifier(**reno, random_state=seed) for seed in range(n_members)]
        with stacking_everywhere(), counting_stacks() as stacks:
            fitted = fit_together(members, X, y, rows, max_memory=max_memory)
        return fitted, stacks

    expected, whole = fit(None)
    with _limited(setting, _STACK_GB) if setting.is_cuda else nullcontext():
        fitted, stacks = fit(None if setting.is_cuda else 1)
    failed = [str(each) for each in fitted if isinstance(each, Exception)]
    if failed:
        raise RuntimeError(f"{len(failed)} of {n_members} fits failed: {failed[0]}")
    differences = [
        np.abs(ours.predict_proba(X) - theirs.predict_proba(X)).max()
        for ours, theirs in zip(fitted, expected, strict=True)
    ]
    record(
        f"a stack of {n_members} fits with little memory",
        {
            "stacks with enough": ", ".join(map(str, whole)),
            "stacks with little": ", ".join(map(str, stacks)),
            "largest difference of a probability": float(np.max(differences)),
        },
        "halved, and complete",
        min(stacks, default=0) < max(whole, default=0),
    )
