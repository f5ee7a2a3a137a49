"""The clip table: recordings with their labels and speakers, and how audio is decoded.

A manifest is a CSV. A card is a TOML file that describes how a corpus names its files, and
turns its folder into a manifest. Data flow: ``card + folder -> clips -> CSV`` once, and
``CSV -> Manifest`` in every build.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
