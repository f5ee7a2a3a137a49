"""Tiny checkpoints with random weights of the encoders that are not of the wav2vec 2.0 kind."""

from pathlib import Path

import torch
import transformers

__all__ = ["KINDS", "write_encoder"]

_WHISPER = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "vocab_size": 100,
    "pad_token_id": 1, "bos_token_id": 1, "eos_token_id": 1, "decoder_start_token_id": 1,
}  # fmt: skip

KINDS = {
    "whisper": ("WhisperModel", _WHISPER, "WhisperFeatureExtractor", {}),
}
"""``model_type`` -> class of the checkpoint, its config, class of the feature extractor, its
settings. Small in every direction but time."""


def write_encoder(folder, kind, *, seed=0, gain=1.0, extractor=None, model_class=None, **config):
    """Write a checkpoint as ``save_pretrained`` does, and return its folder.

    Parameters
    ----------
    folder : str or Path
        The folder; made when it is not there.
    kind : str
        One of `KINDS`.
    seed : int
        Of the weights. The global random state stays as it was.
    gain : float
        Makes the layers louder, so that attention tells one frame from another.
    extractor : dict, optional
        Settings of the feature extractor that differ from those of the table.
    model_class : str, optional
        Another class of the checkpoint, one with a head.
    **config
        Settings of the model that differ from the table.
    """
    default_class, settings, extractor_class, extractor_settings = KINDS[kind]
    chosen = getattr(transformers, model_class or default_class)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = chosen(chosen.config_class(**{**settings, **config}))
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if ".layers." in f".{name}" and weight.ndim > 1:
                    weight.mul_(gain)
                elif weight.ndim == 1 or "position" in name:  # zeros and ones, fresh
                    weight.add_(0.1 * torch.randn(weight.shape))
        model.save_pretrained(folder)
    made = getattr(transformers, extractor_class)(**{**extractor_settings, **(extractor or {})})
    made.save_pretrained(folder)
    return Path(folder)
