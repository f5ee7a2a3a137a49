"""A study's tables as Markdown, as GitHub reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reno_store.conclusions import Claim, Comparison, probe_sentences
from reno_store.reports.tables.layout import views_of
from reno_store.reports.tables.notes import study_notes
from reno_store.reports.tables.views import Entry, TableView
from reno_store.studies import Study

__all__ = ["to_markdown"]

_N_NAMES = 2
"""Columns of words, before those of numbers."""

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&])")
"""What Markdown, or HTML inside it, would take for something else."""


def to_markdown(
    study: Study, *, claims: Sequence[Claim] = (), comparisons: Sequence[Comparison] = ()
) -> str:
    """Write a study's tables as Markdown, with the best of each column in bold.

    Parameters
    ----------
    study : Study
        Computed or not.
    claims, comparisons : Sequence
        Their sentences stand under the tables.
    """
    general = study_notes(study)
    lines = ["# Tables", "", *_fence(study.command), ""]
    for view in views_of(study):
        lines += [f"## {_escape(view.title)}", "", *_table(view), ""]
        lines += _bullets(_note(note, view) for note in view.notes if note not in general)
    lines += ["## All tables", "", *_bullets(map(_escape, (*general, *study.notes)))]
    if study.versions:
        versions = ", ".join(f"{name} {study.versions[name]}" for name in sorted(study.versions))
        lines[-1:] = _bullets([_escape(f"Made with {versions}.")])
    concluded = [*(claim.sentence for claim in claims), *probe_sentences(comparisons)]
    if concluded:
        lines += ["## What may be concluded", ""]
        lines += _bullets(map(_escape, concluded))
    if comparisons:
        lines += ["## Comparisons", ""]
        lines += _bullets(_escape(comparison.sentence) for comparison in comparisons)
    return "\n".join(lines)


def _table(view: TableView) -> list[str]:
    ruler = ["---"] * _N_NAMES + ["---:"] * (len(view.columns) - _N_NAMES)
    return [
        _row(map(_escape, view.columns)),
        _row(ruler),
        *(_row(map(_entry, row.entries)) for row in view.rows),
    ]


def _row(entries: Iterable[str]) -> str:
    return f"| {' | '.join(entries)} |"


def _entry(entry: Entry) -> str:
    return f"**{_escape(entry.text)}**" if entry.best else _escape(entry.text)


def _bullets(notes: Iterable[str]) -> list[str]:
    return [*(f"- {note}" for note in notes), ""]


def _escape(words: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(words.split()))


def _note(note: str, view: TableView) -> str:
    """Escape a note, but for its commands: those stand in code spans, to be copied."""
    commands = sorted({row.cell.command for row in view.rows} - {""}, key=len, reverse=True)
    if not commands:
        return _escape(note)
    parts = re.split(f"({'|'.join(map(re.escape, commands))})", note)
    return " ".join(
        _code(part) if part in commands else _escape(part) for part in parts if part.strip()
    )


def _code(command: str) -> str:
    """Fence a command with more backticks than it has in a row."""
    fence = "`" * (1 + max(map(len, re.findall("`+", command)), default=0))
    return f"{fence} {command} {fence}" if len(fence) > 1 else f"`{command}`"


def _fence(command: str) -> list[str]:
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", command)), default=0))
    return [f"{fence}sh", command, fence]
