"""Card + folder -> clips, and how what was found compares with what the card expects."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from reno_store.corpora.card_reading import TOTALS
from reno_store.corpora.cards import Card, Subset
from reno_store.corpora.clips import Clip
from reno_store.errors import CardError

__all__ = ["CardScan", "Count", "scan_folder"]


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are of something, and how many there should be.

    Attributes
    ----------
    column : str
        Empty for a total; otherwise the column of which one value is counted.
    what : str
        ``clips``, ``labels`` or ``speakers``; or the value whose clips are counted.
    found : int
        How many the folder holds.
    expected : int or None
        How many the card expects; None where it does not say.
    """

    column: str
    what: str
    found: int
    expected: int | None

    @property
    def differs(self) -> bool:
        """Whether the card expects another number."""
        return self.expected is not None and self.found != self.expected


@dataclass(frozen=True, slots=True)
class CardScan:
    """What a card found in a folder.

    Attributes
    ----------
    clips : tuple[Clip, ...]
        The recordings, sorted by path.
    ignored : tuple[str, ...]
        Relative paths of files that the card does not describe, sorted.
    differences : tuple[str, ...]
        A sentence for each count that is not what the card expects.
    counts : tuple[Count, ...]
        Found and expected: the totals, the clips of each label, and those of each value of
        the other columns for which the card expects counts.
    left_out : Mapping[str, int]
        Reason -> how many recordings of the corpus were left out for it.
    """

    clips: tuple[Clip, ...]
    ignored: tuple[str, ...]
    differences: tuple[str, ...]
    counts: tuple[Count, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)


def scan_folder(card: Card, folder: str | Path, subset: str | None = None) -> CardScan:
    """Walk a folder and make a clip of every file that the card's pattern matches.

    Parameters
    ----------
    card : Card
        The card.
    folder : str or Path
        The corpus's folder. Hidden files and folders are passed over; symbolic links to
        folders are not followed.
    subset : str, optional
        Name of one of the card's subsets; its first unless given.

    Returns
    -------
    CardScan
        The clips with paths relative to `folder`, what was ignored or left out, and how
        the counts compare with the card's.

    Raises
    ------
    UnknownNameError
        If the card has no such subset.
    CardError
        If the folder is not there, nothing in it matches, a label's code is not in the
        card, or two recordings would have one clip_id. (Where that is the path without its
        ending, recordings that differ in the ending alone keep it.)
    """
    folder = Path(folder)
    chosen = card.subset(subset)
    if not folder.is_dir():
        raise CardError(f"{folder}: expected a folder of recordings; it is not there.")
    clips: list[Clip] = []
    ignored: list[str] = []
    left_out: Counter[str] = Counter()
    problems: list[str] = []
    path_of: dict[str, str] = {}
    files = _files_below(folder)
    stands_twice = _names_twice(card, files)
    for path in files:
        if reason := _left_out_because(card, chosen, path):
            left_out[reason] += 1
            continue
        match = card.pattern.fullmatch(path)
        if match is None:
            ignored.append(path)
            continue
        groups = {key: value or "" for key, value in match.groupdict().items()}
        code = groups.pop("label")
        if card.labels and code not in card.labels:
            problems.append(f"{path}: label code {code!r} is not among {sorted(card.labels)}")
            continue
        clip_id = path if path in stands_twice else _clip_id(card, path)
        if clip_id in path_of:
            problems.append(f"{path}: clip_id {clip_id!r} is that of {path_of[clip_id]} already")
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
        raise CardError(_nothing_found(card, chosen, folder, ignored, left_out))
    counts = tuple(_counts(chosen, clips))
    differences = tuple(
        f"{count.found:,} {_named(count)} found, {count.expected:,} expected by the card"
        for count in counts
        if count.expected is not None and count.differs
    )
    return CardScan(tuple(clips), tuple(ignored), differences, counts, dict(left_out))


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
    """Give the reason for which a recording is left out; empty where it is not."""
    for each in card.left_out:
        if each.pattern.fullmatch(path):
            return each.reason
    beyond = subset.left_out is not None and subset.left_out.fullmatch(path)
    # What the card does not describe is no recording, in whatever folder it lies.
    return f"not in subset {subset.name}" if beyond and card.pattern.fullmatch(path) else ""


def _names_twice(card: Card, files: Sequence[str]) -> set[str]:
    """Give the recordings that lie beside one that differs in its ending alone.

    Where the clip id is the path without its ending, theirs keep it.
    """
    if card.clip_id != "path":
        return set()
    paths_of: dict[str, list[str]] = {}
    for path in files:
        if card.pattern.fullmatch(path):
            paths_of.setdefault(_clip_id(card, path), []).append(path)
    return {path for paths in paths_of.values() if len(paths) > 1 for path in paths}


def _clip_id(card: Card, path: str) -> str:
    whole = PurePosixPath(path).with_suffix("")
    return whole.name if card.clip_id == "name" else str(whole)


def _nothing_found(
    card: Card, subset: Subset, folder: Path, ignored: Sequence[str], left_out: Mapping[str, int]
) -> str:
    if left_out:
        told = ", ".join(f"{number:,} {reason}" for reason, number in sorted(left_out.items()))
        others = [each.name for each in card.subsets if each.name != subset.name]
        instead = f" Other subsets (--subset): {', '.join(others)}." if others else ""
        return (
            f"{folder}: nothing in it belongs to subset {subset.name!r} of card {card.name!r}; "
            f"left out: {told}.{instead}"
        )
    seen = f"; for example {ignored[0]!r} does not match" if ignored else "; it is empty"
    flat = [path for path in ignored if "/" not in path and card.pattern.fullmatch(f"x/{path}")]
    advice = "Is it the folder of that corpus, unpacked and with its files' own names?"
    if flat:
        advice = (
            f"Recordings lie directly in it, so nothing tells their labels. Move each into a "
            f"folder named by its label, as in {folder / 'laughter' / flat[0]}; or, without "
            "moving anything, write a CSV with the columns clip_id, path, label and speaker "
            "(speaker may be empty) and give that to reno-store build; or, where the files' names "
            "hold the labels, write a card (docs/adding-a-dataset.md)."
        )
    return (
        f"{folder}: nothing in it matches card {card.name!r}{seen}. {advice} {card.notes}".rstrip()
    )


def _counts(subset: Subset, clips: Sequence[Clip]) -> Iterator[Count]:
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
            # Where a column's counts are known, a value that they lack should not be there.
            number = None if wanted is None else wanted.get(value, 0)
            yield Count(column, value, numbers[value], number)


def _value(clip: Clip, column: str) -> str:
    return clip.speaker if column == "speaker" else clip.extra[column]


def _named(count: Count) -> str:
    return f"clips of {count.column} {count.what!r}" if count.column else count.what
