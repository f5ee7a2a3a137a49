"""Tiny BEATs checkpoints in the published layout, ``{"cfg": ..., "model": ...}``."""

from pathlib import Path

import torch

__all__ = ["CONFIG", "write_beats"]

CONFIG = {
    "input_patch_size": 16,
    "embed_dim": 32,
    "conv_bias": False,
    "encoder_layers": 3,
    "encoder_embed_dim": 48,
    "encoder_ffn_embed_dim": 64,
    "encoder_attention_heads": 4,
    "activation_fn": "gelu",
    "layer_wise_gradient_decay_ratio": 0.6,
    "layer_norm_first": False,
    "deep_norm": True,
    "dropout": 0.0,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
    "encoder_layerdrop": 0.05,
    "dropout_input": 0.0,
    "conv_pos": 128,
    "conv_pos_groups": 16,
    "relative_position_embedding": True,
    "num_buckets": 320,
    "max_distance": 800,
    "gru_rel_pos": True,
    "finetuned_model": False,
}
"""Every key of a published ``cfg`` that changes the encoder; the sizes are small."""


def write_beats(path: Path, *, phase: float = 0.0, head: bool = False, **changes) -> Path:
    """Write a checkpoint whose weights are sines, the same on every machine.

    Parameters
    ----------
    path : Path
        The file.
    phase : float
        Of the sines: another phase is another model.
    head : bool
        Whether it is fine-tuned and has a head.
    **changes
        Settings that differ from `CONFIG`.
    """
    config = {**CONFIG, "finetuned_model": head, **changes}
    weights = {}
    for number, (name, shape) in enumerate(_shapes(config, head).items()):
        steps = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
        values = torch.sin(steps * (0.7 + 0.013 * number) + phase).reshape(shape)
        if name.endswith(("norm.weight", "weight_g", "grep_a")):
            values = 1 + 0.2 * values
        weights[name] = (values * (1 if "norm" in name or "weight_g" in name else 0.3)).float()
    shared = "encoder.layers.0.self_attn.relative_attention_bias.weight"
    for name in weights:
        if name.endswith("relative_attention_bias.weight"):
            weights[name] = weights[shared]
    torch.save({"cfg": config, "model": weights}, path)
    return path


def _shapes(config: dict, head: bool) -> dict[str, tuple[int, ...]]:
    patch, width, inner = (
        config[key] for key in ("embed_dim", "encoder_embed_dim", "encoder_ffn_embed_dim")
    )
    n_heads, kernel = config["encoder_attention_heads"], config["conv_pos"]
    shapes: dict[str, tuple[int, ...]] = {
        "post_extract_proj.weight": (width, patch),
        "post_extract_proj.bias": (width,),
        "patch_embedding.weight": (patch, 1, 16, 16),
        "encoder.pos_conv.0.bias": (width,),
        "encoder.pos_conv.0.weight_g": (1, 1, kernel),
        "encoder.pos_conv.0.weight_v": (width, width // config["conv_pos_groups"], kernel),
        "encoder.layer_norm.weight": (width,),
        "encoder.layer_norm.bias": (width,),
        "layer_norm.weight": (patch,),
        "layer_norm.bias": (patch,),
    }
    for number in range(config["encoder_layers"]):
        layer = f"encoder.layers.{number}"
        shapes[f"{layer}.self_attn.grep_a"] = (1, n_heads, 1, 1)
        shapes[f"{layer}.self_attn.relative_attention_bias.weight"] = (320, n_heads)
        linears = {f"self_attn.{name}_proj": (width, width) for name in ("k", "v", "q", "out")}
        linears["self_attn.grep_linear"] = (8, width // n_heads)
        linears |= {"fc1": (inner, width), "fc2": (width, inner)}
        for name, shape in linears.items():
            shapes[f"{layer}.{name}.weight"], shapes[f"{layer}.{name}.bias"] = shape, shape[:1]
        for name in ("self_attn_layer_norm", "final_layer_norm"):
            shapes[f"{layer}.{name}.weight"] = shapes[f"{layer}.{name}.bias"] = (width,)
    if head:
        shapes |= {"predictor.weight": (527, width), "predictor.bias": (527,)}
    return shapes
