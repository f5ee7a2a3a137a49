"""What cards make of folders that tests fill with empty files."""

from pathlib import Path

from reno_store.corpora import CardScan, find_card, scan_folder

__all__ = ["expected_of", "labels", "scan_names", "speakers"]


def scan_names(folder: Path, card: str, *names: str, subset: str | None = None) -> CardScan:
    """Put empty files of these names into a folder and let a card scan it."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return scan_folder(find_card(card), folder, subset)


def speakers(found: CardScan) -> list[str]:
    return [clip.speaker for clip in found.clips]


def labels(found: CardScan) -> list[str]:
    return [clip.label for clip in found.clips]


def expected_of(card: str, subset: str | None = None) -> dict[str, int]:
    return dict(find_card(card).subset(subset).expected.totals)
