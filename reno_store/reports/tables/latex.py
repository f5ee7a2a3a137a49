r"""A study's tables as LaTeX, laid out as the paper's: models down, datasets across.

Table I has a section per estimator, Table II two estimators side by side. The tables need
``\usepackage{booktabs}`` and span both columns of a page that has two. They are written here
and not by pandas' Styler, which knows neither section rows nor rules under groups of columns.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reno_store.conclusions.names import estimator_title
from reno_store.reports.commands import Commands, PythonCalls
from reno_store.reports.tables.results import mark_best, results_frame
from reno_store.studies import PROTOCOLS, Cell, Study
from reno_store.studies.classifiers import ESTIMATORS
from reno_store.studies.scores import PAPER_METRICS

__all__ = ["escape", "to_latex"]

_SIDE_BY_SIDE = 2
"""Estimators side by side in Table II, Concat and RENO in the paper; three would not fit a page."""

_DAGGER = r"\textsuperscript{\textdagger}"
_INITIALS = {"accuracy": "A", "macro_f1": "F1"}
_CAPTIONS = {"I": "Models alone", "II": "Fused models"}
_FAMILIES = {"mamba": "MAFM", "attention": "AAFM", "": "other"}
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


def to_latex(study: Study, commands: Commands | None = None) -> str:
    """Write a study's tables as LaTeX: one per protocol and number of the paper's tables.

    Accuracy and macro-F1 in per cent, the standard deviation after the mean in small type, the
    best of each column in bold. Cells that were not computed are dashes; comments give the
    reasons. Table II continues in further tables for more than two estimators.

    Parameters
    ----------
    study : Study
        Computed or not.
    commands : Commands, optional
        How comments describe what to run; Python calls by default.
    """
    commands = commands or PythonCalls()
    lines = [_comment(f"Made by: {commands.study(study)}"), r"% Needs \usepackage{booktabs}.", ""]
    frame = results_frame(study)
    frame = frame[frame["metric"].isin(PAPER_METRICS)]
    for protocol in dict.fromkeys(frame["protocol"]):
        own = frame[frame["protocol"] == protocol]
        alone, fused = (own[own["table"] == number] for number in ("I", "II"))
        if len(alone):
            lines += _Layout(study, alone, "I", protocol, commands).lines()
        columns = fused[["estimator", "settings"]].apply(tuple, axis="columns")
        order = [*ESTIMATORS, *fused["estimator"]]
        names = sorted(dict.fromkeys(columns), key=lambda name: order.index(name[0]))
        for part, start in enumerate(range(0, len(names), _SIDE_BY_SIDE)):
            chosen = fused[columns.isin(names[start : start + _SIDE_BY_SIDE])]
            lines += _Layout(study, chosen, "II", protocol, commands, part).lines()
    return "\n".join(lines)


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
        yield r"\begin{table*}[t]"
        # With these, Table II of three datasets is as wide as a page of two columns allows.
        yield r"\centering\footnotesize\setlength{\tabcolsep}{2.5pt}"
        yield rf"\caption{{{escape(self._caption())}}}"
        yield rf"\label{{tab:{self.number}-{self.protocol}{suffix}}}"
        yield rf"\begin{{tabular}}{{@{{}}l{'c' * len(across)}@{{}}}}"
        yield r"\toprule"
        yield from _spans([each[0] for each in across], [each[0] for each in across])
        if fused:
            yield from _spans([each[1] for each in across], [each[:2] for each in across])
        yield _line(["Models", *(_INITIALS[each[2]] for each in across)])
        for section, rows in sections.items():
            yield r"\midrule"
            heading = rf"\textit{{{escape(section)}}}"
            yield _line([rf"\multicolumn{{{1 + len(across)}}}{{l}}{{{heading}}}"])
            for models in rows:
                names = escape(" + ".join(map(self._short_name, models)))
                yield _line([names, *(entries.get((section, models, c), "--") for c in across)])
        yield r"\bottomrule"
        yield r"\end{tabular}"
        yield r"\end{table*}"
        yield ""

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
            f"{self.protocol}: {PROTOCOLS[self.protocol].description}. Accuracy (A) and macro-F1 "
            f"(F1) in %: mean and standard deviation over folds{folds}; the best of each column in "
            "bold."
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
