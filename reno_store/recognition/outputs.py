"""Predictions as text: csv, json, jsonl, lines for a terminal; labels for Audacity and Praat.

Each format is a function from predictions to pieces of text, so that nothing waits for the end
but what must be counted before it is written.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from reno_store.errors import RecognizerError
from reno_store.runtime.numbers import per_cent

if TYPE_CHECKING:
    import numpy as np

    from reno_store.recognition.predicting import Prediction

__all__ = ["FORMATS", "FORMAT_OF_ENDING", "format_predictions"]

_Write: TypeAlias = "Callable[[Iterable[Prediction], Sequence[str], int], Iterator[str]]"

FORMAT_OF_ENDING: Mapping[str, str] = MappingProxyType(
    {
        ".csv": "csv",
        ".json": "json",
        ".jsonl": "jsonl",
        ".txt": "audacity",
        ".textgrid": "textgrid",
    }
)
"""Ending of a file, in lower case -> format."""


def format_predictions(
    form: str, predictions: Iterable[Prediction], classes: Sequence[Any], *, top: int = 3
) -> Iterator[str]:
    """Yield predictions as text.

    Parameters
    ----------
    form : str
        A name in `FORMATS`.
    predictions : Iterable[Prediction]
        Of recordings, or of windows.
    classes : Sequence
        The labels, in the order of the probabilities.
    top : int
        How many labels a line for a terminal shows. The other formats have all of them.

    Raises
    ------
    RecognizerError
        If the format is for windows, and the predictions are of whole recordings or of several.
    """
    return FORMATS[form](predictions, [str(label) for label in classes], top)


def _best(prediction: Prediction, labels: Sequence[str]) -> tuple[str, float]:
    assert prediction.probabilities is not None
    place = int(prediction.probabilities.argmax())
    return labels[place], _rounded(prediction.probabilities[place])


def _rounded(probability: np.float64) -> float:
    """Return ten digits: those after them depend on which recordings are predicted together."""
    return float(f"{probability:.10g}")


def _text(predictions: Iterable[Prediction], labels: Sequence[str], top: int) -> Iterator[str]:
    for each in predictions:
        where = str(each.recording.path)
        if each.start_s is not None and each.end_s is not None:
            where += f"  {each.start_s:.2f}-{each.end_s:.2f} s"
        if each.probabilities is None:
            yield f"{where}: failed: {each.problem.removeprefix(f'{where}: ')}\n"
            continue
        order = (-each.probabilities).argsort(kind="stable")[:top]
        shown = ", ".join(f"{labels[n]} {per_cent(float(each.probabilities[n]))}" for n in order)
        yield f"{where}: {shown}\n"


def _csv(predictions: Iterable[Prediction], labels: Sequence[str], top: int) -> Iterator[str]:
    head: list[str] | None = None
    for each in predictions:
        row: dict[str, Any] = {"path": each.recording.path, "clip_id": each.recording.clip_id}
        row |= {"start_s": _seconds(each.start_s), "end_s": _seconds(each.end_s)}
        if each.probabilities is not None:
            row["label"], probability = _best(each, labels)
            row["probability"] = probability
            row |= {
                f"p({label})": _rounded(p)
                for label, p in zip(labels, each.probabilities, strict=True)
            }
        row["problem"] = each.problem
        if head is None:
            head = ["path", "clip_id", "start_s", "end_s", "label", "probability"]
            head += [*(f"p({label})" for label in labels), "problem"]
            yield _csv_line(head)
        yield _csv_line([row.get(name, "") for name in head])


def _csv_line(values: Sequence[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.6g}"


def _record(each: Prediction, labels: Sequence[str]) -> dict[str, Any]:
    record: dict[str, Any] = {"path": str(each.recording.path)}
    if each.recording.clip_id:
        record["clip_id"] = each.recording.clip_id
    if each.start_s is not None:
        record |= {"start_s": each.start_s, "end_s": each.end_s}
    if each.probabilities is None:
        return {**record, "problem": each.problem}
    label, probability = _best(each, labels)
    probabilities = dict(zip(labels, map(_rounded, each.probabilities), strict=True))
    return {**record, "label": label, "probability": probability, "probabilities": probabilities}


def _jsonl(predictions: Iterable[Prediction], labels: Sequence[str], top: int) -> Iterator[str]:
    for each in predictions:
        yield json.dumps(_record(each, labels), ensure_ascii=False) + "\n"


def _json(predictions: Iterable[Prediction], labels: Sequence[str], top: int) -> Iterator[str]:
    before = "[\n"
    for each in predictions:
        yield before + json.dumps(_record(each, labels), ensure_ascii=False)
        before = ",\n"
    yield "\n]\n" if before == ",\n" else "[]\n"


def _audacity(predictions: Iterable[Prediction], labels: Sequence[str], top: int) -> Iterator[str]:
    """Yield lines of a label track: start, end and text, with tabs between them."""
    for each in _of_one_recording(predictions, "audacity"):
        label, probability = _best(each, labels)
        plain = " ".join(label.split())
        yield f"{each.start_s:.6f}\t{each.end_s:.6f}\t{plain} {100 * probability:.0f}%\n"


def _textgrid(predictions: Iterable[Prediction], labels: Sequence[str], top: int) -> Iterator[str]:
    """Yield a TextGrid in Praat's long format, with a tier of labels and one of probabilities.

    Intervals of a tier must not overlap. Where windows do, each interval reaches from the middle
    of the overlap with the window before to the middle of the overlap with the next.
    """
    windows = list(_of_one_recording(predictions, "textgrid"))
    starts = [float(each.start_s or 0.0) for each in windows]
    ends = [float(each.end_s or 0.0) for each in windows]
    inner = [(start + end) / 2 for start, end in zip(starts[1:], ends, strict=False)]
    bounds = [0.0, *inner, ends[-1]]
    best = [_best(each, labels) for each in windows]
    tiers = {
        "label": [label for label, _ in best],
        "probability": [f"{probability:.4f}" for _, probability in best],
    }
    yield 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
    yield f"xmin = 0\nxmax = {bounds[-1]:.6f}\ntiers? <exists>\nsize = {len(tiers)}\nitem []:\n"
    for number, (name, texts) in enumerate(tiers.items(), start=1):
        yield f'    item [{number}]:\n        class = "IntervalTier"\n        name = "{name}"\n'
        yield f"        xmin = 0\n        xmax = {bounds[-1]:.6f}\n"
        yield f"        intervals: size = {len(texts)}\n"
        for place, text in enumerate(texts):
            quoted = " ".join(text.split()).replace('"', '""')
            yield (
                f"        intervals [{place + 1}]:\n"
                f"            xmin = {bounds[place]:.6f}\n"
                f"            xmax = {bounds[place + 1]:.6f}\n"
                f'            text = "{quoted}"\n'
            )


def _of_one_recording(predictions: Iterable[Prediction], form: str) -> Iterator[Prediction]:
    """Yield the windows of one recording; refuse anything else."""
    first = None
    for each in predictions:
        first = first or each.recording
        if each.recording is not first:
            raise RecognizerError(
                f"the format {form} has one recording per file; expected one, got several."
            )
        if each.probabilities is None:
            raise RecognizerError(f"{each.recording.path}: {each.problem}")
        if each.start_s is None:
            raise RecognizerError(f"the format {form} is for timelines, not for whole recordings.")
        yield each


FORMATS: Mapping[str, _Write] = MappingProxyType(
    {
        "text": _text,
        "csv": _csv,
        "json": _json,
        "jsonl": _jsonl,
        "audacity": _audacity,
        "textgrid": _textgrid,
    }
)
"""Name -> function; the last two are for the windows of one recording."""
