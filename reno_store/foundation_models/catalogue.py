"""The models that have a name: one literal table.

Sizes were computed from transformers' own classes with the published configs, which
``tests/foundation_models/test_catalogue_sizes.py`` repeats. Licences are those that the hub or the
authors state.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["CATALOGUE", "GROUPS", "CatalogueEntry"]

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "built in": "built in",
        "paper": "the paper's models",
        "speech": "self-supervised speech",
        "whisper": "Whisper",
        "non-verbal": "non-verbal vocalizations",
        "audio events": "audio events",
        "emotion": "speech emotion",
    }
)
"""Group of an entry -> its heading, in the order of the table."""


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A model with a name.

    Attributes
    ----------
    name : str
        What a user types.
    group : str
        What it was made for: a key of `GROUPS`.
    source : str
        ``"built in"``, ``"hf"`` (the Hugging Face hub), ``"opensmile"``, or ``"authors"``:
        a checkpoint that has to be downloaded by hand.
    location : str
        Its id on the hub, or the page of its authors; empty for one that is built in.
    description : str
        One line for people.
    dim : int
        Length of an embedding.
    n_parameters : int
        Weights of the part that embeds: of Whisper and CLAP, the audio encoder.
    licence : str
        Licence of the weights, or of the software that computes the embedding.
    paper_letter : str
        Its name in the paper's tables; empty where it is not in them.
    sample_rate_hz : int
        Sample rate of its input.
    trained_on : tuple[str, ...]
        Corpora of non-verbal or emotional voices among its training data, where known.
    """

    name: str
    group: str
    source: str
    location: str
    description: str
    dim: int
    n_parameters: int
    licence: str
    paper_letter: str = ""
    sample_rate_hz: int = 16_000
    trained_on: tuple[str, ...] = ()

    @property
    def is_on_this_machine(self) -> bool:
        """Whether the model can be loaded without downloading anything."""
        if self.source == "hf":
            from reno_store.foundation_models.huggingface.hub import weights_are_here

            return weights_are_here(self.location)
        if self.source == "opensmile":
            return importlib.util.find_spec("opensmile") is not None
        return self.source == "built in"

    def corpora_seen(self, dataset: str) -> tuple[str, ...]:
        """Return which corpora of `trained_on` a dataset is, judged by its name.

        Examples
        --------
        >>> CATALOGUE["voc2vec"].corpora_seen("vocal-sound-16k")
        ('VocalSound',)
        """
        return tuple(corpus for corpus in self.trained_on if _letters(corpus) in _letters(dataset))


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


_SSAM_PAGE = "https://github.com/SarthakYadav/audio-mamba-official"
# Table of the pre-training data in https://github.com/koudounasalkis/voc2vec
_VOC125 = (
    "AudioSet", "FreeSound", "HumanVoiceDataset", "NNIME", "NonSpeech7K", "ReCANVo",
    "SingingDatabase", "TUT", "VocalSketch", "VocalSound",
)  # fmt: skip

_ENTRIES = (
    CatalogueEntry(
        "mfcc", "built in", "built in", "",
        "20 MFCC with first and second differences, mean and sd", 120, 0, "MIT"),
    CatalogueEntry(
        "logmel", "built in", "built in", "",
        "80 log-mel bands, mean, sd and maximum", 240, 0, "MIT"),
    CatalogueEntry(
        "egemaps", "built in", "opensmile", "",
        "eGeMAPSv02 functionals, by openSMILE", 88, 0, "research only"),
    CatalogueEntry(
        "wavlm-base", "paper", "hf", "microsoft/wavlm-base",
        "WavLM base", 768, 94_381_168, "none stated", "W"),
    CatalogueEntry(
        "unispeech-sat-base", "paper", "hf", "microsoft/unispeech-sat-base",
        "UniSpeech-SAT base", 768, 94_370_944, "none stated", "U"),
    CatalogueEntry(
        "wav2vec2-base", "paper", "hf", "facebook/wav2vec2-base",
        "wav2vec 2.0 base", 768, 94_370_944, "Apache-2.0", "W2"),
    CatalogueEntry(
        "hubert-base", "paper", "hf", "facebook/hubert-base-ls960",
        "HuBERT base", 768, 94_370_944, "Apache-2.0", "H"),
    CatalogueEntry(
        "audio-mamba-tiny", "paper", "authors", _SSAM_PAGE,
        "Audio-Mamba (SSAM) tiny", 960, 4_810_000, "MIT", "A(T)"),
    CatalogueEntry(
        "audio-mamba-small", "paper", "authors", _SSAM_PAGE,
        "Audio-Mamba (SSAM) small", 1920, 17_990_000, "MIT", "A(S)"),
    CatalogueEntry(
        "audio-mamba-base", "paper", "authors", _SSAM_PAGE,
        "Audio-Mamba (SSAM) base", 3840, 69_440_000, "MIT", "A(B)"),
    CatalogueEntry(
        "wavlm-large", "speech", "hf", "microsoft/wavlm-large",
        "WavLM large", 1024, 315_452_096, "none stated"),
    CatalogueEntry(
        "hubert-large", "speech", "hf", "facebook/hubert-large-ll60k",
        "HuBERT large, 60,000 h of English", 1024, 315_437_696, "Apache-2.0"),
    CatalogueEntry(
        "xlsr-53", "speech", "hf", "facebook/wav2vec2-large-xlsr-53",
        "wav2vec 2.0 large, 53 languages", 1024, 315_437_696, "Apache-2.0"),
    CatalogueEntry(
        "xls-r-300m", "speech", "hf", "facebook/wav2vec2-xls-r-300m",
        "wav2vec 2.0 large, 128 languages", 1024, 315_437_696, "Apache-2.0"),
    CatalogueEntry(
        "w2v-bert-2.0", "speech", "hf", "facebook/w2v-bert-2.0",
        "w2v-BERT 2.0, 143 languages", 1024, 580_492_096, "MIT"),
    CatalogueEntry(
        "mms-1b", "speech", "hf", "facebook/mms-1b",
        "MMS, 1 billion", 1280, 962_496_128, "CC BY-NC 4.0"),
    CatalogueEntry(
        "whisper-tiny", "whisper", "hf", "openai/whisper-tiny",
        "Whisper tiny, the encoder", 384, 8_208_384, "Apache-2.0"),
    CatalogueEntry(
        "whisper-base", "whisper", "hf", "openai/whisper-base",
        "Whisper base, the encoder", 512, 20_590_592, "Apache-2.0"),
    CatalogueEntry(
        "whisper-small", "whisper", "hf", "openai/whisper-small",
        "Whisper small, the encoder", 768, 88_154_112, "Apache-2.0"),
    CatalogueEntry(
        "whisper-medium", "whisper", "hf", "openai/whisper-medium",
        "Whisper medium, the encoder", 1024, 307_216_384, "Apache-2.0"),
    CatalogueEntry(
        "whisper-large-v3", "whisper", "hf", "openai/whisper-large-v3",
        "Whisper large-v3, the encoder", 1280, 636_968_960, "Apache-2.0"),
    CatalogueEntry(
        "voc2vec", "non-verbal", "hf", "alkiskoudounas/voc2vec",
        "wav2vec 2.0 on 125 h of vocalizations", 768, 94_370_944, "Apache-2.0",
        trained_on=_VOC125),
    CatalogueEntry(
        "voc2vec-as-pt", "non-verbal", "hf", "alkiskoudounas/voc2vec-as-pt",
        "the same, begun on AudioSet", 768, 94_370_944, "Apache-2.0",
        trained_on=_VOC125),
    CatalogueEntry(
        "voc2vec-ls-pt", "non-verbal", "hf", "alkiskoudounas/voc2vec-ls-pt",
        "the same, begun on LibriSpeech", 768, 94_370_944, "Apache-2.0",
        trained_on=_VOC125),
    CatalogueEntry(
        "voc2vec-hubert-ls-pt", "non-verbal", "hf", "alkiskoudounas/voc2vec-hubert-ls-pt",
        "HuBERT, begun on LibriSpeech, then the same 125 h", 768, 94_370_944, "Apache-2.0",
        trained_on=_VOC125),
    CatalogueEntry(
        "ast", "audio events", "hf", "MIT/ast-finetuned-audioset-10-10-0.4593",
        "Audio Spectrogram Transformer, on AudioSet", 768, 86_187_264, "BSD-3-Clause",
        trained_on=("AudioSet",)),
    CatalogueEntry(
        "clap", "audio events", "hf", "laion/clap-htsat-unfused",
        "CLAP, the audio encoder (HTS-AT)", 768, 27_534_488, "Apache-2.0",
        sample_rate_hz=48_000),
    CatalogueEntry(
        "wav2vec2-emotion", "emotion", "hf",
        "audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim",
        "arousal, dominance and valence of speech", 1024, 164_283_008, "CC BY-NC-SA 4.0",
        trained_on=("MSP-Podcast",)),
)  # fmt: skip


CATALOGUE: Mapping[str, CatalogueEntry] = MappingProxyType(
    {entry.name: entry for entry in _ENTRIES}
)
