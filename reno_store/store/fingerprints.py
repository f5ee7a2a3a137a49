"""Comparing and abbreviating the fingerprints of models."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["fingerprint_differences", "short_fingerprint"]


def short_fingerprint(fingerprint: Mapping[str, Any]) -> str:
    """Return the first 12 hexadecimal digits of the SHA-256 of a fingerprint's JSON.

    Without ``source``, as in `fingerprint_differences`.

    Examples
    --------
    >>> short_fingerprint({"b": 1, "a": 2}) == short_fingerprint({"a": 2, "b": 1})
    True
    """
    compared = {part: value for part, value in fingerprint.items() if part != "source"}
    canonical = json.dumps(compared, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def fingerprint_differences(stored: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return each part in which two fingerprints differ, with both values.

    The part ``source``, where weights came from, is not compared. The weights themselves are,
    so a model that its owners moved or renamed is still the same.
    """
    old, new = (
        dict(_flatten({part: value for part, value in parts.items() if part != "source"}))
        for parts in (stored, now)
    )
    return [
        f"{'.'.join(part)}: stored {_shown(old.get(part))}, now {_shown(new.get(part))}"
        for part in sorted(old.keys() | new.keys())
        if old.get(part, _ABSENT) != new.get(part, _ABSENT)
    ]


_ABSENT = object()
_HASH = re.compile(r"[0-9a-f]{40,}")
_LONGEST = 80


def _flatten(
    parts: Mapping[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in parts.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, (*above, key))
        else:
            yield (*above, key), value


def _shown(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    if _HASH.fullmatch(text):
        return f"{text[:12]}..."
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
