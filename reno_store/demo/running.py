"""Synthetic recordings -> manifest -> store -> scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reno_store.corpora import Clip, write_manifest
from reno_store.demo.voice import EMOTIONS, SPEAKERS, synthesize
from reno_store.errors import Remedy, RenoStoreError
from reno_store.extraction.build import BuildReport, build_store
from reno_store.runtime.locations import local_path
from reno_store.runtime.places import Place
from reno_store.runtime.progress import counting
from reno_store.studies import Study, evaluate_store

__all__ = ["DEMO_MODELS", "Demo", "build_demo_store", "run_demo"]

DEMO_MODELS = ("mfcc", "logmel")
# "loso" shows the same as "speaker" and takes twice as long.
_PROTOCOLS = ("paper", "speaker")
_TAKES = 5
_SAMPLE_RATE_HZ = 16_000
_MANIFEST = "synthetic.csv"
_STORE = "embeddings.zarr"


@dataclass(frozen=True, slots=True)
class Demo:
    """The results of the demo.

    Attributes
    ----------
    folder : Path
        The folder of all files.
    manifest : Path
        The clip table of the synthetic recordings.
    store : Path
        The store with embeddings of both offline models.
    build : BuildReport
        Report of the build.
    study : Study
        The paper's four classifiers and logistic regression under both protocols.
    """

    folder: Path
    manifest: Path
    store: Place
    build: BuildReport
    study: Study


def run_demo(folder: str | Path, *, n_jobs: int = 2, progress: bool | None = None) -> Demo:
    """Make synthetic vocalizations, embed them, and cross-validate classifiers.

    Parameters
    ----------
    folder : str or Path
        A new or empty folder, or that of an earlier demo, which is continued.
    n_jobs : int
        Number of processes over the folds.
    progress : bool, optional
        Whether to show progress bars; by default if standard error is a terminal.

    Raises
    ------
    RenoStoreError
        If the folder contains something else.
    """
    build = build_demo_store(folder, progress=progress)
    if build.interrupted:
        raise KeyboardInterrupt
    study = evaluate_store(
        build.store,
        build.dataset,
        models=DEMO_MODELS,
        protocols=_PROTOCOLS,
        n_jobs=n_jobs,
        progress=progress,
    )
    return Demo(Path(folder), Path(folder) / _MANIFEST, build.store, build, study)


def build_demo_store(folder: str | Path, *, progress: bool | None = None) -> BuildReport:
    """Make the synthetic recordings, their manifest, and the store, without an evaluation.

    Parameters
    ----------
    folder, progress
        As for `run_demo`.

    Raises
    ------
    RenoStoreError
        If the folder contains something else.
    """
    folder = local_path(folder, "folder")
    manifest = folder / _MANIFEST
    if folder.exists() and not manifest.exists() and (folder.is_file() or any(folder.iterdir())):
        raise RenoStoreError(
            f"{folder} exists and was not made by the demo.",
            Remedy("Choose a new folder"),
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_manifest(manifest, [clip for clip, _ in _takes()])
    _write_recordings(folder, progress)
    return build_store(manifest, folder / _STORE, DEMO_MODELS, device="cpu", progress=progress)


def _takes() -> Iterator[tuple[Clip, int]]:
    """Yield each clip of the demo and its take."""
    for emotion in EMOTIONS:
        for speaker in SPEAKERS:
            for take in range(_TAKES):
                name = f"{speaker}-{emotion}-{take + 1}"
                yield Clip(name, f"recordings/{emotion}/{name}.wav", emotion, speaker), take


def _write_recordings(folder: Path, progress: bool | None) -> None:
    import soundfile

    # Existing files are kept: other versions of numpy may round a sample differently.
    todo = [(clip, take) for clip, take in _takes() if not (folder / clip.path).exists()]
    with counting("making recordings", len(todo), unit="clips", show=progress) as counter:
        for clip, take in todo:
            path = folder / clip.path
            path.parent.mkdir(parents=True, exist_ok=True)
            waveform = synthesize(clip.label, clip.speaker, take, _SAMPLE_RATE_HZ)
            # Renamed when complete, so that a killed demo leaves no partial recording.
            partial = path.with_suffix(".partial")
            soundfile.write(partial, waveform, _SAMPLE_RATE_HZ, subtype="PCM_16", format="WAV")
            partial.replace(path)
            counter.advance()
