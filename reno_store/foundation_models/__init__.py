"""Frozen foundation models: waveforms in, one pooled embedding a clip out.

`protocol` says what every model promises, `catalogue` turns what a user types into a
model, `pooling` averages over time, and each other module is one kind of model.

The rule that everything else leans on: an embedding depends on its clip and its model,
never on the batch it travelled in.
"""

from reno_store.foundation_models.catalogue import (
    CATALOGUE,
    CatalogueEntry,
    load_model,
    parse_model_specs,
)
from reno_store.foundation_models.protocol import FoundationModel, Waveform
from reno_store.foundation_models.specs import ModelSpec, parse_model_spec

__all__ = [
    "CATALOGUE",
    "CatalogueEntry",
    "FoundationModel",
    "ModelSpec",
    "Waveform",
    "load_model",
    "parse_model_spec",
    "parse_model_specs",
]
