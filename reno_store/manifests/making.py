"""Card + folder -> CSV: the one function behind ``reno-store manifest``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from reno_store.errors import ManifestError
from reno_store.manifests.cards import Card, CardScan, find_card, scan_folder
from reno_store.manifests.clips import Manifest
from reno_store.manifests.confinement import Confinement
from reno_store.manifests.names import name_problem
from reno_store.manifests.writing import write_manifest

__all__ = ["MadeManifest", "make_manifest"]


@dataclass(frozen=True, slots=True)
class MadeManifest:
    """A manifest fresh from a folder.

    Attributes
    ----------
    path : Path
        The CSV.
    card : Card
        The card that made it.
    scan : CardScan
        What the card found; `scan.differences` names counts that differ from the card's.
    manifest : Manifest
        The CSV as a build will read it.
    audio_folder : Path or None
        The folder that a build must be told (``--audio-folder``), because the recordings
        do not lie below the CSV; None where the CSV is enough.
    """

    path: Path
    card: Card
    scan: CardScan
    manifest: Manifest
    audio_folder: Path | None


def make_manifest(
    card: str | Path, folder: str | Path, output: str | Path, *, replace_existing: bool = False
) -> MadeManifest:
    """Turn a folder of recordings into a manifest.

    Parameters
    ----------
    card : str or Path
        Name of a card (see `list_cards`) or the path of a card of one's own.
    folder : str or Path
        The corpus's folder.
    output : str or Path
        The CSV to write. Where the recordings lie below its folder the CSV is complete in
        itself; elsewhere its paths are relative to `folder`, and a build is told that
        folder as well.
    replace_existing : bool
        Whether an existing CSV, perhaps mended by hand, may be written over.

    Raises
    ------
    UnknownNameError, CardError
        If the card is unknown or wrong, or does not fit the folder.
    ManifestError
        If the CSV exists already or cannot be written.
    """
    output, folder = Path(output), Path(folder)
    found = find_card(card)
    scan = scan_folder(found, folder)
    if output.exists() and not replace_existing:
        raise ManifestError(
            f"{output}: exists already. Give another name, or --force (replace_existing=True) "
            "to write over it."
        )
    if not output.parent.is_dir():
        raise ManifestError(f"{output}: its folder {output.parent} does not exist; make it first.")
    clips, audio_folder = scan.clips, folder
    if problem := name_problem(output.stem):
        raise ManifestError(
            f"{output}: its stem would name the dataset, but {problem}. Give another name."
        )
    below = folder.resolve().is_relative_to(output.parent.resolve())
    if below:
        prefix = folder.resolve().relative_to(output.parent.resolve())
        clips = tuple(replace(clip, path=(prefix / clip.path).as_posix()) for clip in clips)
        audio_folder = output.parent
    confinement = Confinement(audio_folder)
    problems = [problem for clip in clips if (problem := confinement.problem(clip.path))]
    if problems:
        raise ManifestError(f"{folder}: a build would refuse these recordings:", problems)
    write_manifest(output, clips)
    columns = tuple(sorted({column for clip in clips for column in clip.extra}))
    manifest = Manifest(output.stem, audio_folder, clips, columns)
    return MadeManifest(output, found, scan, manifest, None if below else folder)
