"""Encoders of the wav2vec 2.0 family from the Hugging Face hub or from a folder.

Data walks: waveform -> the checkpoint's own feature extractor (which normalises the
input or not, as its preprocessor_config.json says) -> encoder in eval mode -> last hidden
state -> mean over time. Clips go one at a time: the 'base' models normalise their first
convolution over time, so a padded batch would change what they say of a clip.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reno_store.audio import PREPROCESSING
from reno_store.errors import ModelError
from reno_store.foundation_models.pooling import mean_over_time
from reno_store.foundation_models.protocol import Waveform
from reno_store.foundation_models.weights import PRETRAINING_WEIGHTS, hash_weights

__all__ = ["FAMILIES", "HuggingFaceEncoder"]

FAMILIES = ("hubert", "unispeech-sat", "wav2vec2", "wavlm")
"""Values of a config's ``model_type`` that this module can run."""

_CODE_VERSION = 1
"""Raised whenever this module's numbers change."""

# They name where a checkpoint came from or who wrote it, not what it computes.
_VOLATILE_CONFIG_KEYS = {
    "_name_or_path",
    "architectures",
    "dtype",
    "torch_dtype",
    "transformers_version",
}
_PREPROCESSING_KEYS = ("do_normalize", "sampling_rate", "padding_value", "return_attention_mask")


class HuggingFaceEncoder:
    """A frozen encoder; see `FoundationModel` for the attributes and `embed`."""

    def __init__(
        self, encoder: Any, extractor: Any, fingerprint: Mapping[str, Any], device: str
    ) -> None:
        self._encoder = encoder.to(device).eval().requires_grad_(False)
        self._extractor = extractor
        self._device = device
        self.fingerprint: Mapping[str, Any] = fingerprint
        self.sample_rate_hz: int = int(extractor.sampling_rate)
        config = encoder.config
        adapted = getattr(config, "add_adapter", False)
        self.dim: int = int(config.output_hidden_size if adapted else config.hidden_size)
        self.min_samples: int = _receptive_field(config.conv_kernel, config.conv_stride)

    @classmethod
    def load(cls, location: str, *, device: str = "cpu") -> HuggingFaceEncoder:
        """Load a checkpoint, weights only: nothing in it is run as code.

        Parameters
        ----------
        location : str
            A folder as ``save_pretrained`` writes it, or a hub id.
        device : str
            A torch device.

        Raises
        ------
        ModelError
            If the folder, its config, its preprocessor config or its weights are missing,
            the weights do not fit, or the architecture is not among `FAMILIES`.
        """
        from transformers import AutoFeatureExtractor, AutoModel, Wav2Vec2FeatureExtractor

        if Path(location).expanduser().is_dir():
            location = str(Path(location).expanduser())
        elif location.startswith((".", "~", "/")) or location.count("/") > 1:
            raise ModelError(f"model folder {location} does not exist; give a folder or a hub id.")
        raw_config = _read_config(location)
        _check_preprocessing(location)
        with _quiet_transformers():
            try:
                extractor = AutoFeatureExtractor.from_pretrained(location)
                # Shapes that do not fit come back in `loading`, with their names.
                encoder, loading = AutoModel.from_pretrained(
                    location,
                    dtype=torch.float32,
                    output_loading_info=True,
                    ignore_mismatched_sizes=True,
                )
            # A broken checkpoint makes transformers and what it calls raise almost anything.
            except Exception as error:
                raise ModelError(f"model {location}: cannot be loaded: {error}") from error
        if not isinstance(extractor, Wav2Vec2FeatureExtractor):
            raise ModelError(
                f"model {location}: its preprocessor_config.json asks for "
                f"{type(extractor).__name__}; expected Wav2Vec2FeatureExtractor, which takes "
                "waveforms."
            )
        _check_weights(location, encoder, loading)
        fingerprint = {
            "kind": "huggingface",
            "architecture": raw_config["model_type"],
            "config": _config_digest(raw_config),
            "weights": hash_weights(encoder),
            "preprocessing": {
                **PREPROCESSING,
                "extractor": type(extractor).__name__,
                **{key: getattr(extractor, key) for key in _PREPROCESSING_KEYS},
            },
            "layer": "last",
            "pooling": "mean",
            "precision": "float32",
            "code": _CODE_VERSION,
        }
        return cls(encoder, extractor, fingerprint, device)

    def embed(self, waveforms: Sequence[Waveform]) -> NDArray[np.float32]:
        """Embed each clip by itself; see `FoundationModel.embed`."""
        embeddings = np.empty((len(waveforms), self.dim), np.float32)
        for row, waveform in enumerate(waveforms):
            embeddings[row] = self._embed_one(waveform)
        return embeddings

    @torch.inference_mode()
    def _embed_one(self, waveform: Waveform) -> NDArray[np.float32]:
        if len(waveform) < self.min_samples:
            raise ModelError(
                f"{len(waveform)} samples at {self.sample_rate_hz} Hz are shorter than one frame "
                f"of the model; it needs at least {self.min_samples} "
                f"({self.min_samples / self.sample_rate_hz:.3f} s)."
            )
        inputs = self._extractor(
            waveform, sampling_rate=self.sample_rate_hz, return_tensors="pt"
        ).to(self._device)
        # TF32, which cuDNN's convolutions use unless told otherwise, is not float32.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            hidden = self._encoder(**inputs).last_hidden_state[0]
        return mean_over_time(hidden).cpu().numpy()


def _read_config(location: str) -> dict[str, Any]:
    from transformers import PretrainedConfig

    try:
        config, _ = PretrainedConfig.get_config_dict(location)
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"model {location}: no usable config.json: {error}") from None
    if not config or not isinstance(config, dict):
        raise ModelError(
            f"model {location}: no usable config.json. Expected a folder as save_pretrained "
            "writes it, or a hub id."
        )
    family = config.get("model_type")
    if family not in FAMILIES:
        raise ModelError(
            f"model {location}: its architecture is {family!r}; expected one of "
            f"{', '.join(FAMILIES)}."
        )
    return config


def _check_preprocessing(location: str) -> None:
    from transformers import FeatureExtractionMixin

    try:
        entries, _ = FeatureExtractionMixin.get_feature_extractor_dict(location)
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(
            f"model {location}: no usable preprocessor_config.json, which says how the model "
            "wants its input (sample rate, normalised or not). Copy it from where the "
            "checkpoint was published, or write it with the feature extractor's "
            f"save_pretrained. ({str(error).splitlines()[0]})"
        ) from None
    if not isinstance(entries, dict):
        raise ModelError(f"model {location}: no usable preprocessor_config.json: no JSON object.")
    rate_hz = entries.get("sampling_rate", 16_000)
    if not isinstance(rate_hz, int) or rate_hz < 1:
        raise ModelError(
            f"model {location}: its preprocessor_config.json gives the sampling_rate {rate_hz!r}; "
            "expected hertz, such as 16000."
        )


def _check_weights(location: str, encoder: torch.nn.Module, loading: Mapping[str, Any]) -> None:
    """Refuse weights that transformers would silently have made up."""
    absent = sorted(set(loading["missing_keys"]) - PRETRAINING_WEIGHTS)
    unfit = sorted(str(entry[0]) for entry in loading.get("mismatched_keys", ()))
    if absent or unfit:
        raise ModelError(
            f"model {location}: the weights do not fit its config.json: {len(absent)} are missing "
            f"and {len(unfit)} have another shape, first {(absent + unfit)[0]!r}. "
            "Take config and weights from one checkpoint."
        )
    bad = [name for name, tensor in encoder.named_parameters() if not tensor.isfinite().all()]
    if bad:
        raise ModelError(f"model {location}: weight {bad[0]!r} holds NaN or infinite values.")


def _config_digest(config: Mapping[str, Any]) -> str:
    kept = {key: value for key, value in config.items() if key not in _VOLATILE_CONFIG_KEYS}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _receptive_field(kernels: Sequence[int], strides: Sequence[int]) -> int:
    """Count the samples that one frame sees: the shortest input of a stack of convolutions."""
    samples = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        samples = (samples - 1) * stride + kernel
    return samples


@contextlib.contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Keep transformers' own bars and notes off the terminal while it loads."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
