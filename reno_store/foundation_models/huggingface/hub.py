"""Where the files of a checkpoint are: a folder, the cache of the hub, or the hub itself.

Files on this machine are used without asking the network, so that a build tomorrow uses the
weights of today; only missing files are downloaded. A hub id resolves to one commit, which is
recorded.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from reno_store.errors import ModelError

__all__ = ["CheckpointFiles", "locate", "weights_are_here"]

_CONFIG, _PREPROCESSOR = "config.json", "preprocessor_config.json"
# Newer checkpoints have the settings of their feature extractor inside this file instead.
_PROCESSOR, _PARTS = "processor_config.json", {"feature_extractor", "audio_processor"}
# In order of preference. The index of a checkpoint in shards names the other files.
_WEIGHTS = {
    "model.safetensors": "",
    "model.safetensors.index.json": "model-*.safetensors",
    "pytorch_model.bin": "",
    "pytorch_model.bin.index.json": "pytorch_model-*.bin",
}
_HUB_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class CheckpointFiles:
    """The files of a checkpoint, on this machine.

    Attributes
    ----------
    location : str
        As the user typed it, for messages.
    folder : Path
        Where config, preprocessor config and weights are.
    repository, commit : str
        Of the hub; empty for a folder.
    """

    location: str
    folder: Path
    repository: str = ""
    commit: str = ""


def locate(location: str, revision: str | None = None) -> CheckpointFiles:
    """Find a checkpoint, and download it if it is not on this machine.

    Parameters
    ----------
    location : str
        A folder, or a hub id (``owner/name``).
    revision : str, optional
        A branch, tag or commit of the hub; ``main`` by default.

    Raises
    ------
    ModelError
        If the folder does not exist, the hub has no such model, or it is not on this
        machine and the hub cannot be reached.
    """
    folder = _folder(location)
    if folder is not None:
        if revision:
            raise ModelError(f"model folder {location} has no revision; leave it out.")
        return CheckpointFiles(location, folder)
    if location.startswith((".", "~", "/")) or location.count("/") > 1:
        raise ModelError(f"model folder {location} does not exist; expected a folder or hub id.")
    snapshot = _cached(location, revision) or _fetch(location, revision)
    return CheckpointFiles(location, snapshot, location, snapshot.name)


def _folder(location: str) -> Path | None:
    try:
        folder = Path(location).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, RuntimeError):  # name too long, home of an unknown user
        return None


def weights_are_here(location: str, revision: str | None = None) -> bool:
    """Return whether a hub model can be loaded without the network."""
    try:
        return _cached(location, revision) is not None
    except ModelError:
        return False


def _cached(repository: str, revision: str | None) -> Path | None:
    """Return the folder of a complete snapshot in the hub's cache, if there is one."""
    snapshot = _snapshot(repository, revision)
    return snapshot if snapshot is not None and not _missing(snapshot) else None


def _snapshot(repository: str, revision: str | None) -> Path | None:
    """Return the folder of a snapshot in the hub's cache, complete or not."""
    from huggingface_hub import try_to_load_from_cache

    try:
        found = try_to_load_from_cache(repository, "config.json", revision=revision)
    except PermissionError as error:
        raise ModelError(
            f"model {repository}: the hub's cache on this machine cannot be read: {error}"
        ) from None
    # A name may also be too long for a file system.
    except (ValueError, OSError) as error:
        raise ModelError(
            f"model {repository}: neither a folder nor a valid hub id: {error}"
        ) from None
    return Path(found).parent if isinstance(found, str) else None


def _missing(snapshot: Path) -> list[str]:
    """List which files a snapshot lacks."""
    missing = [] if (snapshot / _CONFIG).exists() else [_CONFIG]
    if not (snapshot / _PREPROCESSOR).exists() and not _has_extractor(snapshot / _PROCESSOR):
        missing.append(_PREPROCESSOR)
    present = [name for name in _WEIGHTS if (snapshot / name).exists()]
    if not present:
        return [*missing, "weights"]
    if _WEIGHTS[present[0]]:
        try:
            index = json.loads((snapshot / present[0]).read_text())
            shards = sorted(set(index["weight_map"].values()))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return [*missing, present[0]]
        missing += [shard for shard in shards if not (snapshot / str(shard)).exists()]
    return missing


def _has_extractor(processor: Path) -> bool:
    """Return whether the config of a processor contains that of a feature extractor."""
    try:
        entries = json.loads(processor.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(entries, dict) and not _PARTS.isdisjoint(entries)


def _fetch(repository: str, revision: str | None) -> Path:
    """Download configs and one form of the weights into the hub's cache."""
    from huggingface_hub import HfApi, constants, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if constants.HF_HUB_OFFLINE:
        raise _unreachable(repository, revision, "HF_HUB_OFFLINE is set")
    try:
        # First, because it fails at once without a network.
        about = HfApi().model_info(repository, revision=revision, timeout=_HUB_TIMEOUT_S)
        names = {file.rfilename for file in about.siblings or ()}
        weights = next((name for name in _WEIGHTS if name in names), None)
        if weights is None:
            raise ModelError(
                f"model {repository}: the hub has no weights for it; expected one of "
                f"{', '.join(_WEIGHTS)}."
            )
        patterns = [_CONFIG, _PREPROCESSOR, _PROCESSOR, weights, *filter(None, [_WEIGHTS[weights]])]
        # By branch, not by commit, so that the cache knows the branch next time.
        folder = snapshot_download(repository, revision=revision, allow_patterns=patterns)
    except GatedRepoError:
        raise ModelError(
            f"model {repository}: its owners require that you accept their terms. Do so at "
            f"https://huggingface.co/{repository}, then run: hf auth login"
        ) from None
    except RepositoryNotFoundError:
        raise ModelError(
            f"model {repository}: neither a folder nor a model on the Hugging Face hub "
            "(if it is private: hf auth login)."
        ) from None
    except RevisionNotFoundError:
        raise ModelError(f"model {repository}: no revision {revision!r}.") from None
    except ModelError:
        raise
    # The errors of the HTTP library differ between versions.
    except Exception as error:
        raise _unreachable(repository, revision, str(error) or type(error).__name__) from error
    return Path(folder)


def _unreachable(repository: str, revision: str | None, reason: str) -> ModelError:
    snapshot = _snapshot(repository, revision)
    here = "it is not on this machine"
    if snapshot is not None:
        here = f"its copy on this machine is incomplete: {', '.join(_missing(snapshot))} missing"
    at = f" --revision {revision}" if revision else ""
    return ModelError(
        f"model {repository}: {here}, and the Hugging Face hub cannot be reached ({reason}). "
        f"On a machine with a network, run: hf download {repository}{at}\n"
        "  Then build there, or copy the folder that it prints and type: "
        f"{repository.rpartition('/')[2]}=hf:FOLDER"
    )
