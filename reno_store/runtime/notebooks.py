"""Results as HTML, for notebooks: a line that says what it is, and a table."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["html_table"]

_MOST_ROWS = 40


def html_table(heading: str, table: pd.DataFrame) -> str:
    """Lay a table out as HTML; all text is escaped.

    Parameters
    ----------
    heading : str
        What stands above it.
    table : pandas.DataFrame
        Its index is not shown. Of more than 40 rows the middle ones are left out.
    """
    rows = table.to_html(index=False, border=0, escape=True, max_rows=_MOST_ROWS, na_rep="")
    return f"<div><p>{html.escape(heading)}</p>\n{rows}</div>"
