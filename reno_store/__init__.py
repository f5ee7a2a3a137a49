"""Embeddings of non-verbal vocalizations from frozen audio foundation models.

Computed once into a Zarr store, and learned from with the classifiers of the paper
"Are Mamba-based Audio Foundation Models the Best Fit for Non-Verbal Emotion Recognition?".

Public names are loaded when first used, so that importing the package costs nothing.
"""

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
