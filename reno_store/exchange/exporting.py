"""Embeddings of a store -> files for other programs.

Data walks: store -> samples and clip table -> one file (npz, parquet, csv, safetensors), or one
.npy per clip with a table of them. A file is complete or does not exist.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import numpy as np

from reno_store.errors import Remedy, RenoStoreError, UnknownNameError
from reno_store.runtime.locations import local_path
from reno_store.samples import Samples, open_store
from reno_store.samples.loading import ordered_names

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EXPORT_FORMATS", "export_samples"]

_LONGEST_NAME = 200


def export_samples(
    store: str | Path,
    dataset: str,
    models: str | Sequence[str],
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002
    missing: Literal["raise", "drop"] = "raise",
    force: bool = False,
) -> int:
    """Write the embeddings of one or more models, with ids, labels, speakers and further columns.

    Parameters
    ----------
    store : str or Path
        The store's folder.
    dataset : str
        Name of a dataset.
    models : str or Sequence[str]
        Names of its models; their embeddings are written side by side.
    path : str or Path
        The file, or for ``"npy"`` the folder.
    format : str, optional
        ``"npz"``, ``"parquet"``, ``"csv"``, ``"safetensors"`` or ``"npy"`` (one file per clip,
        named by the clip's id, and ``clips.csv``); by default the ending of `path`.
    missing : {"raise", "drop"}
        What to do with clips that lack an embedding of any of the models.
    force : bool
        Whether to replace an existing file.

    Returns
    -------
    int
        How many clips were written.

    Raises
    ------
    UnknownNameError
        If the store has no such dataset or model, or there is no such format.
    MissingEmbeddingsError
        If clips lack an embedding and `missing` is ``"raise"``.
    RenoStoreError
        If the path exists, or parquet is chosen without pyarrow.

    Examples
    --------
    >>> import reno_store as rs
    >>> rs.export_samples("reno-demo/embeddings.zarr", "synthetic", "mfcc", "exported.csv")
    240
    """
    path = local_path(path, "output")
    format = format or path.suffix.removeprefix(".")  # noqa: A001
    try:
        ordered_names(models)
    except ValueError as error:
        raise RenoStoreError(f"{error}.") from None
    if not format:
        raise RenoStoreError(
            f"{path} has no ending that names a format; use one of "
            f"{', '.join(f'.{name}' for name in EXPORT_FORMATS)}.",
            Remedy("Or choose the format", {"format": ...}),
        )
    if format not in EXPORT_FORMATS:
        raise UnknownNameError.among("format", format, EXPORT_FORMATS)
    occupied = path.exists() and not (path.is_dir() and not any(path.iterdir()))
    is_folder = path.is_dir() or format == "npy"  # neither replaced, nor replacing a file
    if occupied and (not force or is_folder):
        replace = Remedy("Replace it", {"force": True})
        raise RenoStoreError(
            f"{path} already exists.", Remedy("Use another folder") if is_folder else replace
        )
    opened = open_store(store)
    samples = opened.load(dataset, models, missing=missing)
    clips = _clips(samples, opened.to_frame(dataset))
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(partial)
        EXPORT_FORMATS[format](samples, clips, partial)
        if path.is_dir():
            path.rmdir()
        partial.replace(path)
    except OSError as error:
        raise RenoStoreError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        _clear(partial)
    return len(samples.clip_ids)


def _clear(partial: Path) -> None:
    """Remove what an interrupted export has left."""
    if partial.is_dir():
        shutil.rmtree(partial)
    else:
        partial.unlink(missing_ok=True)


def _clips(samples: Samples, table: pd.DataFrame) -> pd.DataFrame:
    """Return id, label, speaker and further columns of the samples' clips, a row per clip."""
    import pandas as pd

    rows = table.index.get_indexer(pd.Index(samples.clip_ids, dtype=object))
    clips = table.drop(columns="audio_sha256").iloc[rows]
    # From the samples again: a build may have updated the table in between.
    clips["label"], clips["speaker"] = samples.y.tolist(), _speakers(samples).tolist()
    return clips.reset_index()


def _write_npz(samples: Samples, clips: pd.DataFrame, path: Path) -> None:
    arrays: dict[str, Any] = {
        "X": samples.X,
        "clip_ids": samples.clip_ids,
        "labels": samples.y,
        "speakers": _speakers(samples),
        "models": np.array(samples.models),
        "block_sizes": np.array(samples.block_sizes),
    }
    for name in _further(clips):
        arrays[f"column:{name}"] = np.array(clips[name].tolist(), np.str_)
    with path.open("wb") as file:
        np.savez(file, **arrays)


def _frame(samples: Samples, clips: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    numbers = samples.to_frame().reset_index(drop=True)
    if taken := sorted({str(name) for name in clips} & set(samples.feature_names)):
        raise RenoStoreError(
            f"the manifest's column {taken[0]!r} has the name of an embedding's column; export as "
            "npz, or rename it."
        )
    return pd.concat([clips, numbers], axis=1)


def _write_csv(samples: Samples, clips: pd.DataFrame, path: Path) -> None:
    _frame(samples, clips).to_csv(path, index=False)


def _write_parquet(samples: Samples, clips: pd.DataFrame, path: Path) -> None:
    try:
        _frame(samples, clips).to_parquet(path, index=False)
    except ImportError:
        raise RenoStoreError(
            "parquet needs the package pyarrow, which is not installed. Install it: "
            "pip install 'reno-store[parquet]'; or export as npz."
        ) from None


def _write_safetensors(samples: Samples, clips: pd.DataFrame, path: Path) -> None:
    from safetensors.numpy import save_file

    parts = np.split(samples.X, np.cumsum(samples.block_sizes)[:-1], axis=1)
    blocks = zip(samples.models, parts, strict=True)
    texts = {
        "dataset": samples.dataset,
        "clip_ids": json.dumps(samples.clip_ids.tolist()),
        "labels": json.dumps(samples.y.tolist()),
        "speakers": json.dumps(_speakers(samples).tolist()),
        "columns": json.dumps({name: clips[name].tolist() for name in _further(clips)}),
    }
    save_file({model: np.ascontiguousarray(block) for model, block in blocks}, path, texts)


def _write_npy(samples: Samples, clips: pd.DataFrame, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    names = [_file_name(clip_id) for clip_id in samples.clip_ids.tolist()]
    for name, row in zip(names, samples.X, strict=True):
        np.save(folder / name, row, allow_pickle=False)
    # A column of the manifest of that name is renamed.
    clips = clips.rename(columns={"file": "manifest_file"})
    clips.insert(1, "file", names)
    clips.to_csv(folder / "clips.csv", index=False)


def _further(clips: pd.DataFrame) -> list[str]:
    """Return the names of the manifest's further columns."""
    return [str(name) for name in clips if name not in {"clip_id", "label", "speaker"}]


def _file_name(clip_id: str) -> str:
    """Return the name of a clip's file: its id, with characters escaped that leave the folder."""
    name = quote(clip_id, safe=" ")
    if name.startswith("."):
        name = "%2E" + name[1:]
    if len(name) > _LONGEST_NAME:
        raise RenoStoreError(
            f"clip id {clip_id[:20]!r}... is too long for a file name; export as npz."
        )
    return f"{name}.npy"


def _speakers(samples: Samples) -> np.ndarray[tuple[int, ...], np.dtype[np.str_]]:
    if samples.groups is None:
        return np.full(len(samples.clip_ids), "", np.str_)
    return np.asarray(samples.groups, np.str_)


EXPORT_FORMATS: Mapping[str, Callable[[Samples, pd.DataFrame, Path], None]] = MappingProxyType(
    {
        "csv": _write_csv,
        "npy": _write_npy,
        "npz": _write_npz,
        "parquet": _write_parquet,
        "safetensors": _write_safetensors,
    }
)
