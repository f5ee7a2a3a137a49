"""Clip and Manifest: the two records that the rest of the system passes around."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["REQUIRED_COLUMNS", "Clip", "Manifest"]

REQUIRED_COLUMNS = ("clip_id", "path", "label", "speaker")


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording.

    Attributes
    ----------
    clip_id : str
        Key of the clip, unique in its dataset.
    path : str
        Where the recording is, relative to the manifest's audio folder, with ``/``.
    label : str
        What the clip expresses; the class to learn.
    speaker : str
        Who is heard; empty where nobody knows.
    extra : Mapping[str, str]
        The manifest's further columns, kept as they are.
    """

    clip_id: str
    path: str
    label: str
    speaker: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A checked clip table.

    Attributes
    ----------
    dataset : str
        Name of the dataset in the store.
    audio_folder : Path
        The folder that every clip's path is relative to and stays inside of.
    clips : tuple[Clip, ...]
        The clips, in the order of the file.
    extra_columns : tuple[str, ...]
        Names of the further columns.
    """

    dataset: str
    audio_folder: Path
    clips: tuple[Clip, ...]
    extra_columns: tuple[str, ...] = ()

    def audio_path(self, clip: Clip) -> Path:
        """Give the recording's place on disk."""
        return self.audio_folder / clip.path

    @property
    def label_counts(self) -> dict[str, int]:
        """How many clips each label has, by label."""
        return dict(sorted(Counter(clip.label for clip in self.clips).items()))

    @property
    def speakers(self) -> tuple[str, ...]:
        """The speakers that are known, sorted."""
        return tuple(sorted({clip.speaker for clip in self.clips if clip.speaker}))
