"""A study as tables: for a terminal, and as Markdown, CSV, LaTeX and JSON.

`measures` sorts a study's cells into the paper's tables and measures them, `layout` makes
rows of entries of that, with `notes`; `terminal`, `markdown`, `records` (CSV), `latex` and
`document` (JSON) are the forms.
"""

from reno_store.reports.tables.document import to_json
from reno_store.reports.tables.forms import FORMS, render
from reno_store.reports.tables.latex import to_latex
from reno_store.reports.tables.layout import views_of
from reno_store.reports.tables.markdown import to_markdown
from reno_store.reports.tables.records import to_csv
from reno_store.reports.tables.terminal import study_renderable
from reno_store.reports.tables.views import Entry, TableRow, TableView

__all__ = [
    "FORMS",
    "Entry",
    "TableRow",
    "TableView",
    "render",
    "study_renderable",
    "to_csv",
    "to_json",
    "to_latex",
    "to_markdown",
    "views_of",
]
