"""What the sections use of reno_store beyond its public names; all in this one place."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from reno_store.estimators import together, training
from reno_store.estimators.stacking import pieces
from reno_store.estimators.together import fit_together
from reno_store.extraction.planning import default_batch_seconds, plan_batches
from reno_store.foundation_models.audio_mamba.encoder import AudioMambaEncoder, EncoderSizes
from reno_store.store.model_writer import ModelWriter

__all__ = [
    "AudioMambaEncoder",
    "EncoderSizes",
    "ModelWriter",
    "Timer",
    "computing_in_float64",
    "counting_stacks",
    "default_batch_seconds",
    "fit_together",
    "plan_batches",
    "stacking_everywhere",
    "timed",
]


@contextmanager
def stacking_everywhere() -> Iterator[None]:
    """Have fits that go together be stacked on a CPU too."""
    kinds, together.STACKED_ON = together.STACKED_ON, (*together.STACKED_ON, "cpu")
    try:
        yield
    finally:
        together.STACKED_ON = kinds


@contextmanager
def counting_stacks() -> Iterator[list[int]]:
    """Collect the number of members of each stack that is begun."""
    sizes: list[int] = []
    whole = pieces.train_stack

    def counted(members: Any, *arguments: Any) -> Any:
        sizes.append(len(members))
        return whole(members, *arguments)

    pieces.train_stack = counted
    try:
        yield sizes
    finally:
        pieces.train_stack = whole


@contextmanager
def computing_in_float64() -> Iterator[None]:
    """Have single fits and stacks compute in float64."""
    in_single, in_stack, of_torch = training._dataset, pieces.train_stack, torch.set_default_dtype

    def doubled(data: Any, device: str) -> Any:
        dataset = in_single(data, device)
        dataset.X = dataset.X.double()
        return dataset

    training._dataset = doubled
    pieces.train_stack = lambda members, X, *others: in_stack(members, X.double(), *others)
    of_torch(torch.float64)
    torch.set_default_dtype = lambda dtype: None  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.set_default_dtype = of_torch
        of_torch(torch.float32)
        pieces.train_stack, training._dataset = in_stack, in_single


@dataclass
class Timer:
    """Seconds spent in a method, by all threads.

    Attributes
    ----------
    seconds : float
        Together.
    n_calls : int
        How often it was called.
    first, last : float
        When the first call began and the last one ended, by `time.perf_counter`.
    """

    seconds: float = 0.0
    n_calls: int = 0
    first: float = float("inf")
    last: float = float("-inf")
    lock: Any = field(default_factory=threading.Lock, repr=False)


@contextmanager
def timed(owner: type, name: str) -> Iterator[Timer]:
    """Time every call of a class's method inside the block."""
    timer, whole = Timer(), getattr(owner, name)

    def call(*arguments: Any, **options: Any) -> Any:
        begun = time.perf_counter()
        try:
            return whole(*arguments, **options)
        finally:
            ended = time.perf_counter()
            with timer.lock:
                timer.seconds += ended - begun
                timer.n_calls += 1
                timer.first = min(timer.first, begun)
                timer.last = max(timer.last, ended)

    setattr(owner, name, call)
    try:
        yield timer
    finally:
        setattr(owner, name, whole)
