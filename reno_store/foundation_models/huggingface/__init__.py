"""Encoders of audio from the Hugging Face hub or from a folder.

`hub` finds the files, `families` has the table of architectures and how to embed with each,
`checkpoint` reads the weights, `valid_frames` makes padded batches exact, and `encoder` is the
foundation model.

Names are loaded when first used: looking for files needs neither torch nor transformers.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
