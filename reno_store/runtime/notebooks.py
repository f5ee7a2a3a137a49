"""Results as HTML for notebooks: a heading and a table."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["html_table"]

_MOST_ROWS = 40


def html_table(heading: str, table: pd.DataFrame) -> str:
    """Return a table as HTML with all text escaped.

    Parameters
    ----------
    heading : str
        Text above the table.
    table : pandas.DataFrame
        Shown without its index. If it has more than 40 rows, the middle is left out.
    """
    rows = table.to_html(index=False, border=0, escape=True, max_rows=_MOST_ROWS, na_rep="")
    return f"<div><p>{html.escape(heading)}</p>\n{rows}</div>"
