"""The foundation models of a recognizer: where each is, and what its embeddings depend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reno_store.errors import ModelError, RecognizerError, Remedy, RenoStoreError, UnknownNameError
from reno_store.extraction.windows import Windows
from reno_store.foundation_models import FoundationModel, parse_model_specs
from reno_store.foundation_models.catalogue import CATALOGUE
from reno_store.foundation_models.plugins import installed_models
from reno_store.samples import EmbeddingStore
from reno_store.samples.recordings import loaded_model
from reno_store.store import fingerprint_differences

__all__ = ["RecognizerModel", "absolute_spec", "find_spec", "moved_models", "stored_models"]


@dataclass(frozen=True, slots=True)
class RecognizerModel:
    """A foundation model of a recognizer.

    Attributes
    ----------
    name : str
        Its name in the store, and in the columns of X.
    spec : str
        Where it is, as ``NAME=SPEC``; see `load_model`.
    dim : int
        Length of an embedding.
    fingerprint : Mapping[str, Any]
        What the embeddings of training depend on.
    """

    name: str
    spec: str
    dim: int
    fingerprint: Mapping[str, Any]

    @property
    def windows(self) -> Windows | None:
        """How longer recordings were cut for training; None where they were embedded whole.

        Raises
        ------
        RecognizerError
            If this reno-store cannot cut recordings like that.
        """
        part = self.fingerprint.get("windows")
        if part is None:
            return None
        try:
            windows = Windows.parse(part["window_s"], part["hop_s"])
        except (KeyError, TypeError, RenoStoreError):
            windows = None
        if windows is None or windows.added_to({})["windows"] != part:
            raise RecognizerError(f"model {self.name}: windows {part!r} are not supported.")
        return windows

    def load(self, device: str) -> FoundationModel:
        """Load the model, once per process, and check that it is the one of training.

        Raises
        ------
        ModelError
            If it cannot be loaded, or is another one; each part that differs is named.
        """
        model = self.load_unchecked(device)
        self.check(model)
        return model

    def load_unchecked(self, device: str) -> FoundationModel:
        """Load what is at the model's place, once per process; raise as `load`."""
        try:
            (spec,) = parse_model_specs([self.spec])
            precision = str(self.fingerprint.get("precision", "float32"))
            return loaded_model(spec, device, precision)
        except (ModelError, UnknownNameError) as error:
            raise ModelError(
                f"model {self.name} ({self.spec}) cannot be loaded here: {error}", self._elsewhere
            ) from None

    def check(self, model: FoundationModel) -> None:
        """Check that a loaded model is the one of training; raise as `load`."""
        added = ("windows", "storage")  # by a build
        own = {part: value for part, value in self.fingerprint.items() if part not in added}
        differences = fingerprint_differences(own, model.fingerprint)
        if model.dim != self.dim:
            differences.append(f"dimensions: stored {self.dim}, now {model.dim}")
        if differences:
            raise ModelError(
                f"model {self.name} ({self.spec}) is not the one of training:\n  "
                + "\n  ".join(each.replace(": stored ", ": in training ") for each in differences),
                self._elsewhere,
            )

    @property
    def _elsewhere(self) -> Remedy:
        return Remedy("Name the place where it is", {"models": f"{self.name}=SPEC"})

    def as_stored(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Round embeddings as the store of training did; shape (n, dim)."""
        part = self.fingerprint.get("storage")
        if part is None:
            return block
        if not isinstance(part, Mapping) or part.get("stored_as") != "float16":
            raise RecognizerError(f"model {self.name}: storage {part!r} is not supported.")
        with np.errstate(over="ignore"):
            return block.astype(np.float16).astype(np.float32)


def moved_models(
    models: Sequence[RecognizerModel], specs: Sequence[str]
) -> tuple[RecognizerModel, ...]:
    """Return models with other places for some of them.

    Parameters
    ----------
    specs : Sequence[str]
        ``NAME=SPEC`` for each that moved.

    Raises
    ------
    UnknownNameError
        If there is no model of a name.
    """
    if not specs:
        return tuple(models)
    moved = {spec.name: text for spec, text in zip(parse_model_specs(specs), specs, strict=True)}
    names = [model.name for model in models]
    for name in moved:
        if name not in names:
            raise UnknownNameError.among("model of the recognizer", name, names)
    return tuple(replace(each, spec=moved.get(each.name, each.spec)) for each in models)


def find_spec(name: str, fingerprint: Mapping[str, Any]) -> str:
    """Return where a model of a store comes from, as ``NAME=SPEC``.

    Raises
    ------
    RecognizerError
        If its embeddings were imported, or neither its name nor its fingerprint show it.
    """
    kind = fingerprint.get("kind")
    if kind == "foreign":
        raise RecognizerError(
            f"model {name}: its embeddings were imported "
            f"({fingerprint.get('provenance', 'from an unknown source')}), so new recordings "
            "cannot be embedded and nothing can be recognized with it.",
            Remedy("Use a model that reno-store can load", {"models": ...}),
        )
    source = fingerprint.get("source")
    if kind == "huggingface" and isinstance(source, Mapping) and source.get("repository"):
        settings = {
            "layer": fingerprint["layer"],
            "pool": fingerprint["pooling"],
            "context": fingerprint.get("context"),
            "revision": source.get("commit"),
        }
        options = "&".join(f"{key}={value}" for key, value in settings.items() if value is not None)
        return f"{name}=hf:{source['repository']}?{options}"
    if (name in CATALOGUE and CATALOGUE[name].source != "authors") or name in installed_models():
        return name
    if isinstance(kind, str) and kind in CATALOGUE:  # mfcc, logmel, egemaps
        return f"{name}={kind}"
    raise RecognizerError(
        f"model {name}: the store does not say from which folder it was loaded.",
        Remedy("Name it", {"models": f"{name}=SPEC"}),
    )


def absolute_spec(text: str) -> str:
    """Return a spec whose folder or file, if it is on this machine, is an absolute path.

    Examples
    --------
    >>> absolute_spec("mfcc"), absolute_spec("x=hf:microsoft/wavlm-base?layer=9")
    ('mfcc', 'x=hf:microsoft/wavlm-base?layer=9')
    """
    (spec,) = parse_model_specs([text])
    place = Path(spec.location).expanduser()
    if spec.source == "catalogue" or not place.exists():
        return text
    options = "&".join(f"{key}={value}" for key, value in spec.options.items())
    settings = f"?{options}" if options else ""
    return f"{spec.name}={spec.source}:{place.resolve()}{settings}"


def stored_models(
    store: EmbeddingStore, dataset: str, models: str | Sequence[str]
) -> tuple[RecognizerModel, ...]:
    """Return models of a store with their places.

    Raises
    ------
    UnknownNameError
        If the store has no such dataset or model.
    RecognizerError
        If embeddings were imported, or a model's place is unknown.
    """
    texts = [models] if isinstance(models, str) else list(models)
    held = store.models(dataset)
    found = []
    for text in texts:
        name = text if text in held or "=" not in text else parse_model_specs([text])[0].name
        store.check_names(dataset, [name])
        fingerprint = store.fingerprint(dataset, name)
        guessed = find_spec(name, fingerprint) if name == text else text
        spec = absolute_spec(guessed)
        found.append(RecognizerModel(name, spec, store.dim(dataset, name), fingerprint))
    return tuple(found)
