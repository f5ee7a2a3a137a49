"""Label maps: the labels of several corpora in common words.

Corpora name the same emotion differently ("angry", "Anger"). Without a map, labels match by name,
ignoring case and blanks at the ends. A map, a TOML file, gives a common word for each label of
each dataset::

    [labels.jnv]
    angry = "anger"
    happy = ""        # left out

A label that the map does not list keeps its name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from reno_store.errors import ProtocolError, Remedy, UnknownNameError

__all__ = ["LABEL_MAPS", "LabelMap", "read_label_map"]

LABEL_MAPS: Mapping[str, Path] = MappingProxyType(
    {"common-emotions": Path(__file__).with_name("common_emotions.toml")}
)
"""Maps that come with the package: for ASVP-ESD, JNV, VIVAE and EmoGator."""


@dataclass(frozen=True, slots=True, repr=False)
class LabelMap:
    """Common words for the labels of datasets.

    Parameters
    ----------
    labels : Mapping[str, Mapping[str, str]]
        Dataset -> its label -> the common word, empty to leave the label out.
    source : str
        The file that it was read from, or a name in `LABEL_MAPS`.

    Raises
    ------
    ProtocolError
        If it is something else, or a dataset has two words for one label.

    Examples
    --------
    >>> jnv = LabelMap({"jnv": {"angry": "anger"}})
    >>> jnv.word("jnv", "Angry "), jnv.word("jnv", "fear")
    ('anger', 'fear')
    """

    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        if problems := list(_problems(self.labels)):
            listing = "\n".join(f"  {problem}" for problem in problems)
            raise ProtocolError(f"label map {self.source}:\n{listing}\n".replace(" :", ":"))
        plain = {
            dataset: {folded(label): folded(word) for label, word in own.items()}
            for dataset, own in self.labels.items()
        }
        object.__setattr__(self, "labels", plain)

    def __repr__(self) -> str:
        if self.source:
            return f"read_label_map({self.source!r})"
        return f"LabelMap({self.labels!r})"

    def word(self, dataset: str, label: str) -> str:
        """Return the common word for a label of a dataset; empty where it is left out."""
        label = folded(label)
        return self.labels.get(dataset, {}).get(label, label)

    def unknown(self, dataset: str, labels: Iterable[str]) -> list[str]:
        """Return labels that the map lists for a dataset, and that the dataset does not have."""
        return sorted(self.labels.get(dataset, {}).keys() - set(map(folded, labels)))


def folded(label: str) -> str:
    """Return a label without case, and without blanks at the ends or several in a row.

    Examples
    --------
    >>> folded("  Romantic  Love ")
    'romantic love'
    """
    return " ".join(label.split()).casefold()


def read_label_map(source: str | Path) -> LabelMap:
    """Read a label map.

    Parameters
    ----------
    source : str or Path
        A name in `LABEL_MAPS`, or a file that ends in ``.toml``.

    Raises
    ------
    UnknownNameError
        If it is neither.
    ProtocolError
        If the file cannot be read, or is no label map; all problems are listed.

    Examples
    --------
    >>> import reno_store as rs
    >>> rs.read_label_map("common-emotions").word("jnv", "angry")
    'anger'
    """
    name = str(source)
    if not name.endswith(".toml") and name not in LABEL_MAPS:
        raise UnknownNameError.among("label map (or .toml file)", name, LABEL_MAPS)
    path = LABEL_MAPS.get(name, Path(name))
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProtocolError(
            f"label map {name} cannot be read: {error.strerror or error}.",
            Remedy(f"Name a file, or {', '.join(LABEL_MAPS)}"),
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"label map {name} is no TOML in UTF-8: {error}.") from None
    if strange := sorted(entries.keys() - {"title", "labels"}):
        raise ProtocolError(
            f"label map {name}: expected tables [labels.DATASET] and a title, got "
            f"{', '.join(map(repr, strange))}."
        )
    return LabelMap(entries.get("labels", {}), name)


def _problems(labels: Any) -> Iterator[str]:
    if not isinstance(labels, Mapping):
        yield f"labels: expected a table per dataset, got {labels!r}"
        return
    for dataset, own in labels.items():
        if not isinstance(own, Mapping):
            yield f"labels.{dataset}: expected a table from labels to words, got {own!r}"
            continue
        seen: dict[str, str] = {}
        for label, word in own.items():
            where = f"labels.{dataset}, {label!r}"
            if not isinstance(word, str):
                yield f"{where}: expected a word in quotes, got {word!r}"
            elif folded(label) in seen:
                yield f"{where}: has a word already, as {seen[folded(label)]!r}"
            seen[folded(label)] = label
