from .document import to_json
from .forms import FORMS, render, to_csv
from .latex import to_latex
from .layout import Entry, Table, tables_of
from .markdown import to_markdown
from .results import results_frame
from .terminal import study_renderable
from .views import evaluation_renderable, grid_renderable

__all__ = [
    "FORMS",
    "Entry",
    "Table",
    "evaluation_renderable",
    "grid_renderable",
    "render",
    "results_frame",
    "study_renderable",
    "tables_of",
    "to_csv",
    "to_json",
    "to_latex",
    "to_markdown",
]
