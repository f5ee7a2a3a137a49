"""Encoders of the wav2vec 2.0 kind from the Hugging Face hub or from a folder.

`hub` finds the files, `families` is the table of architectures, `checkpoint` reads the
weights, `valid_frames` makes padded batches exact, and `encoder` is the foundation model.

Names are loaded when first used: looking for files needs neither torch nor transformers.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
