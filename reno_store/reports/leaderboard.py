"""A study's cells as a sorted table, for computation and for notebooks.

Each cell has the interval of its score, and what guessing scores.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from reno_store.conclusions.corrected import paired_test
from reno_store.conclusions.names import estimator_title
from reno_store.conclusions.resampling import scores_of
from reno_store.errors import UnknownNameError
from reno_store.runtime.notebooks import html_details, html_table, html_text, html_view
from reno_store.runtime.numbers import count, decimal, per_cent, score
from reno_store.studies import METRICS, Cell, DatasetFacts, Study
from reno_store.studies.frames import names_of
from reno_store.studies.scores import COLLAPSED, Metric

__all__ = ["COLUMNS", "guesses_of", "html_of", "interval_of", "leaderboard_of", "select_cells"]

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
    cells = select_cells(study, dataset=dataset, protocol=protocol)
    rows: list[dict[str, Any]] = []
    for where in dict.fromkeys((cell.dataset, cell.protocol) for cell in cells):
        here = [cell for cell in cells if (cell.dataset, cell.protocol) == where]
        # Of equal cells the first stays first.
        here.sort(key=lambda cell: (cell.n_collapsed > 0, -cell.mean(metric)))
        facts = study.dataset(where[0])
        rows += [_row(cell, facts, rank, metric) for rank, cell in enumerate(here, start=1)]
    others = [each for each in METRICS if each != metric]
    scores = (metric, "low", "high", "chance", "majority", *others, "n", "n_collapsed")
    return pd.DataFrame(rows, columns=[*COLUMNS, *scores])


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


def interval_of(cell: Cell, facts: DatasetFacts, metric: Metric) -> tuple[float, float]:
    """Return the 95 % confidence interval of a cell's mean score, cut off at 0 and 1.

    The variance is Nadeau and Bengio's, because folds share training clips. NaN for a single
    fold, and where all folds have the same score.
    """
    low, high = paired_test(scores_of(cell, metric, n_speakers=facts.n_speakers)).interval
    # In this order, min and max keep a NaN.
    return max(low, 0.0), min(high, 1.0)


def guesses_of(facts: DatasetFacts, metric: Metric) -> tuple[float, float]:
    """Return what guessing scores: any label at random, and always the most frequent one.

    For a label with share p of the clips among L labels, uniform guesses have precision p and
    recall 1 / L; the most frequent label, always guessed, has precision p and recall 1.
    """
    n = len(facts.labels)
    if not n:
        return float("nan"), float("nan")
    shares = [count / max(1, facts.n_clips) for count in facts.labels.values()]
    if metric == "accuracy":
        return 1 / n, facts.majority
    if metric == "balanced_accuracy":
        return 1 / n, 1 / n
    chance = sum(2 * share / n / (share + 1 / n) for share in shares) / n
    return chance, 2 * facts.majority / (1 + facts.majority) / n


def _row(cell: Cell, facts: DatasetFacts, rank: int, metric: Metric) -> dict[str, Any]:
    scores: dict[str, Any] = {each: cell.mean(each) for each in METRICS}
    scores["low"], scores["high"] = interval_of(cell, facts, metric)
    scores["chance"], scores["majority"] = guesses_of(facts, metric)
    counts = {"rank": rank, "n": cell.n, "n_collapsed": cell.n_collapsed}
    return {**names_of(cell), **scores, **counts}


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
            chance, majority = guesses_of(facts, "accuracy")
            guesses = f"chance {per_cent(chance)}, most frequent label {per_cent(majority)}"
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
