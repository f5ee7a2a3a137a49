"""A trained classifier with the foundation models that it needs: recordings in, labels out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from reno_store.errors import AudioError, ModelError, RecognizerError
from reno_store.extraction import MAX_SECONDS
from reno_store.extraction.files import failure_message
from reno_store.extraction.reports import Failure
from reno_store.recognition.models import RecognizerModel, absolute_spec
from reno_store.runtime.devices import resolve_device
from reno_store.runtime.notebooks import (
    html_details,
    html_preformatted,
    html_table,
    html_text,
    html_view,
)
from reno_store.samples import AudioEmbedder
from reno_store.samples.recordings import RecordingLike, as_recordings, embed_recordings

__all__ = ["Recognizer", "logits_of"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Recognizer:
    """Recognizes recordings; made by `train_recognizer`, `load_recognizer` or `of_pipeline`.

    Attributes
    ----------
    models : tuple[RecognizerModel, ...]
        The foundation models, in the order of the blocks of X.
    classifier : sklearn classifier
        Fitted on their embeddings.
    scaler : StandardScaler or None
        Fitted on the same; None where embeddings are used as they are.
    temperature : float or None
        Divides the classifier's logits before the softmax; None where its own probabilities
        are used.
    device : str
        Where the foundation models compute.
    card : str
        Its model card, in Markdown; empty where it has none.
    trained_on : Mapping[str, Any]
        JSON values about the training data.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> rng = np.random.default_rng(0)
    >>> recordings = [(rng.normal(0, 0.1, 8_000 + n), 16_000) for n in range(8)]
    >>> pipeline = make_pipeline(AudioEmbedder("mfcc"), StandardScaler(), LogisticRegression())
    >>> recognizer = Recognizer.of_pipeline(pipeline.fit(recordings, ["cry", "laugh"] * 4))
    >>> recognizer.classes_.tolist(), recognizer.predict_proba(recordings[0]).shape
    (['cry', 'laugh'], (1, 2))
    """

    models: tuple[RecognizerModel, ...]
    classifier: Any
    scaler: StandardScaler | None = None
    temperature: float | None = None
    device: str = "auto"
    card: str = ""
    trained_on: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        models = "+".join(model.name for model in self.models)
        return f"<Recognizer: {type(self.classifier).__name__} on {models}>"

    def _repr_html_(self) -> str:
        models = [(model.name, model.spec, model.dim) for model in self.models]
        known = ", ".join(f"{name} {value}" for name, value in self.trained_on.items())
        probabilities = "as the classifier returns them"
        if self.temperature is not None:
            probabilities = f"calibrated, temperature {self.temperature:.3g}"
        parts = [
            html_text(f"Labels: {', '.join(map(str, self.classes_))}"),
            html_text(f"Probabilities: {probabilities}"),
            html_text(f"Trained on: {known}" if known else ""),
            html_table(("model", "place", "dimensions"), models),
        ]
        if self.card:
            parts.append(html_details("Model card", html_preformatted(self.card)))
        return html_view(f"Recognizer: {type(self.classifier).__name__}", *parts)

    @classmethod
    def of_pipeline(cls, pipeline: Any) -> Recognizer:
        """Make one of a fitted pipeline.

        Parameters
        ----------
        pipeline : Pipeline
            `AudioEmbedder`, then perhaps a `StandardScaler`, then a classifier. A search has
            one as its best estimator.

        Raises
        ------
        RecognizerError
            If it is something else, or its classifier returns no probabilities.
        """
        pipeline = getattr(pipeline, "best_estimator_", pipeline)
        steps = [step for _, step in pipeline.steps] if isinstance(pipeline, Pipeline) else []
        kinds = [type(step) for step in steps[:-1]]
        if kinds not in ([AudioEmbedder], [AudioEmbedder, StandardScaler]) or not is_classifier(
            steps[-1]
        ):
            shown = ", ".join(type(step).__name__ for step in steps) or type(pipeline).__name__
            raise RecognizerError(
                "expected a pipeline of AudioEmbedder, perhaps StandardScaler, and a classifier; "
                f"got {shown}."
            )
        for step in steps:
            check_is_fitted(step)
        embedder, classifier = steps[0], _without_names(steps[-1])
        if not hasattr(classifier, "predict_proba"):
            raise RecognizerError(
                f"{type(classifier).__name__} has no predict_proba, so it gives no probabilities."
            )
        models = tuple(
            RecognizerModel(name, absolute_spec(spec), dim, fingerprint)
            for name, spec, dim, fingerprint in zip(
                embedder.models_,
                embedder.specs_,
                embedder.block_sizes_,
                embedder.fingerprints_,
                strict=True,
            )
        )
        scaler = _without_names(steps[1]) if len(steps) == 3 else None
        return cls(models, classifier, scaler, device=embedder.device)

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels, in the order of the columns of `predict_proba`."""
        labels: NDArray[Any] = self.classifier.classes_
        return labels

    def predict(self, recordings: Any) -> NDArray[Any]:
        """Return the most probable label of each recording; as `predict_proba`."""
        labels: NDArray[Any] = self.classes_[self.predict_proba(recordings).argmax(axis=1)]
        return labels

    def predict_proba(self, recordings: Any) -> NDArray[np.float64]:
        """Return the probability of each label.

        Parameters
        ----------
        recordings : str, Path, (waveform, rate_hz) or a sequence of them
            Audio files of any rate and number of channels, or samples, shape (n_samples,) or
            (n_samples, n_channels), full scale 1, with their rate in hertz.

        Returns
        -------
        numpy.ndarray of float64, shape (n_recordings, n_classes)
            Each row sums to one.

        Raises
        ------
        AudioError
            If recordings are missing, no audio, damaged or longer than a minute; all are named.
        ModelError
            If a foundation model is not the one of training, cannot be loaded, or cannot embed
            a recording.
        """
        given = as_recordings(recordings)
        X, failures = self.embed(given)
        if failures:
            names = " and ".join(model.name for model in self.models)
            message = failure_message(names, len(given), list(failures.values()))
            is_audio = any(failure.is_unreadable for failure in failures.values())
            raise AudioError(message) if is_audio else ModelError(message)
        return self.probabilities(X)

    def embed(
        self,
        recordings: Sequence[RecordingLike],
        *,
        max_seconds: float | None = MAX_SECONDS,
        advance: Callable[[int], None] = lambda n: None,
    ) -> tuple[NDArray[np.float32], dict[int, Failure]]:
        """Embed recordings exactly as in training.

        Parameters
        ----------
        recordings : Sequence[Path or (waveform, rate_hz)]
            The recordings.
        max_seconds : float or None
            Longer recordings fail; None allows any length.
        advance : callable
            Called with the number of embeddings that a model has finished.

        Returns
        -------
        numpy.ndarray of float32, shape (n_recordings, sum of the models' dimensions)
            Rows of recordings that failed are NaN.
        dict of int to Failure
            Why recordings failed, by their positions.
        """
        device = resolve_device(self.device)
        failures: dict[int, Failure] = {}
        blocks = []
        for model in self.models:
            rest = [n for n in range(len(recordings)) if n not in failures]
            found, failed = embed_recordings(
                model.name,
                model.load(device),
                [recordings[n] for n in rest],
                device=device,
                max_seconds=max_seconds,
                windows=model.windows,
                keep=lambda rows, _: advance(len(rows)),
            )
            block = np.full((len(recordings), model.dim), np.nan, np.float32)
            block[rest] = model.as_stored(found)
            blocks.append(block)
            failures.update({rest[n]: failure for n, failure in failed.items()})
        return np.concatenate(blocks, axis=1), failures

    def probabilities(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of each label, shape (n, n_classes), from embeddings."""
        if not len(X):
            return np.empty((0, len(self.classes_)))
        scaled = X if self.scaler is None else np.asarray(self.scaler.transform(X))
        if self.temperature is None:
            return np.asarray(self.classifier.predict_proba(scaled), np.float64)
        from scipy.special import softmax

        found: NDArray[np.float64] = softmax(
            logits_of(self.classifier, scaled) / self.temperature, axis=1
        )
        return found


def logits_of(classifier: Any, X: NDArray[Any]) -> NDArray[np.float64]:
    """Return scores whose softmax are a classifier's probabilities, where it has any.

    Returns
    -------
    numpy.ndarray of float64, shape (n, n_classes)
        The logarithm of the probabilities; for classifiers without, such as an SVM, the decision
        function, which becomes probabilities by calibration.
    """
    if hasattr(classifier, "predict_log_proba"):
        logits = np.asarray(classifier.predict_log_proba(X), np.float64)
        return np.maximum(logits, np.log(np.finfo(np.float64).tiny))
    scores = np.asarray(classifier.decision_function(X), np.float64)
    return np.stack([-scores / 2, scores / 2], axis=1) if scores.ndim == 1 else scores


def _without_names(step: Any) -> Any:
    """Return a copy of a step that was fitted on a DataFrame, for arrays."""
    copied = copy.copy(step)
    if hasattr(copied, "feature_names_in_"):
        del copied.feature_names_in_
    return copied
