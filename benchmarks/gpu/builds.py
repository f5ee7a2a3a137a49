"""Section c: a whole build, from WAV files to a store; how far the GPU waits, and for what.

Three lanes run side by side: threads that decode and resample, the thread that embeds, and
the one that writes. The lane that takes longest by itself is the bottleneck; in the embedding
lane it is the largest of preparing, transfer and forward.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
import torch

import reno_store as rs
from gpu.machine import allow_no_tf32, forget_peak, peak_gb, seconds_of
from gpu.material import RATE_HZ, make_clips, write_encoder, write_recordings
from gpu.ours import ModelWriter, Timer, default_batch_seconds, plan_batches, timed
from gpu.profiles import profiled
from gpu.results import Record
from gpu.settings import Setting

__all__ = ["run"]

_THREADS = 8
"""As many as a build decodes with, where there are as many cores."""

_LEAST_BUSY = 90.0


def run(setting: Setting, record: Record) -> None:
    """Record the speed of builds, how busy the GPU is, and what it waits for."""
    allow_no_tf32(setting.device)
    size = setting.size
    manifest = write_recordings(
        setting.folder / "recordings", size.n_recordings, size.longest_s, size.rate_hz
    )
    spec = write_encoder(setting.folder / "wav2vec2", "wav2vec2", size.encoder)
    stages = _measure_stages(setting, manifest.parent)
    n = size.n_recordings
    for name, seconds in stages.items():
        record(f"{n} recordings: {name} alone", {"s": seconds, "clips/s": n / seconds})
    for precision in ("float32", "bfloat16"):
        _build(setting, record, manifest, spec, precision, stages)


def _build(
    setting: Setting,
    record: Record,
    manifest: Path,
    spec: str,
    precision: str,
    stages: dict[str, float],
) -> None:
    device, n = setting.device, setting.size.n_recordings
    store = setting.folder / f"{precision}.zarr"
    model = rs.load_model(spec, device=device, precision=precision)
    model.embed(make_clips(2, 1.0))  # loads libraries and kernels
    kind = type(model)
    del model

    def build() -> None:
        shutil.rmtree(store, ignore_errors=True)
        report = rs.build_store(
            manifest, store, [spec], device=device, precision=precision, progress=False
        )
        if not report.complete:
            raise RuntimeError(f"the build is not complete: {report}")

    forget_peak(device)
    with timed(kind, "embed") as embedding, timed(ModelWriter, "put"):
        whole_s = seconds_of(build, device)
    pass_s = embedding.last - embedding.first
    record(
        f"build, {precision}",
        {"s": whole_s, "clips/s": n / whole_s, "s from first to last batch": pass_s,
         **peak_gb(device)},
    )  # fmt: skip
    # The second time shapes are known to the device's libraries, and files to the system.
    with timed(kind, "embed") as embedding, timed(ModelWriter, "put") as writing:
        seen = profiled(build, device)
    pass_s = embedding.last - embedding.first
    busy = 100 * seen.computing_s / pass_s
    waiting = 100 * (1 - embedding.seconds / pass_s)
    met = bool(busy >= _LEAST_BUSY) if setting.judges_speed else None
    record(
        f"build, {precision}, profiled: share of {pass_s:.3g} s that the device computes",
        {"%": busy, "% waiting for decoded clips": waiting},
        f"at least {_LEAST_BUSY:g} %",
        met,
    )
    for what, numbers in _bottleneck(stages, seen.computing_s, embedding, writing).items():
        record(f"build, {precision}: {what}", numbers)


def _bottleneck(
    stages: dict[str, float], computing_s: float, embedding: Timer, writing: Timer
) -> dict[str, dict[str, float | str]]:
    """Name the slowest stage of the slowest lane, and give the seconds of all."""
    transfer_s = stages["transfer"]
    embedded = {
        "transfer": transfer_s,
        "forward": computing_s,
        "preparing and launching": max(0.0, embedding.seconds - computing_s - transfer_s),
    }
    read = {name: stages[name] for name in ("hash", "decode", "resample")}
    lanes = {"reading": read, "embedding": embedded, "writing": {"write": writing.seconds}}
    seconds = {name: sum(parts.values()) for name, parts in lanes.items()}
    seconds["embedding"] = embedding.seconds
    slowest = max(seconds, key=lambda name: seconds[name])
    stage = max(lanes[slowest], key=lambda name: lanes[slowest][name])
    return {
        "bottleneck": {slowest: stage},
        "lanes": {f"s {name}": each for name, each in seconds.items()},
        "embedding": {f"s {name}": each for name, each in embedded.items()},
    }


def _measure_stages(setting: Setting, folder: Path) -> dict[str, float]:
    """Time each stage by itself: files with as many threads as a build has."""
    paths = sorted(folder.glob("*.wav"))
    for path in paths:  # in the system's cache for all of them
        path.read_bytes()
    read = [soundfile.read(path, dtype="float32") for path in paths]
    stages = {
        "hash": _on_threads(_hash, paths),
        "decode": _on_threads(lambda path: soundfile.read(path, dtype="float32"), paths),
        "resample": _on_threads(
            lambda each: soxr.resample(each[0], each[1], RATE_HZ, quality="HQ"), read
        ),
    }
    clips = make_clips(len(paths), setting.size.longest_s)
    durations = np.array([len(clip) / RATE_HZ for clip in clips])
    planned = plan_batches(
        durations, np.ones(len(clips), bool), default_batch_seconds(setting.device)
    )
    padded = [torch.zeros(len(batch), max(len(clips[i]) for i in batch)) for batch in planned]
    masks = [torch.ones(each.shape, dtype=torch.long) for each in padded]
    padded[0].to(setting.device)
    stages["transfer"] = seconds_of(
        lambda: [each.to(setting.device) for pair in zip(padded, masks, strict=True)
                 for each in pair],
        setting.device,
    )  # fmt: skip
    return stages


def _hash(path: Path) -> bytes:
    """Hash a file, as a build does to each before it is embedded."""
    return hashlib.sha256(path.read_bytes()).digest()


def _on_threads(function: Callable[..., object], items: Sequence[Any]) -> float:
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
        begun = time.perf_counter()
        list(pool.map(function, items))
        return time.perf_counter() - begun
