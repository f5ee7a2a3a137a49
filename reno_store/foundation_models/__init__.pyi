from .catalogue import CATALOGUE, CatalogueEntry
from .loading import load_model, parse_model_specs
from .protocol import (
    PRECISIONS,
    FoundationModel,
    Waveform,
    check_precision,
)
from .specs import ModelSpec, parse_model_spec

__all__ = [
    "CATALOGUE",
    "PRECISIONS",
    "CatalogueEntry",
    "FoundationModel",
    "ModelSpec",
    "Waveform",
    "check_precision",
    "load_model",
    "parse_model_spec",
    "parse_model_specs",
]
