"""Section b: clips that are in memory, through an encoder, by three ways.

- the loop that everybody writes: one clip at a time;
- padded batches of similar lengths, the same that ours has; wrong, since norms see the padding;
- ours: exact padded batches, as a build on a GPU makes them.

Every shape is new to the device in the first pass, as in a real job, and libraries plan for it;
ours and the loop are compared on that pass. Ours and padded batches have the same shapes, so
they are compared on a second pass, when neither has to plan. Errors are against the loop in
float32 on the same device.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import reno_store as rs
from gpu.machine import allow_no_tf32, forget_peak, peak_gb, seconds_of
from gpu.material import RATE_HZ, Floats, make_clips, write_encoder
from gpu.ours import default_batch_seconds, plan_batches
from gpu.peers import Plain, relative_errors
from gpu.profiles import record_profile
from gpu.results import Record
from gpu.settings import Setting

__all__ = ["run"]

_FAMILIES = ("wav2vec2", "wavlm")
_PRECISIONS = ("float32", "bfloat16", "float16")
_LEAST_TIMES_LOOP = 10.0
_LEAST_TIMES_PADDED = 0.8


def run(setting: Setting, record: Record) -> None:
    """Record each way's speed, error and memory, in each precision."""
    allow_no_tf32(setting.device)
    for family in _FAMILIES:
        spec = write_encoder(setting.folder / family, family, setting.size.encoder)
        _compete(setting, record, family, spec)


def _compete(setting: Setting, record: Record, family: str, spec: str) -> None:
    device, clips = setting.device, make_clips(setting.size.n_clips, setting.size.longest_s)
    durations = np.array([len(clip) / RATE_HZ for clip in clips])
    batches = plan_batches(durations, np.ones(len(clips), bool), default_batch_seconds(device))
    # Every so many of the clips, from the shortest to the longest.
    by_length = np.argsort(durations, kind="stable")
    every = by_length[:: max(1, len(clips) // setting.size.n_looped)].tolist()
    expected: Floats | None = None
    for precision in _PRECISIONS:
        # In the shorter types cuDNN takes so long to plan for each clip that a quarter must do.
        looped = every if precision == "float32" else every[::4]
        some = [clips[index] for index in looped]
        what = f"{family}, {precision}"
        ours = rs.load_model(spec, device=device, precision=precision, batched=True)
        plain = Plain(spec, device, precision)
        # Loads libraries and kernels, on shapes that do not come again.
        noises = [clips[0][:8_321], clips[1][:16_123]]
        ours.embed(noises)
        plain.embed(noises)
        plain.embed_padded(noises, [[0, 1]])

        def embed(model: rs.FoundationModel = ours) -> Floats:
            rows = np.empty((len(clips), model.dim), np.float32)
            for batch in batches:
                rows[batch] = model.embed([clips[index] for index in batch])
            return rows

        def embed_padded(model: Plain = plain) -> Floats:
            return model.embed_padded(clips, batches)

        def loop(model: Plain = plain, some: list[Floats] = some) -> Floats:
            return model.embed(some)

        weights_gb = forget_peak(device)
        own_rows, own_first = _timed(embed, device)
        gb = peak_gb(device, weights_gb)
        weights_gb = forget_peak(device)
        padded_rows, _ = _timed(embed_padded, device)
        padded_gb = peak_gb(device, weights_gb)
        _, own_second = _timed(embed, device)
        _, padded_second = _timed(embed_padded, device)
        loop_rows, loop_s = _timed(loop, device)
        expected = loop_rows if expected is None else expected
        reference = expected if len(looped) == len(every) else expected[::4]
        n, audio_s = len(clips), durations.sum()
        record(
            f"{what}: loop over {len(some)} clips",
            {"clips/s": len(some) / loop_s, **_errors(loop_rows, reference)},
        )
        record(
            f"{what}: {len(batches)} padded batches of {n} clips, second pass",
            {
                "clips/s": n / padded_second,
                **_errors(padded_rows[looped], reference),
                **padded_gb,
            },
        )
        record(
            f"{what}: ours, first pass",
            {
                "clips/s": n / own_first,
                "times real time": audio_s / own_first,
                **_errors(own_rows[looped], reference),
                **gb,
            },
        )
        record(f"{what}: ours, second pass", {"clips/s": n / own_second})
        per_clip_s = loop_s / len(some)
        record.times(
            f"{what}: ours against the loop", per_clip_s * n / own_first, _LEAST_TIMES_LOOP
        )
        record.times(
            f"{what}: ours against padded batches",
            padded_second / own_second,
            _LEAST_TIMES_PADDED,
        )
        if precision != "float16":
            record_profile(record, f"{what}: ours", embed, device)
        del ours, plain, embed, embed_padded, loop
        forget_peak(device)


def _timed(embed: Callable[[], Floats], device: str) -> tuple[Floats, float]:
    rows: list[Floats] = []
    seconds = seconds_of(lambda: rows.append(embed()), device)
    return rows[0], seconds


def _errors(rows: Floats, expected: Floats) -> dict[str, float]:
    errors = relative_errors(rows, expected)
    return {"median error": float(np.median(errors)), "largest error": float(errors.max())}
