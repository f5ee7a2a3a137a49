"""Dataset id -> its parquet files on this machine, in the cache of the Hugging Face hub."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reno_store.errors import ManifestError

__all__ = ["HubDataset", "find_on_hub"]

_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*(?:@[\w./-]+)?", re.ASCII)
_CONVERTED = "refs/convert/parquet"
"""Branch in which the hub keeps its own parquet copy of a dataset in another format."""
_HUB_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class HubDataset:
    """A dataset on the hub.

    Attributes
    ----------
    repository : str
        ``OWNER/NAME``.
    revision : str or None
        Branch, tag or commit; None for the main branch.
    names : tuple[str, ...]
        Its parquet files, sorted.
    is_reachable : bool
        Whether the names are from the hub; otherwise they are those in its cache.
    """

    repository: str
    revision: str | None
    names: tuple[str, ...]
    is_reachable: bool

    def download(self, names: Sequence[str]) -> Path:
        """Return the folder with these files, downloaded where they are not yet.

        In the cache, files are links, ``datasets--OWNER--NAME/snapshots/COMMIT/...``, to files
        in ``datasets--OWNER--NAME/blobs``.

        Raises
        ------
        ManifestError
            If they cannot be downloaded.
        """
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import GatedRepoError

        try:
            folder = snapshot_download(
                self.repository,
                repo_type="dataset",
                revision=self.revision,
                allow_patterns=[glob.escape(name) for name in names],
                local_files_only=not self.is_reachable,
            )
        except GatedRepoError:
            raise _gated(self.repository) from None
        # The errors of the HTTP library differ between versions.
        except Exception as error:
            raise _unreachable(self.repository, error) from error
        return Path(folder)


def find_on_hub(named: str) -> HubDataset:
    """Find a dataset on the hub, or in its cache if the hub cannot be reached.

    Parameters
    ----------
    named : str
        ``OWNER/NAME`` or ``OWNER/NAME@REVISION``. Without a revision: the main branch, or the
        hub's own conversion to parquet if the main branch has no parquet file.

    Raises
    ------
    ManifestError
        If there is no such dataset, it has no parquet files, or the hub cannot be reached.
    """
    if not _ID.fullmatch(named):
        raise ManifestError(
            f"{named}: no such file or folder, and not the id of a dataset on the Hugging Face "
            "hub; expected OWNER/NAME."
        )
    repository, _, revision = named.partition("@")
    unreachable: ConnectionError | None = None
    for branch in [revision] if revision else [None, _CONVERTED]:
        try:
            names, is_reachable = _names(named, repository, branch), True
        except ConnectionError as error:
            names, is_reachable, unreachable = _cached_names(repository, branch), False, error
        if names:
            return HubDataset(repository, branch, names, is_reachable)
    if unreachable is not None:
        raise _unreachable(repository, unreachable)
    raise ManifestError(
        f"{named}: the dataset has no parquet files on the Hugging Face hub. Download it, and use "
        "a card or a CSV."
    )


def _names(named: str, repository: str, revision: str | None) -> tuple[str, ...]:
    """Return the names of the parquet files, or raise ConnectionError."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if constants.HF_HUB_OFFLINE:
        raise ConnectionError("HF_HUB_OFFLINE is set")
    try:
        about = HfApi().dataset_info(repository, revision=revision, timeout=_HUB_TIMEOUT_S)
    except GatedRepoError:
        raise _gated(repository) from None
    except RepositoryNotFoundError:
        raise ManifestError(
            f"{named}: neither a folder nor a dataset on the Hugging Face hub "
            "(if it is private: hf auth login)."
        ) from None
    except RevisionNotFoundError:
        if revision == _CONVERTED:
            return ()
        raise ManifestError(f"{named}: no revision {revision!r}.") from None
    # The errors of the HTTP library differ between versions.
    except Exception as error:
        raise ConnectionError(str(error) or type(error).__name__) from error
    names = (file.rfilename for file in about.siblings or ())
    return tuple(sorted(name for name in names if name.endswith(".parquet")))


def _cached_names(repository: str, revision: str | None) -> tuple[str, ...]:
    """Return the names of the parquet files in the hub's cache; none if some are missing."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(
            snapshot_download(
                repository,
                repo_type="dataset",
                revision=revision,
                allow_patterns="*.parquet",
                local_files_only=True,
            )
        )
    except (LocalEntryNotFoundError, OSError):
        return ()
    return tuple(sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")))


def _gated(repository: str) -> ManifestError:
    return ManifestError(
        f"{repository}: its owners require that you accept their terms. Do so at "
        f"https://huggingface.co/datasets/{repository}, then run: hf auth login"
    )


def _unreachable(repository: str, reason: Exception) -> ManifestError:
    return ManifestError(
        f"{repository}: not a folder, not in the cache of the Hugging Face hub on this machine, "
        f"and the hub cannot be reached: {reason}"
    )
