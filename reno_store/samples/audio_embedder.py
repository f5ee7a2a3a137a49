"""Recordings -> embeddings, as a scikit-learn transformer.

An embedder holds names of models but no model, so its pickle is small; each process loads a
model once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from reno_store.corpora import read_manifest
from reno_store.errors import (
    AudioError,
    ModelError,
    RenoStoreError,
    StaleStoreError,
    UnknownNameError,
    listed,
)
from reno_store.extraction import MAX_SECONDS
from reno_store.extraction.files import failure_message
from reno_store.extraction.reports import Failure
from reno_store.extraction.windows import Windows
from reno_store.foundation_models import (
    FoundationModel,
    ModelSpec,
    check_precision,
    parse_model_specs,
)
from reno_store.runtime.devices import resolve_device
from reno_store.runtime.locations import local_path
from reno_store.samples.kept_embeddings import KeptEmbeddings
from reno_store.samples.loading import column_names
from reno_store.samples.recordings import (
    Keep,
    RecordingLike,
    as_recordings,
    embed_recordings,
    label_of,
    loaded_model,
)
from reno_store.store import fingerprint_differences

__all__ = ["AudioEmbedder"]


class AudioEmbedder(TransformerMixin, BaseEstimator):
    """Recordings in, embeddings out: pipelines that fit and predict on audio files.

    The numbers are those that `build_store` stores, on a CPU to the last bit.

    Parameters
    ----------
    models : str or Sequence[str]
        Models as ``[NAME=]SPEC``; see `load_model`. Their embeddings are the blocks of the
        result, in this order.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
    precision : str
        ``"float32"``, ``"bfloat16"`` or ``"float16"``.
    max_seconds : float or None
        Longer recordings raise an error; None allows any length. Not used with windows.
    window_s, hop_s : float, optional
        Cut longer recordings into windows, as `build_store` does.
    manifest : str or Path, optional
        A manifest; recordings are then given by its clip ids.
    store, dataset : str or Path, and str, optional
        A store in which embeddings are looked up by the hash of a recording and the model's
        fingerprint, and a dataset of it that keeps those that are computed. New recordings
        are added to the dataset without a label; a dataset with labels gets no new clips.
    progress : bool, optional
        Whether to show progress bars; None shows them where standard error is a terminal.

    Attributes
    ----------
    models_ : tuple of str
        Names of the models, in the order of their columns.
    specs_ : tuple of str
        What they were loaded from.
    fingerprints_ : tuple of dict
        What the embeddings of each depend on, at `fit`.
    block_sizes_ : tuple of int
        Columns of each.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from reno_store import RENOClassifier
    >>> rng = np.random.default_rng(0)
    >>> recordings = [(rng.normal(0, 0.1, 8_000 + n), 16_000) for n in range(8)]
    >>> embedder = AudioEmbedder(("mfcc", "logmel"))
    >>> embedder.fit_transform(recordings).shape
    (8, 360)

    ``set_output`` makes the scaler keep the names of the columns, from which RENO reads the blocks:

    >>> pipeline = make_pipeline(embedder, StandardScaler(), RENOClassifier(max_epochs=1))
    >>> pipeline = pipeline.set_output(transform="pandas")
    >>> pipeline.fit(recordings, ["cry", "laugh"] * 4).predict(recordings[:2]).shape
    (2,)
    """

    def __init__(
        self,
        models: str | Sequence[str] = (),
        *,
        device: str = "cpu",
        precision: str = "float32",
        max_seconds: float | None = MAX_SECONDS,
        window_s: float | None = None,
        hop_s: float | None = None,
        manifest: str | Path | None = None,
        store: str | Path | None = None,
        dataset: str | None = None,
        progress: bool | None = False,
    ) -> None:
        self.models = models
        self.device = device
        self.precision = precision
        self.max_seconds = max_seconds
        self.window_s = window_s
        self.hop_s = hop_s
        self.manifest = manifest
        self.store = store
        self.dataset = dataset
        self.progress = progress

    def fit(self, X: Any, y: Any = None) -> AudioEmbedder:
        """Load the models; nothing is embedded.

        Parameters
        ----------
        X, y : ignored

        Raises
        ------
        ModelError, UnknownNameError, DeviceError
            If a model cannot be loaded or does not take such windows, two have one name, or
            the device does not exist.
        ValueError
            If `store` is given without `dataset`, or the other way round.
        """
        if (self.store is None) != (self.dataset is None):
            raise ValueError(
                "AudioEmbedder needs both a store and a dataset, or neither; got "
                f"store={self.store!r}, dataset={self.dataset!r}"
            )
        windows = Windows.parse(self.window_s, self.hop_s)
        specs, models = self._specs(), self._load()
        for spec, model in zip(specs, models, strict=True):
            if windows:
                windows.check(model, spec.name)
        self.models_ = tuple(spec.name for spec in specs)
        given = [self.models] if isinstance(self.models, str) else self.models
        self.specs_ = tuple(map(str, given))
        self.fingerprints_ = tuple(_fingerprint(model, windows) for model in models)
        self.block_sizes_ = tuple(model.dim for model in models)
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Return the embeddings of recordings.

        Parameters
        ----------
        X : sequence of str, Path or (waveform, rate_hz), of length n
            Audio files of any rate and number of channels, or samples, shape (n_samples,) or
            (n_samples, n_channels), full scale 1, with their rate in hertz. Clip ids where
            there is a manifest.

        Returns
        -------
        pandas.DataFrame of float32, shape (n, sum of the models' dimensions)
            Columns ``MODEL:i``; the index is 0, 1, ...

        Raises
        ------
        AudioError
            If recordings are missing, no audio, damaged or too long. All are named.
        ModelError
            If a model cannot embed some of them.
        UnknownNameError
            If a clip id is not in the manifest.
        StaleStoreError
            If a model has other weights or settings than at `fit`, or the store has another
            model of its name.
        """
        check_is_fitted(self, "models_")
        recordings, labels = self._recordings(X)
        windows = Windows.parse(self.window_s, self.hop_s)
        models = self._load()
        for name, fingerprint, model in zip(self.models_, self.fingerprints_, models, strict=True):
            now = _fingerprint(model, windows)
            if differences := fingerprint_differences(fingerprint, now):
                raise StaleStoreError(
                    f"AudioEmbedder: {name!r} is not the model that was there at fit:\n  "
                    + "\n  ".join(differences)
                    + "\nFit again."
                )
        kept = self._kept(recordings, labels)
        blocks = []
        for name, fingerprint, model in zip(self.models_, self.fingerprints_, models, strict=True):
            embed = self._embedding(name, model, windows, labels)
            if kept is None:
                blocks.append(embed(recordings, None))
            else:
                blocks.append(kept.block(name, fingerprint, model.dim, embed))
        return pd.DataFrame(np.concatenate(blocks, axis=1), columns=self.get_feature_names_out())

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns, ``MODEL:i``; `input_features` is ignored."""
        check_is_fitted(self, "models_")
        return np.array(column_names(self.models_, self.block_sizes_), object)

    def __sklearn_tags__(self) -> Tags:
        """Return the tags: the input is one string per recording."""
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags

    def _specs(self) -> tuple[ModelSpec, ...]:
        if isinstance(self.models, str):
            return parse_model_specs([self.models])
        if not isinstance(self.models, Sequence) or not all(
            isinstance(each, str) for each in self.models
        ):
            raise ModelError(
                "AudioEmbedder: models must be a list or tuple of specs such as 'mfcc', in an "
                f"order; got {self.models!r}. Loaded models cannot be copied to other processes."
            )
        return parse_model_specs(self.models)

    def _load(self) -> list[FoundationModel]:
        device, precision = resolve_device(self.device), check_precision(self.precision)
        return [loaded_model(spec, device, precision) for spec in self._specs()]

    def _recordings(self, X: Any) -> tuple[list[RecordingLike], list[str]]:
        """Return the recordings and what errors call them."""
        if self.manifest is None:
            recordings = as_recordings(X)
            return recordings, [label_of(each, n) for n, each in enumerate(recordings)]
        table = read_manifest(self.manifest)
        folder = local_path(table.audio_folder, "audio folder")
        path_of = {clip.clip_id: folder / clip.path for clip in table.clips}
        wanted = [str(clip_id) for clip_id in np.asarray(X, dtype=str).ravel()]
        if unknown := [clip_id for clip_id in wanted if clip_id not in path_of]:
            raise UnknownNameError(
                f"manifest {self.manifest}: {len(unknown):,} clip ids are not in it: "
                f"{listed(unknown)}."
            )
        return [path_of[clip_id] for clip_id in wanted], [f"clip {each}" for each in wanted]

    def _kept(
        self, recordings: Sequence[RecordingLike], labels: Sequence[str]
    ) -> KeptEmbeddings | None:
        if self.store is None or self.dataset is None:
            return None
        return KeptEmbeddings.of(self.store, self.dataset, recordings, labels)

    def _embedding(
        self, name: str, model: FoundationModel, windows: Windows | None, labels: Sequence[str]
    ) -> Callable[[Sequence[RecordingLike], Keep | None], NDArray[np.float32]]:
        def embed(recordings: Sequence[RecordingLike], keep: Keep | None) -> NDArray[np.float32]:
            block, failures = embed_recordings(
                name,
                model,
                recordings,
                device=resolve_device(self.device),
                max_seconds=self.max_seconds,
                windows=windows,
                progress=self.progress,
                keep=keep,
            )
            if failures:
                raise _error(name, len(recordings), list(failures.values()))
            return block

        return embed


def _fingerprint(model: FoundationModel, windows: Windows | None) -> dict[str, Any]:
    return windows.added_to(model.fingerprint) if windows else dict(model.fingerprint)


def _error(name: str, n_recordings: int, failures: Sequence[Failure]) -> RenoStoreError:
    message = failure_message(name, n_recordings, failures)
    is_audio = any(failure.is_unreadable for failure in failures)
    return AudioError(message) if is_audio else ModelError(message)
