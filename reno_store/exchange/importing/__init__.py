"""Importing embeddings that were computed elsewhere.

`sources` opens them (a folder of .npy files, or a matrix with ids), `matrices` reads the formats
of matrices, `ids` reads the clip of each row, `matching` finds the clips, and `running` checks
everything and then stores it, marked as foreign, with its provenance.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
