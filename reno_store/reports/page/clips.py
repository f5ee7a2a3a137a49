"""The clips of a study: where they lie in a map, and which ones are mistaken."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from reno_store.conclusions import Answer
from reno_store.reports.figures.maps import FEWEST_CLIPS, MOST_CLIPS, LayOut
from reno_store.reports.figures.neighbours import standardize, subsample
from reno_store.runtime.numbers import decimal
from reno_store.samples import Samples
from reno_store.studies import Cell, Study
from reno_store.studies.predictions import predictions_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Clip", "ClipsOfDataset", "Load", "Point", "clips_of"]

Load: TypeAlias = Callable[[str, str], Samples]
"""(dataset, model) -> samples."""

MOST_MISTAKES = 20
_COLUMNS = ("clip_id", "label", "speaker", "predicted", "confidence")
_WIDTH, _HEIGHT, _BORDER = 1000, 640, 14


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip and what a cell predicted for it.

    Attributes
    ----------
    clip_id, label, speaker : str
        As in the store; `speaker` is empty where unknown.
    predicted : str
        The prediction; empty where the clip was not tested.
    confidence : float
        Probability of the predicted label; NaN where it is not known.
    n_agreeing : int
        Cells of the same dataset and protocol, this one included, with the same prediction.
    audio : str
        A recording as a ``data:`` address; empty by default.
    """

    clip_id: str
    label: str
    speaker: str
    predicted: str = ""
    confidence: float = math.nan
    n_agreeing: int = 0
    audio: str = ""

    @property
    def mistaken(self) -> bool:
        """Whether the prediction is wrong."""
        return self.predicted not in ("", self.label)

    @property
    def words(self) -> str:
        """The clip in one line."""
        parts = [self.clip_id, self.label]
        if self.predicted:
            sure = f" ({decimal(self.confidence, 2)})" if math.isfinite(self.confidence) else ""
            parts.append(f"predicted {self.predicted}{sure}")
        if self.speaker:
            parts.append(f"speaker {self.speaker}")
        return " · ".join(parts)


@dataclass(frozen=True, slots=True)
class Point:
    """A clip on the map; x and y are whole numbers, y downwards."""

    clip: Clip
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class ClipsOfDataset:
    """The clips of one dataset.

    Attributes
    ----------
    cell : Cell
        The cell whose predictions are shown.
    n_cells : int
        Cells of the same protocol, this one included.
    n_clips, n_mistaken : int
        Tested clips, and how many of them are mistaken.
    mistakes : tuple[Clip, ...]
        The most confidently mistaken clips; where no confidence was kept, those that most cells
        mistake in the same way.
    model : str
        Whose embeddings the map shows; empty without a map.
    points : tuple[Point, ...]
        The map.
    labels : tuple[str, ...]
        Sorted; a point's colour and marker are those of its label's place here.
    size : tuple[int, int]
        Width and height of the map, in the unit of the points.
    n_silent : int
        Mistakes whose recording was asked for and not found, or is another than the store's.
    """

    cell: Cell
    n_cells: int
    n_clips: int
    n_mistaken: int
    mistakes: tuple[Clip, ...]
    model: str = ""
    points: tuple[Point, ...] = ()
    labels: tuple[str, ...] = ()
    size: tuple[int, int] = (_WIDTH, _HEIGHT)
    n_silent: int = 0

    @property
    def confident(self) -> bool:
        """Whether probabilities are known."""
        return any(math.isfinite(clip.confidence) for clip in self.mistakes)

    def with_audio(self, audio: Mapping[str, str]) -> ClipsOfDataset:
        """Return the same with recordings: clip id -> ``data:`` address."""

        def heard(clip: Clip) -> Clip:
            return replace(clip, audio=audio.get(clip.clip_id, ""))

        mistakes = tuple(map(heard, self.mistakes))
        n_silent = sum(not clip.audio for clip in mistakes)
        return replace(self, mistakes=mistakes, n_silent=n_silent)


def clips_of(
    study: Study, answer: Answer, load: Load | None, lay_out: LayOut, *, seed: int = 0
) -> ClipsOfDataset:
    """Return the clips of one dataset, with the predictions of its best cell.

    Where no probabilities of the best cell are known, the next one that cannot be told from it
    and has them is taken. With several seeds, the predictions are those of the first.

    Parameters
    ----------
    study : Study
        Its store is read again.
    answer : Answer
        Of a dataset, not of a pair of corpora.
    load : Callable, optional
        (dataset, model) -> samples; without it there is no map.
    lay_out : Callable
        Computes the map.
    seed : int
        Seed of the map.

    Raises
    ------
    StaleStoreError
        If the clips in the store are no longer those of the study.
    """
    best = _shown(answer)
    others = [
        cell
        for cell in study.select(dataset=best.dataset, protocol=best.protocol, computed=True)
        if cell is not best
    ]
    own, *rest = predictions_of(study, [best, *others])
    tested = _first_seed(own, best)
    agreeing = np.ones(len(tested), np.int64)
    for each, cell in zip(rest, others, strict=True):
        agreeing += _first_seed(each, cell)["predicted"].to_numpy() == tested["predicted"]
    columns = (tested[name].tolist() for name in _COLUMNS)
    rows: Iterator[tuple[Any, ...]] = zip(*columns, agreeing.tolist(), strict=True)
    clips = {row[0]: Clip(*row) for row in rows}
    mistaken = [clip for clip in clips.values() if clip.mistaken]
    found = ClipsOfDataset(
        best,
        n_cells=1 + len(others),
        n_clips=len(clips),
        n_mistaken=len(mistaken),
        mistakes=tuple(sorted(mistaken, key=_order)[:MOST_MISTAKES]),
        labels=best.labels,
    )
    model = next(
        (
            each.standing.cell.models[0]
            for each in answer.ranking
            if len(each.standing.cell.models) == 1
        ),
        best.models[0],
    )
    if load is None:
        return found
    samples = load(best.dataset, model)
    if len(samples.y) < FEWEST_CLIPS:
        return found
    return replace(found, model=model, points=_points(samples, clips, lay_out, seed))


def _shown(answer: Answer) -> Cell:
    """Return the highest cell that has confidences and cannot be told from the best; else that."""
    leading = [each.standing.cell for each in answer.ranking if each.group == 1]
    known = (cell for cell in leading if all(fold.confidence for fold in cell.folds))
    return next(known, answer.best.cell)


def _first_seed(predictions: pd.DataFrame, cell: Cell) -> pd.DataFrame:
    """Return the predictions of the first seed, a row per clip, in the order of the clips' ids."""
    own = predictions[predictions["seed"] == cell.seeds[0]]
    return own.sort_values("clip_id", kind="stable", ignore_index=True)


def _order(clip: Clip) -> tuple[float, int, str]:
    sure = clip.confidence if math.isfinite(clip.confidence) else -1.0
    return (-sure, -clip.n_agreeing, clip.clip_id)


def _points(
    samples: Samples, clips: Mapping[str, Clip], lay_out: LayOut, seed: int
) -> tuple[Point, ...]:
    rows = subsample(samples.y, MOST_CLIPS, seed)
    places = np.asarray(lay_out(standardize(samples.X[rows]), seed), np.float64)
    low, spread = places.min(axis=0), np.maximum(np.ptp(places, axis=0), 1e-12)
    room = np.array([_WIDTH, _HEIGHT]) - 2 * _BORDER
    whole = np.rint(_BORDER + (places - low) / spread * room).astype(int)
    names: Sequence[str] = samples.clip_ids[rows].tolist()
    speakers = np.full(len(samples.y), "") if samples.groups is None else samples.groups
    points = []
    for name, label, speaker, (x, y) in zip(
        names, samples.y[rows].tolist(), speakers[rows].tolist(), whole.tolist(), strict=True
    ):
        points.append(Point(clips.get(name, Clip(name, label, speaker)), x, _HEIGHT - y))
    # Mistaken clips are drawn last, above the others.
    return tuple(sorted(points, key=lambda point: point.clip.mistaken))
