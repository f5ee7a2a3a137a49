"""How a long recording changes: a prediction for each window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import RecognizerError, RenoStoreError
from reno_store.extraction import read_durations
from reno_store.extraction.embedded_windows import embed_windows
from reno_store.extraction.windows import Windows
from reno_store.foundation_models import FoundationModel
from reno_store.recognition.finding import Found
from reno_store.recognition.predicting import Prediction
from reno_store.recognition.recognizer import Recognizer
from reno_store.runtime.cluster import Cluster
from reno_store.runtime.cluster_calls import use_worker_threads
from reno_store.runtime.devices import resolve_device
from reno_store.runtime.places import Place
from reno_store.runtime.progress import counting

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["predict_timelines"]

_SECONDS_A_FILE = 0.1
"""Fixed cost of a recording, in seconds of audio, for the time left."""


def predict_timelines(
    recognizer: Recognizer,
    recordings: Sequence[Found],
    *,
    window_s: float = 2.0,
    hop_s: float | None = 1.0,
    client: Client | None = None,
    progress: bool | None = None,
) -> Iterator[Prediction]:
    """Yield a prediction for each window of each recording, in the order of time.

    Each window is recognized as if it were a recording of its own. Recordings are decoded as
    they are embedded, so their length is not limited.

    Parameters
    ----------
    recognizer : Recognizer
        The recognizer.
    recordings : Sequence[Found]
        From `find_recordings`.
    window_s : float
        Length of a window in seconds.
    hop_s : float, optional
        Seconds between the starts of two windows; by default `window_s`, without overlap.
    client : distributed.Client, optional
        As for `predict_recordings`; a recording is predicted by one worker.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Raises
    ------
    ModelError
        If a foundation model cannot be loaded, is not the one of training, or does not take
        such windows.
    RecognizerError
        If the windows are longer than those into which recordings were cut for training.
    RenoStoreError
        If `window_s` or `hop_s` is not positive, or the hop is longer than the window.
    """
    windows = cast(Windows, Windows.parse(window_s, hop_s))  # None only without window_s
    if client is None:
        loaded = _load(recognizer, windows)
    # Of one long recording the windows are counted, of several the recordings.
    is_one = len(recordings) == 1
    seconds = np.nan_to_num(read_durations([each.path for each in recordings])) + _SECONDS_A_FILE
    with counting(
        "predicting",
        len(recordings),
        unit="recordings",
        work=float(seconds.sum()),
        show=False if is_one else progress,
    ) as counter:
        if client is not None:
            cluster = Cluster(client)
            shared = cluster.share(recognizer)
            calls = ((shared, each.path.absolute(), windows) for each in recordings)
            found = cluster.run_in_order(_timeline_on_worker, calls)
        else:
            show = progress if is_one else False
            found = (_timeline(recognizer, loaded, each.path, windows, show) for each in recordings)
        for each, work, timeline in zip(recordings, seconds.tolist(), found, strict=True):
            if isinstance(timeline, str):
                reason = timeline.replace(str(each.path.absolute()), str(each.path))
                yield Prediction(each, None, reason)
            else:
                for row, start_s, end_s in zip(*timeline, strict=True):
                    yield Prediction(each, row, "", start_s, end_s)
            counter.advance(work=work)


def _load(recognizer: Recognizer, windows: Windows) -> list[FoundationModel]:
    """Load the foundation models, and check that they take such windows."""
    device = resolve_device(recognizer.device)
    loaded = []
    for model in recognizer.models:
        loaded.append(model.load(device))
        windows.check(loaded[-1], model.name)
        if model.windows is not None and windows.window_s > model.windows.window_s:
            raise RecognizerError(
                f"windows of {windows.window_s:g} s are longer than those of training for "
                f"{model.name}; expected at most {model.windows.window_s:g} s."
            )
    return loaded


_Timeline: TypeAlias = "tuple[NDArray[np.float64], list[float], list[float]]"
"""Probabilities, shape (n_windows, n_classes), with the starts and ends of the windows."""


def _timeline(
    recognizer: Recognizer,
    loaded: Sequence[FoundationModel],
    path: Place,
    windows: Windows,
    progress: bool | None,
) -> _Timeline | str:
    """Predict the windows of a recording; return why it failed if it did."""
    device = resolve_device(recognizer.device)
    try:
        parts = [
            embed_windows(
                path, model, windows.window_s, windows.hop_s, device=device, progress=progress
            )
            for model in loaded
        ]
    except RenoStoreError as error:
        return str(error)
    # Models of other rates may round the length to one window more.
    n = min(len(part.start_s) for part in parts)
    blocks = [
        model.as_stored(part.embeddings[:n])
        for model, part in zip(recognizer.models, parts, strict=True)
    ]
    probabilities = recognizer.probabilities(np.concatenate(blocks, axis=1))
    return probabilities, parts[0].start_s[:n].tolist(), parts[0].end_s[:n].tolist()


def _timeline_on_worker(recognizer: Recognizer, path: Place, windows: Windows) -> _Timeline | str:
    use_worker_threads()
    return _timeline(recognizer, _load(recognizer, windows), path, windows, False)
