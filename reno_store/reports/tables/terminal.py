"""A study's tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reno_store.conclusions import Claim, Comparison, probe_sentences
from reno_store.reports.tables.layout import views_of
from reno_store.reports.tables.notes import study_notes
from reno_store.reports.tables.views import TableRow, TableView
from reno_store.runtime.columns import FittedTable, TableColumn
from reno_store.studies import DatasetFacts, Study
from reno_store.studies.scores import METRIC_TITLES

__all__ = ["study_renderable"]

_WIDEST_NOTE = 110
"""Characters: longer lines are hard to read, also where there is room."""

_N_NAMES = 2
"""Columns of words, before those of numbers: estimator and models."""

_SPARE = {METRIC_TITLES["balanced_accuracy"]: 3, "difference": 2, "paper": 1, "n": 4}
"""Columns that a narrow terminal can do without, the highest first; notes tell n."""


def study_renderable(
    study: Study, *, claims: Sequence[Claim] = (), comparisons: Sequence[Comparison] = ()
) -> RenderableType:
    """Lay a study out for a terminal, with the best of each column in bold.

    Estimators head their rows, since a column of their own would not leave a table of pairs
    beside the paper's values readable at 100 columns.

    Parameters
    ----------
    study : Study
        Computed or not.
    claims : Sequence[Claim]
        Their sentences stand under the tables.
    comparisons : Sequence[Comparison]
        Those with logistic regression are summed up, the others counted: there are too many
        to read here.
    """
    parts: list[RenderableType] = []
    general = study_notes(study)
    views = views_of(study)
    for facts in study.datasets:
        parts.append(Text(_describe(facts), style="bold"))
        own = [view for view in views if view.dataset == facts.name]
        for protocol in dict.fromkeys(view.protocol for view in own):
            together = [view for view in own if view.protocol == protocol]
            parts += [part for view in together for part in (Text(view.title), _table(view))]
            notes = dict.fromkeys(note for view in together for note in view.notes)
            parts += [_bullet(note) for note in notes if note not in general]
            parts.append(Text(""))
    parts += [_bullet(note) for note in (*general, *study.notes)]
    concluded = [*(claim.sentence for claim in claims), *probe_sentences(comparisons)]
    if concluded:
        parts += [Text("\nWhat may be concluded", style="bold")]
        parts += [_bullet(sentence) for sentence in concluded]
    if comparisons:
        many = f"{len(comparisons)} comparison{'s' if len(comparisons) > 1 else ''}"
        parts += [_bullet(f"{many}, told one by one in the forms markdown and json.")]
    return Group(*parts)


def _describe(facts: DatasetFacts) -> str:
    speakers = f"{facts.n_speakers:,} speakers" if facts.n_speakers else "speakers unknown"
    return f"{facts.name}: {facts.n_clips:,} clips, {len(facts.labels)} labels, {speakers}"


def _bullet(words: str) -> Table:
    """Put a dash before a note and indent its further lines."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column()
    grid.add_column(max_width=_WIDEST_NOTE)
    grid.add_row(Text("-"), Text(words))
    return grid


def _table(view: TableView) -> RenderableType:
    columns = [
        TableColumn(view.columns[_N_NAMES - 1], wraps=True),
        *(
            TableColumn(_stack(heading), numeric=True, spare=_SPARE.get(heading, 0), title=heading)
            for heading in view.columns[_N_NAMES:]
        ),
    ]
    rows: list[list[str | Text]] = []
    sections = []
    before: str | None = None
    for row in view.rows:
        estimator = row.entries[0].text
        if estimator != before:
            if before is not None:
                sections.append(len(rows))
            rows.append([Text(estimator, style="italic"), *[""] * (len(columns) - 1)])
        rows.append([_models(row, stacked="paper" in view.columns), *_numbers(row)])
        before = estimator
    table = FittedTable(
        columns, rows, sections=sections, lines=box.SIMPLE_HEAD, elsewhere="--format markdown"
    )
    return Padding(table, (1, 0))


def _stack(heading: str) -> str:
    """Make a heading as narrow as the numbers below it."""
    return heading.replace("difference", "diff.").replace(" ", "\n")


def _models(row: TableRow, *, stacked: bool) -> Text:
    """Name the models, one below the other where a pair would be wrapped anyway.

    Wrapped, its second half would look like a row of its own.
    """
    names = row.entries[_N_NAMES - 1].text
    return Text(names.replace(" + ", "\n  + ") if stacked else names)


def _numbers(row: TableRow) -> list[Text]:
    return [
        Text(entry.text, style="bold" if entry.best else "") for entry in row.entries[_N_NAMES:]
    ]
