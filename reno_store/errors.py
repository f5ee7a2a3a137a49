"""Every exception that reno-store raises on purpose.

One small tree: `RenoStoreError` is the base of all. Errors about a wrong argument are also
`ValueError`, as in scikit-learn, and errors about a missing name are also `LookupError`, so
that generic code handles them sensibly. A message names the place, what was expected and what
was found; remedies name what the caller can do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "AudioError",
    "BucketError",
    "CardError",
    "ClusterError",
    "ConclusionError",
    "DeviceError",
    "ForeignEmbeddingsError",
    "HoldOutError",
    "LedgerError",
    "ManifestError",
    "MergeConflictError",
    "MissingEmbeddingsError",
    "ModelError",
    "ProtocolError",
    "RecognizerError",
    "Remedy",
    "RenoStoreError",
    "SearchError",
    "StaleStoreError",
    "StoreBusyError",
    "StoreError",
    "TrainingError",
    "UnknownNameError",
    "listed",
    "suggestion",
]


_SHOWN = 5
_SHOWN_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Remedy:
    """What the caller can do about an error.

    The text shows Python arguments; the command line turns them into options, and the function
    into a command.

    Parameters
    ----------
    text : str
        Its effect, such as ``"Leave them out"``; without a full stop.
    arguments : Mapping[str, Any]
        Argument -> value; ``...`` where the caller chooses.
    function : str
        Public function or method to call; empty for the call that failed.

    Examples
    --------
    >>> str(Remedy("Leave them out", {"missing": "drop"}))
    "Leave them out: missing='drop'."
    >>> str(Remedy("Repair the store", {"store": "my.zarr", "repair": True}, "verify_store"))
    "Repair the store: verify_store(store='my.zarr', repair=True)."
    >>> str(Remedy("Record more"))
    'Record more.'
    """

    text: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    function: str = ""

    def __str__(self) -> str:
        words = ", ".join(
            f"{name}={'...' if value is ... else repr(value)}"
            for name, value in self.arguments.items()
        )
        how = f"{self.function}({words})" if self.function else words
        return f"{self.text}: {how}." if how else f"{self.text}."


class RenoStoreError(Exception):
    """Base of everything that reno-store raises on purpose.

    Parameters
    ----------
    message : str
        The place, what was expected and what was found.
    *remedies : Remedy
        What the caller can do; shown after the message.
    """

    def __init__(self, message: str = "", *remedies: Remedy) -> None:
        super().__init__(message, *remedies)
        self.message = message
        self.remedies = remedies

    def __str__(self) -> str:
        separator = "\n" if "\n" in self.message else " "
        return separator.join([self.message, *map(str, self.remedies)])


class UnknownNameError(RenoStoreError, LookupError):
    """The name of a card, model, dataset ... that does not exist; the choices are listed."""

    @classmethod
    def among(cls, kind: str, name: str, choices: Iterable[str]) -> UnknownNameError:
        """Return an error with the unknown name, the nearest choice and all choices."""
        listed = sorted(choices)
        known = ", ".join(listed) if listed else "none"
        return cls(f"unknown {kind} {name!r}{suggestion(name, listed)} Choices: {known}.")


class CardError(RenoStoreError, ValueError):
    """A dataset card that is not valid, or does not fit a folder."""


class ClusterError(RenoStoreError):
    """A Dask cluster that cannot be reached, or work on which its workers are lost each time."""


class ManifestError(RenoStoreError, ValueError):
    """A manifest with problems.

    Parameters
    ----------
    message : str
        Which file.
    problems : Iterable[str]
        All problems, each with its line. The text of the error lists the first 20.
    *remedies : Remedy
        What the caller can do.
    """

    def __init__(self, message: str, problems: Iterable[str] = (), *remedies: Remedy) -> None:
        super().__init__(message, *remedies)
        self.problems = tuple(problems)
        self.args = (message, self.problems, *remedies)  # for pickle

    def __str__(self) -> str:
        shown = self.problems[:_SHOWN_PROBLEMS]
        lines = [self.message, *(f"  {problem}" for problem in shown)]
        if n_more := len(self.problems) - len(shown):
            lines.append(f"  and {n_more:,} more, in the attribute problems")
        return "\n".join([*lines, *map(str, self.remedies)])


class AudioError(RenoStoreError, ValueError):
    """A recording that cannot be decoded."""


class ModelError(RenoStoreError, ValueError):
    """A foundation model that cannot be loaded, or a clip that it cannot embed."""


class DeviceError(RenoStoreError, ValueError):
    """A device that is not available."""


class HoldOutError(RenoStoreError, ValueError):
    """No speaker can be held out for early stopping without losing a class."""


class LedgerError(RenoStoreError):
    """A folder of kept results that cannot be read or written."""


class TrainingError(RenoStoreError, ValueError):
    """Training that ended in numbers that are not finite."""


class SearchError(RenoStoreError, ValueError):
    """A grid that cannot be searched: it is empty, or a parameter does not exist."""


class BucketError(RenoStoreError):
    """A bucket that cannot be used now: no server, wrong credentials, no such bucket.

    It is no `StoreError`: nothing is known about what is stored, so nothing is taken for damage.
    """


class StoreError(RenoStoreError):
    """A store that cannot be opened, read or written."""


class StoreBusyError(StoreError):
    """Another process is writing to the store."""


class StaleStoreError(StoreError):
    """A store that no longer matches the recordings, the manifest or the model."""


class MergeConflictError(StoreError):
    """Two stores that differ about the same clip or model."""


class ForeignEmbeddingsError(RenoStoreError, ValueError):
    """Imported embeddings that cannot be read, or belong to no clip."""


class MissingEmbeddingsError(StoreError):
    """Requested clips without an embedding in the store."""


class ProtocolError(RenoStoreError, ValueError):
    """A protocol that is not possible with the data, such as more folds than speakers."""


class RecognizerError(RenoStoreError, ValueError):
    """A recognizer that cannot be saved or loaded, or whose folder was changed."""


class ConclusionError(RenoStoreError, ValueError):
    """Scores that allow no conclusion: not finite, or not of the same folds."""


def listed(names: Sequence[str], n_names: int | None = None) -> str:
    """Return the first five names and the number of the others, of `n_names` in all.

    Examples
    --------
    >>> listed(["a", "b"])
    "'a', 'b'"
    >>> listed(list("abcdefg"))
    "'a', 'b', 'c', 'd', 'e' and 2 more"
    """
    n_more = (len(names) if n_names is None else n_names) - _SHOWN
    shown = ", ".join(repr(str(name)) for name in names[:_SHOWN])
    return shown + (f" and {n_more:,} more" if n_more > 0 else "")


def suggestion(name: str, choices: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest choice, or ``"."``; case is ignored.

    Examples
    --------
    >>> suggestion("wavlm-bse", ["hubert-base", "wavlm-base"])
    "; did you mean 'wavlm-base'?"
    >>> suggestion("MFCC", ["logmel", "mfcc"])
    "; did you mean 'mfcc'?"
    >>> suggestion("zzz", ["hubert-base"])
    '.'
    """
    written = {choice.casefold(): choice for choice in choices}
    nearest = difflib.get_close_matches(name.casefold(), list(written), n=1, cutoff=0.6)
    return f"; did you mean {written[nearest[0]]!r}?" if nearest else "."
