"""The one function that loads every model, whatever its kind and source."""

from __future__ import annotations

from collections.abc import Sequence

from reno_store.errors import ModelError, UnknownNameError
from reno_store.foundation_models.catalogue import CATALOGUE
from reno_store.foundation_models.plugins import installed_models, load_installed, package_of
from reno_store.foundation_models.protocol import FoundationModel, check_precision
from reno_store.foundation_models.specs import ModelSpec, parse_model_spec

__all__ = ["load_model", "parse_model_specs"]

_OPTIONS = {
    "hf": ("context", "layer", "pool", "revision"),
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
    """Load a model, frozen and ready to embed.

    Its ``embed`` takes arrays at its ``sample_rate_hz`` and does not resample; to embed files
    of any rate, use `reno_store.embed_files`.

    Parameters
    ----------
    spec : ModelSpec or str
        As a user types it, or from `parse_model_spec`.
    device : str
        A torch device, ``"cpu"`` or ``"cuda"``. Models without weights run on the CPU.
    precision : str
        ``"float32"``, ``"bfloat16"`` or ``"float16"``. Models without this choice, such as
        ``mfcc``, ignore it; the fingerprint shows which precision is used.
    batched : bool, optional
        Whether a transformers encoder takes clips together, padded; see
        `HuggingFaceEncoder`.

    Raises
    ------
    UnknownNameError
        If no model or precision has this name; the choices are listed.
    ModelError
        If the checkpoint is missing, incomplete or of another kind, has to be downloaded by
        hand, or the model does not have an option.

    Examples
    --------
    >>> import numpy as np
    >>> import reno_store as rs
    >>> model = rs.load_model("mfcc")
    >>> model.sample_rate_hz, model.dim
    (16000, 120)
    >>> model.embed([np.zeros(16_000, np.float32)]).shape
    (1, 120)
    """
    check_precision(precision)
    if isinstance(spec, str):
        (spec,) = parse_model_specs([spec])
    source, location = _resolved(spec)
    options = dict(spec.options)
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
    """Parse several specs and check everything that can be checked without loading.

    Raises
    ------
    ModelError
        If there is none, one is malformed or has an unknown option, or two have one name.
    UnknownNameError
        If no model has a name that is given.
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
                f"{names.count(name)} models have the name {name!r}; rename one: NAME=SPEC."
            )
    return specs


def _resolved(spec: ModelSpec) -> tuple[str, str]:
    """Return the kind of source and the location there; refuse options that it does not have."""
    source, location = spec.source, spec.location
    if source == "catalogue":
        source, location = _named(location)
    known = _OPTIONS.get(source)
    if known is not None and (unknown := set(spec.options) - set(known)):
        offered = f"its options are {', '.join(known)}" if known else "it has none"
        raise ModelError(f"model {spec.location}: no option {min(unknown)!r}; {offered}.")
    return source, location


def _named(name: str) -> tuple[str, str]:
    """Return the source and location of a model of the catalogue or of another package."""
    plugins = installed_models().get(name, [])
    packages = [package_of(entry) for entry in plugins] + ["reno-store"] * (name in CATALOGUE)
    if len(packages) > 1:
        raise ModelError(
            f"model {name}: offered by {' and by '.join(packages)}; uninstall all but one, or "
            "ask its authors to rename it."
        )
    if plugins:
        return "installed", name
    if name not in CATALOGUE:
        choices = [*CATALOGUE, *installed_models(), "hf:REPO_OR_FOLDER", "ssam:FOLDER_OR_FILE"]
        raise UnknownNameError.among("model", name, choices)
    entry = CATALOGUE[name]
    if entry.source == "authors":
        raise ModelError(
            f"{name} is not on the hub: its authors share the checkpoints in a drive folder, "
            f"linked from {entry.location}. Download one and type {name}=ssam:FOLDER, where "
            "FOLDER contains checkpoints/NAME-EPOCH.pth."
        )
    return entry.source, entry.location or name
