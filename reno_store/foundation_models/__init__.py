"""Frozen foundation models: waveforms in, one pooled embedding per clip out.

`protocol` defines the interface, `specs` parses what a user types, `catalogue` is the table of
names, `plugins` finds models of other packages, and `loading` turns a spec into a model.
`pooling` (with the layer) and `inference` (precision) are choices that a model may offer.
`huggingface`, `audio_mamba`, `spectral` and `egemaps` are the kinds of models; `testing` is
the suite that each of them passes.

The central rule: an embedding depends on its clip and its model, never on its batch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
