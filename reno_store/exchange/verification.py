"""Reading everything in a store to find damage, and marking damaged embeddings as missing.

Data walks: store -> clip tables and their indexes -> for each model its shapes, its marks,
every chunk with its checksum, every number -> findings; and, where the recordings are
available, their hashes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reno_store.corpora import Confinement
from reno_store.corpora.audio import hash_file
from reno_store.errors import AudioError, ManifestError, StoreError, UnknownNameError
from reno_store.runtime.places import Place, open_place
from reno_store.runtime.progress import counting, tell
from reno_store.store import (
    NOT_FINITE,
    Damage,
    StoreReader,
    StoreWriter,
    find_damage,
    storage_of,
)

__all__ = ["Finding", "Verification", "verify_store"]

_HASH = "audio_sha256"

_PROBLEMS = (StoreError, UnknownNameError)
"""What damage and other processes cause; an unreachable bucket stops the verification."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem in a store.

    Attributes
    ----------
    dataset, model : str
        Names; `model` is empty for the clip table or a recording.
    problem : str
        What is wrong.
    repaired : bool
        Whether it was marked as missing, for the next build to compute again.
    """

    dataset: str
    model: str
    problem: str
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of verifying a store.

    Attributes
    ----------
    store : Path
        The store.
    n_embeddings : int
        Rows that are marked as done.
    n_missing : int
        Rows of a model that have no embedding: the store is incomplete, not damaged.
    n_recordings : int
        Recordings whose hashes were compared.
    findings : tuple[Finding, ...]
        All problems; empty for a sound store.
    """

    store: Place
    n_embeddings: int
    n_missing: int
    n_recordings: int
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Whether there is no problem, or every one is repaired."""
        return all(finding.repaired for finding in self.findings)


def verify_store(
    store: str | Path,
    *,
    audio_folder: str | Path | None = None,
    dataset: str | None = None,
    repair: bool = False,
    progress: bool | None = None,
) -> Verification:
    """Read all of a store, and optionally compare recordings with their hashes.

    Parameters
    ----------
    store : str or Path
        The store's folder.
    audio_folder : str or Path, optional
        The folder that the manifest's paths are relative to; its recordings are hashed.
    dataset : str, optional
        Only this dataset; by default all.
    repair : bool
        Whether to mark damaged embeddings as missing, so that the next build computes them
        again. Rows that share a chunk with damaged ones are marked too. A damaged index of a
        clip table is written again.
    progress : bool, optional
        Whether to show a progress bar; by default where standard error is a terminal.

    Raises
    ------
    StoreError
        If there is no store of this format.
    UnknownNameError
        If it has no such dataset.

    Examples
    --------
    >>> import reno_store as rs
    >>> rs.verify_store("reno-demo/embeddings.zarr", audio_folder="reno-demo").is_sound
    True
    """
    reader = StoreReader(store)
    datasets = reader.datasets
    if dataset is not None:
        reader.n_clips(dataset)  # raises if there is none of that name
        datasets = (dataset,)
    lost = [name for name in reader.lost_datasets() if dataset in {None, name}]
    findings = [Finding(name, "", "its zarr.json is lost") for name in lost]
    n_embeddings = n_missing = n_recordings = 0
    for name in datasets:
        findings += [Finding(name, "", problem) for problem in _table_problems(reader, name)]
        findings += _index_findings(reader, name, repair=repair)
        models = _models(reader, name, findings)
        with counting(name, len(models), unit="models", show=progress) as counter:
            for model in models:
                try:
                    n_done, damage = _model_damage(reader, name, model)
                    n_embeddings += n_done
                    n_missing += reader.n_clips(name) - n_done
                except UnknownNameError:  # another process has just removed it
                    pass
                except StoreError as error:
                    repaired = repair and _repair_marks(store, name, model)
                    findings.append(Finding(name, model, str(error), repaired))
                else:
                    if damage and repair:
                        damage = _repair(store, name, model)
                    findings += [Finding(name, model, str(each), repair) for each in damage]
                counter.advance()
        if audio_folder is not None:
            changed = list(
                _changed_recordings(
                    reader, name, open_place(audio_folder, "audio folder"), progress
                )
            )
            findings += [Finding(name, "", problem) for problem in changed if problem]
            n_recordings += len(changed)
    return Verification(reader.path, n_embeddings, n_missing, n_recordings, tuple(findings))


def _models(reader: StoreReader, dataset: str, findings: list[Finding]) -> tuple[str, ...]:
    try:
        return reader.models(dataset)
    except UnknownNameError:  # another process has just removed it
        return ()
    except StoreError as error:
        findings.append(Finding(dataset, "", str(error)))
        return ()


def _table_problems(reader: StoreReader, dataset: str) -> Iterator[str]:
    try:
        ids = reader.table(dataset).get("clip_id", [])
    except UnknownNameError:  # another process has just removed it
        return
    except StoreError as error:
        yield str(error)
        return
    if twice := len(ids) - len(set(ids)):
        yield f"{twice} clip ids occur twice"
    if empty := ids.count(""):
        yield f"{empty} clips have no id"


def _index_findings(reader: StoreReader, dataset: str, *, repair: bool) -> list[Finding]:
    try:
        problems = reader.index_problems(dataset)
        if problems and repair:
            with StoreWriter.open(reader.path, notify=tell) as writer:
                writer.rebuild_index(dataset)
    except _PROBLEMS:  # the strings themselves are damaged, which is reported already
        return []
    return [Finding(dataset, "", problem, repair) for problem in problems]


def _model_damage(reader: StoreReader, dataset: str, model: str) -> tuple[int, list[Damage]]:
    """Return how many rows are marked as done, and the damaged ones."""
    storage = storage_of(reader.fingerprint(dataset, model)).dtype
    if (dtype := reader.dtype(dataset, model)) != storage:
        raise StoreError(f"its numbers are {dtype}, in its fingerprint {storage}")
    n_done = int(np.count_nonzero(reader.done(dataset, model)))
    return n_done, find_damage(reader, dataset, model)


def _repair_marks(store: str | Path, dataset: str, model: str) -> bool:
    """Remove damaged marks; return whether the model can be read afterwards."""
    try:
        _repair(store, dataset, model)
    except _PROBLEMS:
        return False
    return True


def _repair(store: str | Path, dataset: str, model: str) -> list[Damage]:
    """Look again with the model's lock held, and mark what is damaged as missing."""
    with StoreWriter.open(store, notify=tell) as writer, writer.model(dataset, model) as rows:
        rows.reset_unreadable_marks()
        damage = _model_damage(writer.reader, dataset, model)[1]
        for each in damage:
            if each.reason == NOT_FINITE:
                rows.forget(np.arange(each.start, each.stop))
            else:
                rows.discard([each])
    return damage


def _changed_recordings(
    reader: StoreReader, dataset: str, folder: Place, progress: bool | None
) -> Iterator[str]:
    """Yield, for each recording, its problem or an empty text."""
    if not folder.is_dir():
        raise ManifestError(f"audio folder {folder} does not exist or is not a folder.")
    if "path" not in reader.columns(dataset):
        yield "its clips have no paths: they were imported without recordings"
        return
    confinement = Confinement(folder)
    names = ("clip_id", "path", _HASH)
    table = zip(*(reader.texts(dataset, name) for name in names), strict=True)
    n_clips = reader.n_clips(dataset)
    with counting(f"{dataset}: recordings", n_clips, unit="clips", show=progress) as counter:
        for clip_id, path, stored in table:
            counter.advance()
            if problem := confinement.problem(path):
                yield f"clip {clip_id!r}: {problem}"
                continue
            try:
                now = hash_file(folder / path)
            except AudioError as error:
                yield f"clip {clip_id!r}: {error}"
                continue
            differs = stored and now != stored
            yield f"clip {clip_id!r}: {folder / path} has changed since" if differs else ""
