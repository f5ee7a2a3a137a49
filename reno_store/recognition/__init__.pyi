from .finding import Found, find_recordings
from .folder import load_recognizer, save_recognizer
from .predicting import Prediction, predict_recordings
from .recognizer import Recognizer
from .sharing import pull_recognizer, push_recognizer
from .timelines import predict_timelines
from .training import train_recognizer

__all__ = [
    "Found",
    "Prediction",
    "Recognizer",
    "find_recordings",
    "load_recognizer",
    "predict_recordings",
    "predict_timelines",
    "pull_recognizer",
    "push_recognizer",
    "save_recognizer",
    "train_recognizer",
]
