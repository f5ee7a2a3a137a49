"""Fingerprints of models: compared part by part, shown by their first digits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["fingerprint_differences", "short_fingerprint"]


def short_fingerprint(fingerprint: Mapping[str, Any]) -> str:
    """Give the first 12 hexadecimal digits of the SHA-256 of a fingerprint's JSON.

    Examples
    --------
    >>> short_fingerprint({"b": 1, "a": 2}) == short_fingerprint({"a": 2, "b": 1})
    True
    """
    canonical = json.dumps(fingerprint, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def fingerprint_differences(stored: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name each part in which two fingerprints differ, with both values."""
    old, new = dict(_flatten(stored)), dict(_flatten(now))
    return [
        f"{part}: stored {_shown(old.get(part))}, now {_shown(new.get(part))}"
        for part in sorted(old.keys() | new.keys())
        if old.get(part) != new.get(part)
    ]


def _flatten(parts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in parts.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _shown(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 20 else f"{text[:12]}..."
