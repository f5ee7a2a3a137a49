"""Recognizers on the Hugging Face hub: their names, their download, and why there is none.

Only the files of a recognizer are downloaded, into the hub's cache. They are then read and checked
as those of any folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reno_store.errors import RecognizerError
from reno_store.recognition.targets import CONFIG, FILES, FORMAT
from reno_store.runtime.progress import tell

__all__ = ["HubPlace", "fetch_recognizer", "hub_errors", "is_recognizer"]

_PREFIX = "hf:"
_PART = r"\w(?:[\w.-]*\w)?"
_PLACE = re.compile(rf"(?:{_PREFIX})?({_PART}/{_PART})(?:@(\w[\w./+-]*))?", re.ASCII)
_COMMIT = re.compile("[0-9a-f]{40}")
_TIMEOUT_S = 10.0


class _UnreachableError(RecognizerError):
    """The hub does not answer."""


@dataclass(frozen=True, slots=True)
class HubPlace:
    """Where a recognizer is on the hub.

    Attributes
    ----------
    repository : str
        ``OWNER/NAME``.
    revision : str or None
        A branch, tag or commit; None for ``main``.

    Examples
    --------
    >>> HubPlace.parse("hf:me/laughs@v1")
    HubPlace(repository='me/laughs', revision='v1')
    >>> str(HubPlace.parse("me/laughs"))
    'hf:me/laughs'
    """

    repository: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{_PREFIX}{self.repository}" + (f"@{self.revision}" if self.revision else "")

    @classmethod
    def parse(cls, text: str) -> HubPlace:
        """Parse ``[hf:]OWNER/NAME[@REVISION]``.

        Raises
        ------
        RecognizerError
            If it is something else.
        """
        found = _PLACE.fullmatch(text)
        if not found or ".." in text or "--" in found[1]:
            raise RecognizerError(
                f"{text!r} is not the name of a recognizer on the Hugging Face hub; expected "
                "hf:OWNER/NAME or hf:OWNER/NAME@REVISION."
            )
        return cls(found[1], found[2])

    @classmethod
    def find(cls, text: str) -> HubPlace | None:
        """Parse a text that begins with ``hf:``; return None for others, which are folders."""
        return cls.parse(text) if text.startswith(_PREFIX) else None


def fetch_recognizer(place: HubPlace) -> Path:
    """Return the folder of a recognizer in the hub's cache; download what is missing.

    A branch is looked up on the hub, and its copy on this machine is used where the hub cannot be
    reached. A commit that is on this machine needs no hub.

    Raises
    ------
    RecognizerError
        If the hub has no such recognizer, does not give it to this user, or cannot be reached and
        the recognizer is not on this machine.
    """
    from huggingface_hub import constants

    if _COMMIT.fullmatch(place.revision or "") and (copy := _cached(place)):
        return copy
    try:
        with hub_errors(place):
            return _download(place)
    except _UnreachableError as error:
        copy = _cached(place)
        if copy is None:
            raise
        if not constants.HF_HUB_OFFLINE:
            tell(f"{error.message} The copy on this machine is used: commit {copy.name[:12]}.")
        return copy


def _download(place: HubPlace) -> Path:
    from huggingface_hub import HfApi

    api = HfApi()
    # First, because it fails at once without a network.
    about = api.model_info(place.repository, revision=place.revision, timeout=_TIMEOUT_S)
    names = {file.rfilename for file in about.siblings or ()}
    config = None
    if CONFIG in names:
        config = api.hf_hub_download(place.repository, CONFIG, revision=about.sha)
    if config is None or not is_recognizer(Path(config)):
        raise RecognizerError(
            f"{place} is not a recognizer: it has {'another' if config else 'no'} {CONFIG}."
        )
    # By branch, not by commit, so that the cache knows the branch next time.
    return Path(
        api.snapshot_download(place.repository, revision=place.revision, allow_patterns=list(FILES))
    )


def is_recognizer(config: Path) -> bool:
    """Return whether a file is the config of a recognizer."""
    try:
        read = json.loads(config.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(read, dict) and read.get("format") == FORMAT


def _cached(place: HubPlace) -> Path | None:
    """Return the folder of a complete copy on this machine, if there is one."""
    from huggingface_hub import try_to_load_from_cache

    try:
        found = try_to_load_from_cache(place.repository, CONFIG, revision=place.revision)
        if not isinstance(found, str):
            return None
        listed = json.loads(Path(found).read_bytes())["files"]
        needed: Any = [name for name in FILES if name in listed]
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None
    folder = Path(found).parent
    return folder if all((folder / name).is_file() for name in needed) else None


@contextmanager
def hub_errors(place: HubPlace) -> Iterator[None]:
    """Turn what huggingface_hub raises in a block into errors that say what to do."""
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalTokenNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    page = f"{constants.ENDPOINT}/{place.repository}"
    try:
        yield
    except RecognizerError:
        raise
    except GatedRepoError:
        raise RecognizerError(
            f"{place}: its owners require that you accept their terms. Do so at {page}, then run: "
            "hf auth login"
        ) from None
    except RepositoryNotFoundError:
        raise RecognizerError(
            f"{place}: the Hugging Face hub has no such model, or it is private and this machine "
            "may not read it. Check the name; if it is private, run: hf auth login"
        ) from None
    except RevisionNotFoundError:
        raise RecognizerError(
            f"{place}: it has no branch, tag or commit {place.revision or 'main'!r}."
        ) from None
    except LocalTokenNotFoundError:
        raise RecognizerError(
            f"{place}: this machine has no token of the Hugging Face hub. Make one with the right "
            f"to write at {constants.ENDPOINT}/settings/tokens, then run: hf auth login"
        ) from None
    except HfHubHTTPError as error:
        raise _refused(place, error.response.status_code, str(error)) from error
    # Such as a card whose header is wrong.
    except ValueError as error:
        raise RecognizerError(
            f"{place}: the Hugging Face hub refused: {' '.join(str(error).split())}"
        ) from error
    # The errors of the HTTP library differ between versions.
    except Exception as error:
        if isinstance(error, OSError) and error.filename:
            raise RecognizerError(f"{place}: {error.filename}: {error.strerror}.") from error
        # An upload that failed has its reason as its cause.
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        reason = _first_line(str(cause)) or type(cause).__name__
        raise _UnreachableError(
            f"{place}: the Hugging Face hub cannot be reached ({reason})."
        ) from error


def _refused(place: HubPlace, status: int, text: str) -> RecognizerError:
    if status == 401:
        why = "this machine's token is not valid. Run: hf auth login"
    elif status == 403:
        why = (
            "this machine's token may not do this. It needs the right to write to "
            f"{place.repository.partition('/')[0]!r}; make one, then run: hf auth login"
        )
    elif status in (409, 412):
        why = "somebody else has changed it meanwhile. Look at it, then push again."
    elif status >= 500 or status == 429:
        return _UnreachableError(
            f"{place}: the Hugging Face hub does not answer now ({_first_line(text)})."
        )
    else:
        why = f"the Hugging Face hub refused: {_first_line(text)}"
    return RecognizerError(f"{place}: {why}")


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
