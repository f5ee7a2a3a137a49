"""The models that have a name: one literal table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from reno_store.errors import ModelError

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
        a checkpoint that has to be fetched by hand.
    location : str
        Its id on the hub, or the page of its authors; empty for one that is built in.
    description : str
        One line for people.
    dim : int
        Length of an embedding.
    n_parameters : int
        Weights of the encoder.
    paper_letter : str
        What the paper's tables call it; empty where they do not.
    licence : str
        Licence of the weights, or of what computes the numbers.
    sample_rate_hz : int
        Rate of the waveforms that it wants.
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


_SSAM_PAGE = "https://github.com/SarthakYadav/audio-mamba-official"
_BASE_PARAMETERS = 94_370_944

_ENTRIES = (
    CatalogueEntry(
        "mfcc",
        "built in",
        "",
        "20 MFCC with first and second differences, mean and sd",
        120,
        0,
        "",
        "MIT",
    ),
    CatalogueEntry(
        "logmel", "built in", "", "80 log-mel bands, mean, sd and maximum", 240, 0, "", "MIT"
    ),
    CatalogueEntry(
        "egemaps",
        "opensmile",
        "",
        "eGeMAPSv02 functionals, by openSMILE",
        88,
        0,
        "",
        "research only (openSMILE)",
    ),
    CatalogueEntry(
        "wavlm-base",
        "hf",
        "microsoft/wavlm-base",
        "WavLM base",
        768,
        94_381_168,
        "W",
        "none stated",
    ),
    CatalogueEntry(
        "unispeech-sat-base",
        "hf",
        "microsoft/unispeech-sat-base",
        "UniSpeech-SAT base",
        768,
        _BASE_PARAMETERS,
        "U",
        "none stated",
    ),
    CatalogueEntry(
        "wav2vec2-base",
        "hf",
        "facebook/wav2vec2-base",
        "wav2vec 2.0 base",
        768,
        _BASE_PARAMETERS,
        "W2",
        "Apache-2.0",
    ),
    CatalogueEntry(
        "hubert-base",
        "hf",
        "facebook/hubert-base-ls960",
        "HuBERT base",
        768,
        _BASE_PARAMETERS,
        "H",
        "Apache-2.0",
    ),
    CatalogueEntry(
        "mms-1b", "hf", "facebook/mms-1b", "MMS, 1 billion", 1280, 962_496_128, "", "CC BY-NC 4.0"
    ),
    CatalogueEntry(
        "audio-mamba-tiny",
        "authors",
        _SSAM_PAGE,
        "Audio-Mamba (SSAM) tiny",
        960,
        4_810_000,
        "A(T)",
        "MIT",
    ),
    CatalogueEntry(
        "audio-mamba-small",
        "authors",
        _SSAM_PAGE,
        "Audio-Mamba (SSAM) small",
        1920,
        17_990_000,
        "A(S)",
        "MIT",
    ),
    CatalogueEntry(
        "audio-mamba-base",
        "authors",
        _SSAM_PAGE,
        "Audio-Mamba (SSAM) base",
        3840,
        69_440_000,
        "A(B)",
        "MIT",
    ),
)


def _table(entries: tuple[CatalogueEntry, ...]) -> Mapping[str, CatalogueEntry]:
    table = {entry.name: entry for entry in entries}
    if len(table) < len(entries):
        raise ModelError("two models of the catalogue have one name.")
    return MappingProxyType(table)


CATALOGUE: Mapping[str, CatalogueEntry] = _table(_ENTRIES)
