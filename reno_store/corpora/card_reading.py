"""TOML -> Card, with all problems of a card at once. `cards` describes the format."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reno_store.corpora.cards import (
    Card,
    Expectation,
    LabelTable,
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


def find_card(name: str | Path) -> Card:
    """Load a card of the package, or a custom card.

    Parameters
    ----------
    name : str or Path
        A name from `list_cards`, or the path of a ``.toml`` file.

    Raises
    ------
    UnknownNameError
        If no card has this name; the choices are listed and the nearest is suggested.
    CardError
        If the card does not follow the format in `cards`.
    """
    if str(name).endswith(".toml"):
        return _read_card(Path(name))
    if str(name) not in list_cards():
        raise UnknownNameError.among("card", str(name), list_cards())
    return _read_card(cards_folder() / f"{name}.toml")


def load_cards() -> tuple[Card, ...]:
    """Load all cards of the package, sorted by name.

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
        raise CardError("\n  ".join([f"{path}: not a valid card:", *problems]))
    files = entries["files"]
    return Card(
        name=path.stem,
        **{key: entries[key] for key in _TEXTS if key in entries},
        pattern=re.compile(files["pattern"]),
        clip_id=files.get("clip_id", "name"),
        labels=entries.get("labels", {}),
        values=entries.get("values", {}),
        table=LabelTable(**entries["table"]) if "table" in entries else None,
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


_Check = Callable[[object], str | None]
"""Returns what is wrong with a value, None if it is right."""


def _text(value: object) -> str | None:
    return None if isinstance(value, str) else "is not a string"


def _number(value: object) -> str | None:
    return None if type(value) is int else "is not a whole number"


def _table(value: object) -> str | None:
    return None if isinstance(value, dict) else "is not a table"


def _sentences(value: object) -> str | None:
    right = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return None if right else "is not a list of strings"


def _pattern(value: object) -> str | None:
    try:
        re.compile(value if isinstance(value, str) else "(")
    except re.error as error:
        reason = error if isinstance(value, str) else "not a string"
        return f"is not a regular expression: {reason}"
    return None


def _clip_id(value: object) -> str | None:
    return None if value in ("name", "path") else f"is {value!r}; expected 'name' or 'path'"


_CARD: Mapping[str, _Check] = {
    **dict.fromkeys(_TEXTS, _text),
    "uncertain": _sentences,
    **dict.fromkeys(("files", "labels", "values", "table", "expected", "subsets"), _table),
    "left_out": lambda value: None if isinstance(value, list) else "is not a list of tables",
}
_FILES: Mapping[str, _Check] = {"pattern": _pattern, "clip_id": _clip_id}
_TABLE: Mapping[str, _Check] = dict.fromkeys(("file", "path", "label", "speaker"), _text)
_LEFT_OUT: Mapping[str, _Check] = {"pattern": _pattern, "reason": _text}
_SUBSET: Mapping[str, _Check] = {"description": _text, "left_out": _pattern, "expected": _table}
_EXPECTED: Mapping[str, _Check] = {**dict.fromkeys(TOTALS, _number), "counts": _table}


def _entry_problems(
    place: str,
    entry: object,
    checks: Mapping[str, _Check],
    required: Sequence[str] = (),
    others: _Check | None = None,
) -> Iterator[str]:
    """Check a table: known keys, keys that it must have, and the values of all other keys."""
    if not isinstance(entry, dict):
        yield f"{place} is not a table"
        return
    for key in sorted(set(required) - set(entry)):
        yield f"{place} {key!r} is missing".lstrip()
    for key, value in sorted(entry.items()):
        check = checks.get(key, others)
        if check is None:
            yield f"{place} {key!r} is unknown; known are {', '.join(sorted(checks))}".lstrip()
        elif problem := check(value):
            yield f"{place} {key!r} {problem}".lstrip()


def _card_problems(entries: Mapping[str, Any]) -> Iterator[str]:
    yield from _entry_problems("", entries, _CARD, ("title", "source", "licence", "files"))
    # Only of the right type from here on; a wrong type is a problem already.
    right = {key: of for key, of in entries.items() if key in _CARD and not _CARD[key](of)}
    files = right.get("files", {})
    yield from _entry_problems("[files]", files, _FILES, ("pattern",) if files else ())
    table = right.get("table", {})
    if "table" in right:
        yield from _entry_problems("[table]", table, _TABLE, ("file", "path", "label"))
    columns = None
    if "pattern" in files and not _pattern(files["pattern"]):
        in_table = [column for column in ("label", "speaker") if column in table]
        columns = list(re.compile(files["pattern"]).groupindex)
        if "label" not in [*columns, *in_table]:
            yield "[files] pattern has no group named 'label'"
        for column in columns:
            if column in {"clip_id", "path"} or check_column(column):
                yield f"[files] pattern: the group name {column!r} is reserved"
            elif column in in_table:
                yield f"[files] pattern: the group {column!r} is also a column of [table]"
        columns += in_table
    yield from _entry_problems("[labels]", right.get("labels", {}), {}, others=_text)
    for column, names in right.get("values", {}).items():
        place = f"[values.{column}]"
        if column in ("label", "speaker"):
            yield f"{place} is not possible; use [labels] for labels, speakers are unchanged"
        elif columns is not None and column not in columns:
            yield f"{place} is not a group of [files] pattern"
        yield from _entry_problems(place, names, {}, others=_text)
    for number, entry in enumerate(right.get("left_out", []), start=1):
        yield from _entry_problems(
            f"[[left_out]] {number}", entry, _LEFT_OUT, ("pattern", "reason")
        )
    yield from _expectation_problems("[expected", right.get("expected", {}), columns)
    subsets = right.get("subsets", {})
    if "subsets" in right and not subsets:
        yield "[subsets] is empty"
    if subsets and "expected" in entries:
        yield "[expected] must be in each subset: [subsets.NAME.expected]"
    for name, entry in subsets.items():
        if problem := name_problem(name):
            yield f"[subsets.{name}] is not a valid name: {problem}"
        yield from _entry_problems(f"[subsets.{name}]", entry, _SUBSET, ("description",))
        expected = entry.get("expected", {}) if isinstance(entry, dict) else {}
        yield from _expectation_problems(f"[subsets.{name}.expected", expected, columns)


def _expectation_problems(place: str, expected: object, columns: list[str] | None) -> Iterator[str]:
    yield from _entry_problems(f"{place}]", expected, _EXPECTED)
    counts = expected.get("counts", {}) if isinstance(expected, dict) else {}
    for column, numbers in counts.items() if isinstance(counts, dict) else ():
        if columns is not None and column not in columns:
            yield f"{place}.counts.{column}] is not a group of [files] pattern"
        yield from _entry_problems(f"{place}.counts.{column}]", numbers, {}, others=_number)
