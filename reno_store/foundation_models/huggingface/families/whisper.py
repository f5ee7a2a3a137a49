"""Whisper: log-mel spectrograms of 30 s, two convolutions, then a transformer.

The encoder was trained on 30 s of audio, so by default a clip is followed by silence up to that
length and its embedding is taken over the frames that cover it. With ``context=clip`` the encoder
gets only those frames: about 20 times as fast for clips of 2 s, and another model (the cosine
between the two embeddings of a vocal burst is about 0.92).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch.nn import functional

from reno_store.foundation_models.huggingface.families.base import (
    MOST_FIXED_CLIPS,
    Family,
    Frames,
    IgnorePadding,
    no_padding,
    valid_positions,
)
from reno_store.foundation_models.protocol import Waveform

__all__ = ["StridedFrames", "Whisper"]

_MEL_FRAMES_PER_FRAME = 2  # stride of the second convolution


@dataclass(frozen=True, slots=True)
class StridedFrames:
    """Frames at a fixed distance, the last of which may be covered in part.

    Attributes
    ----------
    stride : int
        Samples from one frame to the next.
    """

    stride: int
    shortest: int = 1

    def after(self, n_samples: int) -> int:
        """Return the number of frames of a clip, rounded up."""
        return -(-n_samples // self.stride)


@dataclass(frozen=True, slots=True)
class Whisper(Family):
    """The encoder of a Whisper checkpoint; its decoder is neither needed nor loaded."""

    extractor: str = "WhisperFeatureExtractor"
    input_name: str = "input_features"
    settings: tuple[str, ...] = (
        "feature_size",
        "sampling_rate",
        "hop_length",
        "chunk_length",
        "n_fft",
        "padding_value",
        "dither",
    )
    parts: tuple[str, ...] = ("conv", "embed_positions.", "layers.", "layer_norm.")
    contexts: tuple[str, ...] = ("full", "clip")
    context: str = "full"
    encoder_class: str = "whisper.modeling_whisper.WhisperEncoder"
    inside: str = r"^(model\.)?encoder\."

    def problem(self, extractor: Any, config: Any) -> str:
        """Compare the spectrogram of the extractor with what the encoder takes."""
        made = (extractor.nb_max_frames, extractor.feature_size)
        taken = (_MEL_FRAMES_PER_FRAME * config.max_source_positions, config.num_mel_bins)
        if made != taken:
            return (
                "chunk_length, sampling_rate, hop_length and feature_size make spectrograms of "
                f"{made[0]} frames of {made[1]} bands; the encoder takes {taken[0]} of {taken[1]}"
            )
        return ""

    def frames(self, config: Any, extractor: Any) -> Frames:
        """Count the frames, one every 20 ms at the published settings."""
        return StridedFrames(_MEL_FRAMES_PER_FRAME * extractor.hop_length)

    def longest(self, config: Any, extractor: Any) -> int | None:
        """Return what a spectrogram holds: 30 s at the published settings."""
        return int(extractor.n_samples)

    def n_layers(self, config: Any) -> int:
        """Return the layers of the encoder."""
        return int(config.encoder_layers)

    def width(self, config: Any) -> int:
        """Return the width of a frame of the encoder."""
        return int(config.d_model)

    def stack(self, encoder: Any) -> Any:
        """Return the encoder itself."""
        return encoder

    def most_clips(self) -> int | None:
        """Return a limit, because every clip takes the memory of the longest."""
        return MOST_FIXED_CLIPS if self.context == "full" else None

    def prepare(self, extractor: Any, waveform: Waveform) -> torch.Tensor:
        """Return the spectrogram, shape (n_mel_frames, n_bands).

        Only the clip's own part and a little silence are computed, which takes a tenth of the
        time of 30 s for a clip of 2 s: every later frame is that of silence.
        """
        stride = _MEL_FRAMES_PER_FRAME * extractor.hop_length
        n_own = _MEL_FRAMES_PER_FRAME * StridedFrames(stride).after(len(waveform))
        needed = n_own * extractor.hop_length + 2 * extractor.n_fft
        made = extractor(
            waveform,
            sampling_rate=extractor.sampling_rate,
            max_length=min(needed, extractor.n_samples),
            return_tensors="pt",
        )
        mel: torch.Tensor = made[self.input_name][0].T
        if self.context == "clip":
            return mel[:n_own]
        silence = mel[-1:].expand(extractor.nb_max_frames - len(mel), -1)
        return torch.cat([mel, silence])

    def pad(self, clips: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return a batch; spectrograms of 30 s have one length and need no mask."""
        if self.context == "clip":
            return super(Whisper, self).pad(clips)
        return torch.stack(list(clips)), None

    def run(self, encoder: Any, batch: torch.Tensor, **arguments: Any) -> Any:
        """Run the encoder, on all of the 30 s or on the clip's own frames."""
        batch = batch.transpose(1, 2)
        if self.context == "clip":
            return _encode_own_frames(encoder, batch, **arguments)
        return encoder(batch, **arguments)

    def ignore_padding(self, encoder: Any) -> IgnorePadding:
        """Change nothing: what follows a clip is its context, or masked in `run`."""
        return no_padding


def _encode_own_frames(
    encoder: Any,
    mel: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
    output_hidden_states: bool = False,
) -> Any:
    """Run the parts of a Whisper encoder, which itself refuses less than 30 s.

    Parameters
    ----------
    encoder : WhisperEncoder
        The encoder.
    mel : torch.Tensor, shape (n_clips, n_bands, n_mel_frames)
        Spectrograms, with zeros after each.
    attention_mask : torch.Tensor, shape (n_clips, n_mel_frames), optional
        1 for a clip's own mel frames. Their number is even.
    output_hidden_states : bool
        Whether to return the input of the first layer and the output of each.
    """
    hidden = functional.gelu(encoder.conv1(mel))
    mask = None
    if attention_mask is not None:
        # The second convolution looks one frame beyond the end, where a clip alone has zeros.
        hidden = hidden * attention_mask[:, None].to(hidden.dtype)
        counts = attention_mask.sum(dim=1) // _MEL_FRAMES_PER_FRAME
        mask = valid_positions(counts, mel.shape[-1] // _MEL_FRAMES_PER_FRAME)[:, None, None]
    hidden = functional.gelu(encoder.conv2(hidden)).transpose(1, 2)
    hidden = hidden + encoder.embed_positions.weight[: hidden.shape[1]]
    states = [hidden]
    for layer in encoder.layers:
        output = layer(hidden, mask)
        hidden = output[0] if isinstance(output, tuple) else output
        states.append(hidden)
    return SimpleNamespace(
        last_hidden_state=encoder.layer_norm(hidden),
        hidden_states=states if output_hidden_states else None,
    )
