"""A study as one page for a browser: tables that sort, figures, commands.

`rendering` puts a page together, from `facts` (data, models, protocols), `scores` (tables and
the command of each number), `findings` (claims and comparisons) and `pictures`; `templates/`
holds its HTML, style and script; `fingerprints` reads what the store says of each model in
full; `writing` puts a page on the disk, whole or not at all; `reporting` does all of it for a
store.
"""

from reno_store.reports.page.fingerprints import read_fingerprints
from reno_store.reports.page.rendering import render_page
from reno_store.reports.page.reporting import Report, write_report
from reno_store.reports.page.writing import check_path, write_page

__all__ = [
    "Report",
    "check_path",
    "read_fingerprints",
    "render_page",
    "write_page",
    "write_report",
]
