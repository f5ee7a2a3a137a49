"""The answer of a study for each dataset: what is best, and what cannot be told from it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reno_store.conclusions.answer_sentences import answer_sentences
from reno_store.conclusions.comparisons import Comparison, compare_study
from reno_store.conclusions.guessing import Standing, guessing_scores, standings_of
from reno_store.conclusions.ranking import Ranked, rank_cells
from reno_store.studies import Cell, DatasetFacts, Study
from reno_store.studies.scores import Metric

__all__ = ["RANKS_FIRST", "Answer", "answers_of"]

RANKS_FIRST = ("speaker", "loso", "paper")
"""Scores for voices never heard in training are what most users need."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a study shows for one dataset, or one pair of corpora.

    Attributes
    ----------
    dataset : str
        Its name.
    metric : str
        The score that ranks.
    protocol : str
        The protocol that ranks: ``speaker`` if the study has it, else ``loso``, else ``paper``.
    best : Standing
        The cell with the highest score, its interval, and whether it beats guessing. A cell that
        collapsed in some fold is never the best, unless all did.
    chance : float
        One over the number of labels: the accuracy of guessing all labels equally often.
    majority : float
        Accuracy of always guessing the most frequent label, the mean over the folds of the best
        cell. Where folds differ in size, it is not quite the label's share of the clips.
    beats_guessing : bool or None
        Whether any cell under the protocol beats guessing. None where no cell is shown to, and
        some are higher but cannot be tested.
    ranking : tuple[Ranked, ...]
        The cells under the protocol, the best first, in groups that cannot be told apart.
    sentences : tuple[str, ...]
        At most five, each complete on its own. If nothing beats guessing, the first one says so,
        and the others claim no differences.
    """

    dataset: str
    metric: Metric
    protocol: str
    best: Standing
    chance: float
    majority: float
    beats_guessing: bool | None
    ranking: tuple[Ranked, ...]
    sentences: tuple[str, ...]

    @property
    def ties(self) -> tuple[Cell, ...]:
        """The cells that cannot be told from the best, the highest first; without the best."""
        return tuple(each.standing.cell for each in self.ranking[1:] if each.group == 1)

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON values, in per cent and points; unknown numbers are None."""
        return {
            "dataset": self.dataset,
            "metric": self.metric,
            "protocol": self.protocol,
            "chance": 100 * self.chance,
            "majority": 100 * self.majority,
            "beats_guessing": self.beats_guessing,
            "ranking": [_ranked(each) for each in self.ranking],
            "sentences": list(self.sentences),
        }


def _ranked(ranked: Ranked) -> dict[str, Any]:
    standing, cell = ranked.standing, ranked.standing.cell
    low, high = standing.interval
    numbers = {
        "score": 100 * standing.score,
        "low": 100 * low,
        "high": 100 * high,
        "difference": 100 * ranked.difference,
        "p_holm": ranked.p_holm,
    }
    return {
        "group": ranked.group,
        "estimator": cell.estimator,
        "settings": dict(cell.settings),
        "models": list(cell.models),
        **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
        "beats_guessing": standing.beats_guessing,
    }


def answers_of(
    study: Study, comparisons: Iterable[Comparison] | None = None, metric: Metric = "accuracy"
) -> tuple[Answer, ...]:
    """Return what a study shows for each of its datasets, and for each pair of corpora.

    Parameters
    ----------
    study : Study
        Datasets without a computed cell are left out.
    comparisons : Iterable[Comparison], optional
        Those of `compare_study`, which is called by default. Other metrics are ignored.
    metric : str
        ``"accuracy"``, ``"macro_f1"`` or ``"balanced_accuracy"``.

    Raises
    ------
    UnknownNameError
        If the metric does not exist.
    ConclusionError
        As `compare_study`.
    """
    tested = tuple(compare_study(study, metric) if comparisons is None else comparisons)
    standings = standings_of(study, metric)
    answers = []
    for facts in study.datasets:
        own = tuple(each for each in standings if each.cell.dataset == facts.name)
        about = [c for c in tested if c.dataset == facts.name and c.metric == metric]
        if own:
            answers.append(_answer(study, facts, own, about, metric))
    return tuple(answers)


def _answer(
    study: Study,
    facts: DatasetFacts,
    standings: tuple[Standing, ...],
    comparisons: list[Comparison],
    metric: Metric,
) -> Answer:
    scored = [each.cell.protocol for each in standings]
    protocol = next((name for name in RANKS_FIRST if name in scored), scored[0])
    ranking_ones = [each for each in standings if each.cell.protocol == protocol]
    ranking = rank_cells(ranking_ones, n_speakers=facts.n_speakers)
    beats = [each.beats_guessing for each in ranking_ones]
    beats_guessing = True if True in beats else None if None in beats else False
    return Answer(
        dataset=facts.name,
        metric=metric,
        protocol=protocol,
        best=ranking[0].standing,
        chance=1 / max(1, len(facts.labels)),
        majority=float(np.mean(guessing_scores(ranking[0].standing.cell, "accuracy"))),
        beats_guessing=beats_guessing,
        ranking=ranking,
        sentences=answer_sentences(
            study, facts, ranking, standings, comparisons, beats_guessing=beats_guessing
        ),
    )
