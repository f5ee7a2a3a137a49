"""A progress bar for work counted in pieces: how many a second, how long still."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

__all__ = ["Counter", "counting"]


class Counter:
    """What a loop tells of its progress; silent where there is no bar."""

    def __init__(self, bar: Progress | None = None, task: TaskID | None = None) -> None:
        self._bar, self._task = bar, task

    def advance(self, n: int = 1) -> None:
        """Say that n more pieces are finished."""
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, n)


class _RateColumn(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f} {self._unit}/s" if speed else f"- {self._unit}/s")


@contextlib.contextmanager
def counting(
    description: str, total: int, *, unit: str, show: bool | None = None
) -> Iterator[Counter]:
    """Show a bar on standard error while the block runs.

    Parameters
    ----------
    description : str
        What is being done.
    total : int
        How many pieces there are.
    unit : str
        What a piece is called, in the plural: ``"clips"``.
    show : bool, optional
        Whether to show it; by default where standard error is a terminal.

    Yields
    ------
    Counter
        To be advanced for each finished piece.
    """
    if not total or not (sys.stderr.isatty() if show is None else show):
        yield Counter()
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(unit),
        TimeElapsedColumn(),
        TextColumn("elapsed,"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=Console(stderr=True),
        # Clips differ in length: a rate over the last minute forecasts better than one over
        # the last seconds.
        speed_estimate_period=60,
    )
    with bar:
        yield Counter(bar, bar.add_task(description, total=total))
