"""Dataset id -> parquet files on this machine, in the cache of the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path

from reno_store.errors import ManifestError, RenoStoreError

__all__ = ["download_dataset"]

_ID = re.compile(r"[\w.-]+/[\w.-]+(?:@[\w./-]+)?")
_CONVERTED = "refs/convert/parquet"
"""Branch in which the hub keeps its own parquet copy of a dataset in other formats."""


def download_dataset(named: str) -> tuple[Path, Path]:
    """Return the folder of a dataset's parquet files, downloaded where they are not yet.

    Parameters
    ----------
    named : str
        ``OWNER/NAME`` or ``OWNER/NAME@REVISION``. Without a revision: the main branch, or the
        hub's own conversion to parquet if the main branch has no parquet file.

    Returns
    -------
    folder, root : Path
        The folder with the files, and the one above it that contains what its links lead to.

    Raises
    ------
    ManifestError
        If there is no such folder and no such dataset, or the hub cannot be reached.
    RenoStoreError
        If huggingface_hub is not installed.
    """
    if not _ID.fullmatch(named):
        raise ManifestError(
            f"{named}: no such file or folder, and not the id of a dataset on the Hugging Face "
            "hub; expected OWNER/NAME."
        )
    repository, _, revision = named.partition("@")
    for branch in [revision] if revision else [None, _CONVERTED]:
        folder = _snapshot(named, repository, branch)
        if any(folder.rglob("*.parquet")):
            # In the cache, files are links: datasets--OWNER--NAME/snapshots/COMMIT/... -> blobs.
            return folder, folder.parent.parent
    raise ManifestError(f"{named}: the dataset has no parquet files on the Hugging Face hub.")


def _snapshot(named: str, repository: str, revision: str | None) -> Path:
    try:
        from huggingface_hub import errors, snapshot_download
    except ImportError:
        raise RenoStoreError(
            "datasets on the hub need the package huggingface_hub, which is not installed. "
            "Install it: pip install 'reno-store[datasets]'."
        ) from None
    try:
        return Path(
            snapshot_download(
                repository, repo_type="dataset", revision=revision, allow_patterns="*.parquet"
            )
        )
    except errors.RepositoryNotFoundError:
        raise ManifestError(
            f"{named}: no such folder, and no such dataset on the Hugging Face hub, or you are not "
            "logged in to it. Check its name."
        ) from None
    except errors.RevisionNotFoundError:
        if revision == _CONVERTED:
            raise ManifestError(
                f"{named}: the dataset has no parquet files on the Hugging Face hub. Download it, "
                "and use a card or a CSV."
            ) from None
        raise ManifestError(f"{named}: the dataset has no revision {revision!r}.") from None
    except (OSError, ValueError, errors.HfHubHTTPError) as error:
        raise ManifestError(
            f"{named}: no such folder, and it cannot be downloaded from the Hugging Face hub: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from None
