"""TOML -> Card: every problem of a card at once. The format is described in `cards`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reno_store.corpora.cards import (
    Card,
    Expectation,
    LeftOut,
    Subset,
    cards_folder,
    list_cards,
)
from reno_store.corpora.names import check_column, name_problem
from reno_store.errors import CardError, UnknownNameError

__all__ = ["TOTALS", "find_card", "load_cards"]

TOTALS = ("clips", "labels", "speakers")

_TEXTS = ("title", "source", "licence", "citation", "notes")
_TABLES = ("files", "labels", "values", "left_out", "expected", "subsets")
_TOP_LEVEL = {*_TEXTS, *_TABLES, "uncertain"}


def find_card(name: str | Path) -> Card:
    """Load a card that comes with the package, or a card of the user's own.

    Parameters
    ----------
    name : str or Path
        A name from `list_cards`, or the path of a ``.toml`` file.

    Raises
    ------
    UnknownNameError
        If no card has that name; the choices are listed and the nearest is suggested.
    CardError
        If the card is not what the description in `cards` asks for.
    """
    if str(name).endswith(".toml"):
        return _read_card(Path(name))
    if str(name) not in list_cards():
        raise UnknownNameError.among("card", str(name), list_cards())
    return _read_card(cards_folder() / f"{name}.toml")


def load_cards() -> tuple[Card, ...]:
    """Load every card that comes with the package, sorted by name.

    Raises
    ------
    CardError
        If one of them is damaged.
    """
    return tuple(find_card(name) for name in list_cards())


def _read_card(path: Path) -> Card:
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CardError(f"{path}: no such card.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CardError(f"{path}: not a readable TOML file: {error}.") from None
    problems = list(_card_problems(entries))
    if problems:
        raise CardError("\n  ".join([f"{path}: not a card, because", *problems]))
    files = entries["files"]
    return Card(
        name=path.stem,
        **{key: entries[key] for key in _TEXTS if key in entries},
        pattern=re.compile(files["pattern"]),
        clip_id=files.get("clip_id", "name"),
        labels=entries.get("labels", {}),
        values=entries.get("values", {}),
        left_out=tuple(
            LeftOut(re.compile(each["pattern"]), each["reason"])
            for each in entries.get("left_out", [])
        ),
        subsets=tuple(_subsets(entries)),
        uncertain=tuple(entries.get("uncertain", [])),
    )


def _subsets(entries: Mapping[str, Any]) -> Iterator[Subset]:
    if "subsets" not in entries:
        yield Subset(expected=_expectation(entries.get("expected", {})))
    for name, entry in entries.get("subsets", {}).items():
        left_out = re.compile(entry["left_out"]) if "left_out" in entry else None
        expected = _expectation(entry.get("expected", {}))
        yield Subset(name, entry["description"], left_out, expected)


def _expectation(entry: Mapping[str, Any]) -> Expectation:
    totals = {what: entry[what] for what in TOTALS if what in entry}
    return Expectation(totals, entry.get("counts", {}))


def _card_problems(entries: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(set(entries) - _TOP_LEVEL):
        yield f"{key!r} is unknown; known are {', '.join(sorted(_TOP_LEVEL))}"
    for key in ("title", "source", "licence"):
        if not isinstance(entries.get(key), str):
            yield f"{key!r} is missing or not a string"
    for key in ("citation", "notes"):
        if not isinstance(entries.get(key, ""), str):
            yield f"{key!r} is not a string"
    if not _is_list_of(str, entries.get("uncertain", [])):
        yield "'uncertain' is not a list of sentences"
    files = entries.get("files")
    if not isinstance(files, dict) or not isinstance(files.get("pattern"), str):
        yield "[files] needs 'pattern', a regular expression"
        return
    for key in sorted(set(files) - {"pattern", "clip_id"}):
        yield f"[files] {key!r} is unknown; known are clip_id, pattern"
    yield from _pattern_problems("[files] pattern", files["pattern"])
    columns = _columns(files["pattern"])
    if columns is not None:
        yield from _column_problems(columns)
    if files.get("clip_id", "name") not in ("name", "path"):
        yield f"[files] clip_id is 'name' or 'path', not {files['clip_id']!r}"
    if not _is_dict_of(str, entries.get("labels", {})):
        yield '[labels] maps codes to labels, as in "01" = "adoration"'
    yield from _values_problems(entries.get("values", {}), columns)
    yield from _left_out_problems(entries.get("left_out", []))
    yield from _expectation_problems("[expected", entries.get("expected", {}), columns)
    yield from _subset_problems(entries, columns)


def _pattern_problems(place: str, pattern: object) -> Iterator[str]:
    if not isinstance(pattern, str):
        yield f"{place} is not a regular expression: {pattern!r} is no string"
        return
    try:
        re.compile(pattern)
    except re.error as error:
        yield f"{place} is not a regular expression: {error}"


def _columns(pattern: str) -> list[str] | None:
    """Names of a pattern's groups, or None where it is no regular expression."""
    try:
        return list(re.compile(pattern).groupindex)
    except re.error:
        return None


def _column_problems(columns: list[str]) -> Iterator[str]:
    if "label" not in columns:
        yield "[files] pattern has no group named 'label'"
    for column in columns:
        if column in {"clip_id", "path"} or (check_column(column) is not None):
            yield f"[files] pattern: the group name {column!r} is reserved"


def _values_problems(values: object, columns: list[str] | None) -> Iterator[str]:
    if not isinstance(values, dict):
        yield "[values] holds a table for each column, as in [values.sex]"
        return
    for column, names in values.items():
        if column in ("label", "speaker"):
            yield f"[values.{column}] cannot be; labels are named under [labels], speakers are kept"
        elif columns is not None and column not in columns:
            yield f"[values.{column}] names no group of [files] pattern"
        if not _is_dict_of(str, names):
            yield f'[values.{column}] maps codes to words, as in "0" = "female"'


def _left_out_problems(entries: object) -> Iterator[str]:
    if not isinstance(entries, list) or not _is_list_of(dict, entries):
        yield "[[left_out]] is a list of tables, each with pattern and reason"
        return
    for number, entry in enumerate(entries, start=1):
        place = f"[[left_out]] {number}"
        if sorted(entry) != ["pattern", "reason"] or not isinstance(entry["reason"], str):
            yield f"{place} needs pattern and reason, both strings, and nothing else"
        else:
            yield from _pattern_problems(f"{place} pattern", entry["pattern"])


def _subset_problems(entries: Mapping[str, Any], columns: list[str] | None) -> Iterator[str]:
    if "subsets" not in entries:
        return
    subsets = entries["subsets"]
    if not _is_dict_of(dict, subsets) or not subsets:
        yield "[subsets] holds a table for each subset, as in [subsets.full]"
        return
    if "expected" in entries:
        yield "[expected] belongs to each subset where there are subsets: [subsets.NAME.expected]"
    for name, entry in subsets.items():
        place = f"[subsets.{name}"
        if problem := name_problem(name):
            yield f"{place}] cannot be named so: {problem}"
        for key in sorted(set(entry) - {"description", "left_out", "expected"}):
            yield f"{place}] {key!r} is unknown; known are description, expected, left_out"
        if not isinstance(entry.get("description"), str):
            yield f"{place}] 'description' is missing or not a string"
        if "left_out" in entry:
            yield from _pattern_problems(f"{place}] left_out", entry["left_out"])
        yield from _expectation_problems(f"{place}.expected", entry.get("expected", {}), columns)


def _expectation_problems(place: str, expected: object, columns: list[str] | None) -> Iterator[str]:
    if not isinstance(expected, dict) or not all(
        key == "counts" or (key in TOTALS and type(count) is int) for key, count in expected.items()
    ):
        yield f"{place}] holds whole numbers under {', '.join(TOTALS)}, and tables under counts"
        return
    counts = expected.get("counts", {})
    if not _is_dict_of(dict, counts):
        yield f"{place}.counts] holds a table for each column, as in {place}.counts.label]"
        return
    for column, numbers in counts.items():
        if columns is not None and column not in columns:
            yield f"{place}.counts.{column}] names no group of [files] pattern"
        if not all(type(number) is int for number in numbers.values()):
            yield f"{place}.counts.{column}] holds whole numbers, one for each value"


def _is_dict_of(kind: type, value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, kind) for each in value.values())


def _is_list_of(kind: type, value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, kind) for each in value)
