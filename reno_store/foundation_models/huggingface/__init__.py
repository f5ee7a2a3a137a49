"""Encoders of the wav2vec 2.0 kind from the Hugging Face hub or from a folder.

`hub` finds the files, `checkpoint` reads them (weights only), `valid_frames` makes padded
batches exact, and `encoder` is the foundation model that comes of it.
"""

from reno_store.foundation_models.huggingface.checkpoint import FAMILIES
from reno_store.foundation_models.huggingface.encoder import HuggingFaceEncoder
from reno_store.foundation_models.huggingface.hub import weights_are_here

__all__ = ["FAMILIES", "HuggingFaceEncoder", "weights_are_here"]
