"""A study as tables: for a terminal, and as Markdown, CSV, LaTeX and JSON."""

from reno_store.tables.views import Entry, TableRow, TableView

__all__ = ["Entry", "TableRow", "TableView"]
