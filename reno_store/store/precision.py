"""The precision of stored embeddings: unchanged, or rounded with a known error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from reno_store.errors import StoreError, UnknownNameError

__all__ = ["STORAGE_PRECISIONS", "StoragePrecision", "fingerprint_as_stored", "storage_of"]

_PART = "storage"
_NAME = "stored_as"


@dataclass(frozen=True, slots=True)
class StoragePrecision:
    """A type of numbers on disk and its rounding error.

    Attributes
    ----------
    dtype : str
        Of the array.
    largest : float
        The largest magnitude that it holds.
    error_bounds : Mapping[str, Any]
        Attributes of the array, and part of the fingerprint: the name, and bounds of the
        error; the larger one applies to each number. Empty for an exact type.
    """

    dtype: str
    largest: float
    error_bounds: Mapping[str, Any] = field(default_factory=dict)


STORAGE_PRECISIONS: Mapping[str, StoragePrecision] = MappingProxyType(
    {
        "float32": StoragePrecision("float32", 3.4028234663852886e38),
        # Rounded to nearest: half a unit in the last of 11 binary digits, and below 2^-14,
        # where digits run out, half of the smallest number.
        "float16": StoragePrecision(
            "float16",
            65504.0,
            {_NAME: "float16", "max_relative_error": 2.0**-11, "max_absolute_error": 2.0**-25},
        ),
    }
)


def fingerprint_as_stored(fingerprint: Mapping[str, Any], precision: str) -> dict[str, Any]:
    """Add the storage precision to a model's fingerprint.

    Raises
    ------
    UnknownNameError
        If there is no such precision.

    Examples
    --------
    >>> fingerprint_as_stored({"kind": "mfcc"}, "float32")
    {'kind': 'mfcc'}
    >>> fingerprint_as_stored({"kind": "mfcc"}, "float16")["storage"]["max_relative_error"]
    0.00048828125
    """
    if precision not in STORAGE_PRECISIONS:
        raise UnknownNameError.among("storage precision", precision, STORAGE_PRECISIONS)
    bounds = STORAGE_PRECISIONS[precision].error_bounds
    return {**fingerprint, _PART: dict(bounds)} if bounds else dict(fingerprint)


def storage_of(fingerprint: Mapping[str, Any]) -> StoragePrecision:
    """Return the storage precision in a fingerprint; float32 if it has none.

    Raises
    ------
    StoreError
        If this reno-store does not support it.
    """
    part = fingerprint.get(_PART, {_NAME: "float32"})
    name = part.get(_NAME) if isinstance(part, Mapping) else None
    if not isinstance(name, str) or name not in STORAGE_PRECISIONS:
        known = ", ".join(STORAGE_PRECISIONS)
        raise StoreError(
            f"its fingerprint names the storage precision {name!r}; this reno-store supports "
            f"{known}."
        )
    return STORAGE_PRECISIONS[name]
