"""Families: a new architecture needs an entry, or a small subclass, and nothing else."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperModel

from reno_store.foundation_models.huggingface import FAMILIES, Family, HuggingFaceEncoder


class HalvedSpectrogram:
    """Frames of Whisper: a spectrogram every 10 ms, every second of which is kept."""

    shortest = 1

    def after(self, n_samples):
        return -(-n_samples // 320)


class Whisper(Family):
    """An encoder of clips that its extractor pads to 30 s: all have one shape, without a mask."""

    def encoder(self, model):
        return model.encoder

    def frames(self, config):
        return HalvedSpectrogram()

    def pad(self, clips):
        return torch.stack(list(clips)), None

    def ignore_padding(self, encoder):
        return lambda lengths: nullcontext()


WHISPER = Whisper("WhisperFeatureExtractor", "input_features", ("sampling_rate",), ("encoder.",))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    table = "reno_store.foundation_models.huggingface.checkpoint.FAMILIES"
    monkeypatch.setattr(table, {**FAMILIES, "whisper": WHISPER})
    config = WhisperConfig(
        d_model=32, encoder_layers=2, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, vocab_size=100,
        pad_token_id=1, bos_token_id=1, eos_token_id=1, decoder_start_token_id=1,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        WhisperModel(config).save_pretrained(tmp_path)
    WhisperFeatureExtractor().save_pretrained(tmp_path)
    return tmp_path


def test_a_subclass_adds_an_architecture_with_another_input(folder):
    model = HuggingFaceEncoder.load(str(folder), batched=True)
    assert model.one_by_one_because == ""
    clips = [np.random.default_rng(n).normal(0, 0.1, n).astype(np.float32) for n in (500, 9000)]
    extractor, encoder = (
        kind.from_pretrained(folder) for kind in (WhisperFeatureExtractor, WhisperModel)
    )
    for clip, row in zip(clips, model.embed(clips), strict=True):
        inputs = extractor(clip, sampling_rate=16_000, return_tensors="pt")
        with torch.no_grad():
            hidden = encoder.encoder(**inputs).last_hidden_state[0]
        expected = hidden[: -(-len(clip) // 320)].mean(0)
        np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-5)
    assert model.fingerprint["preprocessing"]["extractor"] == "WhisperFeatureExtractor"
    assert model.fingerprint["architecture"] == "whisper"
