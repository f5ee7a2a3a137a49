"""A checkpoint's files -> encoder, feature extractor and fingerprint; weights only, nothing is run.

What transformers would pass over in silence is refused: weights that are missing or do not
fit (it makes them up), weights of the encoder that its config leaves unused, weights that are
not finite, a feature extractor of another kind.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from reno_store.audio import PREPROCESSING
from reno_store.errors import ModelError
from reno_store.foundation_models.huggingface.hub import CheckpointFiles
from reno_store.foundation_models.weights import PRETRAINING_WEIGHTS, hash_weights

__all__ = ["FAMILIES", "Checkpoint", "read_checkpoint"]

FAMILIES = (
    "data2vec-audio",
    "hubert",
    "unispeech",
    "unispeech-sat",
    "wav2vec2",
    "wav2vec2-conformer",
    "wavlm",
)
"""Values of a config's ``model_type`` that can be run. MMS is wav2vec2."""

# They name where a checkpoint came from or who wrote it, not what it computes.
_VOLATILE_CONFIG_KEYS = {
    "_commit_hash",
    "_name_or_path",
    "architectures",
    "dtype",
    "torch_dtype",
    "transformers_version",
}
# Parts that every embedding comes from. A fine-tuned checkpoint's other parts (lm_head,
# classifier, projector, quantizer, adapter ...) come after them and may be left unused.
_ENCODER_PARTS = ("feature_extractor.", "feature_projection.", "encoder.")
_PREPROCESSING_KEYS = ("do_normalize", "sampling_rate", "padding_value", "return_attention_mask")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint in memory.

    Attributes
    ----------
    encoder : torch.nn.Module
        In float32, on the CPU.
    extractor : object
        The checkpoint's own feature extractor; normalises the input or not, as its
        preprocessor_config.json says.
    identity : Mapping[str, Any]
        The parts of a fingerprint that follow from the files.
    """

    encoder: Any
    extractor: Any
    identity: Mapping[str, Any]


def read_checkpoint(files: CheckpointFiles) -> Checkpoint:
    """Read a checkpoint as ``save_pretrained`` writes it.

    Raises
    ------
    ModelError
        If its config, its preprocessor config or its weights are missing, the weights do
        not fit the config, the config has no place for some of the encoder's weights, or
        the architecture is not among `FAMILIES`.
    """
    from transformers import AutoFeatureExtractor, AutoModel, Wav2Vec2FeatureExtractor

    location, folder = files.location, str(files.folder)
    raw_config = _read_config(files)
    _check_preprocessing(files)
    with _quiet_transformers():
        try:
            extractor = AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
            # Shapes that do not fit come back in `loading`, with their names.
            encoder, loading = AutoModel.from_pretrained(
                folder,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                local_files_only=True,
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
    identity: dict[str, Any] = {
        "kind": "huggingface",
        "architecture": raw_config["model_type"],
        "config": _config_digest(raw_config),
        "weights": hash_weights(encoder),
        "preprocessing": {
            **PREPROCESSING,
            "extractor": type(extractor).__name__,
            **{key: getattr(extractor, key) for key in _PREPROCESSING_KEYS},
        },
    }
    if files.commit:
        identity["source"] = {"repository": files.repository, "commit": files.commit}
    return Checkpoint(encoder, extractor, identity)


def _read_config(files: CheckpointFiles) -> dict[str, Any]:
    from transformers import PretrainedConfig

    location = files.location
    try:
        config, _ = PretrainedConfig.get_config_dict(str(files.folder), local_files_only=True)
    except (OSError, ValueError, AttributeError, TypeError) as error:
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


def _check_preprocessing(files: CheckpointFiles) -> None:
    from transformers import FeatureExtractionMixin

    location = files.location
    try:
        entries, _ = FeatureExtractionMixin.get_feature_extractor_dict(
            str(files.folder), local_files_only=True
        )
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
    if unused := _unused_encoder_weights(encoder, loading):
        raise ModelError(
            f"model {location}: its config.json has no place for {len(unused)} of the encoder's "
            f"weights, first {unused[0]!r}. Embeddings without them would be wrong. Take config "
            "and weights from one checkpoint (num_hidden_layers, feat_extract_norm and conv_bias "
            "of config.json must be those of the weights); for the embeddings of a lower layer, "
            "keep the config and put ?layer=NUMBER behind the model."
        )
    bad = [name for name, tensor in encoder.named_parameters() if not tensor.isfinite().all()]
    if bad:
        raise ModelError(f"model {location}: weight {bad[0]!r} holds NaN or infinite values.")


def _unused_encoder_weights(encoder: torch.nn.Module, loading: Mapping[str, Any]) -> list[str]:
    """List the checkpoint's weights of the encoder that were not loaded."""
    # Below a head the names begin with the encoder's own.
    prefix = f"{encoder.base_model_prefix}."
    names = sorted(str(name).removeprefix(prefix) for name in loading.get("unexpected_keys", ()))
    return [name for name in names if name.startswith(_ENCODER_PARTS)]


def _config_digest(config: Mapping[str, Any]) -> str:
    kept = {key: value for key, value in config.items() if key not in _VOLATILE_CONFIG_KEYS}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


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
