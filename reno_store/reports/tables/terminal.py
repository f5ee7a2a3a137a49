"""A study's tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from reno_store.conclusions import Answer, Claim, Comparison
from reno_store.reports.commands import Commands
from reno_store.reports.tables.findings import (
    COMPARISONS_NOTE,
    RANKING_NOTE,
    Findings,
    claims_table,
    comparison_tables,
    ranking_table,
    untested_claims,
)
from reno_store.reports.tables.layout import Table, share_notes, tables_of
from reno_store.runtime.columns import FittedTable, TableColumn
from reno_store.runtime.numbers import count
from reno_store.studies import DatasetFacts, Study
from reno_store.studies.scores import METRIC_TITLES

__all__ = ["describe", "study_renderable"]

_WIDEST_NOTE = 110
"""Characters: longer lines are hard to read."""

_SPARE_FINDINGS = {"vs best": 2, "p": 1}

_MOST_ROWS = 40
"""Of a table of findings."""

_SPARE = {METRIC_TITLES["balanced_accuracy"]: 3, "difference": 2, "paper": 1, "n": 4}
"""Columns that a narrow terminal leaves out, the highest first; the notes have n."""


def study_renderable(
    study: Study,
    *,
    answers: Sequence[Answer] = (),
    claims: Sequence[Claim] = (),
    comparisons: Sequence[Comparison] = (),
    commands: Commands | None = None,
) -> RenderableType:
    """Lay a study out for a terminal, with the best of each column in bold.

    Rows are grouped by estimator, because a column for it would make a table of pairs with the
    paper's values too wide for 100 columns.

    Parameters
    ----------
    study : Study
        Computed or not.
    answers : Sequence[Answer]
        Their sentences come last, where a terminal shows them, after their rankings.
    claims, comparisons : Sequence
        They follow the tables.
    commands : Commands, optional
        How notes describe what to run; Python calls by default.
    """
    parts: list[RenderableType] = []
    tables = tables_of(study, commands)
    general, after = share_notes(study, tables)
    notes_after = {id(table): notes for table, notes in zip(tables, after, strict=True)}
    for facts in study.datasets:
        parts.append(Text(describe(facts), style="bold"))
        own = [table for table in tables if table.dataset == facts.name]
        for protocol in dict.fromkeys(table.protocol for table in own):
            together = [table for table in own if table.protocol == protocol]
            parts += [part for each in together for part in (Text(each.title), _rows(each))]
            parts += [_bullet(str(note)) for each in together for note in notes_after[id(each)]]
            parts.append(Text(""))
    rankings = [ranking_table(each) for each in answers if len(each.ranking) > 1]
    compared = comparison_tables(comparisons)
    parts += [part for each in compared for part in _findings(each)]
    parts += _note(COMPARISONS_NOTE * any(each.rows for each in compared))
    parts += _findings(claims_table(claims))
    # What is the same for all rankings follows the last.
    parts += [part for each in rankings for part in _findings(replace(each, note=""))]
    parts += _note(RANKING_NOTE * bool(rankings))
    parts += map(_bullet, (*map(str, general), *untested_claims(claims), *study.notes))
    for answer in answers:
        parts += [Text(f"\n{answer.dataset}", style="bold"), *map(_bullet, answer.sentences)]
    return Group(*parts)


def describe(facts: DatasetFacts) -> str:
    """Return a dataset's name and counts, or those of a pair of corpora."""
    left_out = f" ({facts.n_left_out:,} left out)" if facts.n_left_out else ""
    speakers = count(facts.n_speakers, "speaker") if facts.n_speakers else "speakers unknown"
    clips, labels = count(facts.n_clips, "clip"), count(len(facts.labels), "label")
    if facts.transfer is not None:
        clips, speakers = f"{facts.transfer.n_train:,} clips trained on", f"{speakers} tested"
        left_out = f", {facts.n_clips:,} tested"
    return f"{facts.name}: {clips}{left_out}, {labels}, {speakers}"


def _bullet(words: str) -> Grid:
    """Put a dash before a note and indent its other lines."""
    grid = Grid.grid(padding=(0, 1))
    grid.add_column()
    grid.add_column(max_width=_WIDEST_NOTE)
    grid.add_row(Text("-"), Text(words))
    return grid


def _rows(table: Table) -> RenderableType:
    _, models, *numbers = table.headings
    columns = [
        TableColumn(models, wraps=True),
        *(
            TableColumn(_stack(each), numeric=True, spare=_SPARE.get(each, 0), title=each)
            for each in numbers
        ),
    ]
    rows: list[list[str | Text]] = []
    sections = []
    before = ""
    for _, (estimator, names, *entries) in table.rows():
        if estimator.text != before:
            sections += [len(rows)] if rows else []
            rows.append([Text(estimator.text, style="italic"), *[""] * len(entries)])
            before = estimator.text
        # A pair too wide for its column is wrapped after its first model, and indented, since
        # its second half would look like another row.
        text = names.text.replace(" + ", "\n  + ") if "paper" in numbers else names.text
        scores = [Text(each.text, style="bold" if each.best else "") for each in entries]
        rows.append([text, *scores])
    fitted = FittedTable(
        columns, rows, sections=sections, lines=box.SIMPLE_HEAD, elsewhere="the Markdown form"
    )
    return Padding(fitted, (1, 0))


def _findings(findings: Findings) -> list[RenderableType]:
    """Lay out a table of findings, and its note; nothing where it has neither."""
    note = _note(findings.note)
    if not findings.rows:
        return [Text(findings.title), *note] if note else []
    first, *numbers, verdict = (
        each.replace("95 %", "95\N{NO-BREAK SPACE}%") for each in findings.headings
    )
    columns = [
        TableColumn(first, wraps=True),
        *(
            TableColumn(_stack(each), numeric=True, spare=_SPARE_FINDINGS.get(each, 0), title=each)
            for each in numbers
        ),
        TableColumn(_stack(verdict)),
    ]
    rows: list[Sequence[str | Text]] = []
    sections = []
    for number, row in enumerate(findings.rows[:_MOST_ROWS]):
        if number in findings.sections:
            sections += [len(rows)] if rows else []
            title = Text(findings.sections[number], style="italic")
            rows.append([title, *[""] * (len(columns) - 1)])
        rows.append(row)
    fitted = FittedTable(
        columns,
        rows,
        sections=sections,
        lines=box.SIMPLE_HEAD,
        elsewhere="the Markdown form",
        wraps_first=True,
    )
    n_more = len(findings.rows) - _MOST_ROWS
    more = [Text(f"{n_more:,} more; the Markdown form has them.")] if n_more > 0 else []
    return [Text(findings.title), Padding(fitted, (1, 0)), *more, *note]


def _note(words: str) -> list[RenderableType]:
    return [Padding(Text(words), (0, 0, 1, 0))] if words else []


def _stack(heading: str) -> str:
    """Make a heading as narrow as the numbers below it."""
    return heading.replace("difference", "diff.").replace(" ", "\n")
