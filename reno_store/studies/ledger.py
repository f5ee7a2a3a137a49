"""A ledger in a folder: a small file per outcome, written whole, checked when read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reno_store.errors import LedgerError, Remedy
from reno_store.runtime.locations import local_path
from reno_store.runtime.writing import check_folder, write_whole

__all__ = ["FORMAT", "Ledger", "hash_json"]

FORMAT = 1
"""Version of the files; those of other versions are neither read nor changed."""

_OUTCOMES = f"outcomes-{FORMAT}"
_NOTES = "notes"
_ELSEWHERE = Remedy("Name another folder", {"results": ...})


def hash_json(value: object) -> str:
    """Hash a JSON value: SHA-256 of its canonical text, in hexadecimal.

    Raises
    ------
    TypeError, ValueError
        If it is no JSON value.

    Examples
    --------
    >>> hash_json({"b": 1, "a": (2,)}) == hash_json({"a": [2], "b": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Ledger:
    """Outcomes in a folder, found by their recipes.

    Several processes may use one folder: files are written whole, and two that write one
    outcome write the same.

    Parameters
    ----------
    folder : str or Path
        Created when something is kept.

    Attributes
    ----------
    damaged : list[Path]
        Damaged files, which are treated as missing.

    Raises
    ------
    LedgerError
        If the folder is named by a URL.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = local_path(folder, "results", LedgerError)
        self.damaged: list[Path] = []

    def check(self) -> None:
        """Create the folder, and refuse one that cannot be written to, before hours of work.

        Raises
        ------
        LedgerError
            If it cannot be made or written to.
        """
        try:
            check_folder(self.folder)
        except OSError as error:
            raise LedgerError(
                f"results {self.folder}: cannot be written to: {error.strerror}.", _ELSEWHERE
            ) from None

    def find(self, recipe: Mapping[str, Any]) -> Any | None:
        """Return the outcome of a recipe; None if there is none, or it is damaged.

        Raises
        ------
        LedgerError
            If the folder cannot be read.
        """
        return self._read(self._path(recipe), recipe)

    def keep(self, recipe: Mapping[str, Any], outcome: Any) -> None:
        """Keep an outcome under its recipe.

        Raises
        ------
        LedgerError
            If it cannot be written.
        """
        self._write(self._path(recipe), recipe, outcome)

    def find_note(self, name: str) -> Any | None:
        """Return the note of a name; None if there is none, or it is damaged."""
        return self._read(self._note_path(name), {"note": name})

    def keep_note(self, name: str, content: Any) -> None:
        """Keep a note under a name; it replaces an earlier one."""
        self._write(self._note_path(name), {"note": name}, content)

    def damage(self, what: str) -> tuple[str, ...]:
        """Return a sentence on damaged files and what was done about them; nothing without any.

        Examples
        --------
        >>> Ledger("my.results").damage("trained anew")
        ()
        """
        if not self.damaged:
            return ()
        n = len(self.damaged)
        kept = "1 kept result was" if n == 1 else f"{n:,} kept results were"
        return (f"{kept} damaged and {what}, such as {min(self.damaged)}.",)

    def _path(self, recipe: Mapping[str, Any]) -> Path:
        key = hash_json(recipe)
        return self.folder / _OUTCOMES / key[:2] / f"{key}.json"

    def _note_path(self, name: str) -> Path:
        return self.folder / _NOTES / f"{name}.json"

    def _read(self, path: Path, recipe: Mapping[str, Any]) -> Any | None:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LedgerError(
                f"results {path}: cannot be read: {error.strerror}.", _ELSEWHERE
            ) from None
        try:
            document = json.loads(content)
            is_whole = document["sha256"] == hash_json([document["recipe"], document["outcome"]])
            is_it = hash_json(document["recipe"]) == hash_json(recipe)
        except (ValueError, TypeError, KeyError, RecursionError):
            is_whole = is_it = False
        if is_whole and is_it:
            return document["outcome"]
        if path not in self.damaged:
            self.damaged.append(path)
        return None

    def _write(self, path: Path, recipe: Mapping[str, Any], outcome: Any) -> None:
        document = {
            "format": FORMAT,
            "recipe": recipe,
            "outcome": outcome,
            "sha256": hash_json([recipe, outcome]),
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(document, allow_nan=False).encode())
        except OSError as error:
            raise LedgerError(
                f"results {path}: cannot be written: {error.strerror}. Kept results are still "
                "there.",
                Remedy("Make room"),
                _ELSEWHERE,
            ) from None
