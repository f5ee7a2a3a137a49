from .records import CellRecord, StudyRecord, record_study
from .trackers import TRACKERS, Tracker, check_tracker, open_tracker, track_study

__all__ = [
    "TRACKERS",
    "CellRecord",
    "StudyRecord",
    "Tracker",
    "check_tracker",
    "open_tracker",
    "record_study",
    "track_study",
]
