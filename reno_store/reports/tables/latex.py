r"""A study's tables as LaTeX, laid out as the paper's.

They take ``\usepackage{booktabs}`` and span both columns of a page that has two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reno_store.reports.tables.escapes import comment, escape
from reno_store.reports.tables.grids import Grid, GridColumn, paper_grids
from reno_store.reports.tables.measures import Measure, MeasuredCell, Number
from reno_store.reports.tables.sections import short_name
from reno_store.studies import PROTOCOLS, Study
from reno_store.studies.classifiers import describe_estimator
from reno_store.studies.scores import Metric

__all__ = ["to_latex"]

_DAGGER = r"\textsuperscript{\textdagger}"
_INITIALS: dict[Metric, str] = {"accuracy": "A", "macro_f1": "F1"}
_CAPTIONS: dict[Number, str] = {"I": "Models alone", "II": "Pairs of models"}


def to_latex(study: Study) -> str:
    """Write a study's tables as LaTeX: one for each protocol and number of the paper's.

    Accuracy and macro-F1 in per cent, the mean with the standard deviation behind it in small
    type, the best of each column in bold. Cells that were not computed are dashes; comments
    say why. Pairs with more estimators than the paper's two get further tables.
    """
    lines = [comment(f"Made by: {study.command}"), r"% Takes \usepackage{booktabs}.", ""]
    for grid in paper_grids(study):
        lines += _table(study, grid)
    return "\n".join(lines)


def _table(study: Study, grid: Grid) -> Iterator[str]:
    yield from _missing(grid.cells)
    yield r"\begin{table*}[t]"
    # With these, Table II of three datasets is as wide as a page of two columns allows.
    yield r"\centering\footnotesize\setlength{\tabcolsep}{2.5pt}"
    yield rf"\caption{{{_caption(study, grid)}}}"
    suffix = f"-{grid.part + 1}" if grid.part else ""
    yield rf"\label{{tab:{grid.number}-{grid.protocol}{suffix}}}"
    yield rf"\begin{{tabular}}{{@{{}}l{'c' * len(grid.columns)}@{{}}}}"
    yield r"\toprule"
    yield from _head(grid.columns)
    section = ""
    for row, measures, best in zip(grid.rows, grid.measures, grid.best, strict=True):
        if row.section != section:
            section = row.section
            yield r"\midrule"
            width = 1 + len(grid.columns)
            yield rf"\multicolumn{{{width}}}{{l}}{{\textit{{{escape(section)}}}}} \\"
        models = escape(" + ".join(short_name(study, name) for name in row.models))
        yield _line([models, *map(_entry, measures, best)])
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield r"\end{table*}"
    yield ""


def _head(columns: Sequence[GridColumn]) -> Iterator[str]:
    """Head the columns by dataset, by estimator where columns have one, by metric."""
    datasets = [column.dataset for column in columns]
    yield from _spans(datasets, datasets)
    if columns[0].estimator:
        titles = [describe_estimator(column.estimator).title for column in columns]
        yield from _spans(titles, list(zip(datasets, titles, strict=True)))
    yield _line(["Models", *(_INITIALS[column.metric] for column in columns)])


def _spans(headings: Sequence[str], what: Sequence[object]) -> Iterator[str]:
    """Write each heading over the neighbours that are of the same, with a rule below."""
    starts = [place for place in range(len(what)) if not place or what[place] != what[place - 1]]
    spans = list(zip(starts, [*starts[1:], len(what)], strict=True))
    headed = [
        rf"\multicolumn{{{end - start}}}{{c}}{{{escape(headings[start])}}}" for start, end in spans
    ]
    yield _line(["", *headed])
    yield "".join(rf"\cmidrule(lr){{{start + 2}-{end + 1}}}" for start, end in spans)


def _line(entries: Iterable[str]) -> str:
    return rf"{' & '.join(entries)} \\"


def _entry(measure: Measure | None, best: bool) -> str:
    if measure is None or measure.mean is None:
        return "--"
    mean = rf"\textbf{{{measure.mean:.1f}}}" if best else f"{measure.mean:.1f}"
    spread = "" if measure.sd is None else rf"{{\tiny$\pm${measure.sd:.1f}}}"
    return f"{mean}{spread}{_DAGGER if measure.collapsed else ''}"


def _caption(study: Study, grid: Grid) -> str:
    """Say what the numbers are, over how many folds, and what the letters stand for."""
    missing = " A dash marks what was not computed."
    collapsed = " \N{DAGGER}: collapsed in some folds, which never counts as the best."
    return escape(
        f"{_CAPTIONS[grid.number]}, as in the paper's Table {grid.number}, under protocol "
        f"{grid.protocol}: {PROTOCOLS[grid.protocol].description}. "
        f"Accuracy (A) and macro-F1 (F1) in %: mean and standard deviation over folds"
        f"{_folds(grid)}; the best of each column in bold."
        f"{'' if all(each.cell.computed for each in grid.cells) else missing}"
        f"{collapsed if any(each.cell.n_collapsed for each in grid.cells) else ''}"
        f"{_letters(study, grid)}"
    )


def _folds(grid: Grid) -> str:
    """Say how many folds there are, for each dataset if they differ."""
    n_of = {each.cell.dataset: each.cell.n for each in grid.cells if each.cell.computed}
    if len(set(n_of.values())) == 1:
        return f" (n = {next(iter(n_of.values()))})"
    return f" (n = {', '.join(f'{n_of[name]} for {name}' for name in n_of)})" if n_of else ""


def _letters(study: Study, grid: Grid) -> str:
    used = {name for each in grid.cells for name in each.cell.models}
    letters = [
        f"{short_name(study, name)}: {name}"
        for name in (each.name for each in study.models)
        if name in used and short_name(study, name) != name
    ]
    return f" {'; '.join(letters)}." if letters else ""


def _missing(cells: Iterable[MeasuredCell]) -> Iterator[str]:
    """Say in comments why dashes stand where they do, once for each reason."""
    missing = dict.fromkeys(
        (each.cell.dataset, each.cell.reason or "no reason known", each.cell.command)
        for each in cells
        if not each.cell.computed
    )
    for dataset, reason, command in missing:
        yield comment(f"Not computed on {dataset}: {reason}; {command}")
