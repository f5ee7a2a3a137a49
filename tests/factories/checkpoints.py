"""Tiny checkpoints with random weights, laid out on disk as published ones are."""

from pathlib import Path

import torch

__all__ = ["FAMILIES", "TINY", "write_checkpoint"]

FAMILIES = (
    "wav2vec2",
    "hubert",
    "wavlm",
    "unispeech-sat",
    "unispeech",
    "data2vec-audio",
    "wav2vec2-conformer",
)

TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
"""Small in every direction but time: strides and kernels are those of the real models."""


def write_checkpoint(
    folder: str | Path,
    family: str,
    *,
    seed: int = 0,
    do_normalize: bool = True,
    gain: float = 1.0,
    **config,
) -> Path:
    """Write config.json, model.safetensors and preprocessor_config.json into a folder.

    Parameters
    ----------
    folder : str or Path
        The folder; made when it is not there.
    family : str
        One of `FAMILIES`, a config's ``model_type``.
    seed : int
        Of the weights. The global random state stays as it was.
    do_normalize : bool
        Whether the checkpoint wants its input with mean 0 and variance 1.
    gain : float
        Makes the layers behind the first convolutions louder: fresh weights are so small
        that attention hardly tells one frame from another.
    **config
        Settings of the model that differ from `TINY`.

    Returns
    -------
    Path
        The folder.
    """
    from transformers import AutoConfig, AutoModel, Wav2Vec2FeatureExtractor

    folder = Path(folder)
    if family == "data2vec-audio":  # here it is the number of positional convolutions
        config.setdefault("num_conv_pos_embeddings", 3)
    settings = AutoConfig.for_model(family, **{**TINY, **config})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModel.from_config(settings)
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if name.startswith("encoder.layers.") and weight.ndim > 1:
                    weight.mul_(gain)
        model.save_pretrained(folder)
    extractor = Wav2Vec2FeatureExtractor(do_normalize=do_normalize, return_attention_mask=False)
    extractor.save_pretrained(folder)
    return folder
