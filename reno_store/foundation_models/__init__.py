"""Frozen foundation models: waveforms in, one pooled embedding per clip out.

`protocol` defines the interface, `specs` parses what a user types, `catalogue` is the table of
names, `plugins` finds models of other packages, and `loading` turns a spec into a model.
`pooling` (with the layer) and `inference` (precision) are choices that a model may offer.
`huggingface`, `audio_mamba`, `spectral` and `egemaps` are the kinds of models; `testing` is
the suite that each of them passes.

The central rule: an embedding depends on its clip and its model, never on its batch.
"""

from reno_store.foundation_models.catalogue import CATALOGUE, CatalogueEntry
from reno_store.foundation_models.loading import load_model, parse_model_specs
from reno_store.foundation_models.protocol import (
    PRECISIONS,
    FoundationModel,
    Waveform,
    check_precision,
)
from reno_store.foundation_models.specs import ModelSpec, parse_model_spec

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
