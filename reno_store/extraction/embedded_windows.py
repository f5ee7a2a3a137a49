"""One recording -> the embeddings of its windows: how it changes over time."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora.audio import read_duration_s
from reno_store.errors import AudioError, ModelError, RenoStoreError
from reno_store.extraction.embedding import BatchEmbedder, located
from reno_store.extraction.files import Model, named_models
from reno_store.extraction.planning import default_batch_seconds
from reno_store.extraction.recordings import LoadedClip, Recording
from reno_store.extraction.streaming import windows_ahead, windows_together
from reno_store.extraction.windows import Windows
from reno_store.foundation_models import FoundationModel, ModelSpec, Waveform, load_model
from reno_store.runtime.devices import resolve_device
from reno_store.runtime.places import Place, open_place
from reno_store.runtime.progress import counting

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EmbeddedWindows", "embed_windows"]


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedWindows:
    """The windows of one recording.

    Attributes
    ----------
    model : str
        The model's name.
    start_s, end_s : numpy.ndarray of float64, shape (n_windows,)
        Where the windows begin and end, in seconds.
    embeddings : numpy.ndarray of float32, shape (n_windows, dim)
        One row per window: the model's embedding of that part of the recording alone.
    """

    model: str
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    embeddings: NDArray[np.float32]

    def to_frame(self) -> pd.DataFrame:
        """Return a row per window: start and end in the index, columns as of `embed_files`."""
        import pandas as pd

        index = pd.MultiIndex.from_arrays([self.start_s, self.end_s], names=["start_s", "end_s"])
        columns = [f"{self.model}:{i}" for i in range(self.embeddings.shape[1])]
        return pd.DataFrame(self.embeddings, index=index, columns=columns)


def embed_windows(
    recording: str | Place | Waveform,
    model: Model,
    window_s: float,
    hop_s: float | None = None,
    *,
    device: str = "auto",
    precision: str = "float32",
    progress: bool | None = None,
) -> EmbeddedWindows:
    """Embed one recording window by window.

    A file is decoded as it is embedded, so hours of audio need little memory.

    Parameters
    ----------
    recording : str, Path or numpy.ndarray of float32, shape (n_samples,)
        An audio file of any rate, or a mono waveform at the model's `sample_rate_hz`.
    model : str, ModelSpec or FoundationModel
        A model as ``[NAME=]SPEC`` (see `load_model`), or a loaded one.
    window_s : float
        Length of a window in seconds.
    hop_s : float, optional
        Seconds between the starts of two windows; by default `window_s`, without overlap.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``, for a model that is loaded here.
    precision : str
        ``"float32"``, ``"bfloat16"`` or ``"float16"``, for a model that is loaded here.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Returns
    -------
    EmbeddedWindows
        In the order of time. The last window ends with the recording and may be shorter; if
        it were shorter than the model takes, it begins earlier. A recording that is not longer
        than a window is one window.

    Raises
    ------
    AudioError
        If the file is missing, is not audio or is damaged, or the waveform is not one channel
        of finite samples.
    ModelError
        If the model cannot be loaded, does not take such windows or cannot embed one.
    UnknownNameError, DeviceError
        If there is no model of this name, or the device does not exist.
    RenoStoreError
        If `window_s` or `hop_s` is not positive, or the hop is longer than the window.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 0.1, 40_000).astype(np.float32)
    >>> windows = embed_windows(noise, "mfcc", window_s=1.0, hop_s=0.5)
    >>> windows.start_s, windows.end_s
    (array([0. , 0.5, 1. , 1.5]), array([1. , 1.5, 2. , 2.5]))
    >>> windows.to_frame().shape
    (4, 120)
    """
    ((name, given),) = named_models([model]).items()
    windows = Windows.parse(window_s, hop_s)
    if windows is None:
        raise RenoStoreError("window_s is None; expected a number of seconds.")
    device = resolve_device(device)
    if isinstance(given, ModelSpec):
        given = load_model(given, device=device, precision=precision)
    return _embed(recording, name, given, windows, default_batch_seconds(device), progress)


def _embed(
    recording: str | Place | Waveform,
    name: str,
    model: FoundationModel,
    windows: Windows,
    batch_seconds: float,
    progress: bool | None,
) -> EmbeddedWindows:
    windows.check(model, name)
    rate_hz = model.sample_rate_hz
    n_together = windows_together(windows, batch_seconds)
    if isinstance(recording, np.ndarray):
        label, duration_s = "the waveform", len(recording) / rate_hz
        batches = _cut(_checked(recording), model, windows, n_together)
    else:
        place = open_place(recording, "recording", AudioError)
        label, duration_s = str(place), read_duration_s(place)
        one = Recording(label, place, None, duration_s)
        batches = windows_ahead([one], [0], model, windows, n_together)
    n_windows = 0 if np.isnan(duration_s) else windows.count(duration_s)
    embedder = BatchEmbedder(model, batch_seconds)
    bounds: list[tuple[float, float]] = []
    rows: list[NDArray[np.float32]] = []
    with (
        contextlib.closing(batches),
        counting(name, n_windows, unit="windows", show=progress) as counter,
    ):
        for batch in batches:
            embeddings, problems = embedder.embed(
                [replace(window, index=number) for number, window in enumerate(batch)]
            )
            for number, window in enumerate(batch):
                if window.waveform is None:
                    raise AudioError(window.problem)
                if number in problems:
                    raise ModelError(f"{label}: {located(window, problems[number], rate_hz)}")
                start_s = window.start / rate_hz
                bounds.append((start_s, start_s + len(window.waveform) / rate_hz))
                rows.append(embeddings[number])
            counter.advance(len(batch))
    start_s, end_s = np.array(bounds).T
    return EmbeddedWindows(name, start_s, end_s, np.stack(rows))


def _cut(
    waveform: Waveform, model: FoundationModel, windows: Windows, n_together: int
) -> Generator[list[LoadedClip], None, None]:
    """Yield batches of windows."""
    pieces = windows.cut([waveform], model.sample_rate_hz, model.min_samples)
    clips = (LoadedClip(0, piece, start=start, is_last=end) for start, piece, end in pieces)
    while batch := list(islice(clips, n_together)):
        yield batch


def _checked(waveform: NDArray[np.float32]) -> Waveform:
    """Return a waveform as float32."""
    if waveform.ndim != 1 or not len(waveform):
        raise AudioError(
            f"the waveform has shape {waveform.shape}; expected one channel, (n_samples,)."
        )
    if not np.isfinite(waveform).all():
        raise AudioError("the waveform contains NaN or infinite samples; expected finite ones.")
    return np.ascontiguousarray(waveform, np.float32)
