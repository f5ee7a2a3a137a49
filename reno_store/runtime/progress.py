"""A progress bar for work counted in pieces: how many a second, how long still."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator
from datetime import timedelta

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
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

    def detail(self, words: str) -> None:
        """Show below the bar which piece is being worked on; nothing for an empty text."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, detail=words)


class _Bar(Progress):
    """A bar with a line below it, where something is said there."""

    def get_renderables(self) -> Iterator[RenderableType]:
        """Lay out the bar, then the line."""
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            if task.fields["detail"]:
                yield Text(f"  {task.fields['detail']}", overflow="fold")


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


class _LeftColumn(ProgressColumn):
    """Time left: of the pieces finished, or of a forecast before the first is."""

    def __init__(self, forecast_s: float | None) -> None:
        super().__init__(Column(no_wrap=True))
        self._forecast_s = forecast_s

    def render(self, task: Task) -> Text:
        elapsed_s = task.elapsed or 0.0
        if task.finished:
            left_s: float | None = 0.0
        elif task.completed:
            # rich knows a speed from the second piece on.
            left_s = task.time_remaining
            if left_s is None and task.remaining is not None:
                left_s = elapsed_s / task.completed * task.remaining
        elif self._forecast_s is not None:
            left_s = max(self._forecast_s - elapsed_s, 0.0)
        else:
            left_s = None
        rough = "~" if self._forecast_s is not None and not task.completed else ""
        clock = "-:--:--" if left_s is None else str(timedelta(seconds=math.ceil(left_s)))
        return Text(rough + clock, style="progress.remaining")


@contextlib.contextmanager
def counting(
    description: str,
    n: int,
    *,
    unit: str,
    work: float | None = None,
    forecast_s: float | None = None,
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
    forecast_s : float, optional
        About how many seconds all will take, for the time left until a piece is finished.
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
    bar = _Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        _CountColumn(),
        _RateColumn(unit),
        # The bar alone gives way in a narrow terminal, and that is not enough in a very narrow.
        *(passed if console.width >= _WIDE else ()),
        _LeftColumn(forecast_s),
        TextColumn("left"),
        console=console,
        # Batches differ: a rate over the last minute forecasts better than one over seconds.
        speed_estimate_period=60,
    )
    with bar:
        total = n if work is None else work
        counter = Counter(bar, bar.add_task(description, total=total, n=n, finished=0, detail=""))
        try:
            yield counter
        finally:
            counter.detail("")


def tell(message: str) -> None:
    """Say something to people, on standard error."""
    Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(message)
