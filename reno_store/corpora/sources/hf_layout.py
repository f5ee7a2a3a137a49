"""Which files of a Hugging Face dataset belong to which subset and split, by their names.

======================================================  =====================================
``data/train-00000-of-00002.parquet``                   as `datasets` uploads: split ``train``
``SUBSET/train-00000-of-00002.parquet``                 the same with several configurations
``SUBSET/train/0000.parquet``                           the hub's own conversion to parquet
``train/data-00000-of-00001.arrow``                     `save_to_disk`, with its splits
``data-00000-of-00001.arrow``                           `save_to_disk` of one split
``laughs.parquet``                                      one file of one's own, without a split
======================================================  =====================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from reno_store.corpora.embedded import TABLE_ENDINGS
from reno_store.errors import ManifestError, Remedy, UnknownNameError

__all__ = ["DatasetFile", "choose_files", "describe_file", "find_files"]

# Older releases of datasets wrote a hash after the number.
_SHARD = re.compile(r"(?P<split>.+)-[0-9]{5}-of-[0-9]{5}(?:-[0-9a-f]+)?")
_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}


@dataclass(frozen=True, slots=True)
class DatasetFile:
    """A parquet or Arrow file of a dataset.

    Attributes
    ----------
    name : str
        Its path relative to the folder of the dataset.
    subset, split : str
        What it belongs to; empty if its name does not show it.
    """

    name: str
    subset: str
    split: str


def describe_file(name: str, split_on_disk: str = "") -> DatasetFile:
    """Return the subset and split of a file.

    Examples
    --------
    >>> describe_file("laughs/train-00000-of-00002.parquet")
    DatasetFile(name='laughs/train-00000-of-00002.parquet', subset='laughs', split='train')
    """
    path = PurePosixPath(name)
    shard = _SHARD.fullmatch(path.stem)
    if path.suffix == ".arrow":
        return DatasetFile(name, "", path.parent.name or split_on_disk)
    if shard:
        split = shard["split"]
    elif path.stem.isdigit():
        split = path.parent.name
    else:
        split = _SPLITS.get(path.stem.lower(), "")
    parents = [part for part in path.parent.parts if part not in ("data", split)]
    return DatasetFile(name, "/".join(parents), split)


def find_files(folder: Path) -> list[DatasetFile]:
    """Return the files of a dataset in a folder, sorted.

    Raises
    ------
    ManifestError
        If there are none.
    """
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        is_hidden = any(part.startswith(".") for part in name.parts)
        # datasets keeps results of map() and filter() next to its own files.
        is_cache = path.suffix == ".arrow" and name.name.startswith(("cache-", "tmp"))
        if path.suffix in TABLE_ENDINGS and not is_hidden and not is_cache:
            found.append(describe_file(name.as_posix(), _noted_split(path.parent)))
    if not found:
        raise ManifestError(
            f"{folder}: has no .parquet or .arrow file; expected a Hugging Face dataset, as on "
            "the hub or from save_to_disk."
        )
    return found


def choose_files(
    dataset: object, files: Sequence[DatasetFile], subset: str | None, split: str | None
) -> list[DatasetFile]:
    """Return the files of a subset and split.

    Parameters
    ----------
    dataset : object
        The dataset, for messages.
    files : Sequence[DatasetFile]
        All of them.
    subset, split : str or None
        What to choose; None for all splits, or for the only subset.

    Raises
    ------
    UnknownNameError
        If there is no such subset or split.
    ManifestError
        If no subset is chosen and there are several.
    """
    subsets = sorted({file.subset for file in files})
    if subset is not None and subset not in subsets:
        raise UnknownNameError.among(f"subset of {dataset}:", subset, filter(None, subsets))
    if subset is None and len(subsets) > 1:
        raise ManifestError(
            f"{dataset}: has several subsets: {', '.join(each or '(none)' for each in subsets)}.",
            (),
            Remedy("Choose one", {"subset": ...}),
        )
    chosen = [file for file in files if subset in (None, file.subset)]
    splits = sorted({file.split for file in chosen})
    if split is not None and split not in splits:
        raise UnknownNameError.among(f"split of {dataset}:", split, filter(None, splits))
    return [file for file in chosen if split in (None, file.split)]


def _noted_split(folder: Path) -> str:
    try:
        noted = json.loads((folder / "state.json").read_text("utf-8")).get("_split")
    except (OSError, ValueError, AttributeError):
        return ""
    return noted if isinstance(noted, str) else ""
