from .encoder import HuggingFaceEncoder
from .families import FAMILIES, Family, Frames
from .hub import weights_are_here

__all__ = ["FAMILIES", "Family", "Frames", "HuggingFaceEncoder", "weights_are_here"]
