"""A study's tables as Markdown, as GitHub reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reno_store.conclusions import Answer, Claim, Comparison
from reno_store.reports.commands import Commands, PythonCalls
from reno_store.reports.tables.findings import (
    COMPARISONS_NOTE,
    Findings,
    claims_table,
    comparison_tables,
    ranking_table,
    untested_claims,
)
from reno_store.reports.tables.layout import N_NAMES, Entry, Table, share_notes, tables_of
from reno_store.reports.tables.notes import Note
from reno_store.studies import Study

__all__ = ["to_markdown"]

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&])")
"""What Markdown, or HTML inside it, would read as something else."""


def to_markdown(
    study: Study,
    *,
    answers: Sequence[Answer] = (),
    claims: Sequence[Claim] = (),
    comparisons: Sequence[Comparison] = (),
    commands: Commands | None = None,
) -> str:
    """Write a study's tables as Markdown, with the best of each column in bold.

    Parameters
    ----------
    study : Study
        Computed or not.
    answers : Sequence
        Their sentences and rankings come first.
    claims, comparisons : Sequence
        They follow the tables.
    commands : Commands, optional
        How to describe what to run; Python calls by default.
    """
    commands = commands or PythonCalls()
    tables = tables_of(study, commands)
    general, after = share_notes(study, tables)
    lines = ["# Tables", "", *_fence(commands.study(study)), ""]
    for answer in answers:
        lines += [f"## {_escape(answer.dataset)}", "", *_bullets(map(_escape, answer.sentences))]
        if len(answer.ranking) > 1:
            lines += _findings(ranking_table(answer))
    for table, notes in zip(tables, after, strict=True):
        lines += [f"## {_escape(table.title)}", "", *_table(table), ""]
        lines += _bullets(map(_note, notes)) if notes else []
    if comparisons:
        for compared in comparison_tables(comparisons):
            lines += _findings(compared, level=2)
        lines += [COMPARISONS_NOTE, ""]
    if (claimed := claims_table(claims)).rows:
        lines += _findings(claimed, level=2)
    made_with = ", ".join(f"{name} {study.versions[name]}" for name in sorted(study.versions))
    others = [
        *general,
        *map(Note, (*untested_claims(claims), *study.notes)),
        *([Note(f"Made with {made_with}.")] * (made_with != "")),
    ]
    lines += ["## Notes", "", *_bullets(map(_note, others))]
    return "\n".join(lines)


def _findings(findings: Findings, level: int = 3) -> list[str]:
    ruler = ["---", *["---:"] * (len(findings.headings) - 2), "---"]
    lines = [f"{'#' * level} {_escape(findings.title)}", ""]
    if findings.rows:
        lines += [_row(map(_escape, findings.headings)), _row(ruler)]
    for number, row in enumerate(findings.rows):
        if number in findings.sections:
            section = f"**{_escape(findings.sections[number])}**"
            lines.append(_row([section, *[""] * (len(row) - 1)]))
        lines.append(_row(map(_escape, row)))
    lines += [""] * bool(findings.rows)
    return [*lines, *([findings.note, ""] if findings.note else [])]


def _table(table: Table) -> list[str]:
    ruler = ["---"] * N_NAMES + ["---:"] * (len(table.headings) - N_NAMES)
    return [
        _row(map(_escape, table.headings)),
        _row(ruler),
        *(_row(map(_entry, entries)) for _, entries in table.rows()),
    ]


def _row(entries: Iterable[str]) -> str:
    return f"| {' | '.join(entries)} |"


def _entry(entry: Entry) -> str:
    return f"**{_escape(entry.text)}**" if entry.best else _escape(entry.text)


def _bullets(notes: Iterable[str]) -> list[str]:
    return [*(f"- {note}" for note in notes), ""]


def _escape(words: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(words.split()))


def _note(note: Note) -> str:
    """Escape a note; its commands become code, to be copied."""
    return " ".join([_escape(note.text), *([" ; ".join(map(_code, note.commands))])]).rstrip()


def _code(command: str) -> str:
    """Quote a command with more backticks than it has in a row."""
    fence = "`" * (1 + _most_backticks(command))
    return f"{fence} {command} {fence}" if len(fence) > 1 else f"`{command}`"


def _fence(command: str) -> list[str]:
    fence = "`" * max(3, 1 + _most_backticks(command))
    return [fence, command, fence]


def _most_backticks(command: str) -> int:
    return max(map(len, re.findall("`+", command)), default=0)
