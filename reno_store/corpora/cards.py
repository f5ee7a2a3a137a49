"""Cards: what a corpus is, how it names its files, and what a complete copy contains.

A card is a TOML file in ``data_manifests/``: facts for people (title, source, licence,
citation, what is uncertain), a pattern with named groups for the paths of the files, names
for the codes in them, and the counts of a complete corpus. Nothing in a card is run as code.
`card_reading` reads and checks a card, `scanning` applies it to a folder.

Card
----
::

    title = "..."            # required
    source = "..."           # required: where to get it
    licence = "..."          # required
    citation = "..."
    notes = "..."
    uncertain = ["..."]      # what is not known for sure, a sentence each

    [files]
    pattern = '...'          # required: a regular expression for the whole relative path,
                             # with a group (?P<label>) and, where known, (?P<speaker>);
                             # further groups become further columns
    clip_id = "name"         # "name": the file's name without its ending (default);
                             # "path": the relative path without its ending, unless two paths
                             # differ only in the ending

    [labels]                 # code in the file name -> label; without it, codes are labels;
    "01" = "adoration"       # with it, any other code is refused

    [values.sex]             # the same for a further column; other codes stay as they are
    "0" = "female"

    [table]                  # labels that are in a CSV of the corpus and not in the names;
    file = "labels.csv"      # its name, in the folder or below it
    path = "File"            # column with the name of the recording's file, or its path
    label = "Label"          # columns of label and, where known, speaker; then the pattern
    speaker = "Person"       # has no group of this name

    [[left_out]]             # recordings of the corpus that are not in the dataset:
    pattern = '...'          # whole relative paths,
    reason = "speech"        # and why

    [expected]               # counts of the complete corpus
    clips = 1440
    labels = 8
    speakers = 60
    [expected.counts.label]  # clips of each value of a column
    adoration = 180

A corpus that is used in several extents has named subsets, each with its own counts instead
of ``[expected]``. The first is the default::

    [subsets.full]
    description = "..."      # required
    left_out = '...'         # whole relative paths of recordings that are not part of it
    [subsets.full.expected]
    clips = 1440
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from reno_store.errors import UnknownNameError

__all__ = ["WHOLE", "Card", "Expectation", "LabelTable", "LeftOut", "Subset", "list_cards"]

WHOLE = "whole"
"""Name of the only subset of a card without subsets."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Recordings of the corpus that are not in the dataset.

    Attributes
    ----------
    pattern : re.Pattern[str]
        Matches their whole relative paths.
    reason : str
        Why they are left out, in a few words.
    """

    pattern: re.Pattern[str]
    reason: str


@dataclass(frozen=True, slots=True)
class LabelTable:
    """A CSV of the corpus with the labels.

    Attributes
    ----------
    file : str
        Its name.
    path, label, speaker : str
        Its columns; `speaker` is empty where it has none.
    """

    file: str
    path: str
    label: str
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Expectation:
    """Counts of a complete corpus.

    Attributes
    ----------
    totals : Mapping[str, int]
        Under ``clips``, ``labels``, ``speakers``, where they are known.
    counts : Mapping[str, Mapping[str, int]]
        Column -> value -> number of clips, for columns where it is known.
    """

    totals: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subset:
    """One extent in which a corpus is used.

    Attributes
    ----------
    name : str
        What a user types.
    description : str
        Which recordings it has.
    left_out : re.Pattern[str] or None
        Matches the whole relative paths of recordings that it lacks.
    expected : Expectation
        Its counts when complete.
    """

    name: str = WHOLE
    description: str = ""
    left_out: re.Pattern[str] | None = None
    expected: Expectation = Expectation()


@dataclass(frozen=True, slots=True)
class Card:
    """One corpus, as its card describes it.

    Attributes
    ----------
    name : str
        The card's name: its file's stem.
    title, source, licence, citation, notes : str
        For people: what it is, where to get it, permitted use, and what to cite.
    pattern : re.Pattern[str]
        Matches the whole path of a recording relative to the corpus's folder.
    clip_id : str
        ``"name"`` or ``"path"``: which part of the path is the clip's key.
    labels : Mapping[str, str]
        Code in the file name -> label; empty where the code is the label.
    values : Mapping[str, Mapping[str, str]]
        Further column -> code -> its meaning; other codes are unchanged.
    table : LabelTable or None
        Where the labels are, if not in the names.
    left_out : tuple[LeftOut, ...]
        Recordings that are in no subset.
    subsets : tuple[Subset, ...]
        At least one; the first is the default.
    uncertain : tuple[str, ...]
        What is not known for sure, a sentence each.
    """

    name: str
    title: str
    source: str
    licence: str
    pattern: re.Pattern[str]
    citation: str = ""
    notes: str = ""
    clip_id: str = "name"
    labels: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    table: LabelTable | None = None
    left_out: tuple[LeftOut, ...] = ()
    subsets: tuple[Subset, ...] = (Subset(),)
    uncertain: tuple[str, ...] = ()

    def subset(self, name: str | None = None) -> Subset:
        """Return a subset by name, or the first.

        Raises
        ------
        UnknownNameError
            If the card has no subset of this name.
        """
        if name is None:
            return self.subsets[0]
        known = {subset.name: subset for subset in self.subsets}
        if name not in known:
            raise UnknownNameError.among(f"subset of {self.name}", name, known)
        return known[name]

    def to_dict(self) -> dict[str, Any]:
        """Return the facts for people and the counts as JSON values."""
        facts = ("name", "title", "source", "licence", "citation", "notes")
        return {
            **{fact: getattr(self, fact) for fact in facts},
            "uncertain": list(self.uncertain),
            "left_out": [each.reason for each in self.left_out],
            "subsets": {
                subset.name: {
                    "description": subset.description,
                    "expected": dict(subset.expected.totals),
                    "expected_counts": {
                        column: dict(counts) for column, counts in subset.expected.counts.items()
                    },
                }
                for subset in self.subsets
            },
        }


def list_cards() -> tuple[str, ...]:
    """Return the names of the cards of the package, sorted."""
    return tuple(sorted(path.stem for path in cards_folder().glob("*.toml")))


def cards_folder() -> Path:
    """Return the folder of the cards of the package."""
    package = Path(str(resources.files("reno_store")))
    inside = package / "data_manifests"
    # In a wheel the cards are inside the package, in an editable install next to it.
    return inside if inside.is_dir() else package.parent / "data_manifests"
