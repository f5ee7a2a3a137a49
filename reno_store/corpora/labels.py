"""Labels that are spelled in several ways and would silently be separate classes."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

__all__ = ["label_variants", "warn_of_variants"]


def label_variants(counts: Mapping[str, int]) -> tuple[dict[str, int], ...]:
    """Return labels that differ only in case, in spaces, or in the encoding of accents.

    Parameters
    ----------
    counts : Mapping[str, int]
        How many clips each label has.

    Returns
    -------
    tuple of dict of str to int
        The variants of each such label with their counts, sorted.

    Examples
    --------
    >>> label_variants({"Anger": 12, "anger": 40, "joy": 9})
    ({'Anger': 12, 'anger': 40},)
    """
    found: dict[str, dict[str, int]] = {}
    for label, count in sorted(counts.items()):
        plain = " ".join(unicodedata.normalize("NFKC", label).casefold().split())
        found.setdefault(plain, {})[label] = count
    return tuple(variants for _, variants in sorted(found.items()) if len(variants) > 1)


def warn_of_variants(source: object, counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return a warning for each label that is spelled in several ways.

    Parameters
    ----------
    source : object
        Where the labels come from, such as the path of a manifest.
    counts : Mapping[str, int]
        How many clips each label has.

    Examples
    --------
    >>> warn_of_variants("my.csv", {"Anger": 1, "anger": 40})[0]
    "warning: my.csv: these labels differ only in case or spaces but are separate classes: 'Anger' \
(1 clip), 'anger' (40 clips). If they mean the same, use one spelling."
    """
    return tuple(
        f"warning: {source}: these labels differ only in case or spaces but are separate "
        f"classes: {_listed(variants)}. If they mean the same, use one spelling."
        for variants in label_variants(counts)
    )


def _listed(variants: Mapping[str, int]) -> str:
    return ", ".join(
        f"{label!r} ({count:,} clip{'' if count == 1 else 's'})"
        for label, count in variants.items()
    )
