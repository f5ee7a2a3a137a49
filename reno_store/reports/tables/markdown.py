"""A study's tables as Markdown, as GitHub reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reno_store.conclusions import Claim, Comparison, probe_sentences, transfer_sentences
from reno_store.reports.commands import Commands, PythonCalls
from reno_store.reports.tables.layout import N_NAMES, Entry, Table, tables_of
from reno_store.reports.tables.notes import Note, study_notes
from reno_store.studies import Study

__all__ = ["to_markdown"]

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&])")
"""What Markdown, or HTML inside it, would read as something else."""


def to_markdown(
    study: Study,
    *,
    claims: Sequence[Claim] = (),
    comparisons: Sequence[Comparison] = (),
    commands: Commands | None = None,
) -> str:
    """Write a study's tables as Markdown, with the best of each column in bold.

    Parameters
    ----------
    study : Study
        Computed or not.
    claims, comparisons : Sequence
        Their sentences follow the tables.
    commands : Commands, optional
        How to describe what to run; Python calls by default.
    """
    commands, general = commands or PythonCalls(), study_notes(study)
    lines = ["# Tables", "", *_fence(commands.study(study)), ""]
    for table in tables_of(study, commands):
        lines += [f"## {_escape(table.title)}", "", *_table(table), ""]
        lines += _bullets(_note(note) for note in table.notes if note not in general)
    made_with = ", ".join(f"{name} {study.versions[name]}" for name in sorted(study.versions))
    notes = [
        *general,
        *map(Note, study.notes),
        *([Note(f"Made with {made_with}.")] * (made_with != "")),
    ]
    lines += ["## All tables", "", *_bullets(map(_note, notes))]
    conclusions = [*(claim.sentence for claim in claims), *probe_sentences(comparisons)]
    conclusions += transfer_sentences(study)
    for heading, sentences in (
        ("Conclusions", conclusions),
        ("Comparisons", [comparison.sentence for comparison in comparisons]),
    ):
        if sentences:
            lines += [f"## {heading}", "", *_bullets(map(_escape, sentences))]
    return "\n".join(lines)


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
