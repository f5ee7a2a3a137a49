"""Section a: embeddings and fits on the device against what they should be.

Each transformers encoder embeds clips in padded batches, as a build on a GPU does; the
reference is plain transformers on the same device, one clip at a time. Audio-Mamba is compared
with itself on the CPU. A fit and a stack compute in float64, without dropout, of which each
device draws its own, and are compared with single fits on the CPU.
"""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np

import reno_store as rs
from gpu.machine import allow_no_tf32, forget_peak
from gpu.material import LABELS, make_clips, make_rows, write_encoder, write_mamba
from gpu.ours import (
    computing_in_float64,
    counting_stacks,
    fit_together,
    plan_batches,
    stacking_everywhere,
)
from gpu.peers import Plain, relative_errors
from gpu.results import Record
from gpu.settings import FULL, Setting

__all__ = ["run"]

_FAMILIES = ("wav2vec2", "hubert", "wavlm", "unispeech-sat", "data2vec-audio")
_N_CLIPS = 24
_N_ON_CPU = 3
_BATCH_SECONDS = 30.0

_MOST_IN_BATCH = 1e-5
_MOST_OF_MAMBA = 1e-4
_MOST_OF_FIT = 1e-6


def run(setting: Setting, record: Record) -> None:
    """Record the largest error of each."""
    allow_no_tf32(setting.device)
    _check_fits(setting, record)
    for name, width in setting.size.mamba_widths.items():
        _check_mamba(setting, record, name, width)
    for family in _FAMILIES:
        _check_encoder(setting, record, family)


def _check_encoder(setting: Setting, record: Record, family: str) -> None:
    folder = setting.folder / family
    spec = write_encoder(folder, family, setting.size.encoder)
    clips = make_clips(_N_CLIPS, setting.size.longest_s)
    model = rs.load_model(spec, device=setting.device, batched=True)
    if why := getattr(model, "one_by_one_because", ""):
        record(f"{family}: batches", {"embedded one by one": why}, "exact batches", False)
    plain = Plain(spec, setting.device)
    expected = plain.embed(clips)
    durations = np.array([len(clip) / model.sample_rate_hz for clip in clips])
    found = np.empty_like(expected)
    batches = plan_batches(durations, np.ones(len(clips), bool), _BATCH_SECONDS)
    for batch in batches:
        found[batch] = model.embed([clips[index] for index in batch])
    del plain
    on_cpu = Plain(spec, "cpu").embed(clips[:_N_ON_CPU])
    record.at_most(
        f"{family}: {len(clips)} clips in {len(batches)} batches, each against it alone",
        "largest error",
        float(relative_errors(found, expected).max()),
        _MOST_IN_BATCH,
        **{"against the CPU": float(relative_errors(found[:_N_ON_CPU], on_cpu).max())},
    )
    del model
    forget_peak(setting.device)
    shutil.rmtree(folder)


def _check_mamba(setting: Setting, record: Record, name: str, width: int) -> None:
    spec = write_mamba(setting.folder / name, width, setting.size.mamba_depth)
    clips = make_clips(8, setting.size.longest_s)
    found = rs.load_model(spec, device=setting.device).embed(clips)
    expected = rs.load_model(spec, device="cpu").embed(clips)
    record.at_most(
        f"Audio-Mamba {name}: {len(clips)} clips against the CPU",
        "largest error",
        float(relative_errors(found, expected).max()),
        _MOST_OF_MAMBA,
    )
    forget_peak(setting.device)


def _check_fits(setting: Setting, record: Record) -> None:
    sizes = (120, 240) if setting.size is FULL else (24, 16)
    X, y = make_rows(96, sizes)
    labels = np.array(LABELS)[y]
    rows = [np.arange(80), np.arange(96)]
    reno: dict[str, Any] = {
        "block_sizes": sizes, "max_epochs": 6, "dropout": 0.0, "input_dropout": 0.0,
        "random_state": 0,
    }  # fmt: skip
    points: list[dict[str, Any]] = [{"lam": 0.4}, {"lam": 0.8, "beta": 3.0}]
    with computing_in_float64():
        expected = [
            rs.RENOClassifier(**reno, **point, device="cpu").fit(X[own], labels[own])
            for point in points
            for own in rows
        ]
        alone = rs.RENOClassifier(**reno, **points[0], device=setting.device)
        _compare(record, "one fit", [alone.fit(X[rows[0]], labels[rows[0]])], expected[:1], X)
        members = [
            rs.RENOClassifier(**reno, **point, device=setting.device)
            for point in points
            for _ in rows
        ]
        with stacking_everywhere(), counting_stacks() as stacks:
            fitted = fit_together(members, X, labels, [*rows, *rows])
        for outcome in fitted:
            if isinstance(outcome, Exception):
                raise outcome
        _compare(record, f"a stack of {max(stacks, default=0)} fits", fitted, expected, X)


def _compare(
    record: Record,
    what: str,
    fitted: list[rs.RENOClassifier],
    expected: list[rs.RENOClassifier],
    X: np.ndarray,
) -> None:
    differences = [
        np.abs(ours.predict_proba(X) - theirs.predict_proba(X)).max()
        for ours, theirs in zip(fitted, expected, strict=True)
    ]
    record.at_most(
        f"{what} in float64 against single fits on the CPU",
        "largest difference of a probability",
        float(np.max(differences)),
        _MOST_OF_FIT,
    )
