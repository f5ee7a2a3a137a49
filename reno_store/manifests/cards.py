"""Cards: what one corpus is and how it names its files.

A card is a TOML file in ``data_manifests/``: facts for people (title, source, licence,
citation), a pattern for the files' paths with named groups, names for the labels, and
the counts that the whole corpus should have. Nothing in a card is run as code.

Card
----
::

    title = "..."            # required
    source = "..."           # required: where to get it
    licence = "..."          # required
    citation = "..."
    notes = "..."

    [files]
    pattern = '...'          # required: a regular expression for the whole relative path,
                             # with a group (?P<label>) and, where known, (?P<speaker>);
                             # further groups become further columns
    clip_id = "name"         # "name": the file's name without its ending (default);
                             # "path": the relative path without its ending

    [labels]                 # code in the file name -> label; without it, codes are labels
    "01" = "adoration"

    [expected]               # counts of the complete corpus
    clips = 1440
    labels = 8
    speakers = 60
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any

from reno_store.errors import CardError, UnknownNameError
from reno_store.manifests.clips import Clip
from reno_store.manifests.names import check_column

__all__ = ["Card", "CardScan", "find_card", "list_cards", "scan_folder"]

_TOP_LEVEL = {"title", "source", "licence", "citation", "notes", "files", "labels", "expected"}
_COUNTED = ("clips", "labels", "speakers")


@dataclass(frozen=True, slots=True)
class Card:
    """One corpus, as its card describes it.

    Attributes
    ----------
    name : str
        The card's name: its file's stem.
    title, source, licence, citation, notes : str
        For people: what it is, where to get it, what it may be used for, whom to cite.
    pattern : re.Pattern[str]
        Matches the whole path of a recording relative to the corpus's folder.
    clip_id : str
        ``"name"`` or ``"path"``: which part of the path is the clip's key.
    labels : Mapping[str, str]
        Code in the file name -> label; empty where the code is the label.
    expected : Mapping[str, int]
        Counts of the complete corpus, under ``clips``, ``labels``, ``speakers``.
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
    expected: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CardScan:
    """What a card found in a folder.

    Attributes
    ----------
    clips : tuple[Clip, ...]
        The recordings, sorted by path.
    ignored : tuple[str, ...]
        Relative paths of files that the pattern does not match, sorted.
    differences : tuple[str, ...]
        A sentence for each count that is not what the card expects.
    """

    clips: tuple[Clip, ...]
    ignored: tuple[str, ...]
    differences: tuple[str, ...]


def list_cards() -> tuple[str, ...]:
    """Give the names of the cards that come with the package, sorted."""
    return tuple(sorted(path.stem for path in _cards_folder().glob("*.toml")))


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
        If the card is not what the module's description asks for.
    """
    if str(name).endswith(".toml"):
        return _read_card(Path(name))
    if str(name) not in list_cards():
        raise UnknownNameError.among("card", str(name), list_cards())
    return _read_card(_cards_folder() / f"{name}.toml")


def scan_folder(card: Card, folder: str | Path) -> CardScan:
    """Walk a folder and make a clip of every file that the card's pattern matches.

    Parameters
    ----------
    card : Card
        The card.
    folder : str or Path
        The corpus's folder. Hidden files and folders are passed over; symbolic links to
        folders are not followed.

    Returns
    -------
    CardScan
        The clips with paths relative to `folder`, what was ignored, and how the counts
        differ from the card's.

    Raises
    ------
    CardError
        If the folder is not there, nothing in it matches, a label's code is not in the
        card, or two recordings would have one clip_id.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CardError(f"{folder}: expected a folder of recordings; it is not there.")
    clips: list[Clip] = []
    ignored: list[str] = []
    problems: list[str] = []
    path_of: dict[str, str] = {}
    for path in _files_below(folder):
        match = card.pattern.fullmatch(path)
        if match is None:
            ignored.append(path)
            continue
        groups = {key: value or "" for key, value in match.groupdict().items()}
        code = groups.pop("label")
        if card.labels and code not in card.labels:
            problems.append(f"{path}: label code {code!r} is not among {sorted(card.labels)}")
            continue
        clip_id = _clip_id(card, path)
        if clip_id in path_of:
            problems.append(f"{path}: clip_id {clip_id!r} is that of {path_of[clip_id]} already")
            continue
        path_of[clip_id] = path
        label = card.labels.get(code, code)
        clips.append(Clip(clip_id, path, label, groups.pop("speaker", ""), groups))
    if problems:
        raise CardError("\n  ".join([f"{folder} does not fit card {card.name!r}:", *problems]))
    if not clips:
        seen = f"; for example {ignored[0]!r} does not match" if ignored else "; it is empty"
        raise CardError(
            f"{folder}: nothing in it matches card {card.name!r}{seen}. "
            f"Expected paths like {card.pattern.pattern!r}. {card.notes}".rstrip()
        )
    return CardScan(tuple(clips), tuple(ignored), _differences(card, clips))


def _cards_folder() -> Path:
    package = Path(str(resources.files("reno_store")))
    inside = package / "data_manifests"
    # A wheel carries the cards inside the package, an editable install beside it.
    return inside if inside.is_dir() else package.parent / "data_manifests"


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
    files = entries.pop("files")
    return Card(
        name=path.stem,
        pattern=re.compile(files["pattern"]),
        clip_id=files.get("clip_id", "name"),
        **entries,
    )


def _card_problems(entries: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(set(entries) - _TOP_LEVEL):
        yield f"{key!r} is unknown; known are {', '.join(sorted(_TOP_LEVEL))}"
    for key in ("title", "source", "licence"):
        if not isinstance(entries.get(key), str):
            yield f"{key!r} is missing or not a string"
    for key in ("citation", "notes"):
        if not isinstance(entries.get(key, ""), str):
            yield f"{key!r} is not a string"
    files = entries.get("files")
    if not isinstance(files, dict) or not isinstance(files.get("pattern"), str):
        yield "[files] needs 'pattern', a regular expression"
        return
    for key in sorted(set(files) - {"pattern", "clip_id"}):
        yield f"[files] {key!r} is unknown; known are clip_id, pattern"
    yield from _pattern_problems(files["pattern"])
    if files.get("clip_id", "name") not in ("name", "path"):
        yield f"[files] clip_id is 'name' or 'path', not {files['clip_id']!r}"
    labels = entries.get("labels", {})
    if not isinstance(labels, dict) or not all(isinstance(v, str) for v in labels.values()):
        yield '[labels] maps codes to labels, as in "01" = "adoration"'
    expected = entries.get("expected", {})
    if not isinstance(expected, dict) or not all(
        key in _COUNTED and isinstance(count, int) for key, count in expected.items()
    ):
        yield f"[expected] holds whole numbers under {', '.join(_COUNTED)}"


def _pattern_problems(pattern: str) -> Iterator[str]:
    try:
        groups = re.compile(pattern).groupindex
    except re.error as error:
        yield f"[files] pattern is not a regular expression: {error}"
        return
    if "label" not in groups:
        yield "[files] pattern has no group (?P<label>...)"
    for group in groups:
        if group in {"clip_id", "path"} or (check_column(group) is not None):
            yield f"[files] pattern: the group name {group!r} is reserved"


def _files_below(folder: Path) -> list[str]:
    found = []

    def refuse(error: OSError) -> None:
        raise CardError(f"{error.filename}: cannot be read: {error.strerror}.")

    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(parent, name).relative_to(folder).as_posix()
            for name in files
            if not name.startswith(".")
        ]
    return sorted(found)


def _clip_id(card: Card, path: str) -> str:
    whole = PurePosixPath(path).with_suffix("")
    return whole.name if card.clip_id == "name" else str(whole)


def _differences(card: Card, clips: list[Clip]) -> tuple[str, ...]:
    found = {
        "clips": len(clips),
        "labels": len({clip.label for clip in clips}),
        "speakers": len({clip.speaker for clip in clips if clip.speaker}),
    }
    return tuple(
        f"{found[what]:,} {what} found, {card.expected[what]:,} expected by the card"
        for what in _COUNTED
        if what in card.expected and found[what] != card.expected[what]
    )
