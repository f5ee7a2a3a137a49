"""Windows: long recordings are cut into pieces of equal length, which may overlap.

Windows begin every `hop` samples; the last one ends where the recording ends and may be
shorter, so that every sample is in at least one window. If it were shorter than a model takes,
it begins earlier.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import ModelError, RenoStoreError
from reno_store.foundation_models import FoundationModel

__all__ = ["Windows"]

_CODE_VERSION = 1
"""Raised whenever the embedding of a recording in windows changes."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Lengths of windows, in seconds, whatever the model's rate; see `parse`.

    Attributes
    ----------
    window_s : float
        Length of a window. Recordings that are not longer are embedded whole.
    hop_s : float
        Time from the start of a window to that of the next.
    """

    window_s: float
    hop_s: float

    @classmethod
    def parse(cls, window_s: float | None, hop_s: float | None = None) -> Windows | None:
        """Check the lengths that a user gives; return None for no windows.

        Parameters
        ----------
        window_s : float, optional
            Length of a window in seconds.
        hop_s : float, optional
            Time between the starts of two windows; by default `window_s`, without overlap.

        Raises
        ------
        RenoStoreError
            If a length is not a positive number, the hop is longer than the window, which
            would leave out audio, or there is a hop and no window.
        """
        if window_s is None:
            if hop_s is not None:
                raise RenoStoreError(f"hop_s is {hop_s:g} without window_s; expected both.")
            return None
        hop_s = window_s if hop_s is None else hop_s
        for name, seconds in (("window_s", window_s), ("hop_s", hop_s)):
            if not 0 < seconds < math.inf:
                raise RenoStoreError(f"{name} is {seconds:g}; expected more than 0 seconds.")
        if hop_s > window_s:
            raise RenoStoreError(
                f"hop_s is {hop_s:g}, longer than window_s, {window_s:g}: audio between two "
                "windows would be left out. Expected at most the length of a window."
            )
        return cls(float(window_s), float(hop_s))

    def check(self, model: FoundationModel, name: str) -> None:
        """Check that a model takes such windows.

        Parameters
        ----------
        model : FoundationModel
            Its ``max_samples``, if it has this attribute, is the longest waveform that it takes.
        name : str
            Its name, for the error.

        Raises
        ------
        ModelError
            If a window is longer or shorter than the model takes, or a hop is shorter than a
            sample.
        """
        rate_hz = model.sample_rate_hz
        n_samples, n_hop = self._in_samples(rate_hz)
        longest: int | None = getattr(model, "max_samples", None)
        if longest is not None and n_samples > longest:
            limit = f"longer than it takes; expected at most {longest / rate_hz:g} s"
        elif n_samples < model.min_samples:
            limit = f"too short; expected at least {model.min_samples / rate_hz:g} s"
        elif not n_hop:
            raise ModelError(
                f"model {name}: hop_s is {self.hop_s:g}, shorter than a sample; expected at "
                f"least {1 / rate_hz:g} s."
            )
        else:
            return
        raise ModelError(f"model {name}: windows of {self.window_s:g} s are {limit}.")

    def added_to(self, fingerprint: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fingerprint of embeddings that a model computes in these windows.

        Examples
        --------
        >>> Windows(10.0, 5.0).added_to({"kind": "mfcc"})["windows"]["hop_s"]
        5.0
        """
        part = {
            "window_s": self.window_s,
            "hop_s": self.hop_s,
            "pooling": "mean weighted by length",
            "code": _CODE_VERSION,
        }
        return {**fingerprint, "windows": part}

    def count(self, duration_s: float) -> int:
        """Return how many windows a recording has.

        Examples
        --------
        >>> Windows(10.0, 5.0).count(24.0)  # 0-10, 5-15, 10-20, 15-24
        4
        """
        return 1 + max(math.ceil((duration_s - self.window_s) / self.hop_s), 0)

    def total_s(self, duration_s: float) -> float:
        """Return the length of a recording's windows together, in seconds.

        Examples
        --------
        >>> Windows(10.0, 5.0).total_s(24.0)
        39.0
        """
        return duration_s + (self.count(duration_s) - 1) * (self.window_s - self.hop_s)

    def cut(
        self, blocks: Iterable[NDArray[np.float32]], rate_hz: int, least_samples: int
    ) -> Iterator[tuple[int, NDArray[np.float32], bool]]:
        """Cut a recording into windows; at most a window and a block are in memory.

        Parameters
        ----------
        blocks : Iterable of numpy.ndarray of float32, shape (n_samples,)
            The recording.
        rate_hz : int
            Its rate.
        least_samples : int
            The shortest waveform that the model takes. A recording that is shorter is one
            window anyway.

        Yields
        ------
        int
            Where the window starts, in samples.
        numpy.ndarray of float32, shape (n_samples,)
            The window.
        bool
            Whether it is the last.

        Examples
        --------
        >>> recording = np.arange(9, dtype=np.float32)
        >>> for start, window, _ in Windows(4.0, 3.0).cut([recording], 1, least_samples=1):
        ...     print(start, window.astype(int))
        0 [0 1 2 3]
        3 [3 4 5 6]
        6 [6 7 8]
        """
        n_samples, n_hop = self._in_samples(rate_hz)
        parts: list[NDArray[np.float32]] = []
        n_held = start = 0
        before = np.empty(0, np.float32)  # the beginning of the last window, up to the next
        for block in blocks:
            parts.append(block)
            n_held += len(block)
            if n_held <= n_samples:
                continue
            held = np.concatenate(parts)
            while len(held) > n_samples:  # there is more: it is not the last
                yield start, held[:n_samples].copy(), False
                before, held, start = held[:n_hop], held[n_hop:], start + n_hop
            parts, n_held = [held], len(held)
        last = np.concatenate(parts)
        if len(last) < least_samples and len(before):
            whole = np.concatenate([before, last])
            start -= least_samples - len(last)
            last = whole[-least_samples:]
        yield start, last, True

    def _in_samples(self, rate_hz: int) -> tuple[int, int]:
        """Return the lengths of window and hop in samples."""
        return round(self.window_s * rate_hz), round(self.hop_s * rate_hz)
