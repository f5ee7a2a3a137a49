from .cnn import CNNClassifier
from .concat import ConcatClassifier
from .fcn import FCNClassifier
from .reno import RENOClassifier

__all__ = ["CNNClassifier", "ConcatClassifier", "FCNClassifier", "RENOClassifier"]
