"""Encoders of the wav2vec 2.0 kind from the Hugging Face hub or from a folder.

`hub` finds the files, `families` is the table of architectures, `checkpoint` reads the
weights, `valid_frames` makes padded batches exact, and `encoder` is the foundation model.
"""

from reno_store.foundation_models.huggingface.encoder import HuggingFaceEncoder
from reno_store.foundation_models.huggingface.families import FAMILIES, Family
from reno_store.foundation_models.huggingface.hub import weights_are_here

__all__ = ["FAMILIES", "Family", "HuggingFaceEncoder", "weights_are_here"]
