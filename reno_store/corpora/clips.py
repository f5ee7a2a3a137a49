"""Clip and Manifest: one recording, and a checked table of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from reno_store.runtime.places import Place

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
        Path of the recording, relative to the audio folder of the manifest, with ``/``.
    label : str
        The class to learn, such as an emotion.
    speaker : str
        The speaker; empty where unknown.
    extra : Mapping[str, str]
        The further columns of the manifest, unchanged.
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
    audio_folder : Place
        The folder that contains all recordings; paths are relative to it.
    clips : tuple[Clip, ...]
        The clips, in the order of the file.
    extra_columns : tuple[str, ...]
        Names of the further columns.
    """

    dataset: str
    audio_folder: Place
    clips: tuple[Clip, ...]
    extra_columns: tuple[str, ...] = ()

    def audio_path(self, clip: Clip) -> Place:
        """Return where the recording is."""
        return self.audio_folder / clip.path

    @property
    def label_counts(self) -> dict[str, int]:
        """Number of clips per label, sorted by label."""
        return dict(sorted(Counter(clip.label for clip in self.clips).items()))

    @property
    def speakers(self) -> tuple[str, ...]:
        """The known speakers, sorted."""
        return tuple(sorted({clip.speaker for clip in self.clips if clip.speaker}))
