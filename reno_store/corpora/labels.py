"""Labels that are written in several ways, and would be separate classes without a word."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

__all__ = ["label_variants", "warn_of_variants"]


def label_variants(counts: Mapping[str, int]) -> tuple[dict[str, int], ...]:
    """Find labels that differ only in upper and lower case, in spaces, or in how accents are coded.

    Parameters
    ----------
    counts : Mapping[str, int]
        How many clips each label has.

    Returns
    -------
    tuple of dict of str to int
        For each such label its variants and their counts, sorted; empty where there is none.

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
    """Give a sentence for people for each label that is written in several ways.

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
(1 clip), 'anger' (40 clips). If they mean the same, write them alike."
    """
    return tuple(
        f"warning: {source}: these labels differ only in case or spaces but are separate "
        f"classes: {_listed(variants)}. If they mean the same, write them alike."
        for variants in label_variants(counts)
    )


def _listed(variants: Mapping[str, int]) -> str:
    return ", ".join(
        f"{label!r} ({count:,} clip{'' if count == 1 else 's'})"
        for label, count in variants.items()
    )
