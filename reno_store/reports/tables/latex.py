r"""A study's tables as LaTeX, laid out as the paper's: models down, datasets across.

Table I has a section per estimator, Table II two estimators side by side where they fit. The
tables need ``\usepackage{array,booktabs}`` and span both columns of a page that has two. They are
written here and not by pandas' Styler, which knows neither section rows nor rules under groups of
columns.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reno_store.conclusions import Answer, Claim, Comparison
from reno_store.conclusions.names import estimator_title
from reno_store.reports.commands import Commands, PythonCalls
from reno_store.reports.tables.findings import (
    COMPARISONS_NOTE,
    Findings,
    claims_table,
    comparison_tables,
    ranking_table,
)
from reno_store.reports.tables.results import mark_best, results_frame
from reno_store.studies import PROTOCOLS, Cell, Study
from reno_store.studies.classifiers import ESTIMATORS
from reno_store.studies.scores import METRICS

__all__ = ["escape", "to_latex"]

_SIDE_BY_SIDE = 2
"""Estimators side by side in Table II: Concat and RENO in the paper."""

_MOST_COLUMNS = 12
"""Columns of numbers that fit a page."""

_MOST_LINES = 44
"""Lines of a table of comparisons that fit a page, next to its caption."""
_LINE = 44
"""Characters of a name that fit a line."""

_DAGGER = r"\textsuperscript{\textdagger}"
_INITIALS = {"accuracy": "A", "macro_f1": "F1", "balanced_accuracy": "B"}
_CAPTIONS = {"I": "Models alone", "II": "Fused models"}
_FAMILIES = {"mamba": "MAFM", "attention": "AAFM", "": "other"}
_END = (r"\bottomrule", r"\end{tabular}", r"\end{table*}", "")
_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        # Not \textquotedbl, which the default encoding OT1 lacks.
        '"': r"{\char34}",
        **{each: rf"\{each}" for each in "&%$#_{}"},
        # At the start of a row these would be read as options of the line break before it.
        **{each: f"{{{each}}}" for each in "[]*"},
        "−": r"\ensuremath{-}",
        "±": r"\ensuremath{\pm}",
        "→": r"\ensuremath{\rightarrow}",
    }
)


def escape(words: str) -> str:
    r"""Escape what is special to LaTeX; line breaks become blanks.

    Letters stay as they are: those beyond Latin need XeLaTeX or LuaLaTeX.

    Examples
    --------
    >>> print(escape("a_b & 100 %"))
    a\_b \& 100 \%
    """
    return " ".join(words.split()).translate(_ESCAPES)


def to_latex(
    study: Study,
    commands: Commands | None = None,
    *,
    answers: Sequence[Answer] = (),
    claims: Sequence[Claim] = (),
    comparisons: Sequence[Comparison] = (),
) -> str:
    """Write a study's tables as LaTeX: one per protocol and number of the paper's tables.

    Accuracy, macro-F1 and balanced accuracy in per cent, the standard deviation after the mean in
    small type, the best of each column in bold, the scores of guessing in the last row. A cell
    that collapsed or does not beat guessing is never bold. Cells that were not computed are
    dashes; comments give the reasons. Tables that are too wide for a page continue in further
    ones. Rankings, comparisons and claims follow.

    Parameters
    ----------
    study : Study
        Computed or not.
    commands : Commands, optional
        How comments describe what to run; Python calls by default.
    answers, claims, comparisons : Sequence
        The study's conclusions.
    """
    commands = commands or PythonCalls()
    made_by = _comment(f"Made by: {commands.study(study)}")
    lines = [made_by, r"% Needs \usepackage{array,booktabs}.", ""]
    frame = results_frame(study)
    for protocol in dict.fromkeys(frame["protocol"]):
        own = frame[frame["protocol"] == protocol]
        for number in ("I", "II"):
            for part, chosen in enumerate(_that_fit(own[own["table"] == number], number)):
                lines += _Layout(study, chosen, number, protocol, commands, part).lines()
    rankings = [ranking_table(each) for each in answers if len(each.ranking) > 1]
    for findings in (*rankings, claims_table(claims)):
        lines += _findings(findings)
    for findings in comparison_tables(comparisons):
        lines += _findings(findings, COMPARISONS_NOTE)
    return "\n".join(lines)


def _that_fit(frame: pd.DataFrame, number: str) -> Iterator[pd.DataFrame]:
    """Divide the rows of Table I by datasets, those of Table II by estimators too."""
    most = _MOST_COLUMNS // len(METRICS)
    datasets = list(dict.fromkeys(frame["dataset"]))
    columns = frame[["estimator", "settings"]].apply(tuple, axis="columns")
    order = [*ESTIMATORS, *frame["estimator"]]
    names = sorted(dict.fromkeys(columns), key=lambda name: order.index(name[0]))
    side_by_side = len(names)
    if number == "II":
        side_by_side = max(1, min(_SIDE_BY_SIDE, most // len(datasets[:most] or [""])))
    for first in range(0, len(datasets), most):
        own = frame["dataset"].isin(datasets[first : first + most])
        for start in range(0, len(names), side_by_side):
            chosen = frame[own & columns.isin(names[start : start + side_by_side])]
            if len(chosen):
                yield chosen


@dataclass(frozen=True, slots=True)
class _Layout:
    """One table: the rows of `results_frame` in it, and which continuation it is."""

    study: Study
    frame: pd.DataFrame
    number: str
    protocol: str
    commands: Commands
    part: int = 0

    def lines(self) -> Iterator[str]:
        sections: dict[str, dict[tuple[str, ...], None]] = {}
        columns: dict[tuple[str, str, str], None] = {}
        entries: dict[Hashable, str] = {}
        fused = self.number == "II"
        by = ["estimator", "settings"] if fused else []
        best = mark_best(self.frame, ["dataset", *by, "metric"])
        for place, marked, row in zip(self.frame.index, best, self.frame.itertuples(), strict=True):
            cell = self.study.cells[place]
            title = estimator_title(cell)
            section, estimator = ("", title) if fused else (title, "")
            section = section or self._pair_of_families(cell)
            column = (cell.dataset, estimator, str(row.metric))
            sections.setdefault(section, {})[cell.models] = None
            columns[column] = None
            entries[section, cell.models, column] = _entry(row, best=marked)
        order = {name: place for place, name in enumerate(dict.fromkeys(c[1] for c in columns))}
        datasets = list(dict.fromkeys(column[0] for column in columns))
        across = sorted(columns, key=lambda each: (datasets.index(each[0]), order[each[1]]))

        suffix = f"-{self.part + 1}" if self.part else ""
        yield from self._missing()
        yield from _begin(self._caption())
        yield rf"\label{{tab:{self.number}-{self.protocol}{suffix}}}"
        yield rf"\begin{{tabular}}{{@{{}}l{'c' * len(across)}@{{}}}}"
        yield r"\toprule"
        yield from _spans([each[0] for each in across], [each[0] for each in across])
        if fused:
            yield from _spans([each[1] for each in across], [each[:2] for each in across])
        yield _line(["Models", *(_INITIALS[each[2]] for each in across)])
        for section, rows in sections.items():
            yield from _section(section, 1 + len(across))
            for models in rows:
                names = escape(" + ".join(map(self._short_name, models)))
                yield _line([names, *(entries.get((section, models, c), "--") for c in across)])
        yield r"\midrule"
        yield _line(["guessing", *(self._guessing(each[0], each[2]) for each in across)])
        yield from _END

    def _guessing(self, dataset: str, metric: str) -> str:
        own = self.frame[(self.frame["dataset"] == dataset) & (self.frame["metric"] == metric)]
        guessing = own["guessing"].mean()
        return "--" if pd.isna(guessing) else f"{guessing:.1f}"

    @property
    def _cells(self) -> list[Cell]:
        return [self.study.cells[place] for place in self.frame.index.unique()]

    def _pair_of_families(self, cell: Cell) -> str:
        """Name the section of Table II, such as ``"AAFM + MAFM"``, whatever the order."""
        return " + ".join(sorted(_FAMILIES[self.study.model(name).family] for name in cell.models))

    def _short_name(self, name: str) -> str:
        """Return the paper's letter for a model, or its name where no or two models have it."""
        letter = self.study.model(name).letter
        alone = sum(each.letter == letter for each in self.study.models) == 1
        return letter if letter and alone else name

    def _caption(self) -> str:
        cells = self._cells
        n_of = {cell.dataset: cell.n for cell in cells if cell.computed}
        folds = ", ".join(f"{n} for {name}" for name, n in n_of.items())
        if len(set(n_of.values())) == 1:
            folds = str(next(iter(n_of.values())))
        folds = f" (n = {folds})" if folds else ""
        used = [
            each.name for each in self.study.models if any(each.name in c.models for c in cells)
        ]
        letters = "; ".join(
            f"{self._short_name(name)}: {name}" for name in used if self._short_name(name) != name
        )
        parts = [
            f"{_CAPTIONS[self.number]}, as in the paper's Table {self.number}, under protocol "
            f"{self.protocol}: {PROTOCOLS[self.protocol].description}. Accuracy (A), macro-F1 (F1) "
            f"and balanced accuracy (B) in %: mean and standard deviation over folds{folds}; the "
            "best of each column in bold, if it beats guessing (always the most frequent label for "
            "A, chance for F1 and B)."
        ]
        if not all(cell.computed for cell in cells):
            parts.append("A dash marks what was not computed.")
        if any(cell.n_collapsed for cell in cells):
            parts.append("\N{DAGGER}: collapsed in some folds, which never counts as the best.")
        return " ".join([*parts, *([f"{letters}."] if letters else [])])

    def _missing(self) -> Iterator[str]:
        """Give the reason for each dash, once for each reason, as comments."""
        reasons = dict.fromkeys(
            f"Not computed on {cell.dataset}: {cell.reason or 'no reason known'}; "
            f"{self.commands.cell(self.study, cell)}"
            for cell in self._cells
            if not cell.computed
        )
        yield from map(_comment, reasons)


def _begin(caption: str) -> Iterator[str]:
    yield r"\begin{table*}[t]"
    # With these, 12 columns of numbers are as wide as a page of two columns allows.
    yield r"\centering\footnotesize\setlength{\tabcolsep}{2.5pt}"
    yield rf"\caption{{{escape(caption)}}}"


def _findings(findings: Findings, note: str = "") -> Iterator[str]:
    """Write a table of findings, in several parts where it is too long for a page."""
    n_columns = len(findings.headings)
    for start, end in _pages(findings):
        parts = (f"{findings.title}.", note, findings.note)
        yield from _begin(
            f"{findings.title}, continued." if start else " ".join(filter(None, parts))
        )
        # The names are wrapped, so that long ones fit.
        names = r">{\raggedright\hangindent1em}p{0.4\textwidth}"
        yield rf"\begin{{tabular}}{{@{{}}{names}{'r' * (n_columns - 2)}l@{{}}}}"
        yield r"\toprule"
        yield _line(map(escape, findings.headings))
        for number, row in list(enumerate(findings.rows))[start:end]:
            if number in findings.sections:
                yield from _section(findings.sections[number], n_columns)
            elif number == start:
                yield r"\midrule"
            yield _line(map(escape, row))
        yield from _END


def _pages(findings: Findings) -> Iterator[tuple[int, int]]:
    """Yield the first row of each part of a table, and the row after its last."""
    start, lines = 0, 0
    for number, row in enumerate(findings.rows):
        needs = -(-len(row[0]) // _LINE) + 2 * (number in findings.sections)
        if number > start and lines + needs > _MOST_LINES:
            yield start, number
            start, lines = number, 0
        lines += needs
    if findings.rows:
        yield start, len(findings.rows)


def _section(title: str, n_columns: int) -> Iterator[str]:
    yield r"\midrule"
    yield _line([rf"\multicolumn{{{n_columns}}}{{l}}{{\textit{{{escape(title)}}}}}"])


def _entry(row: Any, *, best: bool) -> str:
    if pd.isna(row.mean):
        return "--"
    mean = rf"\textbf{{{row.mean:.1f}}}" if best else f"{row.mean:.1f}"
    spread = "" if pd.isna(row.sd) else rf"{{\tiny$\pm${row.sd:.1f}}}"
    return f"{mean}{spread}{_DAGGER if row.collapsed else ''}"


def _comment(words: str) -> str:
    return f"% {' '.join(words.split())}"


def _line(entries: Iterable[str]) -> str:
    return rf"{' & '.join(entries)} \\"


def _spans(headings: Sequence[str], groups: Sequence[object]) -> Iterator[str]:
    """Write each heading over the neighbours of its group, with a rule below."""
    starts = [i for i in range(len(groups)) if not i or groups[i] != groups[i - 1]]
    spans = list(zip(starts, [*starts[1:], len(groups)], strict=True))
    headed = [
        rf"\multicolumn{{{end - start}}}{{c}}{{{escape(headings[start])}}}" for start, end in spans
    ]
    yield _line(["", *headed])
    yield "".join(rf"\cmidrule(lr){{{start + 2}-{end + 1}}}" for start, end in spans)
