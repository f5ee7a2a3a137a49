"""The models that have a name: one literal table, and the door through which all are loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from reno_store.errors import ModelError, UnknownNameError
from reno_store.foundation_models.protocol import FoundationModel
from reno_store.foundation_models.specs import ModelSpec, parse_model_spec

__all__ = ["CATALOGUE", "CatalogueEntry", "load_model", "parse_model_specs"]


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A model with a name.

    Attributes
    ----------
    name : str
        What a user types.
    description : str
        One line for people.
    hub_id : str
        Its id on the Hugging Face hub; empty for a model without weights.
    paper_letter : str
        What the paper's tables call it; empty where they do not.
    licence : str
        Licence of the weights.
    """

    name: str
    description: str
    hub_id: str = ""
    paper_letter: str = ""
    licence: str = "MIT"


CATALOGUE: Mapping[str, CatalogueEntry] = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            CatalogueEntry("mfcc", "20 MFCC with first and second differences, mean and sd"),
            CatalogueEntry("logmel", "80 log-mel bands, mean, sd and maximum"),
            CatalogueEntry("wavlm-base", "WavLM base", "microsoft/wavlm-base", "W", "none stated"),
            CatalogueEntry(
                "unispeech-sat-base",
                "UniSpeech-SAT base",
                "microsoft/unispeech-sat-base",
                "U",
                "none stated",
            ),
            CatalogueEntry(
                "wav2vec2-base", "wav2vec 2.0 base", "facebook/wav2vec2-base", "W2", "Apache-2.0"
            ),
            CatalogueEntry(
                "hubert-base", "HuBERT base", "facebook/hubert-base-ls960", "H", "Apache-2.0"
            ),
        )
    }
)


def load_model(spec: ModelSpec, *, device: str = "cpu") -> FoundationModel:
    """Load the model that a spec names, frozen and ready to embed.

    Parameters
    ----------
    spec : ModelSpec
        From `parse_model_spec`.
    device : str
        A torch device, ``"cpu"`` or ``"cuda"``. Models without weights run on the CPU.

    Raises
    ------
    UnknownNameError
        If the catalogue has no such name; the choices are listed.
    ModelError
        If the checkpoint is missing, incomplete or of another kind, or the name stands for
        one that has to be downloaded by hand.
    """
    in_catalogue = spec.source == "catalogue"
    location = _entry(spec.location).hub_id if in_catalogue else spec.location
    if spec.source == "ssam":
        from reno_store.foundation_models.audio_mamba import AudioMamba

        return AudioMamba.load(location, device=device)
    # Imported here: torch and transformers take seconds, and spectral models need neither.
    if location:
        from reno_store.foundation_models.huggingface import HuggingFaceEncoder

        return HuggingFaceEncoder.load(location, device=device)
    from reno_store.foundation_models.spectral import SPECTRAL_MODELS

    return SPECTRAL_MODELS[spec.location]()


def parse_model_specs(texts: Sequence[str]) -> tuple[ModelSpec, ...]:
    """Take several ``[NAME=]SPEC`` apart and check all that can be checked without loading.

    Raises
    ------
    ModelError
        If there is none, one is malformed, or two have one name.
    UnknownNameError
        If the catalogue has no such name.
    """
    if not texts:
        raise ModelError("no model is named; expected at least one, such as mfcc.")
    specs = tuple(parse_model_spec(text) for text in texts)
    for spec in specs:
        if spec.source == "catalogue":
            _entry(spec.location)
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise ModelError(
                f"{names.count(name)} models are called {name!r}; tell them apart: NAME=SPEC."
            )
    return specs


_AUDIO_MAMBA = ("audio-mamba-tiny", "audio-mamba-small", "audio-mamba-base")


def _entry(name: str) -> CatalogueEntry:
    if name in _AUDIO_MAMBA:
        raise ModelError(
            f"{name} is on no hub: its authors share the checkpoints in a drive folder that "
            "https://github.com/SarthakYadav/audio-mamba-official links to. Download one, and "
            f"type {name}=ssam:FOLDER, the folder that holds checkpoints/NAME-EPOCH.pth."
        )
    if name not in CATALOGUE:
        raise UnknownNameError.among(
            "model", name, [*CATALOGUE, "hf:REPO_OR_FOLDER", "ssam:FOLDER_OR_FILE"]
        )
    return CATALOGUE[name]
