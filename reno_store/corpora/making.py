"""Card + folder -> CSV, and the checks that every source of a manifest shares."""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reno_store.corpora.card_reading import find_card
from reno_store.corpora.cards import Card
from reno_store.corpora.clips import Clip, Manifest
from reno_store.corpora.names import name_problem
from reno_store.corpora.reading import read_manifest
from reno_store.corpora.scanning import CardScan, scan_folder
from reno_store.corpora.writing import write_manifest
from reno_store.errors import ManifestError, Remedy

__all__ = ["MadeManifest", "check_new", "make_manifest", "write_made"]


@dataclass(frozen=True, slots=True)
class MadeManifest:
    """A manifest made from a folder or another source.

    Attributes
    ----------
    path : Path
        The CSV.
    card : Card or None
        The card; None for other sources.
    scan : CardScan
        What was found; `scan.counts` has the numbers found and expected.
    manifest : Manifest
        The CSV as a build reads it.
    audio_folder : Path or None
        ``audio_folder`` for the build, where the recordings are not below the folder of the
        CSV; None where it is not needed.
    notes : tuple[str, ...]
        What else to know, a sentence each.
    """

    path: Path
    card: Card | None
    scan: CardScan
    manifest: Manifest
    audio_folder: Path | None
    notes: tuple[str, ...] = ()


def make_manifest(
    card: str | Path,
    folder: str | Path,
    output: str | Path,
    *,
    subset: str | None = None,
    replace_existing: bool = False,
) -> MadeManifest:
    """Turn a folder of recordings into a manifest.

    Parameters
    ----------
    card : str or Path
        Name of a card (see `list_cards`) or the path of a custom card.
    folder : str or Path
        The folder of the corpus.
    output : str or Path
        The CSV to write. Where the recordings are below its folder, a build needs nothing
        else. Otherwise paths are relative to `folder`, and a build needs it as
        ``audio_folder``.
    subset : str, optional
        Name of a subset of the card; the first by default.
    replace_existing : bool
        Whether to overwrite an existing CSV, perhaps edited by hand.

    Raises
    ------
    UnknownNameError, CardError
        If the card or its subset is unknown, or the card is wrong or does not fit the folder.
    ManifestError
        If the CSV exists already or cannot be written.

    Examples
    --------
    >>> import reno_store as rs
    >>> made = rs.make_manifest("folders", "reno-demo/recordings", "reno-demo/made.csv")
    >>> made.manifest.clips[0].path, made.manifest.clips[0].label
    ('recordings/anger/s1-anger-1.wav', 'anger')
    """
    output, folder = Path(output), Path(folder)
    found = find_card(card)
    scan = scan_folder(found, folder, subset)
    check_new(output, replace_existing)
    return write_made(output, folder, folder, scan, found)


def check_new(output: Path, replace_existing: bool) -> None:
    """Check that a manifest can be written, before the work.

    Raises
    ------
    ManifestError
        If it exists and is not to be replaced, its folder does not exist, or its name cannot be
        that of a dataset.
    """
    if output.exists() and not replace_existing:
        raise ManifestError(
            f"{output}: already exists. Choose another name.",
            (),
            Remedy("Or overwrite it", {"replace_existing": True}),
        )
    if not output.parent.is_dir():
        raise ManifestError(f"{output}: its folder {output.parent} does not exist.")
    if problem := name_problem(output.stem):
        raise ManifestError(
            f"{output}: the dataset would have its name, but {problem}. Choose another name."
        )


def write_made(
    output: Path,
    source: object,
    folder: Path,
    scan: CardScan,
    card: Card | None = None,
    notes: Sequence[str] = (),
) -> MadeManifest:
    """Write the clips that were found, after the checks of a build.

    Parameters
    ----------
    output : Path
        The CSV.
    source : object
        Where the clips come from, for messages.
    folder : Path
        The folder that their paths are relative to. If it is in the CSV's folder, the CSV has
        paths relative to the CSV instead.
    scan : CardScan
        The clips and their counts.
    card : Card, optional
        The card that was used.
    notes : Sequence[str]
        What else to know.

    Raises
    ------
    ManifestError
        If a build would reject the clips, or the CSV cannot be written.
    """
    clips, audio_folder = scan.clips, folder
    below = folder.resolve().is_relative_to(output.parent.resolve())
    if below:
        prefix = folder.resolve().relative_to(output.parent.resolve())
        clips = tuple(replace(clip, path=(prefix / clip.path).as_posix()) for clip in clips)
        audio_folder = output.parent
    manifest = _checked(output, clips, audio_folder, source)
    write_manifest(output, clips)
    return MadeManifest(output, card, scan, manifest, None if below else folder, tuple(notes))


def _checked(output: Path, clips: Sequence[Clip], audio_folder: Path, corpus: object) -> Manifest:
    """Read clips as a build will read them, before an existing file is replaced."""
    awkward = [clip for clip in clips if not _survives_a_csv(clip)]
    if awkward:
        raise ManifestError(
            f"{corpus}: a CSV cannot contain names with control characters or with spaces around "
            "them; rename these:",
            [repr(clip.path) for clip in awkward],
        )
    with tempfile.TemporaryDirectory() as scratch:
        draft = write_manifest(Path(scratch) / "draft.csv", clips)
        try:
            return read_manifest(draft, dataset=output.stem, audio_folder=audio_folder)
        except ManifestError as error:
            raise ManifestError(
                f"{corpus}: a build would reject these recordings:", error.problems
            ) from None


def _survives_a_csv(clip: Clip) -> bool:
    values = (clip.clip_id, clip.path, clip.label, clip.speaker)
    # Control characters and halves of surrogate pairs; spaces of other scripts are allowed.
    strange = any(unicodedata.category(char) in {"Cc", "Cs"} for value in values for char in value)
    return not strange and all(value == value.strip() for value in values)
