"""Rows that sections measure, one JSON line each, and the table made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Record", "Row", "read_lines", "table"]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table.

    Attributes
    ----------
    what : str
        What was measured.
    numbers : Mapping of str to float or str
        Measured values by name; the name carries the unit.
    goal : str
        What the value should be; empty for a row without a goal.
    met : bool or None
        Whether the goal is met; None where there is none, or where it is not judged.
    """

    what: str
    numbers: Mapping[str, float | str] = field(default_factory=dict)
    goal: str = ""
    met: bool | None = None

    @property
    def measured(self) -> str:
        """Return the values as text: '412 clips/s, 4.1 GB'."""
        return ", ".join(
            f"{name}: {value}" if isinstance(value, str) else f"{_short(value)} {name}"
            for name, value in self.numbers.items()
        )

    @property
    def verdict(self) -> str:
        """Return yes, no, 'not judged' or nothing."""
        if not self.goal:
            return ""
        return {True: "yes", False: "no", None: "not judged"}[self.met]


class Record:
    """Appends rows to a file as they are measured, so that none is lost with its process.

    Parameters
    ----------
    path : Path
        The file.
    judges_speed : bool
        Whether goals of speed apply; they are for the full size on a GPU.
    """

    def __init__(self, path: Path, *, judges_speed: bool) -> None:
        self._path, self._judges_speed = path, judges_speed

    def facts(self, facts: Mapping[str, Any]) -> None:
        """Write facts about the machine."""
        self._write({"facts": facts})

    def __call__(
        self, what: str, numbers: Mapping[str, float | str], goal: str = "", met: bool | None = None
    ) -> None:
        """Write a row; see `Row`."""
        self._write(asdict(Row(what, numbers, goal, met)))

    def at_most(self, what: str, name: str, value: float, most: float, **others: float) -> None:
        """Write a row whose value must not be larger; NaN is too large."""
        numbers = {name: value, **others}
        self._write(asdict(Row(what, numbers, f"at most {most:g}", bool(value <= most))))

    def times(self, what: str, value: float, least: float) -> None:
        """Write a row of how many times as fast ours is, with the goal for a GPU."""
        met = bool(value >= least) if self._judges_speed else None
        self._write(asdict(Row(what, {"times": value}, f"at least {least:g} times", met)))

    def _write(self, entry: Mapping[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def read_lines(path: Path) -> tuple[dict[str, Any], list[Row]]:
    """Read facts and rows; a last line that is not complete yet is left out."""
    facts: dict[str, Any] = {}
    rows = []
    text = path.read_text("utf-8") if path.exists() else ""
    for line in text.splitlines(keepends=True):
        if line.endswith("\n"):
            entry = json.loads(line)
            facts.update(entry.pop("facts", {}))
            rows += [Row(**entry)] if entry else []
    return facts, rows


def table(rows: Sequence[Row]) -> str:
    """Lay rows out in columns."""
    lines = [("", "measured", "goal", "met")]
    lines += [(row.what, row.measured, row.goal, row.verdict) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    return "\n".join(
        "  " + "  ".join([*map(str.ljust, line, widths), line[3]]).rstrip() for line in lines
    )


def _short(value: float) -> str:
    """Write a number with three digits, four where it is whole."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.1e}"
