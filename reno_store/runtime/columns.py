"""Tables that fit any terminal: less important columns are left out, then names wrap."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

__all__ = ["FittedTable", "TableColumn"]

_ENDLESS = 100_000


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a `FittedTable`.

    Attributes
    ----------
    heading : str
        Its heading, one or several lines.
    numeric : bool
        Whether it is right-aligned.
    wraps : bool
        Whether its entries may be wrapped: names, not numbers.
    bold : bool
        Whether its entries are bold.
    spare : int
        0 for a column that is always shown. In a narrow terminal, columns with the highest
        number are left out first, all columns with one number together.
    title : str
        Its name in the note about columns left out; the heading by default. Several columns
        with one title are named once.
    """

    heading: str
    numeric: bool = False
    wraps: bool = False
    bold: bool = False
    spare: int = 0
    title: str = ""


class FittedTable:
    """A table that is never truncated, whatever the width of the terminal.

    Parameters
    ----------
    columns : Sequence[TableColumn]
        From left to right.
    rows : Sequence[Sequence[str or Text]]
        One entry per column.
    sections : Collection[int]
        Rows, from 0, with a line above them.
    lines : rich.box.Box, optional
        Style of the lines; no lines by default.
    elsewhere : str
        What shows the columns that are left out, such as an option of the command.
    wraps_first : bool
        Whether names wrap between words before columns are left out.
    """

    def __init__(
        self,
        columns: Sequence[TableColumn],
        rows: Sequence[Sequence[str | Text]],
        *,
        sections: Collection[int] = (),
        lines: box.Box | None = None,
        elsewhere: str,
        wraps_first: bool = False,
    ) -> None:
        self._columns, self._rows = columns, rows
        self._sections, self._lines = sections, lines
        self._elsewhere, self._wraps_first = elsewhere, wraps_first

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._table(range(len(self._columns))))

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        endless = options.update(width=_ENDLESS, max_width=_ENDLESS)
        for shown in self._choices():
            table = self._table(shown)
            narrowest, widest = Measurement.get(console, endless, table)
            if (narrowest if self._wraps_first else widest) <= options.max_width:
                break
        yield table
        left_out = dict.fromkeys(
            (each.title or each.heading).replace("\n", " ")
            for place, each in enumerate(self._columns)
            if place not in shown
        )
        if left_out:
            yield Text(f"Not shown at this width: {', '.join(left_out)}. See {self._elsewhere}.")

    def _choices(self) -> Iterator[list[int]]:
        """Yield the columns to show, from all of them to only the necessary ones."""
        spares = sorted({each.spare for each in self._columns}, reverse=True)
        for most in spares if 0 in spares else [*spares, 0]:
            yield [place for place, each in enumerate(self._columns) if each.spare <= most]

    def _table(self, shown: Sequence[int]) -> Table:
        table = Table(
            box=self._lines, header_style="bold", pad_edge=False, show_edge=False,
            collapse_padding=self._lines is not None,
        )  # fmt: skip
        for place in shown:
            each = self._columns[place]
            table.add_column(
                Text(each.heading),
                justify="right" if each.numeric else "left",
                style="bold" if each.bold else "",
                no_wrap=not each.wraps,
                min_width=self._least_width(place),
                overflow="fold",
            )
        for number, row in enumerate(self._rows):
            if number in self._sections:
                table.add_section()
            table.add_row(*(_entry(row[place]) for place in shown))
        return table

    def _least_width(self, place: int) -> int:
        """Return the width of the longest part that does not wrap."""
        # A heading is not broken where the entries below it wrap.
        widths = [len(word) for word in self._columns[place].heading.split()]
        if not self._columns[place].wraps:
            widths += [_entry(row[place]).cell_len for row in self._rows]
        return max(widths, default=0)


def _entry(entry: str | Text) -> Text:
    # Names may contain brackets; they are not markup.
    return Text(entry) if isinstance(entry, str) else entry
