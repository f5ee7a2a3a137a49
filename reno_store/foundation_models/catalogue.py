"""The models that have a name: one literal table."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["CATALOGUE", "CatalogueEntry"]


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A model with a name.

    Attributes
    ----------
    name : str
        What a user types.
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
        Weights of the encoder.
    paper_letter : str
        Its name in the paper's tables; empty where it is not in them.
    licence : str
        Licence of the weights, or of the software that computes the embedding.
    sample_rate_hz : int
        Sample rate of its input.
    """

    name: str
    source: str
    location: str
    description: str
    dim: int
    n_parameters: int
    paper_letter: str
    licence: str
    sample_rate_hz: int = 16_000

    @property
    def is_on_this_machine(self) -> bool:
        """Whether the model can be loaded without downloading anything."""
        if self.source == "hf":
            from reno_store.foundation_models.huggingface.hub import weights_are_here

            return weights_are_here(self.location)
        if self.source == "opensmile":
            return importlib.util.find_spec("opensmile") is not None
        return self.source == "built in"


_SSAM_PAGE = "https://github.com/SarthakYadav/audio-mamba-official"

_ROWS = (
    ("mfcc", "built in", "",
     "20 MFCC with first and second differences, mean and sd", 120, 0, "", "MIT"),
    ("logmel", "built in", "", "80 log-mel bands, mean, sd and maximum", 240, 0, "", "MIT"),
    ("egemaps", "opensmile", "",
     "eGeMAPSv02 functionals, by openSMILE", 88, 0, "", "research only (openSMILE)"),
    ("wavlm-base", "hf", "microsoft/wavlm-base",
     "WavLM base", 768, 94_381_168, "W", "none stated"),
    ("unispeech-sat-base", "hf", "microsoft/unispeech-sat-base",
     "UniSpeech-SAT base", 768, 94_370_944, "U", "none stated"),
    ("wav2vec2-base", "hf", "facebook/wav2vec2-base",
     "wav2vec 2.0 base", 768, 94_370_944, "W2", "Apache-2.0"),
    ("hubert-base", "hf", "facebook/hubert-base-ls960",
     "HuBERT base", 768, 94_370_944, "H", "Apache-2.0"),
    ("mms-1b", "hf", "facebook/mms-1b", "MMS, 1 billion", 1280, 962_496_128, "", "CC BY-NC 4.0"),
    ("audio-mamba-tiny", "authors", _SSAM_PAGE,
     "Audio-Mamba (SSAM) tiny", 960, 4_810_000, "A(T)", "MIT"),
    ("audio-mamba-small", "authors", _SSAM_PAGE,
     "Audio-Mamba (SSAM) small", 1920, 17_990_000, "A(S)", "MIT"),
    ("audio-mamba-base", "authors", _SSAM_PAGE,
     "Audio-Mamba (SSAM) base", 3840, 69_440_000, "A(B)", "MIT"),
)  # fmt: skip
"""The fields of `CatalogueEntry`, in order."""


CATALOGUE: Mapping[str, CatalogueEntry] = MappingProxyType(
    {row[0]: CatalogueEntry(*row) for row in _ROWS}
)
