"""A progress bar for work counted in pieces: how many a second, how long still."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

__all__ = ["Counter", "counting", "tell"]

_WIDE = 80
"""Columns of a terminal that has room for all that is told."""


class Counter:
    """What a loop tells of its progress; silent where there is no bar."""

    def __init__(self, bar: Progress | None = None, task: TaskID | None = None) -> None:
        self._bar, self._task = bar, task

    def advance(self, n: int = 1, *, work: float | None = None) -> None:
        """Say that n more pieces are finished, and how much of the work that was."""
        if self._bar is not None and self._task is not None:
            finished = self._bar.tasks[self._task].fields["finished"] + n
            self._bar.update(self._task, advance=n if work is None else work, finished=finished)

    def rename(self, description: str) -> None:
        """Say what is being done now."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=description)


class _CountColumn(ProgressColumn):
    """Pieces finished, of how many."""

    def __init__(self) -> None:
        super().__init__(Column(no_wrap=True))

    def render(self, task: Task) -> Text:
        return Text(f"{task.fields['finished']:,}/{task.fields['n']:,}")


class _RateColumn(ProgressColumn):
    """Pieces finished a second since the beginning, or a minute where they take longer."""

    def __init__(self, unit: str) -> None:
        super().__init__(Column(no_wrap=True))
        self._unit = unit

    def render(self, task: Task) -> Text:
        # When all is finished, time goes on, but not for the pieces.
        elapsed = task.finished_time if task.finished else task.elapsed
        finished = task.fields["finished"]
        if not (finished and elapsed):
            return Text(f"- {self._unit}/s")
        rate = finished / elapsed
        if rate < 1:
            return Text(f"{60 * rate:.1f} {self._unit}/min")
        return Text(f"{rate:.1f} {self._unit}/s")


@contextlib.contextmanager
def counting(
    description: str,
    n: int,
    *,
    unit: str,
    work: float | None = None,
    show: bool | None = None,
) -> Iterator[Counter]:
    """Show a bar on standard error while the block runs.

    Parameters
    ----------
    description : str
        What is being done.
    n : int
        How many pieces there are.
    unit : str
        What a piece is called, in the plural: ``"clips"``.
    work : float, optional
        How much work they are together, where pieces differ: the bar and the time left go
        by it.
    show : bool, optional
        Whether to show it; by default where standard error is a terminal.

    Yields
    ------
    Counter
        To be advanced for each finished piece.
    """
    if not n or not (sys.stderr.isatty() if show is None else show):
        yield Counter()
        return
    console = Console(stderr=True)
    passed = (TimeElapsedColumn(Column(no_wrap=True)), TextColumn("elapsed,"))
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        _CountColumn(),
        _RateColumn(unit),
        # The bar alone gives way in a narrow terminal, and that is not enough in a very narrow.
        *(passed if console.width >= _WIDE else ()),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
        TextColumn("left"),
        console=console,
        # Batches differ: a rate over the last minute forecasts better than one over seconds.
        speed_estimate_period=60,
    )
    with bar:
        total = n if work is None else work
        yield Counter(bar, bar.add_task(description, total=total, n=n, finished=0))


def tell(message: str) -> None:
    """Say something to people, on standard error."""
    Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(message)
