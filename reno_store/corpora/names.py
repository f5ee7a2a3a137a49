"""Names that become part of a store: datasets, models and manifest columns.

Such a name is a path component on disk and a key that people type. Only characters that are
safe in every file system and shell are allowed, and no name can lead out of the store.
"""

from __future__ import annotations

import re

__all__ = ["check_column", "check_name", "name_problem"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=-]*")
_MAX_LENGTH = 100
_FORBIDDEN_IN_COLUMN = re.compile(r"[/\\\x00-\x1f\x7f]")


def name_problem(name: str) -> str | None:
    """Return what is wrong with the name of a dataset or model, None if it is valid.

    Examples
    --------
    >>> name_problem("wavlm-base") is None
    True
    >>> name_problem("microsoft/wavlm-base")
    "only letters, digits and . _ + = - are allowed, not '/'"
    """
    if not name:
        return "it is empty"
    if len(name) > _MAX_LENGTH:
        return f"it has {len(name)} characters; at most {_MAX_LENGTH} are allowed"
    strange = sorted({char for char in name if not _NAME.fullmatch("a" + char)})
    if strange:
        listed = " ".join(repr(char) for char in strange)
        return f"only letters, digits and . _ + = - are allowed, not {listed}"
    if not _NAME.fullmatch(name):
        return f"it must begin with a letter or digit, not {name[0]!r}"
    if name.lower() == "zarr.json":
        return "the name is reserved by Zarr"
    return None


def check_name(kind: str, name: str) -> str:
    """Return a name unchanged, or raise.

    Parameters
    ----------
    kind : str
        What has the name, for the message: ``"dataset"`` or ``"model"``.
    name : str
        The name.

    Raises
    ------
    ValueError
        If it is empty, too long, contains a character that is not allowed (such as a slash),
        or begins with a dot.
    """
    problem = name_problem(name)
    if problem is not None:
        raise ValueError(f"{kind} name {name!r} cannot be used: {problem}. Choose another name.")
    return name


def check_column(name: str) -> str | None:
    """Return what is wrong with the name of a manifest column, None if it is valid.

    Columns become arrays in the store, so they are path components too; spaces and
    letters of any script are allowed.
    """
    if not name.strip():
        return "a column has no name"
    if _FORBIDDEN_IN_COLUMN.search(name):
        return f"column {name!r}: slashes and control characters are not allowed"
    if len(name.encode("utf-8", "replace")) > 2 * _MAX_LENGTH:
        return f"column {name[:20]!r}...: the name is longer than {2 * _MAX_LENGTH} bytes"
    if name.startswith((".", "__")) or name.lower() == "zarr.json":
        return f"column {name!r}: names that begin with '.' or '__', and zarr.json, are reserved"
    if name in {"audio_sha256", "embedding", "done"}:
        return f"column {name!r}: the name is reserved by the store; rename the column"
    return None
