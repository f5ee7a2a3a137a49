"""A checkpoint's files -> encoder, feature extractor and fingerprint; only weights are read.

transformers accepts these without a word, so they are refused here: weights that are missing
or do not fit (it fills in random ones), encoder weights that the config leaves unused,
weights that are not finite, a feature extractor of another kind.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from reno_store.corpora.audio import PREPROCESSING
from reno_store.errors import ModelError
from reno_store.foundation_models.huggingface.families import FAMILIES, Family
from reno_store.foundation_models.huggingface.families.generic import WAYS_OUT, Generic
from reno_store.foundation_models.huggingface.hub import CheckpointFiles
from reno_store.foundation_models.weights import PRETRAINING_WEIGHTS, hash_weights

__all__ = ["Checkpoint", "read_checkpoint", "unusable"]

# Where a checkpoint came from or who wrote it, not what it computes.
_VOLATILE_CONFIG_KEYS = {
    "_commit_hash",
    "_name_or_path",
    "architectures",
    "dtype",
    "torch_dtype",
    "transformers_version",
}

_EXTRACTOR_ADVICE = (
    "It defines the input of the model (sample rate, normalized or not). Copy it from where the "
    "checkpoint was published, or write it with the feature extractor's save_pretrained"
)
_FOREIGN_CODE = "it needs Python code of its own, which reno-store never runs"
_RANDOM = "dither adds random noise to every clip; expected 0"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint in memory.

    Attributes
    ----------
    family : Family
        How to embed with its architecture.
    encoder : torch.nn.Module
        In float32, on the CPU.
    extractor : object
        The checkpoint's own feature extractor. Its preprocessor_config.json decides whether
        the input is normalized.
    identity : Mapping[str, Any]
        The parts of a fingerprint that follow from the files.
    """

    family: Family
    encoder: Any
    extractor: Any
    identity: Mapping[str, Any]


def read_checkpoint(files: CheckpointFiles, context: str = "") -> Checkpoint:
    """Read a checkpoint as ``save_pretrained`` writes it.

    Parameters
    ----------
    files : CheckpointFiles
        From `locate`.
    context : str
        One of the family's ``contexts``; the first by default.

    Raises
    ------
    ModelError
        If its config, its preprocessor config or its weights are missing or do not fit each
        other, the config leaves weights of the encoder unused, it has no such context, or the
        architecture is not among `FAMILIES` and does not turn a clip into frames either.
    """
    from transformers import PretrainedConfig

    config = _read_json(
        files,
        "config.json",
        PretrainedConfig.get_config_dict,
        "Expected a folder as save_pretrained writes it, or a hub id",
    )
    architecture = config.get("model_type")
    family = FAMILIES.get(str(architecture))
    if family is None:
        try:
            return _read(files, config, Generic(), context)
        except ModelError as error:
            raise unusable(files.location, architecture, error) from error.__cause__
    return _read(files, config, family, context)


def unusable(location: str, architecture: object, error: ModelError) -> ModelError:
    """Return the refusal of an encoder without a family, with what to do instead."""
    reason = error.message.removeprefix(f"model {location}: ")
    return ModelError(
        f"model {location}: its architecture is {architecture!r}, which is not one of "
        f"{', '.join(sorted(FAMILIES))}; as any other encoder of audio it cannot be used: {reason}",
        *WAYS_OUT,
    )


def _read(
    files: CheckpointFiles, config: Mapping[str, Any], family: Family, context: str
) -> Checkpoint:
    from transformers import FeatureExtractionMixin

    location, folder = files.location, str(files.folder)
    if context:
        try:
            family = family.in_context(context)
        except ModelError as error:
            raise ModelError(f"model {location}: {error}") from None
    settings = _read_json(
        files,
        "preprocessor_config.json",
        FeatureExtractionMixin.get_feature_extractor_dict,
        _EXTRACTOR_ADVICE if family.extractor else "A checkpoint that takes audio has one",
    )
    rate_hz = settings.get("sampling_rate", 16_000 if family.extractor else None)
    if not isinstance(rate_hz, int) or rate_hz < 1:
        raise ModelError(
            f"model {location}: sampling_rate is {rate_hz!r} in its preprocessor_config.json; "
            "expected hertz, such as 16000."
        )
    with _quiet_transformers():
        try:
            extractor_name, extractor = family.load_extractor(folder)
            # Shapes that do not fit come back in `loading`, with their names.
            model, loading = family.load(
                folder,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                local_files_only=True,
            )
        # A broken checkpoint makes transformers and what it calls raise almost anything.
        except Exception as error:
            reason = _FOREIGN_CODE if "trust_remote_code" in str(error) else str(error)
            raise ModelError(f"model {location}: cannot be loaded: {reason}") from error
    if family.extractor and extractor_name != family.extractor:
        raise ModelError(
            f"model {location}: its preprocessor_config.json names {extractor_name}; expected "
            f"{family.extractor}."
        )
    encoder = family.encoder(model)
    _check_weights(location, model, loading, family.parts_of(model))
    problem = _RANDOM if getattr(extractor, "dither", 0) else ""
    if problem := problem or family.problem(extractor, encoder.config):
        raise ModelError(
            f"model {location}: its preprocessor_config.json does not fit: {problem}. Take it from "
            "where the checkpoint was published."
        )
    family = family.fitted(encoder, extractor)
    identity: dict[str, Any] = {
        "kind": "huggingface",
        "architecture": config.get("model_type"),
        "config": _config_digest(config),
        "weights": hash_weights(encoder),
        "preprocessing": {
            **PREPROCESSING,
            "extractor": family.extractor,
            **family.described(extractor),
        },
    }
    if family.context:
        identity["context"] = family.context
    if files.commit:
        identity["source"] = {"repository": files.repository, "commit": files.commit}
    return Checkpoint(family, encoder, extractor, identity)


def _read_json(
    files: CheckpointFiles, name: str, read: Callable[..., Any], advice: str
) -> dict[str, Any]:
    reason = "no JSON object"
    try:
        entries, _ = read(str(files.folder), local_files_only=True)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        entries, reason = None, str(error).partition("\n")[0]
    if not (files.folder / name).exists():
        reason = "the folder has no such file"
    if not entries or not isinstance(entries, dict):
        raise ModelError(f"model {files.location}: no usable {name}. {advice}. ({reason})")
    return entries


def _check_weights(
    location: str, model: torch.nn.Module, loading: Mapping[str, Any], parts: tuple[str, ...]
) -> None:
    """Refuse weights for which transformers would silently use random numbers, or none."""
    absent = sorted(set(loading["missing_keys"]) - PRETRAINING_WEIGHTS)
    unfit = sorted(str(entry[0]) for entry in loading.get("mismatched_keys", ()))
    if absent or unfit:
        raise ModelError(
            f"model {location}: the weights do not fit its config.json: {len(absent)} are missing "
            f"and {len(unfit)} have another shape, first {(absent + unfit)[0]!r}. "
            "Take config and weights from one checkpoint."
        )
    # In a checkpoint with a head, the names begin with the encoder's own name.
    prefix = f"{model.base_model_prefix}."
    names = (str(name).removeprefix(prefix) for name in loading.get("unexpected_keys", ()))
    if unused := sorted(name for name in names if name.startswith(parts)):
        raise ModelError(
            f"model {location}: its config.json leaves {len(unused)} of the encoder's weights "
            f"unused, first {unused[0]!r}. Embeddings without them would be wrong. Take config "
            "and weights from one checkpoint (num_hidden_layers, feat_extract_norm and conv_bias "
            "of config.json must be those of the weights); for the embeddings of a lower layer, "
            "keep the config and add ?layer=NUMBER to the model."
        )
    bad = [name for name, tensor in model.named_parameters() if not tensor.isfinite().all()]
    if bad:
        raise ModelError(f"model {location}: weight {bad[0]!r} holds NaN or infinite values.")


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
        with warnings.catch_warnings():
            # AST's published extractor has such filters.
            warnings.filterwarnings("ignore", "At least one mel filter has all zero values")
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
