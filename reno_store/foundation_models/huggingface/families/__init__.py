"""What the package knows about each architecture of transformers: one entry per family.

`base` has `Family`, whose defaults suit the wav2vec 2.0 kind; each other module has a kind whose
input, frames or batches differ. A new architecture is an entry of `FAMILIES`, and where it
differs a small subclass.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from reno_store.foundation_models.huggingface.families.ast import AudioSpectrogramTransformer
from reno_store.foundation_models.huggingface.families.base import Family, Frames
from reno_store.foundation_models.huggingface.families.clap import Clap
from reno_store.foundation_models.huggingface.families.granite import GraniteSpeech
from reno_store.foundation_models.huggingface.families.moonshine import Moonshine
from reno_store.foundation_models.huggingface.families.parakeet import Parakeet
from reno_store.foundation_models.huggingface.families.qwen2_audio import Qwen2Audio
from reno_store.foundation_models.huggingface.families.sew import SqueezedEncoder
from reno_store.foundation_models.huggingface.families.speecht5 import SpeechT5
from reno_store.foundation_models.huggingface.families.wav2vec2_bert import Wav2Vec2Bert
from reno_store.foundation_models.huggingface.families.whisper import Whisper

__all__ = ["FAMILIES", "Family", "Frames"]

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "audio-spectrogram-transformer": AudioSpectrogramTransformer(),
        "clap": Clap(),
        "clap_audio_model": Clap(),
        "data2vec-audio": Family(),
        "granite_speech": GraniteSpeech(),
        "hubert": Family(),
        "moonshine": Moonshine(),
        "parakeet_ctc": Parakeet(),
        "parakeet_encoder": Parakeet(),
        "parakeet_rnnt": Parakeet(),
        "parakeet_tdt": Parakeet(),
        "qwen2_audio": Qwen2Audio(),
        "qwen2_audio_encoder": Qwen2Audio(),
        "sew": SqueezedEncoder(),
        "sew-d": SqueezedEncoder(),
        "speecht5": SpeechT5(),
        "unispeech": Family(),
        "unispeech-sat": Family(),
        "wav2vec2": Family(),
        "wav2vec2-bert": Wav2Vec2Bert(),
        "wav2vec2-conformer": Family(),
        "wavlm": Family(),
        "whisper": Whisper(),
    }
)
"""A config's ``model_type`` -> its family. MMS is wav2vec2."""
