"""Recognizers that are shared through the Hugging Face hub: pushed, and pulled into a folder.

What is published names nothing of this machine: foundation models in local folders are refused
until they have a name that others can load, and the card and the config name it instead.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reno_store import __version__
from reno_store.errors import RecognizerError, Remedy, UnknownNameError
from reno_store.foundation_models.catalogue import CATALOGUE
from reno_store.foundation_models.specs import parse_model_spec
from reno_store.recognition.card import PLACE_IN_CARDS, rename_model
from reno_store.recognition.config import config_as_bytes, hash_config
from reno_store.recognition.folder import load_recognizer, write_files
from reno_store.recognition.hub import HubPlace, fetch_recognizer, hub_errors, is_recognizer
from reno_store.recognition.models import RecognizerModel, moved_models
from reno_store.recognition.targets import (
    CARD,
    CONFIG,
    FILES,
    WEIGHTS,
    check_source,
    check_target,
)

__all__ = ["pull_recognizer", "push_recognizer"]

_HUB_ID = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)?", re.ASCII)


def push_recognizer(
    folder: str | Path,
    repository: str,
    *,
    private: bool = False,
    models: str | Sequence[str] = (),
) -> str:
    """Publish a recognizer on the Hugging Face hub, as a commit of a model repository.

    Only the files of the recognizer are uploaded, not others in the folder. The token of
    ``hf auth login`` is used.

    Parameters
    ----------
    folder : str or Path
        As `save_recognizer` wrote it.
    repository : str
        ``OWNER/NAME`` or ``OWNER/NAME@BRANCH``; each is created if it does not exist.
    private : bool
        Whether a new repository is private. An existing one that is public is refused.
    models : str or Sequence[str]
        ``NAME=SPEC`` for each foundation model that is in a folder of this machine: where others
        find it. It is loaded from there and must have the fingerprint of training. A checkpoint
        that its authors distribute, such as ``audio-mamba-base``, may be named as in the
        catalogue; it cannot be loaded by this name, so it is not compared.

    Returns
    -------
    str
        ``hf:OWNER/NAME@COMMIT``, which `load_recognizer` takes.

    Raises
    ------
    RecognizerError
        If the folder is not a recognizer, needs a foundation model or names a path that only
        this machine has, the repository holds something else, or the hub refuses or cannot be
        reached.
    ModelError
        If a foundation model at its new place is not the one of training.
    """
    place = HubPlace.parse(repository)
    files = _publishable(folder, place, [models] if isinstance(models, str) else models)
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub.errors import RevisionNotFoundError

    # True: without a token, huggingface_hub says so instead of asking anonymously.
    api = HfApi(token=True)
    with hub_errors(place):
        api.create_repo(place.repository, private=private or None, exist_ok=True)
        about = api.model_info(place.repository)
        if private and not about.private:
            raise RecognizerError(
                f"{place.repository} exists on the hub and is public. Make it private in its "
                "settings there, or choose another name. Nothing was uploaded."
            )
        if place.revision is not None:
            try:
                about = api.model_info(place.repository, revision=place.revision)
            except RevisionNotFoundError:
                api.create_branch(place.repository, branch=place.revision)
        present = {file.rfilename for file in about.siblings or ()} & set(FILES)
        config = None
        if CONFIG in present:
            config = api.hf_hub_download(place.repository, CONFIG, revision=about.sha)
        if present - {CARD} and (config is None or not is_recognizer(Path(config))):
            raise RecognizerError(
                f"{place.repository} on the hub holds something else ({', '.join(sorted(present))})"
                ", which a recognizer would replace. Choose another name. Nothing was uploaded."
            )
        commit = api.create_commit(
            place.repository,
            [
                *(CommitOperationAdd(name, content) for name, content in sorted(files.items())),
                *(CommitOperationDelete(name) for name in sorted(present - files.keys())),
            ],
            commit_message=f"Recognizer, written by reno-store {__version__}",
            revision=place.revision,
            parent_commit=about.sha,
        )
    return str(HubPlace(place.repository, commit.oid))


def pull_recognizer(repository: str, folder: str | Path, *, overwrite: bool = False) -> Path:
    """Copy a recognizer from the Hugging Face hub into a folder.

    Parameters
    ----------
    repository : str
        ``OWNER/NAME`` or ``OWNER/NAME@REVISION``.
    folder : str or Path
        The folder; it is written when everything has been downloaded and checked.
    overwrite : bool
        Whether another recognizer in this folder may be replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    RecognizerError
        As for `load_recognizer` and `save_recognizer`.
    """
    place = HubPlace.parse(repository)
    target = check_target(folder, overwrite=overwrite)
    copy = fetch_recognizer(place)
    load_recognizer(copy, device="cpu")
    write_files(_read(copy), target)
    return target


def _read(folder: Path) -> dict[str, bytes]:
    """Return the files of a recognizer that was checked."""
    listed = json.loads((folder / CONFIG).read_bytes())["files"]
    names = [CONFIG, *listed, *([CARD] if (folder / CARD).is_file() else [])]
    return {name: (folder / name).read_bytes() for name in names}


def _publishable(folder: str | Path, place: HubPlace, specs: Sequence[str]) -> dict[str, bytes]:
    """Return the files to upload, without anything that only this machine has."""
    folder = check_source(folder)
    for name in FILES:
        # The card may say anything, so it must not be another file of this machine.
        if (folder / name).resolve().parent != folder.resolve():
            raise RecognizerError(
                f"{folder / name} is a link to a file outside the folder, which would be "
                "published. Copy the file instead."
            )
    old = load_recognizer(folder, device="cpu").models
    new = _moved(old, specs)
    local = [model for model in new if _is_local(model)]
    if local:
        raise RecognizerError(
            f"{folder}: others cannot load foundation models from a folder of this machine: "
            f"{', '.join(model.spec for model in local)}. Name a model on the hub with the same "
            "weights; for a checkpoint that its authors distribute, such as audio-mamba-base, "
            "its name in the catalogue.",
            Remedy("Name it", {"models": tuple(f"{model.name}=SPEC" for model in local)}),
        )
    for before, model in zip(old, new, strict=True):
        if model.spec != before.spec and not _is_of_authors(model.spec):
            model.load("cpu")
    files = _renamed(_read(folder), old, new)
    if CARD in files:
        files[CARD] = files[CARD].replace(PLACE_IN_CARDS.encode(), str(place).encode())
    hidden = {parse_model_spec(model.spec).location for model in old if _is_local(model)}
    if len(Path.home().parts) > 1:
        hidden.add(str(Path.home()))
    _check_paths(folder, files, hidden)
    return files


def _moved(models: Sequence[RecognizerModel], specs: Sequence[str]) -> tuple[RecognizerModel, ...]:
    """Return models with other places for some of them, also with names that cannot be loaded."""
    of_authors = {parse_model_spec(text).name: text for text in specs if _is_of_authors(text)}
    moved = moved_models(models, [text for text in specs if not _is_of_authors(text)])
    names = [model.name for model in models]
    for name in of_authors:
        if name not in names:
            raise UnknownNameError.among("model of the recognizer", name, names)
    return tuple(replace(each, spec=of_authors.get(each.name, each.spec)) for each in moved)


def _is_of_authors(text: str) -> bool:
    """Return whether a spec is the name of a checkpoint that is downloaded by hand."""
    spec = parse_model_spec(text)
    entry = CATALOGUE.get(spec.location) if spec.source == "catalogue" else None
    return entry is not None and entry.source == "authors"


def _is_local(model: RecognizerModel) -> bool:
    """Return whether a model is in a folder or file, and not one of the hub or of a package."""
    spec = parse_model_spec(model.spec)
    if spec.source == "catalogue":
        return False
    is_hub_id = spec.source == "hf" and _HUB_ID.fullmatch(spec.location) is not None
    return not is_hub_id or Path(spec.location).is_dir()


def _renamed(
    files: Mapping[str, bytes], old: Sequence[RecognizerModel], new: Sequence[RecognizerModel]
) -> dict[str, bytes]:
    """Return the files of a recognizer with the models at other places."""
    from safetensors.numpy import load, save

    renamed = dict(files)
    if [model.spec for model in old] == [model.spec for model in new]:
        return renamed
    config: dict[str, Any] = json.loads(files[CONFIG])
    for described, model in zip(config["models"], new, strict=True):
        described["spec"] = model.spec
    metadata = {"config_sha256": hash_config(config)}
    renamed[WEIGHTS] = save(load(files[WEIGHTS]), metadata=metadata)
    config["files"][WEIGHTS] = hashlib.sha256(renamed[WEIGHTS]).hexdigest()
    renamed[CONFIG] = config_as_bytes(config)
    for before, model in zip(old, new, strict=True):
        if CARD in files:
            renamed[CARD] = rename_model(renamed[CARD], before.spec, model.spec)
    return renamed


def _check_paths(folder: Path, files: Mapping[str, bytes], paths: Collection[str]) -> None:
    """Refuse files that contain a path of this machine."""
    for name in (CARD, CONFIG):
        text = html.unescape(files.get(name, b"").decode("utf-8", "replace")).replace("\\", "")
        for path in sorted(paths):
            if re.search(rf"(?<![\w.:/-]){re.escape(path)}(?![\w-])", text):
                raise RecognizerError(
                    f"{folder / name} contains the path {path} of this machine, which would be "
                    "published. Remove it from the card, or train again without it."
                )
