"""Results as HTML for notebooks: a heading, tables, and parts that open on a click.

Text and lines have the colour of the notebook around them and nothing has a background, so the
same HTML is legible in light and dark, in Jupyter, Colab and VS Code. All text is escaped.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

__all__ = ["html_details", "html_preformatted", "html_table", "html_text", "html_view"]

_MOST_ROWS = 40

# The notebook's own rules for tables, such as striped rows in fixed colours, do not apply.
_STYLE = """
.reno-store {color: inherit; line-height: 1.45; overflow-x: auto; text-align: left}
.reno-store p {margin: 0.3em 0}
.reno-store table, .reno-store tr, .reno-store th, .reno-store td
  {background: none !important; color: inherit; border: 0; font-size: inherit}
.reno-store table {border-collapse: collapse; margin: 0.4em 0 0.7em}
.reno-store caption {caption-side: top; color: inherit; font-weight: 600; text-align: left}
.reno-store th, .reno-store td {padding: 0.2em 0.9em 0.2em 0; text-align: left;
  vertical-align: top; white-space: normal; max-width: 32em}
.reno-store th {border-bottom: 1px solid; font-weight: 600}
.reno-store .number {font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap}
.reno-store summary {cursor: pointer}
.reno-store pre {background: none; color: inherit; margin: 0.4em 0; white-space: pre-wrap}
"""


def html_view(title: str, *parts: str) -> str:
    """Return what a notebook shows of an object.

    Parameters
    ----------
    title : str
        Text above everything else.
    *parts : str
        HTML, as the other functions return it.
    """
    heading = f"<p><b>{html.escape(title)}</b></p>"
    return f'<div class="reno-store"><style>{_STYLE}</style>{heading}{"".join(parts)}</div>'


def html_text(text: str) -> str:
    """Return a paragraph; nothing for an empty text."""
    return f"<p>{html.escape(text)}</p>" if text else ""


def html_table(headings: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """Return a table.

    Parameters
    ----------
    headings : Sequence[str]
        Names of the columns.
    rows : Iterable[Sequence[object]]
        Values of each row. Numbers, and texts that begin with a digit, are on the right. Of more
        than 40 rows, those in the middle are left out and counted.
    caption : str
        Text above the table.
    """
    shown = list(rows)
    if n_hidden := max(0, len(shown) - _MOST_ROWS):
        half = _MOST_ROWS // 2
        gap = [f"… {n_hidden:,} more", *[""] * (len(headings) - 1)]
        shown = [*shown[:half], gap, *shown[-half:]]
    numeric = [_is_numeric(column) for column in zip(*shown, strict=True)]
    numeric = numeric or [False] * len(headings)
    body = "".join(f"<tr>{_cells('td', row, numeric)}</tr>" for row in shown)
    head = f"<thead><tr>{_cells('th', headings, numeric)}</tr></thead>"
    above = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f"<table>{above}{head}<tbody>{body}</tbody></table>"


def html_details(summary: str, *parts: str) -> str:
    """Return a part that is closed until it is clicked."""
    return f"<details><summary>{html.escape(summary)}</summary>{''.join(parts)}</details>"


def html_preformatted(text: str) -> str:
    """Return text with its own lines."""
    return f"<pre>{html.escape(text)}</pre>"


def _cells(tag: str, values: Sequence[object], numeric: Sequence[bool]) -> str:
    kinds = [' class="number"' if each else "" for each in numeric]
    return "".join(
        f"<{tag}{kind}>{html.escape(_text(value))}</{tag}>"
        for value, kind in zip(values, kinds, strict=True)
    )


def _text(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _is_numeric(column: Sequence[object]) -> bool:
    """Return whether a column has numbers alone, apart from empty cells."""
    texts = [_text(value) for value in column]
    known = [text for text in texts if text and not text.startswith("…")]
    return bool(known) and all(text[0].isdigit() for text in known)
