from .rendering import render_page
from .reporting import Report, check_path, read_fingerprints, write_page, write_report

__all__ = [
    "Report",
    "check_path",
    "read_fingerprints",
    "render_page",
    "write_page",
    "write_report",
]
