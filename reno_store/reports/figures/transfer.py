"""Transfer: accuracy by training corpus and test corpus, as a matrix."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle

from reno_store.conclusions.names import cell_title
from reno_store.reports.figures.files import Figure, file_name
from reno_store.reports.figures.style import (
    COLUMN_WIDTH,
    SHARES,
    fit,
    in_style,
    ink_on,
    new_canvas,
)
from reno_store.reports.figures.text import LINE_HEIGHT, shorten_all, text_width
from reno_store.runtime.numbers import decimal
from reno_store.studies import Cell, DatasetFacts, Study
from reno_store.studies.scores import COLLAPSED

__all__ = ["transfer_figures"]

_TOGETHER = "all others"
_WIDEST_NAME = 1.25
_AROUND_TEXT = 0.16
_MARGIN = _WIDEST_NAME + 0.35
"""At most the inches left of the cells."""
_WITHIN = ("speaker", "loso", "paper")
"""Protocols whose accuracy is on the diagonal: the first that the study has."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A cell of the study, and the dataset or pair that it tests."""

    cell: Cell
    facts: DatasetFacts

    @property
    def accuracy(self) -> float:
        return self.cell.mean("accuracy")

    @property
    def text(self) -> str:
        mark = COLLAPSED if self.cell.n_collapsed else ""
        guess = decimal(100 * self.facts.majority)
        return f"{decimal(100 * self.accuracy)}{mark}\n({guess})"


def transfer_figures(study: Study) -> list[Figure]:
    """Return a matrix for each estimator, on the models that it transfers best with.

    Rows are the corpora that are trained on, columns those that are tested. The diagonal has the
    accuracy within a corpus where the study has that. A study with fewer than two pairs has none.

    Parameters
    ----------
    study : Study
        Computed or not.
    """
    pairs = [facts for facts in study.datasets if facts.transfer is not None]
    if len(pairs) < 2:
        return []
    found: dict[tuple[str, tuple[str, ...]], dict[tuple[str, str], _Entry]] = {}
    for facts in pairs:
        for cell in study.select(dataset=facts.name, computed=True):
            entries = found.setdefault((cell.name, cell.models), {})
            entries.setdefault(_place(facts), _Entry(cell, facts))
    chosen = []
    for name in dict.fromkeys(name for name, _ in found):
        own = [entries for (estimator, _), entries in found.items() if estimator == name]
        chosen.append((max(own, key=_order_of_choice), len(own)))
    chosen.sort(key=lambda each: _order_of_choice(each[0]), reverse=True)
    return [_figure(study, best, n_models=n_models) for best, n_models in chosen]


def _order_of_choice(entries: Mapping[tuple[str, str], _Entry]) -> tuple[int, float]:
    return len(entries), _mean(entries)


def _place(facts: DatasetFacts) -> tuple[str, str]:
    """Return the row and the column of a pair."""
    assert facts.transfer is not None
    pair = facts.transfer.pair
    return (pair.train_on[0] if len(pair.train_on) == 1 else _TOGETHER), pair.test_on


def _mean(entries: Mapping[tuple[str, str], _Entry]) -> float:
    return sum(entry.accuracy for entry in entries.values()) / len(entries)


def _figure(study: Study, across: Mapping[tuple[str, str], _Entry], n_models: int) -> Figure:
    first = next(iter(across.values())).cell
    within = _within(study, first, dict.fromkeys(column for _, column in across))
    entries = {**across, **{(name, name): entry for name, entry in within.items()}}
    title = f"Accuracy across corpora: {cell_title(first)}"
    sentences = [
        "Means over seeds. In brackets: the accuracy of always guessing the most frequent label of "
        "the clips that are tested. These differ from pair to pair, as their labels do: compare an "
        "accuracy with its bracket before comparing it with others."
    ]
    if n_models > 1:
        sentences.append(
            f"These models have the highest mean of {n_models} choices, measured on these clips."
        )
    if within:
        protocol = next(iter(within.values())).cell.protocol
        sentences.append(f"Framed: within a corpus, protocol {protocol}, with all of its labels.")
    if any(entry.cell.n_collapsed for entry in entries.values()):
        sentences.append("\N{DAGGER}: collapsed in some fold.")
    return Figure(
        name=file_name("transfer", first.name, "+".join(first.models)),
        kind="transfer",
        title=title,
        caption="Accuracy (%) by training corpus (row) and test corpus (column); in brackets that "
        "of guessing.",
        details=" ".join(sentences),
        dataset="across corpora",
        draw=functools.partial(_draw, entries, set(within), study.request.datasets),
    )


def _within(
    study: Study, like: Cell, names: Sequence[str] | Mapping[str, None]
) -> dict[str, _Entry]:
    """Return the cells within corpora of the same estimator, settings and models."""
    for protocol in _WITHIN:
        found = {
            cell.dataset: _Entry(cell, study.dataset(cell.dataset))
            for cell in study.select(protocol=protocol, models=like.models, computed=True)
            if cell.name == like.name and cell.dataset in names
        }
        if found:
            return found
    return {}


@in_style
def _draw(
    entries: Mapping[tuple[str, str], _Entry],
    within: set[str],
    order: Sequence[str],
) -> Canvas:
    tested = dict.fromkeys(column for _, column in entries)
    columns = [name for name in order if name in tested]
    rows = sorted(dict.fromkeys(row for row, _ in entries), key=lambda row: _order(row, columns))
    names = shorten_all(columns, _WIDEST_NAME)
    widest = max(text_width(line) for e in entries.values() for line in e.text.split("\n"))
    wide = max(widest, *map(text_width, names)) + _AROUND_TEXT
    high = 2 * LINE_HEIGHT + _AROUND_TEXT

    canvas = new_canvas(COLUMN_WIDTH)
    axes = canvas.subplots()
    for (row, column), entry in entries.items():
        x, y = columns.index(column), rows.index(row)
        fill = SHARES(entry.accuracy)
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=fill, edgecolor="white"))
        if row == column and row in within:
            frame = Rectangle((x - 0.44, y - 0.44), 0.88, 0.88, fill=False, edgecolor=ink_on(fill))
            frame.set_label("within")
            axes.add_patch(frame)
        axes.text(x, y, entry.text, ha="center", va="center", color=ink_on(fill), linespacing=1.2)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), names)
    axes.set_yticks(range(len(rows)), shorten_all(rows, _WIDEST_NAME))
    axes.set_xlabel("tested")
    axes.set_ylabel("trained on")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    width = max(COLUMN_WIDTH, len(columns) * wide + _MARGIN)
    canvas.set_size_inches(width, len(rows) * high + 1)
    fit(axes, height=len(rows) * high)
    return canvas


def _order(row: str, columns: Sequence[str]) -> tuple[int, str]:
    """Put rows in the order of the columns, those that are never tested next, all others last."""
    if row == _TOGETHER:
        return len(columns) + 1, row
    return (columns.index(row), row) if row in columns else (len(columns), row)
