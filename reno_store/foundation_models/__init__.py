"""Frozen foundation models: waveforms in, one pooled embedding a clip out.

`protocol` says what every model promises, `specs` takes apart what a user types,
`catalogue` is the table of names and `plugins` finds those of other packages, `loading`
turns a spec into a model. `layers`, `pooling` and `precision` are the choices that a model
may offer. `huggingface`, `audio_mamba`, `spectral` and `egemaps` are the kinds of models.

The rule that everything else leans on: an embedding depends on its clip and its model,
never on the batch it travelled in.
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
