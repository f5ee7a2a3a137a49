"""Card + folder -> clips, and their counts compared with those of the card."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from reno_store.corpora.card_reading import TOTALS
from reno_store.corpora.cards import Card, LabelTable, Subset
from reno_store.corpora.clips import Clip
from reno_store.corpora.reading import parse_rows
from reno_store.errors import CardError, Remedy
from reno_store.runtime.locations import local_path

__all__ = ["CardScan", "Count", "count_clips", "scan_folder"]


@dataclass(frozen=True, slots=True)
class Count:
    """A number found in a folder, and the number on the card.

    Attributes
    ----------
    column : str
        Empty for a total, otherwise the column of the value that is counted.
    what : str
        ``clips``, ``labels`` or ``speakers``, or the value whose clips are counted.
    found : int
        Number in the folder.
    expected : int or None
        Number on the card; None where it has none.
    """

    column: str
    what: str
    found: int
    expected: int | None

    @property
    def differs(self) -> bool:
        """Whether the card has another number."""
        return self.expected is not None and self.found != self.expected


@dataclass(frozen=True, slots=True)
class CardScan:
    """The result of applying a card to a folder.

    Attributes
    ----------
    clips : tuple[Clip, ...]
        The recordings, sorted by path.
    ignored : tuple[str, ...]
        Relative paths of files that do not match the card, sorted.
    differences : tuple[str, ...]
        A sentence for each count that differs from the card.
    counts : tuple[Count, ...]
        Found and expected: the totals, the clips of each label, and those of each value of
        other columns with counts on the card.
    left_out : Mapping[str, int]
        Reason -> number of recordings left out.
    """

    clips: tuple[Clip, ...]
    ignored: tuple[str, ...]
    differences: tuple[str, ...]
    counts: tuple[Count, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)


def scan_folder(card: Card, folder: str | Path, subset: str | None = None) -> CardScan:
    """Return a clip for every file in a folder that matches the pattern of a card.

    Parameters
    ----------
    card : Card
        The card.
    folder : str or Path
        The folder of the corpus. Hidden files and folders are skipped; symbolic links to
        folders are not followed.
    subset : str, optional
        Name of a subset of the card; the first by default.

    Returns
    -------
    CardScan
        The clips with paths relative to `folder`, the files that were ignored or left out,
        and the counts.

    Raises
    ------
    UnknownNameError
        If the card has no such subset.
    CardError
        If the folder does not exist, nothing in it matches, the card's table is missing or
        wrong, the code of a label is not in the card, or two recordings would have the same
        clip_id. (Where the clip_id is the path without its ending, recordings that differ only
        in the ending keep it.)
    """
    folder = local_path(folder, "folder", CardError)
    chosen = card.subset(subset)
    if not folder.is_dir():
        raise CardError(f"{folder}: expected a folder of recordings.")
    clips: list[Clip] = []
    ignored: list[str] = []
    left_out: Counter[str] = Counter()
    problems: list[str] = []
    path_of: dict[str, str] = {}
    files = _files_below(folder)
    # Where the clip_id is a path without its ending, paths that differ only in that keep it.
    matched = [_clip_id(card, path) for path in files if card.pattern.fullmatch(path)]
    repeated = {each for each, n in Counter(matched).items() if n > 1 and card.clip_id == "path"}
    table = _read_table(card.table, folder, files) if card.table else None
    for path in files:
        if reason := _left_out_because(card, chosen, path):
            left_out[reason] += 1
            continue
        match = card.pattern.fullmatch(path)
        if match is None:
            ignored.append(path)
            continue
        groups = {key: value or "" for key, value in match.groupdict().items()}
        if table is not None:
            row = table.get(path) or table.get(PurePosixPath(path).name)
            if row is None:
                left_out[f"not in {card.table.file}" if card.table else ""] += 1
                continue
            groups |= row
        code = groups.pop("label")
        if card.labels and code not in card.labels:
            problems.append(f"{path}: label code {code!r} is not among {sorted(card.labels)}")
            continue
        clip_id = _clip_id(card, path)
        clip_id = path if clip_id in repeated else clip_id
        if clip_id in path_of:
            problems.append(f"{path}: clip_id {clip_id!r} is also that of {path_of[clip_id]}")
            continue
        path_of[clip_id] = path
        label, speaker = card.labels.get(code, code), groups.pop("speaker", "")
        extra = {
            column: card.values.get(column, {}).get(value, value)
            for column, value in groups.items()
        }
        clips.append(Clip(clip_id, path, label, speaker, extra))
    if problems:
        raise CardError("\n  ".join([f"{folder} does not fit card {card.name!r}:", *problems]))
    if not clips:
        raise _nothing_found(card, chosen, folder, ignored, left_out)
    counts = tuple(count_clips(chosen, clips))
    if card.table and table is not None:
        counts += (Count("", f"of {card.table.file}", len(clips), len(table)),)
    differences = tuple(
        f"{count.found:,} {_named(count)} found, {count.expected:,} expected by the card"
        for count in counts
        if count.expected is not None and count.differs
    )
    return CardScan(tuple(clips), tuple(ignored), differences, counts, dict(left_out))


def _read_table(table: LabelTable, folder: Path, files: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return label and speaker by the path or name of a recording."""
    found = [path for path in files if PurePosixPath(path).name == table.file]
    if len(found) != 1:
        number = "no" if not found else f"{len(found)}"
        raise CardError(f"{folder}: {number} files {table.file}; expected the one with the labels.")
    problems: list[str] = []
    lines = parse_rows(folder / found[0], problems)
    header = [column.strip() for column in next(lines, (1, []))[1]]
    columns = {"label": table.label, **({"speaker": table.speaker} if table.speaker else {})}
    if lost := [name for name in (table.path, *columns.values()) if name not in header]:
        raise CardError(
            f"{folder / found[0]}: has no column {', '.join(map(repr, lost))}; found: "
            f"{', '.join(header)}."
        )
    rows: dict[str, dict[str, str]] = {}
    for line, fields in lines:
        row = dict(zip(header, map(str.strip, fields), strict=False))
        place = PureWindowsPath(row[table.path]).as_posix()
        if len(fields) != len(header) or not row[table.label]:
            problems.append(f"line {line}: expected {len(header)} fields, with a label")
        elif place in rows:
            problems.append(f"line {line}: {place!r} is in it twice")
        rows[place] = {field: row.get(column, "") for field, column in columns.items()}
    if problems:
        raise CardError("\n  ".join([f"{folder / found[0]}: please fix its rows:", *problems]))
    return rows


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


def _left_out_because(card: Card, subset: Subset, path: str) -> str:
    """Return the reason why a recording is left out; empty where it is not."""
    for each in card.left_out:
        if each.pattern.fullmatch(path):
            return each.reason
    beyond = subset.left_out is not None and subset.left_out.fullmatch(path)
    # A file that does not match the card is not a recording, whatever its folder.
    return f"not in subset {subset.name}" if beyond and card.pattern.fullmatch(path) else ""


def _clip_id(card: Card, path: str) -> str:
    whole = PurePosixPath(path).with_suffix("")
    return whole.name if card.clip_id == "name" else str(whole)


def _nothing_found(
    card: Card, subset: Subset, folder: Path, ignored: Sequence[str], left_out: Mapping[str, int]
) -> CardError:
    if left_out:
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in sorted(left_out.items()))
        others = tuple(each.name for each in card.subsets if each.name != subset.name)
        return CardError(
            f"{folder}: contains nothing of subset {subset.name!r} of card {card.name!r}; "
            f"left out: {reasons}.",
            *(Remedy("Choose another subset", {"subset": name}) for name in others),
        )
    example = f"for example {ignored[0]!r}" if ignored else "it is empty"
    flat = [path for path in ignored if "/" not in path and card.pattern.fullmatch(f"x/{path}")]
    advice = "Is it the folder of the corpus, unpacked, with the original file names?"
    if flat:
        advice = (
            "The recordings are directly in it, so their labels are unknown. Move each into a "
            f"folder named by its label, such as {folder / 'laughter' / flat[0]}. Or write a CSV "
            "with the columns clip_id, path, label and speaker (speaker may be empty) and build a "
            "store from it. Or, if the file names contain the labels, write a card "
            "(docs/adding-a-dataset.md)."
        )
    return CardError(
        f"{folder}: nothing in it matches card {card.name!r}; {example}. {advice} "
        f"{card.notes}".rstrip()
    )


def count_clips(subset: Subset, clips: Sequence[Clip]) -> Iterator[Count]:
    """Yield the totals, the clips per label, and those of other columns that a subset counts."""
    expected = subset.expected
    labels = Counter(clip.label for clip in clips)
    found = {
        "clips": len(clips),
        "labels": len(labels),
        "speakers": len({clip.speaker for clip in clips if clip.speaker}),
    }
    for what in TOTALS:
        yield Count("", what, found[what], expected.totals.get(what))
    for column in ("label", *(column for column in expected.counts if column != "label")):
        numbers = labels if column == "label" else Counter(_value(clip, column) for clip in clips)
        wanted = expected.counts.get(column)
        for value in sorted({*numbers, *(wanted or ())}):
            # Where the counts of a column are known, a value without a count should not exist.
            number = None if wanted is None else wanted.get(value, 0)
            yield Count(column, value, numbers[value], number)


def _value(clip: Clip, column: str) -> str:
    return clip.speaker if column == "speaker" else clip.extra[column]


def _named(count: Count) -> str:
    return f"clips of {count.column} {count.what!r}" if count.column else count.what
