"""A study's cells as a sorted table, for computation and for notebooks.

Each cell has the interval of its score, and what guessing scores.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pandas as pd

from reno_store.conclusions.guessing import Standing, standings_of
from reno_store.conclusions.names import estimator_title
from reno_store.errors import UnknownNameError
from reno_store.runtime.notebooks import html_details, html_table, html_text, html_view
from reno_store.runtime.numbers import count, decimal, per_cent, score
from reno_store.studies import METRICS, Cell, DatasetFacts, Study
from reno_store.studies.frames import names_of
from reno_store.studies.scores import COLLAPSED, Metric

__all__ = ["COLUMNS", "guesses_of", "html_of", "leaderboard_of", "select_cells"]

COLUMNS = ("rank", "dataset", "protocol", "estimator", "settings", "models")
"""First columns of a leaderboard; those of scores follow."""


def leaderboard_of(
    study: Study,
    *,
    dataset: str | None = None,
    protocol: str | None = None,
    metric: Metric = "accuracy",
) -> pd.DataFrame:
    """Return the computed cells, the best first; see `Study.leaderboard`."""
    if metric not in METRICS:
        raise UnknownNameError.among("metric", metric, METRICS)
    chosen = {id(cell) for cell in select_cells(study, dataset=dataset, protocol=protocol)}
    standings = [each for each in standings_of(study, metric) if id(each.cell) in chosen]
    families: dict[tuple[str, str], list[Standing]] = defaultdict(list)
    for each in standings:
        families[each.cell.dataset, each.cell.protocol].append(each)
    rows: list[dict[str, Any]] = []
    for family in families.values():
        # Of equal cells the first stays first.
        family.sort(key=lambda each: (each.cell.n_collapsed > 0, -each.score))
        facts = study.dataset(family[0].cell.dataset)
        rows += [_row(each, facts, rank) for rank, each in enumerate(family, start=1)]
    others = [each for each in METRICS if each != metric]
    guesses = ("chance", "majority", "beats_guessing")
    columns = (*COLUMNS, metric, "low", "high", *guesses, *others, "n", "n_collapsed")
    return pd.DataFrame(rows, columns=list(columns)).astype({"beats_guessing": "boolean"})


def select_cells(
    study: Study, *, dataset: str | None = None, protocol: str | None = None
) -> list[Cell]:
    """Return the computed cells of a dataset, a protocol, or all.

    Raises
    ------
    UnknownNameError
        If the study has no such dataset or protocol.
    """
    datasets = [each.name for each in study.datasets]
    for kind, name, names in (
        ("dataset of the study", dataset, datasets),
        ("protocol of the study", protocol, study.request.protocols),
    ):
        if name is not None and name not in names:
            raise UnknownNameError.among(kind, name, names)
    return list(study.select(dataset=dataset, protocol=protocol, computed=True))


def guesses_of(facts: DatasetFacts, metric: Metric) -> tuple[float, float]:
    """Return what guessing scores: labels with their frequencies, and always the most frequent.

    For accuracy the first is one over the number of labels, as everywhere: guesses of all labels
    equally often. For the other metrics, which give each label the same weight, both kinds of
    guesses score the same.
    """
    chance = 1 / max(1, len(facts.labels))
    often = {
        "accuracy": facts.majority,
        "balanced_accuracy": chance,
        "macro_f1": 2 * facts.majority / (1 + facts.majority) * chance,
    }
    return chance, often[metric]


def _row(standing: Standing, facts: DatasetFacts, rank: int) -> dict[str, Any]:
    cell = standing.cell
    low, high = standing.interval
    chance, majority = guesses_of(facts, standing.metric)
    if standing.metric == "accuracy":
        majority = standing.guessing  # on the same folds, which may differ in size
    return {
        "rank": rank,
        **names_of(cell),
        **{metric: cell.mean(metric) for metric in METRICS},
        "low": low,
        "high": high,
        "chance": chance,
        "majority": majority,
        "beats_guessing": standing.beats_guessing,
        "n": cell.n,
        "n_collapsed": cell.n_collapsed,
    }


def html_of(study: Study) -> str:
    """Return what a notebook shows of a study: its best cells, and which were not computed."""
    parts: list[str] = []
    for facts in study.datasets:
        size = f"{count(facts.n_clips, 'clip')}, {count(len(facts.labels), 'label')}"
        parts += [html_text(f"{facts.name}: {size}, {count(facts.n_speakers, 'speaker')}")]
        cells = list(study.select(dataset=facts.name))
        for protocol in dict.fromkeys(cell.protocol for cell in cells if cell.computed):
            board = leaderboard_of(study, dataset=facts.name, protocol=protocol)
            best, others = _html_rows(board[:_SHOWN]), _html_rows(board[_SHOWN:])
            parts.append(html_table(_HEADINGS, best, f"{facts.name}, protocol {protocol}"))
            if others:
                parts.append(html_details(f"{len(others)} more", html_table(_HEADINGS, others)))
            chance, majority = (per_cent(board[name].iloc[0]) for name in ("chance", "majority"))
            guesses = f"chance {chance}, always the most frequent label {majority}"
            parts.append(html_text(f"Accuracy of guessing: {guesses}."))
    missing = [cell for cell in study.cells if not cell.computed]
    if missing:
        rows = [[*names_of(cell).values(), cell.reason or "not computed"] for cell in missing]
        reasons = html_table([*names_of(missing[0]), "reason"], rows)
        parts.append(html_details(f"{len(missing)} not computed", reasons))
    parts.append(html_text("Scores are means over folds in per cent, with 95 % intervals."))
    if any(cell.n_collapsed for cell in study.cells):
        parts.append(html_text(f"{COLLAPSED.strip()} The classifier did not learn in some fold."))
    return html_view(f"Study of {study.store.name}", *parts)


_SHOWN = 10
_HEADINGS = ("", "estimator", "models", "accuracy", "95 % interval", "macro-F1", "folds")


def _html_rows(board: pd.DataFrame) -> list[list[Any]]:
    rows = []
    for row in board.to_dict("records"):
        settings = f"({row['settings']})" if row["settings"] else ""
        low, high = (decimal(100 * row[end]) for end in ("low", "high"))
        rows.append(
            [
                row["rank"],
                estimator_title(row["estimator"]) + settings,
                row["models"],
                score(100 * row["accuracy"], mark=COLLAPSED if row["n_collapsed"] else ""),
                f"{low} to {high}" if row["low"] == row["low"] else "",
                score(100 * row["macro_f1"]),
                row["n"],
            ]
        )
    return rows
