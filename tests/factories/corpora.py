"""A small corpus on disk, for tests that build stores from it."""

from dataclasses import dataclass
from pathlib import Path

from factories.recordings import write_manifest_csv, write_wav

__all__ = ["Corpus", "make_corpus"]


@dataclass(frozen=True)
class Corpus:
    folder: Path
    manifest: Path
    clip_ids: tuple[str, ...]

    def recording(self, clip_id: str) -> Path:
        return self.folder / "audio" / f"{clip_id}.wav"


def make_corpus(folder: Path, n_clips: int = 6, *, name: str = "small") -> Corpus:
    """Write n clips of two labels and three speakers, and their manifest."""
    clip_ids = tuple(f"clip{number}" for number in range(n_clips))
    rows = []
    for number, clip_id in enumerate(clip_ids):
        write_wav(folder / "audio" / f"{clip_id}.wav", 0.3 + 0.05 * number, seed=number)
        label, speaker = ("cry", "laugh")[number % 2], f"s{number // 2 % 3}"
        rows.append((clip_id, f"audio/{clip_id}.wav", label, speaker))
    manifest = write_manifest_csv(folder / f"{name}.csv", rows)
    return Corpus(folder, manifest, clip_ids)
