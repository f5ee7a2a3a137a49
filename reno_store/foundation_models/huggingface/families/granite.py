"""Granite Speech: its CTC encoder, a Conformer with attention in blocks of 200 frames.

The feature extractor of transformers needs torchaudio. Its log-mel spectrogram is computed here
from the same settings, so that embeddings do not depend on what is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from reno_store.foundation_models.huggingface.families.base import Family, Frames
from reno_store.foundation_models.protocol import Waveform

__all__ = ["GraniteExtractor", "GraniteSpeech"]

_FRAMES_STACKED = 2
_DYNAMIC_RANGE = 8.0  # powers of ten below the loudest value of a clip


@dataclass(frozen=True, slots=True)
class GraniteExtractor:
    """The settings of a ``GraniteSpeechFeatureExtractor`` that change its spectrogram."""

    sampling_rate: int = 16_000
    n_fft: int = 512
    win_length: int = 400
    hop_length: int = 160
    n_mels: int = 80


@dataclass(frozen=True, slots=True)
class _StackedFrames:
    """Pairs of the frames of a centred spectrogram."""

    hop_samples: int
    shortest: int

    def after(self, n_samples: int) -> int:
        return (n_samples // self.hop_samples + 1) // _FRAMES_STACKED


@dataclass(frozen=True, slots=True)
class GraniteSpeech(Family):
    """The encoder of a Granite Speech checkpoint; the language model is not loaded."""

    extractor: str = "GraniteSpeechFeatureExtractor"
    settings: tuple[str, ...] = ("sampling_rate", "n_fft", "win_length", "hop_length", "n_mels")
    parts: tuple[str, ...] = ("input_linear.", "layers.", "out.", "out_mid.")
    encoder_class: str = "granite_speech.modeling_granite_speech.GraniteSpeechCTCEncoder"
    inside: str = r"^(model\.)?encoder\."
    part_config: str = "encoder_config"
    one_by_one_because: str = "its attention has no mask for padding"

    def load_extractor(self, folder: str) -> tuple[str, Any]:
        """Return the name and the settings of the feature extractor."""
        from transformers import FeatureExtractionMixin

        entries, _ = FeatureExtractionMixin.get_feature_extractor_dict(
            folder, local_files_only=True
        )
        known = {name: entries[name] for name in self.settings if name in entries}
        return str(entries.get("feature_extractor_type")), GraniteExtractor(**known)

    def problem(self, extractor: Any, config: Any) -> str:
        """Compare the width of a frame of the extractor with what the encoder takes."""
        made = _FRAMES_STACKED * extractor.n_mels
        if made != config.input_dim:
            return f"n_mels makes frames of {made} numbers, the encoder takes {config.input_dim}"
        return ""

    def frames(self, config: Any, extractor: Any) -> Frames:
        """Count the frames, one every 20 ms at the published settings."""
        hop = extractor.hop_length
        # The spectrogram reflects half a window at either end.
        least = max(extractor.n_fft // 2 + 1, hop * (_FRAMES_STACKED - 1))
        return _StackedFrames(hop, least)

    def n_layers(self, config: Any) -> int:
        """Return the layers of the encoder."""
        return int(config.num_layers)

    def width(self, config: Any) -> int:
        """Return the width of a frame of the encoder."""
        return int(config.hidden_dim)

    def stack(self, encoder: Any) -> Any:
        """Return the encoder itself."""
        return encoder

    def prepare(self, extractor: Any, waveform: Waveform) -> torch.Tensor:
        """Return pairs of log-mel frames, shape (n_frames, 2 * n_mels)."""
        spectrum = torch.stft(
            torch.from_numpy(waveform.copy()),
            extractor.n_fft,
            hop_length=extractor.hop_length,
            win_length=extractor.win_length,
            window=torch.hann_window(extractor.win_length),
            return_complex=True,
        )
        mel = spectrum.abs().square().T @ _mel_filters(extractor)
        log_mel = mel.clip(min=1e-10).log10()
        log_mel = torch.maximum(log_mel, log_mel.max() - _DYNAMIC_RANGE) / 4 + 1
        whole = len(log_mel) // _FRAMES_STACKED * _FRAMES_STACKED
        return log_mel[:whole].reshape(-1, _FRAMES_STACKED * extractor.n_mels)


@cache
def _mel_filters(extractor: GraniteExtractor) -> torch.Tensor:
    """Return the weights of torchaudio's ``MelSpectrogram``, shape (n_fft // 2 + 1, n_mels)."""
    from transformers.audio_utils import mel_filter_bank

    filters = mel_filter_bank(
        num_frequency_bins=extractor.n_fft // 2 + 1,
        num_mel_filters=extractor.n_mels,
        min_frequency=0.0,
        max_frequency=extractor.sampling_rate / 2,
        sampling_rate=extractor.sampling_rate,
        norm=None,
        mel_scale="htk",
    )
    return torch.from_numpy(filters).float()
