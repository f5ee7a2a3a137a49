from .document import to_json
from .evaluation import evaluation_renderable
from .forms import FORMS, render, to_csv
from .grid import grid_renderable
from .latex import to_latex
from .layout import Entry, Table, tables_of
from .markdown import to_markdown
from .results import results_frame
from .terminal import study_renderable

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
