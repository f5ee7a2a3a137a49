"""A progress bar for work counted in pieces, with their rate and the time left."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

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

_LOGGED_S = 300.0
"""How often a line is printed where there is no terminal, such as in the log of a cluster's job."""
_WIDE = 80
"""Width of a terminal, in columns, from which the elapsed time is shown too."""


class Counter:
    """Progress of a loop; does nothing without a bar."""

    def __init__(self, bar: Progress | None = None, task: TaskID | None = None) -> None:
        self._bar, self._task, self._finished = bar, task, 0

    def advance(self, n: int = 1, *, work: float | None = None) -> None:
        """Count n more finished pieces, and the amount of work in them."""
        self._finished += n
        self._update(advance=n if work is None else work, finished=self._finished)

    def rename(self, description: str) -> None:
        """Set the description of the current work."""
        self._update(description=description)

    def detail(self, words: str) -> None:
        """Show the current piece in a line below the bar; an empty text removes the line."""
        self._update(detail=words)

    def _update(self, **changes: Any) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, **changes)


class _LoggedCounter(Counter):
    """Progress in a log: a line now and then."""

    def __init__(self, description: str, n: int, unit: str, work: float) -> None:
        super().__init__()
        self._description, self._n, self._unit, self._work = description, n, unit, work
        self._done = 0.0
        self._begun = self._printed = time.monotonic()

    def _update(self, **changes: Any) -> None:
        self._description = changes.get("description", self._description)
        self._done += changes.get("advance", 0.0)
        now = time.monotonic()
        if self._done and now - self._printed >= _LOGGED_S:
            self._printed, elapsed_s = now, now - self._begun
            left_s = elapsed_s / self._done * max(self._work - self._done, 0.0)
            rate = _rate_in_words(self._finished, elapsed_s, self._unit)
            left = timedelta(seconds=math.ceil(left_s))
            tell(f"{self._description}: {self._finished:,}/{self._n:,} {rate} {left} left")


class _Bar(Progress):
    """A bar with an optional line below it."""

    def get_renderables(self) -> Iterator[RenderableType]:
        """Yield the bar, then the line."""
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            if task.fields["detail"]:
                yield Text(f"  {task.fields['detail']}", overflow="fold")


class _Computed(ProgressColumn):
    """A column with a text that is computed from the task.

    rich's own MofNCompleteColumn and TimeRemainingColumn count work, not pieces, and know
    neither a rate per minute nor a forecast.
    """

    def __init__(self, text: Callable[[Task], str], style: str = "") -> None:
        super().__init__(Column(no_wrap=True))
        self._text, self._style = text, style

    def render(self, task: Task) -> Text:
        return Text(self._text(task), self._style)


def _count(task: Task) -> str:
    return f"{task.fields['finished']:,}/{task.fields['n']:,}"


def _rate(task: Task) -> str:
    """Return the finished pieces per second, or per minute if they take longer."""
    unit, finished = task.fields["unit"], task.fields["finished"]
    # After the last piece, time goes on but the rate does not change.
    elapsed_s = task.finished_time if task.finished else task.elapsed
    if not (finished and elapsed_s):
        return f"- {unit}/s"
    return _rate_in_words(finished, elapsed_s, unit)


def _rate_in_words(finished: int, elapsed_s: float, unit: str) -> str:
    rate = finished / elapsed_s
    return f"{60 * rate:.1f} {unit}/min" if rate < 1 else f"{rate:.1f} {unit}/s"


def _left(task: Task) -> str:
    """Return the time left: from the finished pieces, or before the first from a forecast."""
    elapsed_s, forecast_s = task.elapsed or 0.0, task.fields["forecast_s"]
    left_s: float | None = None
    rough = ""
    if task.finished:
        left_s = 0.0
    elif task.completed:
        # rich knows a speed from the second piece on.
        left_s = task.time_remaining
        if left_s is None and task.remaining is not None:
            left_s = elapsed_s / task.completed * task.remaining
    elif forecast_s is not None:
        left_s, rough = max(forecast_s - elapsed_s, 0.0), "~"
    return rough + ("-:--:--" if left_s is None else str(timedelta(seconds=math.ceil(left_s))))


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
    """Show a bar on standard error while the block runs, or print a line every five minutes.

    Parameters
    ----------
    description : str
        Description of the work.
    n : int
        Number of pieces.
    unit : str
        Name of the pieces, in the plural: ``"clips"``.
    work : float, optional
        Total amount of work, where pieces differ; the bar and the time left are based on it.
    forecast_s : float, optional
        Estimated seconds for everything, used for the time left until a piece is finished.
    show : bool, optional
        Whether to show the bar; by default if standard error is a terminal. If it is a file or a
        pipe, lines are printed by default, and nothing in a notebook.

    Yields
    ------
    Counter
        To advance after each finished piece.
    """
    is_terminal = sys.stderr.isatty()
    if not n or not (is_terminal if show is None else show):
        is_logged = n and show is None and "ipykernel" not in sys.modules
        total = n if work is None else work
        yield _LoggedCounter(description, n, unit, total) if is_logged else Counter()
        return
    console = Console(stderr=True)
    elapsed = (TimeElapsedColumn(Column(no_wrap=True)), TextColumn("elapsed,"))
    bar = _Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        _Computed(_count),
        _Computed(_rate),
        # The bar alone shrinks in a narrow terminal; in a very narrow one that is not enough.
        *(elapsed if console.width >= _WIDE else ()),
        _Computed(_left, "progress.remaining"),
        TextColumn("left"),
        console=console,
        # Batches differ: a rate over the last minute forecasts better than one over seconds.
        speed_estimate_period=60,
    )
    fields: dict[str, Any] = {
        "n": n,
        "unit": unit,
        "forecast_s": forecast_s,
        "finished": 0,
        "detail": "",
    }
    with bar:
        total = n if work is None else work
        counter = Counter(bar, bar.add_task(description, total=total, **fields))
        try:
            yield counter
        finally:
            counter.detail("")


def tell(message: str) -> None:
    """Print a message on standard error."""
    Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(message)
