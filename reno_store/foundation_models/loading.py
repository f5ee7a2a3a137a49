"""The one door through which every model is loaded, whatever it is and wherever from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reno_store.errors import ModelError, UnknownNameError
from reno_store.foundation_models.catalogue import CATALOGUE
from reno_store.foundation_models.plugins import installed_models, load_installed, package_of
from reno_store.foundation_models.protocol import FoundationModel, check_precision
from reno_store.foundation_models.specs import ModelSpec, parse_model_spec

__all__ = ["load_model", "parse_model_specs"]

_OPTIONS = {
    "hf": ("layer", "pool", "revision"),
    "ssam": ("layer", "pool"),
    "built in": (),
    "opensmile": (),
}


def load_model(
    spec: ModelSpec | str,
    *,
    device: str = "cpu",
    precision: str = "float32",
    batched: bool | None = None,
) -> FoundationModel:
    """Load the model that a spec names, frozen and ready to embed.

    Its ``embed`` takes arrays that are sampled at its ``sample_rate_hz`` and resamples nothing;
    to embed files of any rate, use `reno_store.embed_files`.

    Parameters
    ----------
    spec : ModelSpec or str
        As a user types it, or from `parse_model_spec`.
    device : str
        A torch device, ``"cpu"`` or ``"cuda"``. Models without weights run on the CPU.
    precision : str
        ``"float32"``, ``"bfloat16"`` or ``"float16"``; models that have no choice, such as
        ``mfcc``, stay as they are. The fingerprint tells.
    batched : bool, optional
        Whether a transformers encoder takes clips together, padded; see
        `HuggingFaceEncoder`.

    Raises
    ------
    UnknownNameError
        If nothing has such a name, or there is no such precision; the choices are listed.
    ModelError
        If the checkpoint is missing, incomplete or of another kind, the name stands for
        one that has to be downloaded by hand, or an option is not the model's.
    """
    check_precision(precision)
    if isinstance(spec, str):
        (spec,) = parse_model_specs([spec])
    source, location = _resolved(spec)
    options: dict[str, Any] = dict(spec.options)
    # Imported here: torch and transformers take seconds, and spectral models need neither.
    if source == "ssam":
        from reno_store.foundation_models.audio_mamba import AudioMamba

        return AudioMamba.load(location, device=device, precision=precision, **options)
    if source == "hf":
        from reno_store.foundation_models.huggingface import HuggingFaceEncoder

        return HuggingFaceEncoder.load(
            location, device=device, precision=precision, batched=batched, **options
        )
    if source == "opensmile":
        from reno_store.foundation_models.egemaps import EgemapsFunctionals

        return EgemapsFunctionals()
    if source == "built in":
        from reno_store.foundation_models.spectral import SPECTRAL_MODELS

        return SPECTRAL_MODELS[location]()
    (entry,) = installed_models()[location]
    return load_installed(entry, options, device=device, precision=precision)


def parse_model_specs(texts: Sequence[str]) -> tuple[ModelSpec, ...]:
    """Take several specs apart and check all that can be checked without loading.

    Raises
    ------
    ModelError
        If there is none, one is malformed or has an option that is not its own, or two
        have one name.
    UnknownNameError
        If nothing has such a name.
    """
    if not texts:
        raise ModelError("no model is named; expected at least one, such as mfcc.")
    specs = tuple(parse_model_spec(text) for text in texts)
    for spec in specs:
        _resolved(spec)
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise ModelError(
                f"{names.count(name)} models are called {name!r}; tell them apart: NAME=SPEC."
            )
    return specs


def _resolved(spec: ModelSpec) -> tuple[str, str]:
    """Give the kind of source and the location there; refuse options that it does not have."""
    source, location = spec.source, spec.location
    if source == "catalogue":
        source, location = _named(location)
    known = _OPTIONS.get(source)
    if known is not None and (unknown := set(spec.options) - set(known)):
        offered = f"its options are {', '.join(known)}" if known else "it has none"
        raise ModelError(f"model {spec.location}: no option {min(unknown)!r}; {offered}.")
    return source, location


def _named(name: str) -> tuple[str, str]:
    plugins = installed_models().get(name, [])
    offering = [package_of(entry) for entry in plugins] + ["reno-store"] * (name in CATALOGUE)
    if len(offering) > 1:
        raise ModelError(
            f"model {name}: offered by {' and by '.join(offering)}; uninstall all but one, or "
            "have its authors rename it."
        )
    if plugins:
        return "installed", name
    if name not in CATALOGUE:
        choices = [*CATALOGUE, *installed_models(), "hf:REPO_OR_FOLDER", "ssam:FOLDER_OR_FILE"]
        raise UnknownNameError.among("model", name, choices)
    entry = CATALOGUE[name]
    if entry.source == "authors":
        raise ModelError(
            f"{name} is on no hub: its authors share the checkpoints in a drive folder that "
            f"{entry.location} links to. Download one, and type {name}=ssam:FOLDER, the folder "
            "that holds checkpoints/NAME-EPOCH.pth."
        )
    return entry.source, entry.location or name
