"""Audio files -> a table of embeddings, without a store: for new recordings.

Files are decoded and resampled as in a build, so the numbers are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reno_store.corpora.names import check_name
from reno_store.errors import AudioError, ModelError, listed
from reno_store.extraction.planning import default_batch_seconds
from reno_store.extraction.recordings import MAX_SECONDS, Recording, read_durations
from reno_store.extraction.reports import Failure
from reno_store.extraction.running import Extraction, Task
from reno_store.extraction.windows import Windows
from reno_store.foundation_models import (
    FoundationModel,
    ModelSpec,
    load_model,
    parse_model_specs,
)
from reno_store.runtime.devices import free_memory, resolve_device
from reno_store.runtime.places import open_place

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Model", "embed_files", "failure_message", "named_models"]

Model: TypeAlias = str | ModelSpec | FoundationModel
"""As ``[NAME=]SPEC``, read from it, or loaded."""

_MOST_LISTED = 10


def embed_files(
    paths: str | Path | Sequence[str | Path],
    models: Model | Sequence[Model] | Mapping[str, Model],
    *,
    device: str = "auto",
    precision: str = "float32",
    max_seconds: float | None = MAX_SECONDS,
    window_s: float | None = None,
    hop_s: float | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Embed audio files, resampled to the rate of each model.

    Parameters
    ----------
    paths : str, Path or Sequence of them
        Audio files of any rate and number of channels, in any format that libsndfile reads.
    models : str, ModelSpec, FoundationModel, Sequence of them, or Mapping from names to them
        Models as ``[NAME=]SPEC`` (see `load_model`), or loaded ones. A loaded model is
        named by the ``kind`` of its fingerprint, else by its class; a mapping names all.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``, for models that are loaded here.
    precision : str
        ``"float32"``, ``"bfloat16"`` or ``"float16"``, for models that are loaded here.
    max_seconds : float or None
        Longer files raise an error; None allows any length. Not used with windows.
    window_s, hop_s : float, optional
        Cut longer files into windows, as `build_store` does; see `embed_windows` for the
        embeddings of the windows.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Returns
    -------
    pandas.DataFrame of float32, shape (n_files, sum of the models' dimensions)
        One row per file, in the order of `paths`, which are its index. Columns are named
        ``MODEL:i``, as those of `Samples.to_frame`, from which the classifiers read blocks.
        On a CPU the numbers are those that `build_store` stores, to the last bit.

    Raises
    ------
    AudioError
        If a file is missing, is not audio, is damaged or is too long. All such files are
        named.
    ModelError
        If there is no model, one cannot be loaded, does not take such windows or cannot embed
        a file (it is too short, say), or two have one name.
    UnknownNameError, DeviceError
        If there is no model of a name, or the device does not exist.
    RenoStoreError
        If `window_s` or `hop_s` is not positive, or the hop is longer than the window.
    ValueError
        If a name of a mapping cannot be used in columns.

    Examples
    --------
    >>> import numpy as np, soundfile, tempfile
    >>> path = f"{tempfile.mkdtemp()}/noise.wav"
    >>> soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 24_000), 48_000)
    >>> embed_files(path, ["mfcc", "logmel"]).shape
    (1, 360)
    """
    import pandas as pd

    given = [paths] if isinstance(paths, str | Path) else paths
    files = [open_place(path, "recording", AudioError) for path in given]
    if not files:
        raise AudioError("paths: no file is given; expected at least one.")
    named = named_models(models)
    windows = Windows.parse(window_s, hop_s)
    device = resolve_device(device)
    recordings = [
        Recording(str(file), file, None, duration_s)
        for file, duration_s in zip(files, read_durations(files), strict=True)
    ]
    blocks = []
    for name, model in _loaded(named, device, precision):
        if windows:
            windows.check(model, name)
        task = Task(
            recordings,
            np.arange(len(files)),
            np.ones(len(files), bool),
            default_batch_seconds(device),
            max_seconds,
            padded=not device.startswith("cpu"),
            windows=windows,
        )
        blocks.append(_embed(name, model, task, progress))
    columns = [
        f"{name}:{i}"
        for name, block in zip(named, blocks, strict=True)
        for i in range(block.shape[1])
    ]
    index = pd.Index([str(file) for file in files], name="path")
    return pd.DataFrame(np.concatenate(blocks, axis=1), index=index, columns=columns)


def named_models(
    models: Model | Sequence[Model] | Mapping[str, Model],
) -> dict[str, ModelSpec | FoundationModel]:
    """Return the models, loaded or as specs, by their names.

    Raises
    ------
    ModelError
        If there is none, one is neither, or two have one name.
    UnknownNameError
        If there is no model of a name.
    """
    given: Sequence[tuple[str, Model]]
    if isinstance(models, Mapping):
        given = list(models.items())
    elif isinstance(models, str) or not isinstance(models, Sequence):
        given = [("", models)]
    else:
        given = [("", model) for model in models]
    if not given:
        raise ModelError("models: no model is given; expected at least one, such as 'mfcc'.")
    named: dict[str, ModelSpec | FoundationModel] = {}
    twice = []
    for name, each in given:
        model = parse_model_specs([each])[0] if isinstance(each, str) else each
        if isinstance(model, ModelSpec):
            own_name = model.name
        elif isinstance(model, FoundationModel):
            own_name = str(model.fingerprint.get("kind", type(model).__name__))
        else:
            raise ModelError(
                "models: expected specs such as 'mfcc' or loaded models, got "
                f"{type(model).__name__}."
            )
        name = check_name("model", name or own_name)
        twice += [name] if name in named else []
        named[name] = model
    if twice:
        raise ModelError(
            f"more than one model is named {listed(sorted(set(twice)))}; give a mapping, "
            "{'NAME': MODEL, ...}, or NAME=SPEC."
        )
    return named


def _loaded(
    named: Mapping[str, ModelSpec | FoundationModel], device: str, precision: str
) -> Iterator[tuple[str, FoundationModel]]:
    """Yield each model; one that is loaded here is freed before the next."""
    for name, model in named.items():
        if isinstance(model, ModelSpec):
            yield name, load_model(model, device=device, precision=precision)
            free_memory()
        else:
            yield name, model


def _embed(
    name: str, model: FoundationModel, task: Task, progress: bool | None
) -> NDArray[np.float32]:
    """Return one model's embeddings of all recordings, shape (n_files, dim)."""
    n_files = len(task.recordings)
    block = np.empty((n_files, model.dim), np.float32)

    def put(rows: NDArray[np.int64], embeddings: NDArray[np.float32]) -> None:
        block[rows] = embeddings

    extraction = Extraction(name, model, task, put)
    if extraction.run(progress):
        raise KeyboardInterrupt
    if failures := extraction.report().failures:
        message = failure_message(name, n_files, failures)
        is_audio = any(failure.is_unreadable for failure in failures)
        raise AudioError(message) if is_audio else ModelError(message)
    return block


def failure_message(name: str, n_files: int, failures: Sequence[Failure]) -> str:
    """Return a message about a model's failures, with one line per failed file."""
    lines = [
        each.reason if each.reason.startswith(each.clip_id) else f"{each.clip_id}: {each.reason}"
        for each in failures
    ]
    more = [f"and {len(lines) - _MOST_LISTED:,} more"] if len(lines) > _MOST_LISTED else []
    if len(lines) == 1:
        return lines[0]
    heading = f"{len(lines):,} of {n_files:,} files cannot be embedded with {name}:"
    return "\n  ".join([heading, *lines[:_MOST_LISTED], *more])
