"""Tiny checkpoints with random weights of the encoders that are not of the wav2vec 2.0 kind."""

import json
import warnings
from pathlib import Path

import torch
import transformers

__all__ = ["KINDS", "SAME_ENCODERS", "write_encoder"]

_WHISPER = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "vocab_size": 100,
    "pad_token_id": 1, "bos_token_id": 1, "eos_token_id": 1, "decoder_start_token_id": 1,
}  # fmt: skip

_SQUEEZED = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    "conv_dim": [16] * 13, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4,
}  # fmt: skip

_LANGUAGE = {
    "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 2, "vocab_size": 50, "pad_token_id": 1, "bos_token_id": 1,
    "eos_token_id": 1,
}  # fmt: skip

_PARAKEET = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    "subsampling_conv_channels": 8, "num_mel_bins": 80,
}  # fmt: skip

KINDS = {
    "audio-spectrogram-transformer": (
        "ASTForAudioClassification",
        {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
         "intermediate_size": 64},
        "ASTFeatureExtractor", {},
    ),
    "clap": (
        "ClapModel",
        {"audio_config": {"patch_embeds_hidden_size": 8, "depths": [1, 1, 1, 1],
                          "num_attention_heads": [1, 2, 2, 2], "hidden_size": 64},
         "text_config": _LANGUAGE},
        "ClapFeatureExtractor", {"truncation": "rand_trunc"},
    ),
    "clap_audio_model": (
        "ClapAudioModel",
        {"patch_embeds_hidden_size": 8, "depths": [1, 1, 1, 1],
         "num_attention_heads": [1, 2, 2, 2], "hidden_size": 64, "enable_fusion": True,
         "fusion_type": "aff_2d"},
        "ClapFeatureExtractor", {},
    ),
    "granite_speech": (
        "GraniteSpeechForConditionalGeneration",
        {"encoder_config": {"hidden_dim": 32, "num_layers": 2, "num_heads": 2, "dim_head": 16,
                            "context_size": 20, "max_pos_emb": 40, "output_dim": 8},
         "text_config": {"model_type": "granite", **_LANGUAGE}, "audio_token_index": 2,
         "projector_config": {"model_type": "blip_2_qformer", "hidden_size": 16,
                              "num_hidden_layers": 1, "num_attention_heads": 2,
                              "intermediate_size": 16, "encoder_hidden_size": 32}},
        "", {"sampling_rate": 16_000, "n_fft": 512, "win_length": 400, "hop_length": 160,
             "n_mels": 80, "feature_extractor_type": "GraniteSpeechFeatureExtractor"},
    ),
    "moonshine": (
        "MoonshineForConditionalGeneration",
        {"hidden_size": 32, "intermediate_size": 64, "encoder_num_hidden_layers": 2,
         "decoder_num_hidden_layers": 1, "encoder_num_attention_heads": 2,
         "decoder_num_attention_heads": 2, "vocab_size": 50},
        "Wav2Vec2FeatureExtractor", {"do_normalize": False, "return_attention_mask": True},
    ),
    "parakeet_ctc": (
        "ParakeetForCTC", {"encoder_config": _PARAKEET, "vocab_size": 20, "pad_token_id": 19},
        "ParakeetFeatureExtractor", {},
    ),
    "parakeet_encoder": ("ParakeetEncoder", _PARAKEET, "ParakeetFeatureExtractor", {}),
    "qwen2_audio": (
        "Qwen2AudioForConditionalGeneration",
        {"audio_config": {"d_model": 32, "encoder_layers": 2, "encoder_attention_heads": 2,
                          "encoder_ffn_dim": 64, "num_mel_bins": 80},
         "text_config": {"model_type": "qwen2", **_LANGUAGE}, "audio_token_index": 2},
        "WhisperFeatureExtractor", {},
    ),
    "sew": ("SEWForCTC", _SQUEEZED, "Wav2Vec2FeatureExtractor", {"do_normalize": True}),
    "sew-d": (
        "SEWDForCTC", {**_SQUEEZED, "max_position_embeddings": 64, "position_buckets": 16},
        "Wav2Vec2FeatureExtractor", {"do_normalize": True},
    ),
    "speecht5": (
        "SpeechT5ForSpeechToText",
        {"hidden_size": 32, "encoder_layers": 2, "decoder_layers": 1, "encoder_ffn_dim": 64,
         "encoder_attention_heads": 2, "decoder_attention_heads": 2, "decoder_ffn_dim": 64,
         "conv_dim": [16] * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4},
        "SpeechT5FeatureExtractor", {},
    ),
    "wav2vec2-bert": (
        "Wav2Vec2BertModel",
        {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
         "intermediate_size": 64, "conv_depthwise_kernel_size": 7},
        "SeamlessM4TFeatureExtractor", {"padding_value": 1},
    ),
    "whisper": ("WhisperModel", _WHISPER, "WhisperFeatureExtractor", {}),
}  # fmt: skip
"""``model_type`` -> class of the checkpoint, its config, class of the feature extractor, its
settings. Small in every direction but time."""


_TRANSDUCER = {"encoder_config": _PARAKEET, "vocab_size": 20, "decoder_hidden_size": 8,
               "blank_token_id": 19}  # fmt: skip

SAME_ENCODERS = {
    "parakeet_rnnt": ("ParakeetForRNNT", _TRANSDUCER, "ParakeetFeatureExtractor", {}),
    "parakeet_tdt": ("ParakeetForTDT", _TRANSDUCER, "ParakeetFeatureExtractor", {}),
    "qwen2_audio_encoder": (
        "Qwen2AudioEncoder", KINDS["qwen2_audio"][1]["audio_config"], "WhisperFeatureExtractor", {},
    ),
}  # fmt: skip
"""Other checkpoints with the encoder of one of `KINDS`."""


def write_encoder(folder, kind, *, seed=0, gain=1.0, extractor=None, model_class=None, **config):
    """Write a checkpoint as ``save_pretrained`` does, and return its folder.

    Parameters
    ----------
    folder : str or Path
        The folder; made when it is not there.
    kind : str
        One of `KINDS` or `SAME_ENCODERS`.
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
    default_class, settings, extractor_class, extractor_settings = {**KINDS, **SAME_ENCODERS}[kind]
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
    if not extractor_class:  # needs torchaudio
        settings = {**extractor_settings, **(extractor or {})}
        (Path(folder) / "preprocessor_config.json").write_text(json.dumps(settings))
        return Path(folder)
    with warnings.catch_warnings():
        # Also by AST's extractor as published.
        warnings.filterwarnings("ignore", "At least one mel filter has all zero values")
        made = getattr(transformers, extractor_class)(**{**extractor_settings, **(extractor or {})})
    made.save_pretrained(folder)
    return Path(folder)
